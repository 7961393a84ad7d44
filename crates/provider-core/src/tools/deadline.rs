//! The end of the caller's patience.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

/// A future of the caller's that ends a run: a timer of whatever runtime, or a cancellation.
#[derive(Default)]
pub(super) struct Deadline<'a> {
    /// The caller's future, until it is ready.
    ahead: Option<Pin<Box<dyn Future<Output = ()> + Send + 'a>>>,
    passed: bool,
}

impl<'a> Deadline<'a> {
    pub(super) fn of(end: impl Future + Send + 'a) -> Self {
        let end = async move {
            end.await;
        };
        Self { ahead: Some(Box::pin(end)), passed: false }
    }

    /// Whether it has passed; if not, the task is woken when it does.
    pub(super) fn poll_passed(&mut self, cx: &mut Context<'_>) -> bool {
        if let Some(ahead) = &mut self.ahead {
            if ahead.as_mut().poll(cx).is_ready() {
                (self.ahead, self.passed) = (None, true);
            }
        }
        self.passed
    }

    /// Whether it has passed.
    pub(super) async fn passed(&mut self) -> bool {
        poll_fn(|cx| Poll::Ready(self.poll_passed(cx))).await
    }

    /// The work's result, or `None` if the deadline passes first. Work that is done is never thrown away.
    pub(super) async fn or<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        let mut work = pin!(work);
        poll_fn(|cx| match work.as_mut().poll(cx) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending if self.poll_passed(cx) => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        })
        .await
    }
}
