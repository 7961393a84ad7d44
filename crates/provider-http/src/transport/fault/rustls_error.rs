//! The errors of rustls that no further try will mend.

use rustls::{AlertDescription as Alert, CertificateError as Certificate, Error, InvalidMessage};

use super::{TRUST, TlsFault, tls};

const CLOCK: &str = "check the clock of this machine; if it is right, the server needs a new certificate";
const NAME: &str = "check the host name in base_url";
const SERVER: &str = "ask whoever runs the server";
const SCHEME: &str = "check scheme and port of base_url: TLS is for https alone";
const CLIENT_CERTIFICATE: &str = "give the HTTP client one: HttpClientBuilder::rustls_config";

/// The fault, if TLS cannot be had without another setting; `None` for a failure that may pass.
pub(super) fn unusable(error: &Error) -> Option<TlsFault> {
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
