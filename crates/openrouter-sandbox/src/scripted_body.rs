//! Plays a prepared answer to a client: bytes, pauses, and the ways a connection can go wrong.
//!
//! An answer is first written as a script (plain data, easy to compose and to test) and only then played.
//! No task is involved: when the client goes away, the connection drops the script and that is all.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_core::Stream;
use tokio::time::Sleep;

/// Between the comments of a stream that has nothing else to say.
pub(crate) const COMMENT_INTERVAL: Duration = Duration::from_millis(100);
/// Time for what was sent to leave the machine before the connection is broken.
pub(crate) const FLUSH_DELAY: Duration = Duration::from_millis(20);

/// One thing to do to the client.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Step {
    /// Send these bytes.
    Send(Bytes),
    /// Be silent for a while.
    Pause(Duration),
    /// Send the bytes again and again, for ever, with pauses between.
    Repeat(Bytes, Duration),
    /// Be silent for ever.
    Hang,
    /// Break the connection.
    Abort,
}

impl Step {
    pub(crate) fn send(text: impl Into<String>) -> Self {
        Self::Send(Bytes::from(text.into()))
    }
}

/// Waits for `time`, saying something now and then.
pub(crate) fn pause_with(time: Duration, what: &'static str) -> impl Iterator<Item = Step> {
    const PARTS: u32 = 4;
    (0..PARTS).flat_map(move |_| [Step::Pause(time / PARTS), Step::send(what)])
}

/// Counts a stream as open for as long as it lives.
#[derive(Debug)]
pub(crate) struct OpenStreamGuard(Arc<AtomicUsize>);

impl OpenStreamGuard {
    pub(crate) fn count(open: &Arc<AtomicUsize>) -> Self {
        open.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(open))
    }
}

impl Drop for OpenStreamGuard {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A script being played.
pub(crate) struct ScriptedBody {
    steps: VecDeque<Step>,
    pause: Option<Pin<Box<Sleep>>>,
    /// Kept for its `Drop`.
    _open: Option<OpenStreamGuard>,
}

impl ScriptedBody {
    pub(crate) fn new(steps: Vec<Step>, open: Option<OpenStreamGuard>) -> Self {
        Self { steps: steps.into(), pause: None, _open: open }
    }

    pub(crate) fn into_body(self) -> Body {
        Body::from_stream(self)
    }
}

impl Stream for ScriptedBody {
    type Item = std::io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(pause) = self.pause.as_mut() {
                std::task::ready!(pause.as_mut().poll(context));
                self.pause = None;
            }
            match self.steps.pop_front() {
                Some(Step::Send(bytes)) => return Poll::Ready(Some(Ok(bytes))),
                Some(Step::Pause(time)) => self.pause = Some(Box::pin(tokio::time::sleep(time))),
                Some(Step::Repeat(bytes, time)) => {
                    self.pause = Some(Box::pin(tokio::time::sleep(time)));
                    self.steps.push_front(Step::Repeat(bytes.clone(), time));
                    return Poll::Ready(Some(Ok(bytes)));
                }
                // Nothing will wake this stream but the end of its connection.
                Some(Step::Hang) => {
                    self.steps.push_front(Step::Hang);
                    return Poll::Pending;
                }
                Some(Step::Abort) => {
                    self.steps.clear();
                    return Poll::Ready(Some(Err(std::io::ErrorKind::ConnectionAborted.into())));
                }
                None => return Poll::Ready(None),
            }
        }
    }
}
