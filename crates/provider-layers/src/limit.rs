//! Limits on calls: how many at once, and how many per second.

mod concurrency;
mod rate;

use std::any::{Any, TypeId};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use async_trait::async_trait;
use provider_core::{
    Catalogue, ChatRequest, ChatResponse, ChatStream, ConnectionReport, Error, ErrorKind, LlmProvider,
    Operation, ProviderDescriptor, RetryAdvice,
};
use tokio::time::timeout;

use self::concurrency::{ConcurrencyLimit, Permit};
use self::rate::RateLimiter;
use crate::Layer;
use crate::error_context::context;

/// Limits how many calls are under way [at once](LimitSettings::max_concurrency), and how many begin
/// [per second](LimitSettings::requests_per_second).
///
/// Calls that have to wait are let through in the order they came in. A caller that drops its future leaves
/// the queue, and delays no other. A call that has waited for [`max_wait`](LimitSettings::max_wait) fails
/// with [`RateLimited`](ErrorKind::RateLimited): the message says that the limit is ours, and the
/// [advice](Error::retry) estimates when to come again.
///
/// A call holds its permit until it is over: a stream until its last event has come, or until it is dropped.
/// Chat calls count, streamed or not; lists of models and connection tests go straight through.
///
/// In [the order](crate#the-order) it stands around the timeouts, since waiting for a turn is not the
/// service's time, and inside retries and circuit breaker: every attempt takes a turn, and a call that is
/// refused anyway takes none.
///
/// The layer works inside the call, without a task of its own, and needs a tokio runtime with a clock.
///
/// # Who shares it
///
/// The limit lives in the layer: clones share it, with one queue for all providers they are put around. Two
/// calls of `new` are two limits.
///
/// ```
/// use std::sync::Arc;
///
/// use provider_core::LlmProvider;
/// use provider_layers::{LimitLayer, LimitSettings, Stack};
///
/// # fn wrap(agents: Arc<dyn LlmProvider>, batch: Arc<dyn LlmProvider>) -> [Arc<dyn LlmProvider>; 4] {
/// // A free account: 20 requests per minute.
/// let settings = LimitSettings::off().max_concurrency(8).requests_per_second(20.0 / 60.0);
///
/// // Right: one account, one limit, however many handles there are.
/// let limit = LimitLayer::new(settings);
/// let right = [
///     Stack::new(agents.clone()).layer(limit.clone()).build(),
///     Stack::new(batch.clone()).layer(limit).build(),
/// ];
///
/// // Wrong: together they send 40 requests per minute.
/// let wrong = [
///     Stack::new(agents).layer(LimitLayer::new(settings)).build(),
///     Stack::new(batch).layer(LimitLayer::new(settings)).build(),
/// ];
/// # let ([a, b], [c, d]) = (right, wrong);
/// # [a, b, c, d]
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct LimitLayer {
    queue: Arc<Queue>,
}

/// The settings of a [`LimitLayer`]. By default nothing is limited, and the layer is off.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct LimitSettings {
    max_concurrency: Option<u32>,
    requests_per_second: Option<f64>,
    burst: u32,
    max_wait: Duration,
}

impl Default for LimitSettings {
    fn default() -> Self {
        Self::off()
    }
}

impl LimitSettings {
    /// No limits: the layer is off.
    pub fn off() -> Self {
        Self { max_concurrency: None, requests_per_second: None, burst: 1, max_wait: Duration::from_secs(60) }
    }

    /// Sets how many calls may be under way at once. Default: `None`, any number; so does 0.
    #[must_use]
    pub fn max_concurrency(mut self, calls: impl Into<Option<u32>>) -> Self {
        self.max_concurrency = calls.into().filter(|calls| *calls > 0);
        self
    }

    /// Sets how many calls may begin per second: `0.5` is one in two seconds, and one in 24 hours is the
    /// slowest rate. Default: `None`, any number; so does a number that is not above 0.
    #[must_use]
    pub fn requests_per_second(mut self, calls: impl Into<Option<f64>>) -> Self {
        self.requests_per_second = calls.into().filter(|calls| *calls > 0.0 && calls.is_finite());
        self
    }

    /// Sets how many calls may begin at the same moment after a pause, where there is a limit per second.
    /// Default: 1, and never less: one after the other, evenly. A service that counts in windows sees at most
    /// this many more than the rate says.
    #[must_use]
    pub fn burst(mut self, calls: u32) -> Self {
        self.burst = calls.max(1);
        self
    }

    /// Sets how long a call waits for its turn before it fails. Default: 60 s. Zero: it does not wait.
    #[must_use]
    pub fn max_wait(mut self, time: Duration) -> Self {
        self.max_wait = time;
        self
    }

    /// The time from one call to the next.
    fn interval(&self) -> Option<Duration> {
        /// The slowest rate. Less than one call a day is a mistake, and would overflow a clock.
        const MAX_INTERVAL: Duration = Duration::from_secs(24 * 60 * 60);

        let interval = Duration::try_from_secs_f64(self.requests_per_second?.recip());
        Some(interval.unwrap_or(MAX_INTERVAL).min(MAX_INTERVAL))
    }
}

impl fmt::Display for LimitSettings {
    /// The limits in words.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.max_concurrency, self.requests_per_second) {
            (Some(calls), Some(rate)) => write!(f, "at most {calls} at once and {rate} per second"),
            (Some(calls), None) => write!(f, "at most {calls} at once"),
            (None, Some(rate)) => write!(f, "at most {rate} per second"),
            (None, None) => f.write_str("none"),
        }
    }
}

impl LimitLayer {
    /// Makes the layer, with a limit of its own.
    pub fn new(settings: LimitSettings) -> Self {
        let queue = Queue {
            settings,
            concurrency: settings.max_concurrency.map(ConcurrencyLimit::new),
            rate: settings.interval().map(|interval| RateLimiter::new(interval, settings.burst)),
            waiting: AtomicUsize::new(0),
            served: AtomicUsize::new(0),
        };
        Self { queue: Arc::new(queue) }
    }
}

impl Layer for LimitLayer {
    fn layer(&self, inner: Arc<dyn LlmProvider>) -> Arc<dyn LlmProvider> {
        match self.queue.concurrency.is_none() && self.queue.rate.is_none() {
            true => inner,
            false => Arc::new(LimitProvider { inner, queue: self.queue.clone() }),
        }
    }
}

/// The calls of a layer that wait for their turn.
#[derive(Debug)]
struct Queue {
    settings: LimitSettings,
    concurrency: Option<ConcurrencyLimit>,
    rate: Option<RateLimiter>,
    waiting: AtomicUsize,
    /// The number of calls that were let through so far.
    served: AtomicUsize,
}

impl Queue {
    /// Waits until it is this call's turn. A call without a limit at once gets no permit.
    async fn acquire(&self) -> Result<Option<Permit>, Error> {
        let served_before = self.served.load(Relaxed);
        let waiting = Waiting::begin(&self.waiting);
        match timeout(self.settings.max_wait, self.turn()).await {
            Ok(permit) => {
                self.served.fetch_add(1, Relaxed);
                Ok(permit)
            }
            Err(_) => {
                let served = self.served.load(Relaxed).wrapping_sub(served_before);
                Err(self.refusal(self.estimate(served, waiting.all())))
            }
        }
    }

    async fn turn(&self) -> Option<Permit> {
        // The permit comes first, so that a call goes out at the moment that the rate gives it.
        let permit = match &self.concurrency {
            Some(concurrency) => concurrency.acquire().await,
            None => None,
        };
        if let Some(rate) = &self.rate {
            rate.acquire().await;
        }
        permit
    }

    /// The time that the calls which wait now will take, if `served` calls were let through within
    /// `max_wait`.
    fn estimate(&self, served: usize, waiting: usize) -> Duration {
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX).max(1);
        let max = self.settings.max_wait;
        let as_before = (max / count(served)).saturating_mul(count(waiting)).min(max);
        let at_best = self.settings.interval().unwrap_or_default().saturating_mul(count(waiting));
        as_before.max(at_best).max(Duration::from_secs(1))
    }

    fn refusal(&self, wait: Duration) -> Error {
        let waited = self.settings.max_wait.as_secs_f64();
        let message = format!("our own limit ({}) had no place free within {waited} s", self.settings);
        Error::new(ErrorKind::RateLimited, message)
            .with_retry(RetryAdvice::After(wait))
            .with_next_step("ask less at once, or raise the limit of this provider")
    }
}

/// Counts itself among the calls that wait, for as long as it lives.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn begin(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Relaxed);
        Self(count)
    }

    fn all(&self) -> usize {
        self.0.load(Relaxed)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

#[derive(Debug)]
struct LimitProvider {
    inner: Arc<dyn LlmProvider>,
    queue: Arc<Queue>,
}

impl LimitProvider {
    async fn acquire(&self, operation: Operation, request: &ChatRequest) -> Result<Option<Permit>, Error> {
        // Boxed: the timer is needed while a call waits, and would take room in it until it is over.
        let acquired = Box::pin(self.queue.acquire()).await;
        acquired.map_err(|error| context(&*self.inner, operation, Some(&request.model)).apply(error))
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl LlmProvider for LimitProvider {
    fn descriptor(&self) -> &'static ProviderDescriptor {
        self.inner.descriptor()
    }

    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream, Error> {
        let permit = self.acquire(Operation::Stream, request).await?;
        let stream = self.inner.stream(request).await?;
        Ok(match permit {
            Some(permit) => stream.observed(permit),
            None => stream,
        })
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse, Error> {
        let _permit = self.acquire(Operation::Chat, request).await?;
        self.inner.chat(request).await
    }

    async fn models(&self) -> Result<Catalogue, Error> {
        self.inner.models().await
    }

    async fn all_models(&self) -> Result<Catalogue, Error> {
        self.inner.all_models().await
    }

    async fn check(&self) -> Result<ConnectionReport, Error> {
        self.inner.check().await
    }

    async fn warm_up(&self) -> Result<(), Error> {
        self.inner.warm_up().await
    }

    fn extension_by_id(&self, wanted: TypeId) -> Option<&(dyn Any + Send + Sync)> {
        self.inner.extension_by_id(wanted)
    }
}
