//! The request that a client sent.

use std::fmt;
use std::time::Instant;

use crate::bytes::Excerpt;

/// A request as it was received.
///
/// `Debug` hides the values of headers that hold keys; [`header`](Self::header) returns them.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Request {
    /// The method: `GET`, `POST`, …
    pub method: String,
    /// The path with its query, as sent.
    pub path: String,
    /// The protocol version as sent: `HTTP/1.1`, `HTTP/1.0`.
    pub version: String,
    /// The headers in order, names spelt as sent. Bytes that are not UTF-8 are replaced.
    pub headers: Vec<(String, String)>,
    /// The body, without the framing of its chunks. Empty if the server
    /// [responded early](crate::FaultServerBuilder::respond_early).
    pub body: Vec<u8>,
    /// The number of this request among all of the server; the first is 1.
    pub number: usize,
    /// The number of its connection; the first is 1.
    pub connection: usize,
    /// The number of this request on its connection; the first is 1.
    pub number_on_connection: usize,
    /// The time at which the head was complete.
    pub at: Instant,
}

impl Request {
    /// The value of the first header of this name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The body as text; bytes that are not UTF-8 are replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Whether a header that holds a comma-separated list, such as `connection`, has this token.
    pub(crate) fn header_has(&self, name: &str, token: &str) -> bool {
        self.headers
            .iter()
            .filter(|(known, _)| known.eq_ignore_ascii_case(name))
            .flat_map(|(_, value)| value.split(','))
            .any(|known| known.trim().eq_ignore_ascii_case(token))
    }
}

/// The headers whose values `Debug` hides.
const SECRET_HEADERS: [&str; 6] =
    ["authorization", "proxy-authorization", "cookie", "x-api-key", "api-key", "x-goog-api-key"];

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let redact = |(name, value): &(String, String)| {
            let secret = SECRET_HEADERS.iter().any(|secret| name.eq_ignore_ascii_case(secret));
            format!("{name}: {}", if secret { "***" } else { value })
        };
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("path", &self.path)
            .field("version", &self.version)
            .field("headers", &self.headers.iter().map(redact).collect::<Vec<_>>())
            .field("body", &Excerpt(&self.body))
            .field("number", &self.number)
            .field("connection", &self.connection)
            .field("number_on_connection", &self.number_on_connection)
            .finish_non_exhaustive()
    }
}
