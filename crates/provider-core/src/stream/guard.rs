//! What a layer adds to a stream that it hands on.

use std::fmt;
use std::task::{Context, Poll};

use super::Sign;
use crate::{ChatResponse, Error};

/// Watches a [`ChatStream`](crate::ChatStream), and can end it: a clock, a count of open streams, a trace.
/// Added by [`ChatStream::guarded`](crate::ChatStream::guarded).
///
/// A guard lives inside the stream and works only while the reader reads, so it needs no task and no channel,
/// and whatever it holds goes with the stream. A stream without one costs nothing more, and a guard that
/// keeps to plain fields costs no allocation per event.
pub trait StreamGuard: Send {
    /// Something of the answer has come from the provider. Every piece of the answer is shown before the
    /// reader gets it; keep-alives are not shown. [`Sign`] has the table.
    ///
    /// # Errors
    /// Ends the stream, behind what has come.
    fn sign(&mut self, sign: Sign<'_>) -> Result<(), Error> {
        let _ = sign;
        Ok(())
    }

    /// The reader waits, and nothing has come. Ready when the stream has to end, with the error it ends in;
    /// pending otherwise, and then the task is to be woken when it is time to ask again.
    fn poll_waiting(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        let _ = cx;
        Poll::Pending
    }

    /// The stream is over: with a whole answer, or with an error that has what had come in it. The guard is
    /// dropped after it.
    fn ended(&mut self, end: Result<&ChatResponse, &Error>) {
        let _ = end;
    }

    /// The reader leaves before the stream is over, with what had come by then: it drops the stream, or gives
    /// it up for a reason of its own. The guard is dropped after it, without being told of an
    /// [end](Self::ended).
    fn left(&mut self, so_far: &ChatResponse, reason: Option<&Error>) {
        let _ = (so_far, reason);
    }
}

/// The guards of a stream, from the inside out. Without any it is an empty list.
#[derive(Default)]
pub(super) struct Guards(Vec<Box<dyn StreamGuard>>);

impl Guards {
    pub(super) fn add(&mut self, guard: impl StreamGuard + 'static) {
        self.0.push(Box::new(guard));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn sign(&mut self, sign: Sign<'_>) -> Result<(), Error> {
        let mut seen = Ok(());
        for guard in &mut self.0 {
            // Each sees every sign, also one that another ends the stream at.
            seen = seen.and(guard.sign(sign));
        }
        seen
    }

    pub(super) fn poll_waiting(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        self.0.iter_mut().map(|guard| guard.poll_waiting(cx)).find(Poll::is_ready).unwrap_or(Poll::Pending)
    }

    /// Tells them that it is over, and lets go of them.
    pub(super) fn end(&mut self, end: Result<&ChatResponse, &Error>) {
        for mut guard in self.0.drain(..) {
            guard.ended(end);
        }
    }

    /// Tells those that there still are that the reader leaves, and lets go of them.
    pub(super) fn leave(&mut self, so_far: &ChatResponse, reason: Option<&Error>) {
        for mut guard in self.0.drain(..) {
            guard.left(so_far, reason);
        }
    }
}

impl fmt::Debug for Guards {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Guards").field(&self.0.len()).finish()
    }
}
