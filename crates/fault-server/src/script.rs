//! The script of a response: its type, ready-made responses, and how it ends.

mod body;
mod head;

use std::time::Duration;

pub use body::ChunkFault;
pub(crate) use body::chunk;
use head::{Head, reason_phrase};

use crate::bytes::Bytes;

/// A response to one request: a head, the steps of a body, and an end.
///
/// The server sends the head first, then the steps in the order in which they were added, then the end. End,
/// headers and framing may be set at any point of the chain.
///
/// By default a body is chunked, with one chunk for each piece, and the connection serves the next request
/// afterwards. A script without a body sends `content-length: 0`.
///
/// A script is neither checked nor corrected: one with two lengths sends two lengths, and one that answers
/// `HEAD` with a body sends it.
#[derive(Clone, Debug)]
#[must_use]
pub struct Script {
    head: Option<Head>,
    framing: Option<Framing>,
    steps: Vec<Step>,
    trailers: Vec<(String, Bytes)>,
    last_chunk: bool,
    end: End,
    throttle: Option<Throttle>,
    follower: Option<Box<Script>>,
}

/// How a response tells the length of its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// With `transfer-encoding: chunked`.
    Chunked,
    /// With the true `content-length` of all steps.
    Sized,
    /// With this `content-length`, true or not.
    Claimed(String),
    /// Not at all: the body lasts until the connection ends.
    Unframed,
}

/// One step between head and end.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Writes the bytes in pieces of at most `size`, and waits between them.
    Write { bytes: Bytes, size: usize, interval: Duration, framed: bool },
    /// Writes the bytes so many times, or for ever, and waits after each.
    Repeat { bytes: Bytes, times: Option<u64>, interval: Duration, framed: bool },
    /// Waits.
    Wait(Duration),
}

/// The end of a script, after its last step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The server ends the body as the framing wants it.
    Finish(Disposition),
    /// The server leaves the body without its end.
    Break(Disposition),
    /// The server sends nothing more, and keeps the connection open.
    Stall,
}

/// The state in which a script leaves the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Disposition {
    /// The server reads the next request.
    KeepAlive,
    /// The server closes the connection with a FIN.
    Close,
    /// The server closes the connection with a RST.
    Reset,
}

/// At most `size` bytes at a time, and a wait after each.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Throttle {
    pub(crate) size: usize,
    pub(crate) interval: Duration,
}

/// Creating a script.
impl Script {
    /// A response with this status. `Script::new(200)` alone is an empty success.
    pub fn new(status: u16) -> Self {
        Self { head: Some(Head::new(status)), ..Self::no_response() }
    }

    /// No response at all, not even a head.
    ///
    /// With [`stall`](Self::stall), [`close`](Self::close) or [`reset`](Self::reset), this is a server that
    /// crashed before it responded. Without an end, the request is ignored, and the server reads the next one
    /// on the connection.
    pub fn no_response() -> Self {
        Self {
            head: None,
            framing: None,
            steps: Vec::new(),
            trailers: Vec::new(),
            last_chunk: true,
            end: End::Finish(Disposition::KeepAlive),
            throttle: None,
            follower: None,
        }
    }

    /// These bytes in place of a head: a head of your own, a part of one, or no HTTP at all. Later
    /// [writes](Self::write) go out as they are.
    pub fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        Self::no_response().write_raw(bytes)
    }

    /// A response with this content type and a body of one chunk.
    pub fn with_body(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self::new(status).header("content-type", content_type).write(body)
    }

    /// A JSON response with its `content-length`.
    pub fn json(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self::new(status).header("content-type", "application/json").body(body)
    }

    /// An event stream (`text/event-stream`) with these bytes as its first chunk. [`write`](Self::write) adds
    /// more.
    pub fn events(body: impl Into<Vec<u8>>) -> Self {
        Self::with_body(200, "text/event-stream", body)
    }

    /// An HTML page like those that gateways send in front of a service that is down.
    pub fn html_error(status: u16) -> Self {
        let phrase = reason_phrase(status);
        let page = format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head><title>example.com | {status}: {phrase}</title></head>\n<body>\n\
             <h1>{phrase} <span>Error code {status}</span></h1>\n<p>The web server reported an error.</p>\n\
             <p>Ray ID: <strong>8f2a6c1e5b7d9043</strong></p>\n</body>\n</html>\n"
        );
        Self::new(status)
            .header("content-type", "text/html; charset=UTF-8")
            .header("server", "cloudflare")
            .header("cf-ray", "8f2a6c1e5b7d9043-FRA")
            .body(page)
    }

    /// A redirect. `location` may be a path (the same origin), the URL of another server (another origin), or
    /// the path of the request (a loop).
    ///
    /// A client that follows to another origin must not take its keys along.
    pub fn redirect(status: u16, location: impl Into<Vec<u8>>) -> Self {
        Self::new(status).header("location", location)
    }
}

/// Pace and end.
impl Script {
    /// Waits before the next step.
    pub fn wait(mut self, time: Duration) -> Self {
        self.steps.push(Step::Wait(time));
        self
    }

    /// Sends everything, the head too, in pieces of at most `size` bytes (at least one), and waits `interval`
    /// after each.
    ///
    /// The pieces respect neither lines nor chunks: one byte at a time cuts every token. A long interval
    /// makes a slow loris, which a timeout for silence does not catch.
    pub fn throttle(mut self, size: usize, interval: Duration) -> Self {
        self.throttle = Some(Throttle { size: size.max(1), interval });
        self
    }

    /// Ends in silence: the body has no end, and the connection stays open until the client closes it.
    ///
    /// A client needs a read timeout to get out of it.
    pub fn stall(mut self) -> Self {
        self.end = End::Stall;
        self
    }

    /// Ends with a FIN and leaves the body without its end.
    ///
    /// A client sees the connection close where more was promised. If the body is
    /// [unframed](Self::unframed), that is a regular end, and a client cannot tell a whole body from a broken
    /// one.
    pub fn close(mut self) -> Self {
        self.end = End::Break(Disposition::Close);
        self
    }

    /// Ends with a RST and leaves the body without its end.
    ///
    /// A client sees "connection reset". As on a real network, the reset can destroy the bytes that were
    /// written just before; a [`wait`](Self::wait) in between lets them arrive.
    pub fn reset(mut self) -> Self {
        self.end = End::Break(Disposition::Reset);
        self
    }

    /// Ends the body, then closes the connection with a FIN, without having sent `connection: close`.
    ///
    /// The response is good. A client that pools the connection finds it closed, before it sends its next
    /// request or while it does.
    pub fn then_close(mut self) -> Self {
        self.end = End::Finish(Disposition::Close);
        self
    }

    /// Ends the body, then closes the connection with a RST, without having sent `connection: close`.
    pub fn then_reset(mut self) -> Self {
        self.end = End::Finish(Disposition::Reset);
        self
    }

    /// Plays another script after this one, without a request for it.
    ///
    /// This imitates response splitting: a client that reuses the connection may take the forged response for
    /// that to its next request. A script that stalls or closes has no follower.
    pub fn followed_by(mut self, script: Script) -> Self {
        self.follower = Some(Box::new(match self.follower {
            Some(follower) => follower.followed_by(script),
            None => script,
        }));
        self
    }
}

/// Reading a script, to play it.
impl Script {
    /// The steps between head and end.
    pub(crate) fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The end, which comes after the last step.
    pub(crate) fn end(&self) -> End {
        self.end
    }

    /// The pace of everything that is sent.
    pub(crate) fn throttling(&self) -> Option<Throttle> {
        self.throttle
    }

    /// The script that is played after this one.
    pub(crate) fn follower(&self) -> Option<&Script> {
        self.follower.as_deref()
    }
}
