//! A response body that plays a script of bytes, pauses and faults.
//!
//! The body is polled by its connection, without a task: when the client closes, it is dropped.

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

/// The time between the comments of a stream that sends nothing else.
pub(crate) const COMMENT_INTERVAL: Duration = Duration::from_millis(100);
/// The time for bytes to be sent before the connection is aborted.
pub(crate) const FLUSH_DELAY: Duration = Duration::from_millis(20);

/// One step of a script.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Step {
    /// Send these bytes.
    Send(Bytes),
    /// Wait.
    Pause(Duration),
    /// Send these bytes for ever, with pauses between.
    Repeat(Bytes, Duration),
    /// Wait for ever.
    Hang,
    /// Abort the connection.
    Abort,
}

impl Step {
    pub(crate) fn send(text: impl Into<String>) -> Self {
        Self::Send(Bytes::from(text.into()))
    }
}

/// The steps of a pause of `time`, with `text` sent after each quarter of it.
pub(crate) fn pause_with(time: Duration, what: &'static str) -> impl Iterator<Item = Step> {
    const PARTS: u32 = 4;
    (0..PARTS).flat_map(move |_| [Step::Pause(time / PARTS), Step::send(what)])
}

/// Counts a stream as open until it is dropped.
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

/// A body that plays a script.
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
                // No waker is registered: the end of the connection drops this stream.
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
