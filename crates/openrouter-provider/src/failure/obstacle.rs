//! What stands in the way of a connection, found in the causes that the HTTP client gives: a certificate, a TLS handshake, a proxy.
//!
//! Types are looked at where they are public, and words where they are not: the errors of tunnels and of SOCKS are private to the HTTP
//! client.

use std::error::Error as StdError;
use std::io;

/// What stands in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Obstacle {
    /// The HTTP client was built without TLS.
    NoTls,
    /// TLS cannot be had with these settings.
    Tls(Tls),
    /// The same, with the proxy and not with the service.
    ProxyTls(Tls),
    /// The proxy wants to know who asks.
    ProxyAuthentication,
    /// The HTTP client does not speak the proxy's protocol.
    ProxyScheme,
    /// The connection to the proxy could not be made.
    ProxyUnreachable,
    /// The proxy does not connect to the service.
    ProxyRefuses,
}

/// Why TLS cannot be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tls {
    /// What is wrong, after "whose".
    pub(super) what: &'static str,
    /// What to do about it.
    pub(super) next_step: &'static str,
}

const TRUST: &str = "install the authority's certificate on this machine; on Linux, SSL_CERT_FILE can name a file that has it";
const CLOCK: &str = "check the clock of this machine; if it is right, the server needs a new certificate";
const NAME: &str = "check the host name in base_url";
const SERVER: &str = "ask whoever runs the server";
const SCHEME: &str = "check scheme and port of base_url: TLS is for https alone";

const fn tls(what: &'static str, next_step: &'static str) -> Tls {
    Tls { what, next_step }
}

/// Finds what stands in the way. `goes_to_proxy`: whether a failure that names no tunnel is one of reaching the proxy, as it is for plain
/// HTTP; `None` where no proxy is known.
pub(super) fn find(
    error: &(dyn StdError + 'static),
    is_dns: bool,
    goes_to_proxy: Option<bool>,
) -> Option<Obstacle> {
    let words: Vec<String> = causes(error).map(|cause| cause.to_string()).collect();
    let behind = |prefix: &str| words.iter().find_map(|words| words.strip_prefix(prefix));
    let (tunnel, socks) = (behind("tunnel error: "), behind("SOCKS error: "));
    let reaching = [tunnel, socks].contains(&Some("failed to create underlying connection"));
    let is_proxied = goes_to_proxy.is_some() || tunnel.is_some() || socks.is_some();
    let reaching = reaching || (tunnel.is_none() && socks.is_none() && goes_to_proxy == Some(true));
    let says = |part: &str| words.iter().any(|words| words.contains(part));
    if is_proxied && says("unsupported scheme") {
        return Some(Obstacle::ProxyScheme);
    }
    if says("scheme is not http") {
        return Some(Obstacle::NoTls);
    }
    if let Some(tls) = causes(error).find_map(unusable_tls) {
        return Some(if reaching { Obstacle::ProxyTls(tls) } else { Obstacle::Tls(tls) });
    }
    let wants_to_know = |words: &str| words.contains("authentication") || words.contains("credentials");
    if tunnel == Some("proxy authorization required") || socks.is_some_and(wants_to_know) {
        return Some(Obstacle::ProxyAuthentication);
    }
    let is_unreachable = || {
        let found = causes(error).find_map(|cause| cause.downcast_ref::<io::Error>().map(io::Error::kind));
        // The errors of SOCKS keep their cause to themselves.
        found.map_or(socks.is_some(), |kind| {
            use io::ErrorKind::{AddrNotAvailable, ConnectionRefused, HostUnreachable, NetworkUnreachable};
            [AddrNotAvailable, ConnectionRefused, HostUnreachable, NetworkUnreachable].contains(&kind)
        })
    };
    if reaching && (is_dns || is_unreachable()) {
        return Some(Obstacle::ProxyUnreachable);
    }
    (tunnel == Some("unsuccessful")).then_some(Obstacle::ProxyRefuses)
}

/// The causes of an error, from the outermost. What an [`io::Error`] wraps is one of them, which its own `source` skips.
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

/// Whether a cause says that TLS cannot be had, and never will without another setting. What may pass is none.
#[cfg(any(feature = "rustls-ring", feature = "rustls-aws-lc"))]
fn unusable_tls(cause: &(dyn StdError + 'static)) -> Option<Tls> {
    use rustls::{AlertDescription as Alert, CertificateError as Certificate, Error, InvalidMessage};

    let Some(error) = cause.downcast_ref::<Error>() else { return told_in_words(cause) };
    Some(match error {
        Error::InvalidCertificate(why) => match why {
            Certificate::UnknownIssuer => {
                tls("certificate is of an authority that this machine does not trust", TRUST)
            }
            Certificate::BadSignature => {
                tls("certificate is not signed by the authority that this machine knows by that name", TRUST)
            }
            Certificate::Expired | Certificate::ExpiredContext { .. } => {
                tls("certificate has expired", CLOCK)
            }
            Certificate::NotValidYet | Certificate::NotValidYetContext { .. } => {
                tls("certificate is not valid yet", CLOCK)
            }
            Certificate::NotValidForName | Certificate::NotValidForNameContext { .. } => {
                tls("certificate is for another name", NAME)
            }
            _ => tls("certificate cannot be used", SERVER),
        },
        Error::InvalidMessage(InvalidMessage::InvalidContentType) => tls("port does not speak TLS", SCHEME),
        Error::AlertReceived(
            Alert::HandshakeFailure
            | Alert::ProtocolVersion
            | Alert::InsufficientSecurity
            | Alert::UnrecognisedName
            | Alert::NoApplicationProtocol
            | Alert::AccessDenied,
        )
        | Error::PeerIncompatible(_)
        | Error::NoApplicationProtocol
        | Error::NoCertificatesPresented
        | Error::UnsupportedNameType => tls("server refuses the TLS handshake", NAME),
        Error::AlertReceived(
            Alert::CertificateRequired
            | Alert::BadCertificate
            | Alert::CertificateUnknown
            | Alert::CertificateExpired
            | Alert::CertificateRevoked
            | Alert::UnsupportedCertificate
            | Alert::UnknownCA,
        ) => tls("server wants a certificate of the client", CLIENT_CERTIFICATE),
        _ => return None,
    })
}

#[cfg(any(feature = "rustls-ring", feature = "rustls-aws-lc"))]
const CLIENT_CERTIFICATE: &str = "give the client one: OpenRouterBuilder::http_client";

#[cfg(not(any(feature = "rustls-ring", feature = "rustls-aws-lc")))]
fn unusable_tls(cause: &(dyn StdError + 'static)) -> Option<Tls> {
    told_in_words(cause)
}

/// The same for other TLS libraries, which tell it in words alone.
fn told_in_words(cause: &(dyn StdError + 'static)) -> Option<Tls> {
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
    fn obstacles_are_found_behind_their_causes() {
        use Obstacle::{
            NoTls, ProxyAuthentication, ProxyRefuses, ProxyScheme, ProxyTls, ProxyUnreachable, Tls,
        };
        let plain = |words| within("client error (Connect)", Private(words, None));
        let io = |kind| within("tcp connect error", io::Error::from(kind));
        let through = |cause| within("tunnel error: failed to create underlying connection", cause);
        let refused = || io(io::ErrorKind::ConnectionRefused);
        let verify = || io::Error::other("error:0A000086:SSL routines::certificate verify failed");
        let tls = told_in_words(&verify()).expect("told");
        let (none, tunnels, plain_http) = (None, Some(false), Some(true));
        for (error, goes_to_proxy, found) in [
            (refused(), none, None),
            (refused(), tunnels, None),
            (refused(), plain_http, Some(ProxyUnreachable)),
            (through(refused()), none, Some(ProxyUnreachable)),
            (through(io(io::ErrorKind::ConnectionReset)), tunnels, None),
            (plain("tunnel error: proxy authorization required"), none, Some(ProxyAuthentication)),
            (plain("tunnel error: unsuccessful"), tunnels, Some(ProxyRefuses)),
            (plain("tunnel error: unexpected end of file"), tunnels, None),
            (plain("invalid URL, scheme is not http"), none, Some(NoTls)),
            (plain("unsupported scheme socks5h"), none, None),
            (plain("unsupported scheme socks5h"), tunnels, Some(ProxyScheme)),
            (plain("SOCKS error: failed to create underlying connection"), tunnels, Some(ProxyUnreachable)),
            (plain("SOCKS error: credentials not accepted"), tunnels, Some(ProxyAuthentication)),
            (plain("SOCKS error: host unreachable"), tunnels, None),
            (within("connect", verify()), none, Some(Tls(tls))),
            (within("connect", verify()), tunnels, Some(Tls(tls))),
            (through(within("connect", verify())), tunnels, Some(ProxyTls(tls))),
            (within("connect", verify()), plain_http, Some(ProxyTls(tls))),
        ] {
            assert_eq!(find(&error, false, goes_to_proxy), found, "{error:?}, {goes_to_proxy:?}");
        }
        let unknown_host = through(within("dns error", io::Error::other("no such host")));
        assert_eq!(find(&unknown_host, true, tunnels), Some(ProxyUnreachable));
    }

    #[cfg(feature = "rustls-ring")]
    #[test]
    fn tls_that_may_work_the_next_time_is_no_obstacle() {
        use rustls::{AlertDescription, Error, PeerMisbehaved};

        let wrapped = |error| io::Error::other(io::Error::new(io::ErrorKind::InvalidData, error));
        let found = |error: Error| find(&within("connect", wrapped(error)), false, None);
        for error in [
            Error::AlertReceived(AlertDescription::InternalError),
            Error::PeerMisbehaved(PeerMisbehaved::TooManyEmptyFragments),
            Error::HandshakeNotComplete,
        ] {
            assert_eq!(found(error.clone()), None, "{error}");
        }
        let refused = Error::AlertReceived(AlertDescription::HandshakeFailure);
        assert!(matches!(found(refused), Some(Obstacle::Tls(_))));
    }
}
