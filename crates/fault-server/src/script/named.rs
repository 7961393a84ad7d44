//! Answers that everyone needs, by name.

use super::Script;
use super::head::reason;

impl Script {
    /// An answer of this type, its body in one chunk.
    pub fn with_body(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self::new(status).header("content-type", content_type).write(body)
    }

    /// A JSON answer with its length.
    pub fn json(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self::new(status).header("content-type", "application/json").body(body)
    }

    /// An event stream of these bytes, in one chunk. More can be [written](Self::write).
    pub fn events(body: impl Into<Vec<u8>>) -> Self {
        Self::with_body(200, "text/event-stream", body)
    }

    /// A web page as gateways put it in front of a service that is down: HTML where JSON was asked for.
    pub fn html_error(status: u16) -> Self {
        let words = reason(status);
        let page = format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head><title>example.com | {status}: {words}</title></head>\n<body>\n\
             <h1>{words} <span>Error code {status}</span></h1>\n<p>The web server reported an error.</p>\n\
             <p>Ray ID: <strong>8f2a6c1e5b7d9043</strong></p>\n</body>\n</html>\n"
        );
        Self::new(status)
            .header("content-type", "text/html; charset=UTF-8")
            .header("server", "cloudflare")
            .header("cf-ray", "8f2a6c1e5b7d9043-FRA")
            .body(page)
    }

    /// Sends the client elsewhere. `location` may be a path (the same origin), the URL of another server
    /// (another origin), or the path that was asked for (a loop).
    ///
    /// A client that follows to another origin must not take its keys along.
    pub fn redirect(status: u16, location: impl Into<Vec<u8>>) -> Self {
        Self::new(status).header("location", location)
    }
}
