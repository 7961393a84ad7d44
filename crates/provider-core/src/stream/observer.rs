//! The observers that layers add to a stream they hand on.

use std::fmt;
use std::task::{Context, Poll};

use super::Activity;
use crate::{ChatResponse, Error};

/// Watches a [`ChatStream`](crate::ChatStream), and can end it: a clock, a count of open streams, a trace.
/// Added by [`ChatStream::observed`](crate::ChatStream::observed).
///
/// An observer lives inside the stream and works only while the reader reads, so it needs no task and no
/// channel, and whatever it holds goes with the stream. A stream without one costs nothing more, and an
/// observer that keeps to plain fields costs no allocation per event.
pub trait StreamObserver: Send {
    /// Something of the answer has come from the provider. Every piece of the answer is shown before the
    /// reader gets it; keep-alives are not shown. [`Activity`] has the table.
    ///
    /// # Errors
    /// Ends the stream, behind what has come.
    fn on_activity(&mut self, activity: Activity<'_>) -> Result<(), Error> {
        let _ = activity;
        Ok(())
    }

    /// The reader waits, and nothing has come. Ready when the stream has to end, with the error it ends in;
    /// pending otherwise, and then the task is to be woken when it is time to ask again.
    fn poll_waiting(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        let _ = cx;
        Poll::Pending
    }

    /// The stream is over: with a whole answer, or with an error that has what had come in it. The observer
    /// is dropped after it.
    fn on_end(&mut self, end: Result<&ChatResponse, &Error>) {
        let _ = end;
    }

    /// The reader leaves before the stream is over, with what had come by then: it drops the stream, or gives
    /// it up for a reason of its own. The observer is dropped after it, without being told of an
    /// [end](Self::on_end).
    fn on_leave(&mut self, so_far: &ChatResponse, reason: Option<&Error>) {
        let _ = (so_far, reason);
    }
}

/// The observers of a stream, from the inside out. Without any it is an empty list.
#[derive(Default)]
pub(super) struct Observers {
    list: Vec<Box<dyn StreamObserver>>,
    /// How many of them stand inside of a [`Continuation`](super::Continuation), and watch one part alone.
    inner: usize,
}

/// An error that an observer ends a stream in.
pub(super) struct Halt {
    pub(super) error: Error,
    /// Whether the observer watches the part under way alone, so that another part may come.
    pub(super) is_inner: bool,
}

impl Observers {
    pub(super) fn add(&mut self, observer: impl StreamObserver + 'static) {
        self.list.push(Box::new(observer));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Has those that there are now watch the part under way alone.
    pub(super) fn enclose(&mut self) {
        self.inner = self.list.len();
    }

    pub(super) fn on_activity(&mut self, activity: Activity<'_>) -> Result<(), Halt> {
        let mut seen = Ok(());
        for (place, observer) in self.list.iter_mut().enumerate() {
            // Each sees every sign, also one that another ends the stream at.
            let halt = observer.on_activity(activity);
            seen = seen.and(halt.map_err(|error| Halt { error, is_inner: place < self.inner }));
        }
        seen
    }

    pub(super) fn poll_waiting(&mut self, cx: &mut Context<'_>) -> Poll<Halt> {
        for (place, observer) in self.list.iter_mut().enumerate() {
            if let Poll::Ready(error) = observer.poll_waiting(cx) {
                return Poll::Ready(Halt { error, is_inner: place < self.inner });
            }
        }
        Poll::Pending
    }

    /// Tells those of the part under way that it broke off, and lets go of them.
    pub(super) fn end_part(&mut self, broken: &Error) {
        for mut observer in self.list.drain(..std::mem::take(&mut self.inner)) {
            observer.on_end(Err(broken));
        }
    }

    /// Tells them that it is over, and lets go of them.
    pub(super) fn end(&mut self, end: Result<&ChatResponse, &Error>) {
        self.inner = 0;
        for mut observer in self.list.drain(..) {
            observer.on_end(end);
        }
    }

    /// Tells those that there still are that the reader leaves, and lets go of them.
    pub(super) fn leave(&mut self, so_far: &ChatResponse, reason: Option<&Error>) {
        self.inner = 0;
        for mut observer in self.list.drain(..) {
            observer.on_leave(so_far, reason);
        }
    }
}

impl fmt::Debug for Observers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Observers").field(&self.list.len()).finish()
    }
}
