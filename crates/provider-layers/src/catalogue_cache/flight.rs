//! One piece of work that many wait for.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll, Wake, Waker, ready};

/// Work that is done by whoever waits for it.
///
/// Everybody who waits polls the same future, so it goes on as long as one of them does; nobody is needed who
/// would be forgotten or dropped at the wrong moment. When the last of them lets go of the `Arc`, the work is
/// dropped.
pub(super) struct Flight<T> {
    work: Mutex<Pin<Box<dyn Future<Output = T> + Send>>>,
    outcome: OnceLock<T>,
    waiting: Arc<Waiting>,
}

impl<T: Clone> Flight<T> {
    pub(super) fn new(work: impl Future<Output = T> + Send + 'static) -> Arc<Self> {
        Arc::new(Self { work: Mutex::new(Box::pin(work)), outcome: OnceLock::new(), waiting: Arc::default() })
    }

    /// Waits for the outcome.
    pub(super) async fn landed(self: Arc<Self>) -> T {
        poll_fn(|cx| self.poll(cx)).await
    }

    fn poll(&self, cx: &mut Context<'_>) -> Poll<T> {
        self.waiting.add(cx.waker());
        // Work that panicked does so again for everybody who waits.
        let mut work = self.work.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(outcome) = self.outcome.get() {
            return Poll::Ready(outcome.clone());
        }
        let waker = Waker::from(self.waiting.clone());
        let outcome = ready!(work.as_mut().poll(&mut Context::from_waker(&waker)));
        let outcome = self.outcome.get_or_init(|| outcome).clone();
        drop(work);
        waker.wake();
        Poll::Ready(outcome)
    }
}

impl<T> fmt::Debug for Flight<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flight").field("landed", &self.outcome.get().is_some()).finish_non_exhaustive()
    }
}

/// Whom to wake when the work can go on or is done: everybody, since nobody knows who is still there.
#[derive(Default)]
struct Waiting(Mutex<Vec<Waker>>);

impl Waiting {
    fn add(&self, waker: &Waker) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !waiting.iter().any(|other| other.will_wake(waker)) {
            waiting.push(waker.clone());
        }
    }
}

impl Wake for Waiting {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let waiting = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        waiting.into_iter().for_each(Waker::wake);
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

    use super::*;

    #[derive(Default)]
    struct Woken(AtomicBool);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.store(true, SeqCst);
        }
    }

    #[test]
    fn whoever_finishes_the_work_wakes_the_others() {
        // Done all at once, without a word to those who wait.
        let is_done = Arc::new(AtomicBool::new(false));
        let done = is_done.clone();
        let work = poll_fn(move |_| if done.load(SeqCst) { Poll::Ready(7) } else { Poll::Pending });
        let flight = Flight::new(work);
        let (mut one, mut other) = (pin!(flight.clone().landed()), pin!(flight.landed()));
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(woken.clone());
        assert!(other.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        is_done.store(true, SeqCst);
        assert_eq!(one.as_mut().poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(7));
        assert!(woken.0.load(SeqCst));
        assert_eq!(other.as_mut().poll(&mut Context::from_waker(&waker)), Poll::Ready(7));
    }
}
