//! The head of a response: status line, headers, framing, and their faults.

use std::fmt::Display;
use std::time::Duration;

use super::{Disposition, End, Framing, Script, Step};
use crate::bytes::Bytes;

/// The head of a response.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    /// The statuses of interim (1xx) heads, which are sent before this one.
    interim: Vec<u16>,
    status: u16,
    http_1_0: bool,
    /// Replaces version, status and reason phrase.
    status_line: Option<Bytes>,
    headers: Vec<(String, Bytes)>,
    /// Whether the blank line at the end is sent.
    blank_line: bool,
    delay: Duration,
    byte_interval: Option<Duration>,
}

impl Head {
    pub(super) fn new(status: u16) -> Self {
        Self {
            interim: Vec::new(),
            status,
            http_1_0: false,
            status_line: None,
            headers: Vec::new(),
            blank_line: true,
            delay: Duration::ZERO,
            byte_interval: None,
        }
    }

    /// The wait before the first byte.
    pub(crate) fn delay(&self) -> Duration {
        self.delay
    }

    /// The wait after each byte of the head, if it is sent one byte at a time.
    pub(crate) fn byte_interval(&self) -> Option<Duration> {
        self.byte_interval
    }
}

/// The head.
///
/// A script without a head ignores these.
impl Script {
    /// Adds a header. Name and value are sent as they are: bytes that are not UTF-8, line breaks (which
    /// inject another header, or end the head), a second `content-length` beside that of the framing.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        if let Some(head) = &mut self.head {
            head.headers.push((name.into(), Bytes::new(value)));
        }
        self
    }

    /// Adds `headers` headers (`x-flood-1`, `x-flood-2`, …) with values of `bytes` bytes.
    ///
    /// A client limits the number and the size of headers, and refuses more.
    pub fn header_flood(mut self, headers: usize, bytes: usize) -> Self {
        for number in 1..=headers {
            self = self.header(format!("x-flood-{number}"), "x".repeat(bytes));
        }
        self
    }

    /// Never ends the head: sends headers of 100 bytes for ever, as fast as the client reads them, and no
    /// body.
    ///
    /// A client without a limit reads until its memory is full.
    pub fn endless_head(self) -> Self {
        let mut script = self.unframed();
        script.steps.clear();
        if let Some(head) = &mut script.head {
            head.blank_line = false;
        }
        script.repeat_raw_forever(format!("x-flood: {}\r\n", "x".repeat(89)), Duration::ZERO)
    }

    /// Sends an interim head such as `103 Early Hints` before the head; each call adds one.
    ///
    /// A client skips it and reads on.
    pub fn interim(mut self, status: u16) -> Self {
        if let Some(head) = &mut self.head {
            head.interim.push(status);
        }
        self
    }

    /// Replaces the status line, without its line end: an unknown version, an invalid status, another
    /// protocol.
    pub fn status_line(mut self, line: impl Into<Vec<u8>>) -> Self {
        if let Some(head) = &mut self.head {
            head.status_line = Some(Bytes::new(line));
        }
        self
    }

    /// Responds as HTTP/1.0: no chunks, no length unless one is set, and the connection closes at the end.
    pub fn http_1_0(mut self) -> Self {
        if let Some(head) = &mut self.head {
            head.http_1_0 = true;
        }
        if self.end == End::Finish(Disposition::KeepAlive) {
            self.end = End::Finish(Disposition::Close);
        }
        self
    }

    /// Waits before the first byte of the head.
    pub fn delay(mut self, time: Duration) -> Self {
        if let Some(head) = &mut self.head {
            head.delay = time;
        }
        self
    }

    /// Sends the head one byte at a time, and waits `interval` after each. The body keeps its own pace.
    pub fn slow_head(mut self, interval: Duration) -> Self {
        if let Some(head) = &mut self.head {
            head.byte_interval = Some(interval);
        }
        self
    }
}

/// The framing of the body.
impl Script {
    /// Sends the body in chunks, which is the default for a script with a head. A script that began
    /// [raw](Self::raw) writes chunks, too, but has no header for them.
    pub fn chunked(mut self) -> Self {
        self.framing = Some(Framing::Chunked);
        self
    }

    /// Sends the true `content-length` of all steps.
    pub fn sized(mut self) -> Self {
        self.framing = Some(Framing::Sized);
        self
    }

    /// Sends this `content-length`, true or not. It may be too small, too large, or no number.
    ///
    /// If the body is shorter, a client waits until the connection closes, and then misses bytes. If it is
    /// longer, the rest lies on the connection where the next response should be.
    pub fn content_length(mut self, claim: impl Display) -> Self {
        self.framing = Some(Framing::Claimed(claim.to_string()));
        self
    }

    /// Sends neither a length nor chunks. With [`close`](Self::close) or [`then_close`](Self::then_close),
    /// the end of the connection is the end of the body; with [`stall`](Self::stall), it has none.
    pub fn unframed(mut self) -> Self {
        self.framing = Some(Framing::Unframed);
        self
    }

    /// The framing that was set, or else the one that suits status and steps.
    pub(crate) fn framing(&self) -> Framing {
        match (&self.framing, &self.head) {
            (Some(framing), _) => framing.clone(),
            (None, None) => Framing::Unframed,
            (None, Some(head)) => {
                let empty = self.steps.iter().all(|step| matches!(step, Step::Wait(_)));
                let finishes = matches!(self.end, End::Finish(_));
                match head.status {
                    _ if head.http_1_0 => Framing::Unframed,
                    100..=199 | 204 | 304 if empty => Framing::Unframed,
                    _ if empty && finishes && self.trailers.is_empty() => Framing::Sized,
                    _ => Framing::Chunked,
                }
            }
        }
    }

    /// The head, and the bytes of interim heads and head; no bytes if there is no head.
    pub(crate) fn head(&self) -> (Option<&Head>, Vec<u8>) {
        let mut bytes = Vec::new();
        let Some(head) = &self.head else { return (None, bytes) };
        for status in &head.interim {
            bytes.extend_from_slice(
                format!("HTTP/1.1 {status} {}\r\n\r\n", reason_phrase(*status)).as_bytes(),
            );
        }
        match &head.status_line {
            Some(line) => bytes.extend_from_slice(line),
            None => {
                let version = if head.http_1_0 { "1.0" } else { "1.1" };
                let line = format!("HTTP/{version} {} {}", head.status, reason_phrase(head.status));
                bytes.extend_from_slice(line.as_bytes());
            }
        }
        bytes.extend_from_slice(b"\r\n");
        let mut header = |name: &str, value: &[u8]| {
            for part in [name.as_bytes(), b": ", value, b"\r\n"] {
                bytes.extend_from_slice(part);
            }
        };
        for (name, value) in &head.headers {
            header(name, value);
        }
        match self.framing() {
            Framing::Chunked => header("transfer-encoding", b"chunked"),
            Framing::Sized => header("content-length", self.size().to_string().as_bytes()),
            Framing::Claimed(claim) => header("content-length", claim.as_bytes()),
            Framing::Unframed => {}
        }
        if head.blank_line {
            bytes.extend_from_slice(b"\r\n");
        }
        (Some(head), bytes)
    }

    /// The number of bytes that the steps write.
    fn size(&self) -> u64 {
        let size = |step: &Step| match step {
            Step::Write { bytes, .. } => bytes.len() as u64,
            Step::Repeat { bytes, times, .. } => {
                (bytes.len() as u64).saturating_mul(times.unwrap_or(u64::MAX))
            }
            Step::Wait(_) => 0,
        };
        self.steps.iter().map(size).fold(0, u64::saturating_add)
    }
}

/// The reason phrase of a status; empty for one without a name.
pub(super) fn reason_phrase(status: u16) -> &'static str {
    match status {
        100 => "Continue",
        101 => "Switching Protocols",
        102 => "Processing",
        103 => "Early Hints",
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        206 => "Partial Content",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        409 => "Conflict",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        422 => "Unprocessable Content",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        520 => "Web Server Returned an Unknown Error",
        521 => "Web Server Is Down",
        522 => "Connection Timed Out",
        524 => "A Timeout Occurred",
        529 => "Site Is Overloaded",
        _ => "",
    }
}
