//! A service that holds back what requests under way may cost.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use async_trait::async_trait;
use provider_core::author::{ChunkSource, Progress, ResponseAccumulator};
use provider_core::{
    Catalogue, ChatRequest, ChatStream, ConnectionReport, Error, ErrorKind, LimitKind, LlmProvider,
    ProviderDescriptor, RetryAdvice, UsageLimit,
};
use tokio::time::{Instant, Sleep, sleep};

use super::ACME;

/// The error of a request for which there is no budget left.
pub(crate) fn in_flight(wait: Duration) -> Error {
    Error::new(ErrorKind::PaymentRequired, "the budget is in flight")
        .with_status(402)
        .with_limit(UsageLimit::new(LimitKind::InFlight))
        .with_retry(RetryAdvice::After(wait))
}

/// Has so many answers under way at a time, each of which takes a while, and refuses all others.
#[derive(Debug)]
pub(crate) struct Budget {
    most: usize,
    takes: Duration,
    wait: Duration,
    open: Arc<AtomicUsize>,
    start: Instant,
    /// When it was asked, and whether it answered.
    asked: Mutex<Vec<(Duration, bool)>>,
}

impl Budget {
    pub(crate) fn of(most: usize, takes: Duration, wait: Duration) -> Arc<Self> {
        let (open, asked) = (Arc::default(), Mutex::default());
        Arc::new(Self { most, takes, wait, open, start: Instant::now(), asked })
    }

    /// In how many seconds after the beginning it was asked, of what it answered or of what it refused.
    pub(crate) fn asked(&self, answered: bool) -> Vec<u64> {
        let asked = self.asked.lock().unwrap();
        asked.iter().filter(|(_, outcome)| *outcome == answered).map(|(at, _)| at.as_secs()).collect()
    }
}

#[async_trait]
impl LlmProvider for Budget {
    fn descriptor(&self) -> &'static ProviderDescriptor {
        &ACME
    }

    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream, Error> {
        let place = Place::take(&self.open);
        let answers = place.number <= self.most;
        self.asked.lock().unwrap().push((self.start.elapsed(), answers));
        match answers {
            true => {
                let answer = Answer { time: Box::pin(sleep(self.takes)), has_spoken: false, _place: place };
                Ok(ChatStream::new(answer).requested(&request.model, &[]))
            }
            false => Err(in_flight(self.wait)),
        }
    }

    async fn models(&self) -> Result<Catalogue, Error> {
        Ok(Catalogue::default())
    }

    async fn check(&self) -> Result<ConnectionReport, Error> {
        Ok(ConnectionReport::default())
    }
}

/// Counts as under way for as long as it lives.
struct Place {
    number: usize,
    open: Arc<AtomicUsize>,
}

impl Place {
    fn take(open: &Arc<AtomicUsize>) -> Self {
        Self { number: open.fetch_add(1, SeqCst) + 1, open: open.clone() }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.open.fetch_sub(1, SeqCst);
    }
}

/// Begins at once, and is whole after its time.
struct Answer {
    time: Pin<Box<Sleep>>,
    has_spoken: bool,
    _place: Place,
}

impl ChunkSource for Answer {
    fn poll_progress(
        &mut self,
        cx: &mut Context<'_>,
        accumulator: &mut ResponseAccumulator,
    ) -> Poll<Result<Progress, Error>> {
        if !std::mem::replace(&mut self.has_spoken, true) {
            accumulator.push_text("Hi");
            return Poll::Ready(Ok(Progress::More));
        }
        ready!(self.time.as_mut().poll(cx));
        accumulator.set_end_marked();
        Poll::Ready(Ok(Progress::End))
    }
}
