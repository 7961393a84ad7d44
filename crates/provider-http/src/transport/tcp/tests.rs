use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::net::TcpListener;

use super::*;
use crate::transport::address::AddressKind;

fn tcp(policy: AddressPolicy, look_up: impl Fn(&str) -> Vec<IpAddr> + Send + Sync + 'static) -> Tcp {
    let lookup = Lookup::Fixed(Arc::new(look_up));
    Tcp { resolver: Resolver { lookup, policy: Some(Arc::new(policy)), port: 0 } }
}

/// The kind that a connection is refused for; `None` if it is made.
async fn refusal(tcp: &Tcp, target: &str) -> Option<AddressKind> {
    let error = tcp.clone().connect(target.parse().expect("a URI")).await.err()?;
    let mut cause: &(dyn StdError + 'static) = &*error;
    loop {
        if let Some(Fault::Forbidden(forbidden)) = cause.downcast_ref::<Fault>() {
            return Some(forbidden.kind);
        }
        cause = cause.source().unwrap_or_else(|| panic!("another failure: {error}"));
    }
}

#[tokio::test]
async fn name_is_refused_by_the_address_behind_it() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let look_up = |_: &str| vec![IpAddr::from([127, 0, 0, 1])];
    let target = format!("http://service.example:{port}/v1");
    let guarded = tcp(AddressPolicy::public(), look_up);
    assert_eq!(refusal(&guarded, &target).await, Some(AddressKind::Loopback));
    let loopback = "127.0.0.0/8".parse().expect("a network");
    assert_eq!(refusal(&tcp(AddressPolicy::public().allow(loopback), look_up), &target).await, None);
    let one = AddressPolicy::public().allow_socket(SocketAddr::from(([127, 0, 0, 1], port)));
    let one = tcp(one, look_up);
    assert_eq!(refusal(&one, &target).await, None);
    let other = format!("http://service.example:{}/v1", port ^ 1);
    assert_eq!(refusal(&one, &other).await, Some(AddressKind::Loopback));
}

#[tokio::test]
async fn name_that_changes_between_two_looks_gains_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let looks = Arc::new(AtomicUsize::new(0));
    let look_up = {
        let looks = looks.clone();
        move |_: &str| match looks.fetch_add(1, Ordering::Relaxed) {
            0 => vec![IpAddr::from([127, 0, 0, 1])],
            _ => vec![IpAddr::from([169, 254, 169, 254])],
        }
    };
    let policy = AddressPolicy::public().allow("127.0.0.1".parse().expect("a network"));
    let guarded = tcp(policy, look_up);
    let target = format!("http://rebinding.example:{port}/");
    // One look for each connection: the address that is checked is the one that is connected to.
    assert_eq!(refusal(&guarded, &target).await, None);
    assert_eq!(looks.load(Ordering::Relaxed), 1);
    assert_eq!(refusal(&guarded, &target).await, Some(AddressKind::Metadata));
}

#[tokio::test]
async fn forbidden_addresses_of_a_name_are_left_out() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let policy = AddressPolicy::public().allow("127.0.0.1".parse().expect("a network"));
    let mixed = tcp(policy, |_| vec![IpAddr::from([10, 0, 0, 1]), IpAddr::from([127, 0, 0, 1])]);
    let target = format!("http://mixed.example:{port}/").parse().expect("a URI");
    let connection = mixed.connect(target).await.expect("a connection");
    assert_eq!(connection.inner().peer_addr().expect("a peer").ip(), IpAddr::from([127, 0, 0, 1]));
}

#[tokio::test]
async fn address_in_place_of_a_name_is_refused() {
    let guarded = tcp(AddressPolicy::public(), |name| panic!("{name} was looked up"));
    for (target, kind) in [
        ("http://127.0.0.1:1/", AddressKind::Loopback),
        ("http://[::1]:1/", AddressKind::Loopback),
        ("http://[::ffff:7f00:1]:1/", AddressKind::Loopback),
        ("https://10.1.2.3/", AddressKind::Private),
        ("https://169.254.169.254/latest", AddressKind::Metadata),
        ("https://[fd00::1]/", AddressKind::UniqueLocal),
    ] {
        assert_eq!(refusal(&guarded, target).await, Some(kind), "{target}");
    }
}

/// The system's look-up reads them as addresses, as `inet_aton` does; where it does not, there is none.
#[tokio::test]
async fn other_spellings_of_an_address_are_refused() {
    let guarded = Tcp::new(Some(Arc::new(AddressPolicy::public())));
    for host in ["2130706433", "0177.0.0.1", "0x7f.1", "127.1", "127.0.0.1.", "localhost", "localhost."] {
        let target = format!("http://{host}:1/").parse().expect("a URI");
        let error = guarded.clone().connect(target).await.expect_err(host);
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
        assert!(text.contains("not allowed") || text.contains("failed to lookup"), "{host}: {text}");
    }
}
