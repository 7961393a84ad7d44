//! What the server says, and how it ends. The rest of its words are in the files beside this one, by what
//! they are about.

mod body;
mod chunk;
mod head;
mod named;

use std::time::Duration;

pub use chunk::ChunkFault;
pub(crate) use chunk::{chunk, last_chunk};
use head::Head;

use crate::bytes::Bytes;

/// What the server says to one request: a head, a body in steps, and an end.
///
/// The head goes out first, then the steps in the order they were said, then the end, wherever it was said.
/// Headers and framing may be said at any place, too.
///
/// Unless something else is said, a body is chunked, each piece one chunk on its own, and the connection
/// serves the next request afterwards. A script without a body says `content-length: 0`.
///
/// Nothing is checked and nothing is set right: a script that says two lengths sends two lengths, and one
/// that answers `HEAD` with a body sends it.
#[derive(Clone, Debug)]
#[must_use]
pub struct Script {
    head: Option<Head>,
    framing: Option<Framing>,
    steps: Vec<Step>,
    trailers: Vec<(String, Bytes)>,
    last_chunk: bool,
    end: End,
    pace: Option<Throttle>,
    follower: Option<Box<Script>>,
}

/// How the length of a body is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// In chunks.
    Chunked,
    /// By the sum of what is written.
    Sized,
    /// By what the script claims.
    Claimed(String),
    /// Not at all.
    None,
}

/// Something to do between head and end.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Say this in pieces of at most `size` bytes, and wait after each but the last.
    Write { bytes: Bytes, size: usize, every: Duration, framed: bool },
    /// Say this again and again: so many times, or for ever.
    Repeat { bytes: Bytes, times: Option<u64>, every: Duration, framed: bool },
    /// Say nothing for a while.
    Wait(Duration),
}

/// What comes after the last step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// End the body as its framing wants it, then this.
    Finish(Disposition),
    /// Leave the body as it is, then this.
    Break(Disposition),
    /// Say nothing more, and keep the connection open.
    Stall,
}

/// What becomes of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Disposition {
    /// It serves the next request.
    KeepAlive,
    /// It is closed with a FIN.
    Close,
    /// It is closed with a RST.
    Reset,
}

/// So many bytes at a time, and a wait after each piece.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Throttle {
    pub(crate) size: usize,
    pub(crate) every: Duration,
}

impl Script {
    /// An answer with this status. `Script::new(200)` alone is an empty success.
    pub fn new(status: u16) -> Self {
        Self { head: Some(Head::new(status)), ..Self::no_response() }
    }

    /// No answer at all, not even a head. With [`stall`](Self::stall), [`close`](Self::close) or
    /// [`reset`](Self::reset) it is what a client sees of a server that fell over before it answered; without
    /// an end the request is passed over, and the next one on the connection is read.
    pub fn no_response() -> Self {
        Self {
            head: None,
            framing: None,
            steps: Vec::new(),
            trailers: Vec::new(),
            last_chunk: true,
            end: End::Finish(Disposition::KeepAlive),
            pace: None,
            follower: None,
        }
    }

    /// These bytes in place of a head: a head of your own, a part of one, or what is none. What is
    /// [written](Self::write) afterwards goes out as it is.
    pub fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        Self::no_response().write_raw(bytes)
    }

    /// Says nothing for a while.
    pub fn wait(mut self, time: Duration) -> Self {
        self.steps.push(Step::Wait(time));
        self
    }

    /// Ends in silence: the body is not ended, and the connection stays open until the client goes.
    ///
    /// A client waits until its own patience ends, and this is what its read timeout is for.
    pub fn stall(mut self) -> Self {
        self.end = End::Stall;
        self
    }

    /// Ends with a FIN and without ending the body.
    ///
    /// A client sees the end of the connection where more was promised; if the body is
    /// [unframed](Self::unframed), that is the end of the answer, and nothing tells a whole one from a broken
    /// one.
    pub fn close(mut self) -> Self {
        self.end = End::Break(Disposition::Close);
        self
    }

    /// Ends with a RST and without ending the body.
    ///
    /// A client sees "connection reset". As on a real network, what was written just before can be lost with
    /// it; a [`wait`](Self::wait) in between lets it arrive.
    pub fn reset(mut self) -> Self {
        self.end = End::Break(Disposition::Reset);
        self
    }

    /// Ends the body, then closes the connection with a FIN, without having said `connection: close`.
    ///
    /// The answer is good. A client that puts the connection back for its next request finds it closed,
    /// before it sends or while it does.
    pub fn then_close(mut self) -> Self {
        self.end = End::Finish(Disposition::Close);
        self
    }

    /// Ends the body, then closes the connection with a RST, without having said `connection: close`.
    pub fn then_reset(mut self) -> Self {
        self.end = End::Finish(Disposition::Reset);
        self
    }

    /// Plays another script after this one, which nobody asked for.
    ///
    /// This is how a forged reply looks behind a response that was split: a client that uses the connection
    /// again may take it for the answer to its next request. Nothing follows a script that stalls or closes.
    pub fn followed_by(mut self, script: Script) -> Self {
        self.follower = Some(Box::new(match self.follower {
            Some(follower) => follower.followed_by(script),
            None => script,
        }));
        self
    }

    /// Sends everything, the head too, in pieces of at most `size` bytes (at least one), and waits after
    /// each.
    ///
    /// The pieces know nothing of lines or chunks: with one byte at a time every token is cut everywhere. A
    /// long wait makes a slow loris, to which a timeout for silence is blind.
    pub fn throttle(mut self, size: usize, every: Duration) -> Self {
        self.pace = Some(Throttle { size: size.max(1), every });
        self
    }

    /// What is played after this.
    pub(crate) fn follower(&self) -> Option<&Script> {
        self.follower.as_deref()
    }

    /// The steps between head and end.
    pub(crate) fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// What comes after the last step.
    pub(crate) fn end(&self) -> End {
        self.end
    }

    /// How fast everything goes out.
    pub(crate) fn throttled(&self) -> Option<Throttle> {
        self.pace
    }
}
