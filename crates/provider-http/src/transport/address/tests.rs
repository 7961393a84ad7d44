use super::*;

fn kind(address: &str) -> Option<AddressKind> {
    AddressKind::of(address.parse().expect("an address"))
}

#[test]
fn address_has_the_kind_of_its_network() {
    use AddressKind::*;
    for (address, expected) in [
        ("127.0.0.1", Some(Loopback)),
        ("127.255.255.254", Some(Loopback)),
        ("::1", Some(Loopback)),
        ("10.0.0.1", Some(Private)),
        ("172.16.0.1", Some(Private)),
        ("172.31.255.255", Some(Private)),
        ("172.32.0.1", None),
        ("192.168.1.1", Some(Private)),
        ("100.64.0.1", Some(CarrierNat)),
        ("100.128.0.1", None),
        ("169.254.1.1", Some(LinkLocal)),
        ("fe80::1", Some(LinkLocal)),
        ("fd12::1", Some(UniqueLocal)),
        ("fec0::1", Some(UniqueLocal)),
        ("224.0.0.1", Some(Multicast)),
        ("ff02::1", Some(Multicast)),
        ("169.254.169.254", Some(Metadata)),
        ("fd00:ec2::254", Some(Metadata)),
        ("168.63.129.16", Some(Metadata)),
        ("100.100.100.200", Some(Metadata)),
        ("0.0.0.0", Some(Unspecified)),
        ("0.1.2.3", Some(Unspecified)),
        ("::", Some(Unspecified)),
        ("255.255.255.255", Some(Reserved)),
        ("192.0.2.1", Some(Reserved)),
        ("198.18.0.1", Some(Reserved)),
        ("2001:db8::1", Some(Reserved)),
        ("2001::1", Some(Reserved)),
        ("5f00::1", Some(Reserved)),
        ("8.8.8.8", None),
        ("2606:4700::1111", None),
    ] {
        assert_eq!(kind(address), expected, "{address}");
    }
}

#[test]
fn policy_of_nothing_allows_what_is_named_alone() {
    let stand_in: SocketAddr = "127.0.0.1:8080".parse().expect("an address");
    let policy = AddressPolicy::nothing().allow_socket(stand_in);
    let check = |address: &str| policy.check(address.parse().expect("an address"));
    assert_eq!(check("127.0.0.1:8080"), Ok(()));
    assert_eq!(check("127.0.0.1:8081"), Err(AddressKind::Loopback));
    assert_eq!(check("8.8.8.8:443"), Err(AddressKind::Public));
    let policy = policy.clone().allow("8.8.0.0/16".parse().expect("a network"));
    assert_eq!(policy.check("8.8.8.8:443".parse().expect("an address")), Ok(()));
}

#[test]
fn ipv4_within_ipv6_has_its_own_kind() {
    use AddressKind::*;
    for (address, expected) in [
        ("::ffff:127.0.0.1", Some(Loopback)),
        ("::ffff:169.254.169.254", Some(Metadata)),
        ("::127.0.0.1", Some(Loopback)),
        ("::ffff:0:127.0.0.1", Some(Loopback)),
        ("64:ff9b::10.0.0.1", Some(Private)),
        ("2002:7f00:1::", Some(Loopback)),
        ("64:ff9b:1::1", Some(Reserved)),
        ("::ffff:8.8.8.8", None),
    ] {
        assert_eq!(kind(address), expected, "{address}");
    }
}

#[test]
fn allowed_network_is_allowed_in_every_spelling() {
    let policy = AddressPolicy::public().allow("10.1.0.0/16".parse().expect("a network"));
    for allowed in ["10.1.2.3:80", "[::ffff:10.1.2.3]:80", "8.8.8.8:80"] {
        assert_eq!(policy.check(allowed.parse().expect("an address")), Ok(()), "{allowed}");
    }
    let other = "10.2.0.1:80".parse().expect("an address");
    assert_eq!(policy.check(other), Err(AddressKind::Private));
    let mapped = AddressPolicy::public().allow("::ffff:10.0.0.0/104".parse().expect("a network"));
    assert_eq!(mapped.check(other), Ok(()));
}

#[test]
fn allowed_socket_is_one_port_alone() {
    let policy = AddressPolicy::public().allow_socket("127.0.0.1:4000".parse().expect("an address"));
    assert_eq!(policy.check("127.0.0.1:4000".parse().expect("an address")), Ok(()));
    assert_eq!(policy.check("127.0.0.1:4001".parse().expect("an address")), Err(AddressKind::Loopback));
}

#[test]
fn connection_with_one_address_at_both_ends_is_to_itself() {
    let socket = |text: &str| text.parse().expect("an address");
    let policy = AddressPolicy::public();
    let (own, other) = (socket("8.8.4.4:50000"), socket("8.8.8.8:443"));
    assert_eq!(policy.check_connection(own, other), Ok(()));
    assert_eq!(policy.check_connection(own, socket("8.8.4.4:443")), Err(AddressKind::Itself));
}

#[test]
fn network_is_read_with_its_prefix() {
    for (text, contained, outside) in [
        ("0.0.0.0/0", "255.1.2.3", "::1"),
        ("10.0.0.0/8", "10.255.0.0", "11.0.0.0"),
        ("10.0.0.1", "10.0.0.1", "10.0.0.2"),
        ("fd00::/8", "fdff::1", "fe00::1"),
        ("::/0", "2606::1", "1.1.1.1"),
    ] {
        let network: Network = text.parse().expect(text);
        assert!(network.contains(contained.parse().expect("an address")), "{text}");
        assert!(!network.contains(outside.parse().expect("an address")), "{text}");
    }
    for wrong in ["", "10.0.0.0/33", "10.0/8", "fd00::/129", "host/8", "10.0.0.0/-1"] {
        assert_eq!(wrong.parse::<Network>(), Err(NetworkParseError), "{wrong}");
    }
}
