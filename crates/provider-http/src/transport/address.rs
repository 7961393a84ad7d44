//! The addresses that a client may connect to: a guard against base URLs that point into the host's own
//! network (server-side request forgery).

use std::error::Error as StdError;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;

/// The addresses that a client may connect to. A host whose users choose base URLs gives one to its
/// [`HttpClient`](crate::HttpClient), or a base URL reaches what only the host can reach.
///
/// It is asked when a connection is made, of the address itself: behind the name server and for every
/// spelling of an address, so that a name that changes between two looks gains nothing. Of a name with
/// several addresses, those that are allowed are tried.
///
/// ```
/// use provider_http::{AddressKind, AddressPolicy, HttpClient};
///
/// let policy = AddressPolicy::public().allow("10.1.0.0/16".parse()?);
/// assert_eq!(policy.check("10.1.2.3:443".parse()?), Ok(()));
/// assert_eq!(policy.check("169.254.169.254:80".parse()?), Err(AddressKind::Metadata));
/// let http = HttpClient::builder().addresses(policy).build()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct AddressPolicy {
    networks: Vec<Network>,
    sockets: Vec<SocketAddr>,
    next_step: Option<Arc<str>>,
    trusts_proxies: bool,
    is_closed: bool,
}

/// The kind of an address that is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AddressKind {
    /// 127.0.0.0/8, `::1`.
    Loopback,
    /// 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16.
    Private,
    /// The shared addresses of a carrier's NAT, 100.64.0.0/10.
    CarrierNat,
    /// 169.254.0.0/16, `fe80::/10`.
    LinkLocal,
    /// `fc00::/7`, and `fec0::/10`, which it replaced.
    UniqueLocal,
    /// 224.0.0.0/4, `ff00::/8`.
    Multicast,
    /// The services that hand a cloud's virtual machines their credentials, such as 169.254.169.254.
    Metadata,
    /// 0.0.0.0/8, `::`.
    Unspecified,
    /// Reserved for tests, documentation or the future.
    Reserved,
    /// One of the host's own addresses.
    Itself,
    /// On the public internet, for a policy that begins with [nothing](AddressPolicy::nothing).
    Public,
}

/// A network, as in `10.0.0.0/8` or `fd00::/8`; without a prefix it is one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

/// The failure to read a [`Network`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NetworkParseError;

impl AddressPolicy {
    /// Allows the addresses of the public internet alone.
    pub fn public() -> Self {
        Self::default()
    }

    /// Allows no address, until some are allowed by name: for a host that must reach nothing but a stand-in.
    pub fn nothing() -> Self {
        Self { is_closed: true, ..Self::default() }
    }

    /// Allows a network as well, whatever its kind.
    #[must_use]
    pub fn allow(mut self, network: Network) -> Self {
        self.networks.push(network);
        self
    }

    /// Allows one port of one address as well.
    #[must_use]
    pub fn allow_socket(mut self, address: SocketAddr) -> Self {
        self.sockets.push(address);
        self
    }

    /// Says in errors what helps, as in "ask the operator to allow its network".
    #[must_use]
    pub fn next_step(mut self, next_step: impl Into<Arc<str>>) -> Self {
        self.next_step = Some(next_step.into());
        self
    }

    /// Lets requests go through the client's [proxies](crate::Proxies). A proxy looks names up by itself, so
    /// that it has to refuse what this policy would. Default: a client with a policy has no proxies.
    #[must_use]
    pub fn trust_proxies(mut self) -> Self {
        self.trusts_proxies = true;
        self
    }

    /// Checks an address.
    ///
    /// # Errors
    /// The kind of an address that is not allowed.
    pub fn check(&self, address: SocketAddr) -> Result<(), AddressKind> {
        let public = self.is_closed.then_some(AddressKind::Public);
        match AddressKind::of(address.ip()).or(public) {
            Some(kind) if !self.is_allowed(address) => Err(kind),
            _ => Ok(()),
        }
    }

    /// Checks the two ends of a connection: one to an address of this host's own has the same at both.
    pub(super) fn check_connection(&self, local: SocketAddr, peer: SocketAddr) -> Result<(), AddressKind> {
        self.check(peer)?;
        match canonical(local.ip()) == canonical(peer.ip()) && !self.is_allowed(peer) {
            true => Err(AddressKind::Itself),
            false => Ok(()),
        }
    }

    pub(crate) fn trusts_proxies(&self) -> bool {
        self.trusts_proxies
    }

    pub(super) fn refusal(&self, kind: AddressKind) -> ForbiddenAddress {
        ForbiddenAddress { kind, next_step: self.next_step.clone() }
    }

    fn is_allowed(&self, address: SocketAddr) -> bool {
        let ip = canonical(address.ip());
        let is_named = |socket: &SocketAddr| canonical(socket.ip()) == ip && socket.port() == address.port();
        self.networks.iter().any(|network| network.contains(ip)) || self.sockets.iter().any(is_named)
    }
}

impl AddressKind {
    /// The kind of an address; `None` for one on the public internet. An IPv4 address within an IPv6 one
    /// (mapped, NAT64, 6to4) is of its own kind.
    pub fn of(address: IpAddr) -> Option<Self> {
        match canonical(address) {
            IpAddr::V4(address) => of_v4(address),
            IpAddr::V6(address) => of_v6(address),
        }
    }
}

impl Network {
    /// Whether an address is in the network.
    pub fn contains(&self, address: IpAddr) -> bool {
        let bits = |address: Ipv6Addr, length: u32, prefix: u8| {
            address.to_bits().checked_shr(length - u32::from(prefix)).unwrap_or(0)
        };
        match (self.address, canonical(address)) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let (network, address) = (network.to_ipv6_mapped(), address.to_ipv6_mapped());
                bits(network, 32, self.prefix) == bits(address, 32, self.prefix)
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                bits(network, 128, self.prefix) == bits(address, 128, self.prefix)
            }
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = NetworkParseError;

    fn from_str(text: &str) -> Result<Self, NetworkParseError> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| NetworkParseError)?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Ok(most), str::parse).map_err(|_| NetworkParseError)?;
        if prefix > most {
            return Err(NetworkParseError);
        }
        match (address, canonical(address)) {
            // Of a mapped address, the prefix counts the 96 bits in front.
            (IpAddr::V6(_), short @ IpAddr::V4(_)) if prefix >= 96 => {
                Ok(Self { address: short, prefix: prefix - 96 })
            }
            _ => Ok(Self { address, prefix }),
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

impl fmt::Display for NetworkParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("must be a network as in 10.0.0.0/8 or fd00::/8")
    }
}

impl StdError for NetworkParseError {}

impl fmt::Display for AddressKind {
    /// `a loopback address`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Loopback => "a loopback address",
            Self::Private => "a private address",
            Self::CarrierNat => "an address of a carrier's NAT",
            Self::LinkLocal => "a link-local address",
            Self::UniqueLocal => "a unique local address",
            Self::Multicast => "a multicast address",
            Self::Metadata => "the address of a cloud's metadata service",
            Self::Unspecified => "an unspecified address",
            Self::Reserved => "a reserved address",
            Self::Itself => "an address of this host itself",
            Self::Public => "an address on the public internet",
        })
    }
}

/// The refusal to connect to an address. It names the kind and not the address: a name server's answer is
/// not for whoever chose the name.
#[derive(Clone, Debug)]
pub(crate) struct ForbiddenAddress {
    pub(crate) kind: AddressKind,
    pub(crate) next_step: Option<Arc<str>>,
}

impl fmt::Display for ForbiddenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is not allowed", self.kind)
    }
}

impl StdError for ForbiddenAddress {}

/// The IPv4 address that an IPv6 address stands for, or the address as it is.
fn canonical(address: IpAddr) -> IpAddr {
    let IpAddr::V6(long) = address else { return address };
    let [a, b, c, d, e, f, high, low] = long.segments();
    let v4 = |high: u16, low: u16| IpAddr::V4(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)));
    match [a, b, c, d, e, f] {
        // `::` and `::1` are no IPv4-compatible addresses.
        [0, 0, 0, 0, 0, 0] if high != 0 => v4(high, low),
        [0, 0, 0, 0, 0, 0xffff] | [0, 0, 0, 0, 0xffff, 0] | [0x64, 0xff9b, 0, 0, 0, 0] => v4(high, low),
        [0x2002, high, low, ..] => v4(high, low),
        _ => address,
    }
}

fn of_v4(address: Ipv4Addr) -> Option<AddressKind> {
    Some(match address.octets() {
        // Of AWS and most others, of its containers, of Alibaba, and of Azure, whose address is a public one.
        [169, 254, 169, 254] | [169, 254, 170, 2 | 23] | [100, 100, 100, 200] | [168, 63, 129, 16] => {
            AddressKind::Metadata
        }
        [0, ..] => AddressKind::Unspecified,
        [127, ..] => AddressKind::Loopback,
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => AddressKind::Private,
        [100, 64..=127, ..] => AddressKind::CarrierNat,
        [169, 254, ..] => AddressKind::LinkLocal,
        [224..=239, ..] => AddressKind::Multicast,
        [192, 0, 0 | 2, _] | [192, 88, 99, _] | [198, 18 | 19, ..] | [198, 51, 100, _] | [203, 0, 113, _] => {
            AddressKind::Reserved
        }
        [240..=255, ..] => AddressKind::Reserved,
        _ => return None,
    })
}

fn of_v6(address: Ipv6Addr) -> Option<AddressKind> {
    Some(match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] => AddressKind::Unspecified,
        [0, 0, 0, 0, 0, 0, 0, 1] => AddressKind::Loopback,
        [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254] | [0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254] => AddressKind::Metadata,
        [0xfc00..=0xfdff, ..] | [0xfec0..=0xfeff, ..] => AddressKind::UniqueLocal,
        [0xfe80..=0xfebf, ..] => AddressKind::LinkLocal,
        [0xff00..=0xffff, ..] => AddressKind::Multicast,
        // Only 2000::/3 is given out; of it, Teredo, ORCHID and documentation are no servers' addresses.
        [0x2001, 0..=0x1ff, ..] | [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => AddressKind::Reserved,
        [0x2000..=0x3fff, ..] => return None,
        _ => AddressKind::Reserved,
    })
}

#[cfg(test)]
mod tests;
