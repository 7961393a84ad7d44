//! What a client sent.

use std::fmt;
use std::time::Instant;

use crate::bytes::Excerpt;

/// Headers whose values `Debug` hides.
const SECRET_HEADERS: [&str; 6] =
    ["authorization", "proxy-authorization", "cookie", "x-api-key", "api-key", "x-goog-api-key"];

/// A request as it came.
///
/// `Debug` hides the values of headers that hold keys; [`header`](Self::header) gives them to those who ask.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Request {
    /// `GET`, `POST`, …
    pub method: String,
    /// The path with its query, as sent.
    pub path: String,
    /// `HTTP/1.1`, or what else the client said.
    pub version: String,
    /// The headers in order, names spelt as sent. Bytes that are not UTF-8 are replaced.
    pub headers: Vec<(String, String)>,
    /// The body, out of its chunks if it came in chunks. Empty for a request that was answered
    /// [early](crate::FaultServerBuilder::respond_early).
    pub body: Vec<u8>,
    /// Which request this is to the server; the first is 1.
    pub number: usize,
    /// On which connection it came; the first is 1.
    pub connection: usize,
    /// Which request this is on its connection; the first is 1.
    pub number_on_connection: usize,
    /// When its head had come.
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

    /// Whether the list in this header has this word.
    pub(crate) fn header_has(&self, name: &str, word: &str) -> bool {
        self.headers
            .iter()
            .filter(|(known, _)| known.eq_ignore_ascii_case(name))
            .flat_map(|(_, value)| value.split(','))
            .any(|known| known.trim().eq_ignore_ascii_case(word))
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hide = |(name, value): &(String, String)| {
            let secret = SECRET_HEADERS.iter().any(|secret| name.eq_ignore_ascii_case(secret));
            format!("{name}: {}", if secret { "***" } else { value })
        };
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("path", &self.path)
            .field("version", &self.version)
            .field("headers", &self.headers.iter().map(hide).collect::<Vec<_>>())
            .field("body", &Excerpt(&self.body))
            .field("number", &self.number)
            .field("connection", &self.connection)
            .field("number_on_connection", &self.number_on_connection)
            .finish_non_exhaustive()
    }
}
