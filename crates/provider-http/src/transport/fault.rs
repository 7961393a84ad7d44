//! Faults of a connection, found in the causes that the HTTP client gives: a certificate, a TLS handshake,
//! a proxy.
//!
//! Types are looked at where they are public, and words where they are not: the errors of tunnels and of
//! SOCKS are private to the HTTP client.

#[cfg(feature = "__rustls")]
mod rustls_error;

use std::error::Error as StdError;
use std::io;

#[cfg(feature = "hyper")]
use super::address::ForbiddenAddress;
use super::{ProxyFault, TlsFault, TransportErrorKind};

/// A failure of the default transport's connector.
#[cfg(feature = "hyper")]
#[derive(Debug)]
#[allow(dead_code, reason = "no build has all of them")]
pub(super) enum Fault {
    /// The build has no TLS.
    NoTls,
    /// TLS cannot be set up, and why.
    Setup(String),
    /// The build does not speak the proxy's protocol.
    ProxyScheme,
    /// The policy does not allow the address.
    Forbidden(ForbiddenAddress),
}

#[cfg(feature = "hyper")]
impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoTls => f.write_str("this build has no TLS"),
            Self::Setup(cause) => f.write_str(cause),
            Self::ProxyScheme => f.write_str("this build does not speak the proxy's protocol"),
            Self::Forbidden(forbidden) => forbidden.fmt(f),
        }
    }
}

#[cfg(feature = "hyper")]
impl StdError for Fault {}

/// The place that a connection was on its way to when it failed, as far as the client knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(dead_code, reason = "the default transport knows its proxies, and others do not")]
pub(super) enum Goal {
    /// The client does not tell whether a proxy is used.
    Unknown,
    /// The server, without a proxy.
    Server,
    /// The server, by way of a proxy: the failure says which of the two it is about.
    ThroughProxy,
    /// The proxy itself.
    Proxy,
}

/// The address that the policy forbids, among the causes of an error.
#[cfg(feature = "hyper")]
pub(super) fn forbidden(error: &(dyn StdError + 'static)) -> Option<ForbiddenAddress> {
    causes(error).find_map(|cause| match cause.downcast_ref::<Fault>()? {
        Fault::Forbidden(forbidden) => Some(forbidden.clone()),
        _ => None,
    })
}

/// Finds the fault in an error and its causes; `None` for a failure that may pass by itself.
pub(super) fn find(error: &(dyn StdError + 'static), goal: Goal) -> Option<TransportErrorKind> {
    #[cfg(feature = "hyper")]
    if let Some(fault) = causes(error).find_map(|cause| cause.downcast_ref::<Fault>()) {
        return Some(match fault {
            Fault::NoTls => TransportErrorKind::NoTls,
            Fault::Setup(_) => TransportErrorKind::Setup,
            Fault::ProxyScheme => TransportErrorKind::Proxy(ProxyFault::Scheme),
            Fault::Forbidden(forbidden) => TransportErrorKind::Forbidden(forbidden.kind),
        });
    }
    let words: Vec<String> = causes(error).map(|cause| cause.to_string()).collect();
    let behind = |prefix: &str| words.iter().find_map(|words| words.strip_prefix(prefix));
    let contain = |part: &str| words.iter().any(|words| words.contains(part));
    let (tunnel, socks) = (behind("tunnel error: "), behind("SOCKS error: "));
    let is_handshake = tunnel.is_some() || socks.is_some();
    // Whether it was the proxy that could not be reached.
    let to_proxy = [tunnel, socks].contains(&Some("failed to create underlying connection"))
        || (!is_handshake && goal == Goal::Proxy);
    let is_proxied = is_handshake || matches!(goal, Goal::ThroughProxy | Goal::Proxy);
    if is_proxied && contain("unsupported scheme") {
        return Some(TransportErrorKind::Proxy(ProxyFault::Scheme));
    }
    if contain("scheme is not http") {
        return Some(TransportErrorKind::NoTls);
    }
    if let Some(tls) = causes(error).find_map(unusable_tls) {
        let of_proxy = TransportErrorKind::Proxy(ProxyFault::Tls(tls));
        return Some(if to_proxy { of_proxy } else { TransportErrorKind::Tls(tls) });
    }
    let wants_login = |words: &str| words.contains("authentication") || words.contains("credentials");
    if tunnel == Some("proxy authorization required") || socks.is_some_and(wants_login) {
        return Some(TransportErrorKind::Proxy(ProxyFault::Authentication));
    }
    let is_unreachable = || {
        let kind = causes(error).find_map(|cause| cause.downcast_ref::<io::Error>().map(io::Error::kind));
        // The errors of SOCKS keep their cause to themselves.
        kind.map_or(socks.is_some(), |kind| {
            use io::ErrorKind::{AddrNotAvailable, ConnectionRefused, HostUnreachable, NetworkUnreachable};
            [AddrNotAvailable, ConnectionRefused, HostUnreachable, NetworkUnreachable].contains(&kind)
        })
    };
    if to_proxy && (contain("dns error") || is_unreachable()) {
        return Some(TransportErrorKind::Proxy(ProxyFault::Unreachable));
    }
    (tunnel == Some("unsuccessful")).then_some(TransportErrorKind::Proxy(ProxyFault::Refused))
}

/// The causes of an error, from the outermost. The error within an [`io::Error`] is one of them, which its
/// own `source` skips.
fn causes<'e>(error: &'e (dyn StdError + 'static)) -> impl Iterator<Item = &'e (dyn StdError + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let cause = next?;
        let wrapped = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = match wrapped {
            Some(inner) => Some(inner as &(dyn StdError + 'static)),
            None => cause.source(),
        };
        Some(cause)
    })
}

const TRUST: &str = "install the authority's certificate on this machine; on Linux, SSL_CERT_FILE can name a file that has it";

const fn tls(what: &'static str, next_step: &'static str) -> TlsFault {
    TlsFault { what, next_step }
}

/// Whether a cause says that TLS cannot be had without another setting. A failure that may pass does not say
/// so.
fn unusable_tls(cause: &(dyn StdError + 'static)) -> Option<TlsFault> {
    #[cfg(feature = "__rustls")]
    if let Some(error) = cause.downcast_ref::<rustls::Error>() {
        return rustls_error::unusable(error);
    }
    from_message(cause)
}

/// The same for other TLS libraries, which tell it in words alone.
fn from_message(cause: &(dyn StdError + 'static)) -> Option<TlsFault> {
    let words = cause.to_string().to_lowercase();
    let is_told = ["certificate verify failed", "not trusted"].iter().any(|part| words.contains(part));
    is_told.then(|| tls("certificate is not one that this machine trusts", TRUST))
}

#[cfg(test)]
mod tests {
    use std::fmt;

    use super::*;

    /// An error with words and a cause, as private types look from outside.
    #[derive(Debug)]
    struct Private(&'static str, Option<Box<dyn StdError>>);

    impl fmt::Display for Private {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl StdError for Private {
        fn source(&self) -> Option<&(dyn StdError + 'static)> {
            self.1.as_deref()
        }
    }

    fn within(words: &'static str, cause: impl StdError + 'static) -> Private {
        Private(words, Some(Box::new(cause)))
    }

    #[test]
    fn faults_are_found_behind_their_causes() {
        use ProxyFault::{Authentication, Refused, Scheme, Unreachable};
        use TransportErrorKind::{NoTls, Proxy, Tls};
        let plain = |words| within("client error (Connect)", Private(words, None));
        let io = |kind| within("tcp connect error", io::Error::from(kind));
        let through = |cause| within("tunnel error: failed to create underlying connection", cause);
        let refused = || io(io::ErrorKind::ConnectionRefused);
        let verify = || io::Error::other("error:0A000086:SSL routines::certificate verify failed");
        let fault = from_message(&verify()).expect("told");
        let (unknown, tunnels, plain_http) = (Goal::Unknown, Goal::ThroughProxy, Goal::Proxy);
        for (error, goal, found) in [
            (refused(), unknown, None),
            (refused(), Goal::Server, None),
            (refused(), tunnels, None),
            (refused(), plain_http, Some(Proxy(Unreachable))),
            (through(refused()), unknown, Some(Proxy(Unreachable))),
            (through(io(io::ErrorKind::ConnectionReset)), tunnels, None),
            (
                through(within("dns error", io::Error::other("no such host"))),
                tunnels,
                Some(Proxy(Unreachable)),
            ),
            (plain("tunnel error: proxy authorization required"), unknown, Some(Proxy(Authentication))),
            (plain("tunnel error: unsuccessful"), tunnels, Some(Proxy(Refused))),
            (plain("tunnel error: unexpected end of file"), tunnels, None),
            (plain("invalid URL, scheme is not http"), unknown, Some(NoTls)),
            (plain("unsupported scheme socks5h"), unknown, None),
            (plain("unsupported scheme socks5h"), tunnels, Some(Proxy(Scheme))),
            (plain("SOCKS error: failed to create underlying connection"), tunnels, Some(Proxy(Unreachable))),
            (plain("SOCKS error: credentials not accepted"), tunnels, Some(Proxy(Authentication))),
            (plain("SOCKS error: host unreachable"), tunnels, None),
            (within("connect", verify()), unknown, Some(Tls(fault))),
            (within("connect", verify()), tunnels, Some(Tls(fault))),
            (through(within("connect", verify())), tunnels, Some(Proxy(ProxyFault::Tls(fault)))),
            (within("connect", verify()), plain_http, Some(Proxy(ProxyFault::Tls(fault)))),
        ] {
            assert_eq!(find(&error, goal), found, "{error:?}, {goal:?}");
        }
    }

    #[cfg(feature = "__rustls")]
    #[test]
    fn tls_that_may_work_next_time_is_no_fault() {
        use rustls::{AlertDescription, Error, PeerMisbehaved};

        let wrapped = |error| io::Error::other(io::Error::new(io::ErrorKind::InvalidData, error));
        let found = |error: Error| find(&within("connect", wrapped(error)), Goal::Unknown);
        for error in [
            Error::AlertReceived(AlertDescription::InternalError),
            Error::PeerMisbehaved(PeerMisbehaved::TooManyEmptyFragments),
            Error::HandshakeNotComplete,
        ] {
            assert_eq!(found(error.clone()), None, "{error}");
        }
        let refused = Error::AlertReceived(AlertDescription::HandshakeFailure);
        assert!(matches!(found(refused), Some(TransportErrorKind::Tls(_))));
    }
}
