//! The head of an answer, and all that can be wrong with it.

use std::fmt::Display;
use std::time::Duration;

use super::{Disposition, End, Framing, Script, Step};
use crate::bytes::Bytes;

#[derive(Clone, Debug)]
pub(crate) struct Head {
    /// Heads of their own, in front of the answer's.
    interim: Vec<u16>,
    status: u16,
    http_1_0: bool,
    /// In place of version, status and reason.
    status_line: Option<Bytes>,
    headers: Vec<(String, Bytes)>,
    /// Whether the blank line comes.
    ends: bool,
    /// How long it takes until its first byte.
    late: Duration,
    /// How long each byte takes.
    slow: Option<Duration>,
}

impl Head {
    pub(super) fn new(status: u16) -> Self {
        Self {
            interim: Vec::new(),
            status,
            http_1_0: false,
            status_line: None,
            headers: Vec::new(),
            ends: true,
            late: Duration::ZERO,
            slow: None,
        }
    }

    /// How long to wait before the first byte.
    pub(crate) fn late(&self) -> Duration {
        self.late
    }

    /// How long to wait after each byte.
    pub(crate) fn slow(&self) -> Option<Duration> {
        self.slow
    }
}

/// The head.
///
/// All but the last of these change the head of a script that has one; for a script that has none, they do
/// nothing.
impl Script {
    /// Adds a header. Name and value are sent as they are: bytes that are not UTF-8, line breaks (which make
    /// two headers, or a head and a body, of one), a second `content-length` beside the one of the framing.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        if let Some(head) = &mut self.head {
            head.headers.push((name.into(), Bytes::new(value)));
        }
        self
    }

    /// Adds so many headers (`x-flood-1`, `x-flood-2`, …) with values of this many bytes.
    ///
    /// A client has a bound on their number and on their size, and refuses what is beyond it.
    pub fn header_flood(mut self, headers: usize, bytes: usize) -> Self {
        for number in 1..=headers {
            self = self.header(format!("x-flood-{number}"), "x".repeat(bytes));
        }
        self
    }

    /// Never ends the head: headers of 100 bytes without end, as fast as the client takes them. There is no
    /// body.
    ///
    /// A client without a bound reads until its memory is full.
    pub fn endless_head(self) -> Self {
        let mut script = self.unframed();
        script.steps.clear();
        if let Some(head) = &mut script.head {
            head.ends = false;
        }
        script.repeat_raw_forever(format!("x-flood: {}\r\n", "x".repeat(89)), Duration::ZERO)
    }

    /// Sends an interim head such as `103 Early Hints` in front of the answer; several when called again.
    ///
    /// A client passes over it and reads on.
    pub fn interim(mut self, status: u16) -> Self {
        if let Some(head) = &mut self.head {
            head.interim.push(status);
        }
        self
    }

    /// Sends this in place of the status line, without the line's end: an unknown version, a status that is
    /// none, another protocol altogether.
    pub fn status_line(mut self, line: impl Into<Vec<u8>>) -> Self {
        if let Some(head) = &mut self.head {
            head.status_line = Some(Bytes::new(line));
        }
        self
    }

    /// Answers as HTTP/1.0: no chunks, no length unless one is said, and the connection closes at the end.
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
    pub fn delay(mut self, wait: Duration) -> Self {
        if let Some(head) = &mut self.head {
            head.late = wait;
        }
        self
    }

    /// Sends the head one byte at a time, and waits after each. The body goes out as it would.
    pub fn slow_head(mut self, every: Duration) -> Self {
        if let Some(head) = &mut self.head {
            head.slow = Some(every);
        }
        self
    }

    /// Sends the body in chunks. This is what is done unless something else is said; for a script that began
    /// [raw](Self::raw) it makes chunks of what is written, without saying so in a header.
    pub fn chunked(mut self) -> Self {
        self.framing = Some(Framing::Chunked);
        self
    }

    /// Says the true `content-length` of all that is written.
    pub fn sized(mut self) -> Self {
        self.framing = Some(Framing::Sized);
        self
    }

    /// Says this `content-length`, whatever is written. It may be too small, too large, or no number.
    ///
    /// Of a body that is too short, a client sees no end until the connection closes, and then that something
    /// is missing. What is beyond the length lies on the connection where the next answer should be.
    pub fn content_length(mut self, claim: impl Display) -> Self {
        self.framing = Some(Framing::Claimed(claim.to_string()));
        self
    }

    /// Does not say how long the body is. With [`close`](Self::close) or [`then_close`](Self::then_close),
    /// the end of the connection is the end of the body; with [`stall`](Self::stall), it has none.
    pub fn unframed(mut self) -> Self {
        self.framing = Some(Framing::None);
        self
    }

    /// How the length of the body is told.
    pub(crate) fn framing(&self) -> Framing {
        match (&self.framing, &self.head) {
            (Some(framing), _) => framing.clone(),
            (None, None) => Framing::None,
            (None, Some(head)) => {
                let bare = self.steps.iter().all(|step| matches!(step, Step::Wait(_)));
                let finishes = matches!(self.end, End::Finish(_));
                match head.status {
                    _ if head.http_1_0 => Framing::None,
                    100..=199 | 204 | 304 if bare => Framing::None,
                    _ if bare && finishes && self.trailers.is_empty() => Framing::Sized,
                    _ => Framing::Chunked,
                }
            }
        }
    }

    /// The head, and its bytes. They are empty when there is none.
    pub(crate) fn head(&self) -> (Option<&Head>, Vec<u8>) {
        let mut bytes = Vec::new();
        let Some(head) = &self.head else { return (None, bytes) };
        for status in &head.interim {
            bytes.extend_from_slice(format!("HTTP/1.1 {status} {}\r\n\r\n", reason(*status)).as_bytes());
        }
        match &head.status_line {
            Some(line) => bytes.extend_from_slice(line),
            None => {
                let version = if head.http_1_0 { "1.0" } else { "1.1" };
                let line = format!("HTTP/{version} {} {}", head.status, reason(head.status));
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
            Framing::None => {}
        }
        if head.ends {
            bytes.extend_from_slice(b"\r\n");
        }
        (Some(head), bytes)
    }

    /// How many bytes the steps write.
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

/// The words for a status; empty for one that nobody has named.
pub(super) fn reason(status: u16) -> &'static str {
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
