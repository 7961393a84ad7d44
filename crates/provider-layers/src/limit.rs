//! No more calls than that, at once and per second.

mod rate;
mod settings;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use async_trait::async_trait;
use provider_core::author::StreamObserver;
use provider_core::{
    Catalogue, ChatRequest, ChatResponse, ChatStream, ConnectionReport, Error, ErrorKind, LlmProvider,
    LlmProviderExt, ProviderDescriptor, RetryAdvice,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use self::rate::Pace;
pub use self::settings::LimitSettings;

/// A provider that is not asked more than it is meant to be: so many calls
/// [at once](LimitSettings::max_concurrency), so many [per second](LimitSettings::requests_per_second).
///
/// Calls that have to wait are let through in the order they came in. A caller that drops its future leaves
/// the queue, and takes nobody's place. Who has waited for [`max_wait`](LimitSettings::max_wait) gets an
/// error of the kind [`RateLimited`](ErrorKind::RateLimited), which says that the limit is ours, and with an
/// estimate of when to come again in [`retry`](Error::retry).
///
/// A call holds its place until it is over: a stream until its last event has come, or until it is dropped.
/// Chat calls count, streamed or not; the list of models and the connection test go straight through.
///
/// In [the order](crate#the-order) it stands around the timeouts, so that waiting for a turn is not counted
/// as the service's time, and inside retries and circuit breaker: every try takes a turn, and none is taken
/// by a call that is refused anyway.
///
/// It works inside the call, without a task of its own, and needs a tokio runtime with a clock.
///
/// ```
/// use std::sync::Arc;
///
/// use provider_core::LlmProvider;
/// use provider_layers::{Limit, LimitSettings};
///
/// # fn wrap(openrouter: Arc<dyn LlmProvider>) -> Limit {
/// // A free account: 20 requests per minute.
/// let settings = LimitSettings::off().max_concurrency(8).requests_per_second(20.0 / 60.0);
/// Limit::around(openrouter, settings)
/// # }
/// ```
#[derive(Debug)]
pub struct Limit {
    provider: Arc<dyn LlmProvider>,
    settings: LimitSettings,
    places: Option<Arc<Semaphore>>,
    pace: Option<Pace>,
    waiting: AtomicUsize,
    /// How many were let through so far.
    served: AtomicUsize,
}

/// A place among the calls that are under way. It is free again when this is dropped.
type Place = Option<OwnedSemaphorePermit>;

impl Limit {
    /// Limits the calls of this provider.
    pub fn around(provider: Arc<dyn LlmProvider>, settings: LimitSettings) -> Self {
        Self {
            provider,
            settings,
            places: settings.places().map(|places| Arc::new(Semaphore::new(places))),
            pace: settings.interval().map(|interval| Pace::new(interval, settings.burst)),
            waiting: AtomicUsize::new(0),
            served: AtomicUsize::new(0),
        }
    }

    /// Waits until it is this call's turn.
    async fn enter(&self, request: &ChatRequest) -> Result<Place, Error> {
        if self.places.is_none() && self.pace.is_none() {
            return Ok(None);
        }
        // Boxed, or all calls would keep room for a timer that is needed where there is a limit alone.
        Box::pin(self.queue(request)).await
    }

    async fn queue(&self, request: &ChatRequest) -> Result<Place, Error> {
        let served_before = self.served.load(Relaxed);
        let waiting = Waiting::begin(&self.waiting);
        match timeout(self.settings.max_wait, self.turn()).await {
            Ok(place) => {
                self.served.fetch_add(1, Relaxed);
                Ok(place)
            }
            Err(_) => {
                let served = self.served.load(Relaxed).wrapping_sub(served_before);
                let wait = self.estimate(served, waiting.all());
                Err(self.refusal(&request.model, wait))
            }
        }
    }

    async fn turn(&self) -> Place {
        // The place first: a call that has its turn in time then goes out at that time.
        let place = match &self.places {
            // Nobody closes it.
            Some(places) => places.clone().acquire_owned().await.ok(),
            None => None,
        };
        if let Some(pace) = &self.pace {
            pace.turn().await;
        }
        place
    }

    /// How long those who wait now will take, after so many were served within the longest wait.
    fn estimate(&self, served: usize, waiting: usize) -> Duration {
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX).max(1);
        let most = self.settings.max_wait;
        let as_before = (most / count(served)).saturating_mul(count(waiting)).min(most);
        let at_best = self.settings.interval().unwrap_or_default().saturating_mul(count(waiting));
        as_before.max(at_best).max(Duration::from_secs(1))
    }

    fn refusal(&self, model: &str, wait: Duration) -> Error {
        let waited = self.settings.max_wait.as_secs_f64();
        let message = format!("our own limit ({}) had no place free within {waited} s", self.settings);
        Error::new(ErrorKind::RateLimited, message)
            .with_retry(RetryAdvice::After(wait))
            .with_provider(self.provider.id())
            .with_model(model)
            .with_next_step("ask less at once, or raise the limit of this provider")
    }
}

/// Counts itself among those who wait, for as long as it lives.
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

/// Keeps a place for as long as a stream is open.
struct Held {
    _place: OwnedSemaphorePermit,
}

impl StreamObserver for Held {}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl LlmProvider for Limit {
    fn descriptor(&self) -> &'static ProviderDescriptor {
        self.provider.descriptor()
    }

    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream, Error> {
        let place = self.enter(request).await?;
        let stream = self.provider.stream(request).await?;
        Ok(match place {
            Some(place) => stream.observed(Held { _place: place }),
            None => stream,
        })
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse, Error> {
        let _place = self.enter(request).await?;
        self.provider.chat(request).await
    }

    async fn models(&self) -> Result<Catalogue, Error> {
        self.provider.models().await
    }

    async fn all_models(&self) -> Result<Catalogue, Error> {
        self.provider.all_models().await
    }

    async fn check(&self) -> Result<ConnectionReport, Error> {
        self.provider.check().await
    }

    async fn warm_up(&self) -> Result<(), Error> {
        self.provider.warm_up().await
    }
}
