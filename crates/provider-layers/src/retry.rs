//! Retries of calls that failed in a way that may pass.

mod backoff;
mod budget;
mod in_flight;

use std::any::{Any, TypeId};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use provider_core::author::ErrorContext;
use provider_core::{
    Catalogue, ChatRequest, ChatResponse, ChatStream, ConnectionReport, Error, LlmProvider, Operation,
    ProviderDescriptor, RetryAdvice, TimeoutPhase,
};
use tokio::time::{Instant, sleep};

use self::backoff::Jitter;
pub use self::backoff::RetrySettings;
use self::budget::RetryBudget;
use self::in_flight::{InFlightQueue, Turn};
use crate::error_context::context;
use crate::timeout::deadlines::{Deadline, Deadlines, Work, moment};
use crate::{Layer, TimeoutSettings};

/// Retries calls that failed in a way that may pass.
///
/// ```
/// use std::sync::Arc;
///
/// use provider_core::{ChatRequest, ChatResponse, Error, LlmProvider};
/// use provider_layers::{RetryLayer, RetrySettings, Stack};
///
/// # async fn ask(openrouter: Arc<dyn LlmProvider>) -> Result<ChatResponse, Error> {
/// let provider = Stack::new(openrouter).layer(RetryLayer::new(RetrySettings::default())).build();
/// let reply = provider.chat(&ChatRequest::new("openai/gpt-4o").user("Hello")).await?;
/// for failed in &reply.attempts {
///     println!("before that: {failed}");
/// }
/// # Ok(reply)
/// # }
/// ```
///
/// # When it retries
///
/// All of these hold:
///
/// * The error [advises](Error::retry) it. A provider does so for timeouts, for rate limits and overload, for
///   servers and connections that failed, for answers without anything in them, and for whatever its service
///   calls worth another attempt.
/// * Nothing of an answer had come, streamed or not, and none is on the bill. An answer that was [paid
///   for](Error::was_paid_for) is in the error, and is not asked for twice.
/// * There are [attempts](RetrySettings::max_attempts), [time](RetrySettings::retry_timeout) and
///   [retry budget](#the-retry-budget) left.
///
/// Every attempt sends the same request. Lists of models and connection tests are retried, too; `warm_up` is
/// not, since requests go through without it.
///
/// # How long it waits
///
/// If the service names a time, the layer waits that long, and up to
/// [`initial_delay`](RetrySettings::initial_delay) more; never less. If the time is longer than the rest of
/// the [deadline](RetrySettings::deadline), or than [`max_retry_after`](RetrySettings::max_retry_after), the
/// error is returned at once; it says so, and keeps the service's advice.
///
/// Else the layer waits any time from half of a limit up to all of it, and the limit doubles: 0.5 s, 1 s,
/// 2 s, …, 8 s by default. These attempts begin within [`retry_timeout`](RetrySettings::retry_timeout), to
/// which waits that the service named do not count.
///
/// # A budget in flight
///
/// Some services hold back what requests under way [may cost](provider_core::LimitKind::InFlight), and refuse
/// a request beyond that. Calls that were refused for it would collide again, so they are retried one at a
/// time, in order, each until its answer is over or its stream dropped. A call whose answer takes longer than
/// the service had the next one wait, and than 10 s, no longer holds that one up: so does a stream that is
/// not read, or one whose reader asks the same provider meanwhile.
///
/// # The retry budget
///
/// A service that is down stays down longer when every call asks three times. So all calls of a layer share a
/// token bucket of [10](RetrySettings::budget_capacity) retries, full at first: each retry takes one out,
/// each call puts [a tenth](RetrySettings::budget_deposit) back in. A few failures are retried as often as
/// they may be; when everything fails, one call in ten is. A retry because of a budget in flight takes none.
///
/// # The error at the end
///
/// Failed attempts are in [`ChatResponse::attempts`] or [`Error::attempts`], oldest first, each error with
/// its provider and model. An error that comes out after the attempts, the time or the retry budget are used
/// up advises [`Exhausted`](RetryAdvice::Exhausted): another party that retries around this layer, such as a
/// second `RetryLayer`, a comparison or a loop of the host, then does not multiply the attempts.
///
/// The layer works inside the call, without a task of its own, and needs a tokio runtime with a clock.
///
/// # Who shares it
///
/// The retry budget and the queue for a budget in flight live in the layer: clones share them, and so do all
/// providers that they are put around. Two calls of `new` share nothing.
///
/// ```
/// use std::sync::Arc;
///
/// use provider_core::LlmProvider;
/// use provider_layers::{RetryLayer, RetrySettings, Stack};
///
/// # fn wrap(account: Arc<dyn LlmProvider>) -> [Arc<dyn LlmProvider>; 2] {
/// // Right: made once, when the account is connected. All its calls share one budget.
/// let right = Stack::new(account.clone()).layer(RetryLayer::new(RetrySettings::default())).build();
///
/// // Wrong, if done for each request: every call begins with a full budget, so that it bounds nothing.
/// let wrong = Stack::new(account).layer(RetryLayer::new(RetrySettings::default())).build();
/// # [right, wrong]
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct RetryLayer {
    settings: RetrySettings,
    shared: Arc<Shared>,
}

/// The state that all calls of a layer share.
#[derive(Debug)]
struct Shared {
    budget: RetryBudget,
    jitter: Jitter,
    in_flight: InFlightQueue,
}

impl RetryLayer {
    /// Makes the layer, with a retry budget of its own.
    pub fn new(settings: RetrySettings) -> Self {
        let shared = Shared {
            budget: RetryBudget::new(settings.budget_capacity, settings.budget_deposit),
            jitter: Jitter::new(settings.seed),
            in_flight: InFlightQueue::new(),
        };
        Self { settings, shared: Arc::new(shared) }
    }

    pub(crate) fn is_on(&self) -> bool {
        self.settings.retries() || self.settings.deadline.is_some()
    }

    /// Puts the layer around a provider in the place of a [`TimeoutLayer`](crate::TimeoutLayer) and this one:
    /// the attempts keep these times, and a stream has one timer for both.
    pub(crate) fn timed_layer(
        &self,
        inner: Arc<dyn LlmProvider>,
        timeouts: TimeoutSettings,
    ) -> Arc<dyn LlmProvider> {
        Arc::new(RetryProvider { inner, layer: self.clone(), timeouts })
    }
}

impl Layer for RetryLayer {
    fn layer(&self, inner: Arc<dyn LlmProvider>) -> Arc<dyn LlmProvider> {
        match self.is_on() {
            true => self.timed_layer(inner, TimeoutSettings::off()),
            false => inner,
        }
    }
}

#[derive(Debug)]
struct RetryProvider {
    inner: Arc<dyn LlmProvider>,
    layer: RetryLayer,
    /// The timeouts of each attempt.
    timeouts: TimeoutSettings,
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl LlmProvider for RetryProvider {
    fn descriptor(&self) -> &'static ProviderDescriptor {
        self.inner.descriptor()
    }

    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream, Error> {
        let mut attempts = Attempts::begin(self, Operation::Stream, Some(&request.model));
        loop {
            let error = match attempts.stream(request).await {
                Ok(stream) => return Ok(attempts.streamed(stream)),
                Err(error) => error,
            };
            Box::pin(attempts.pause(error)).await?;
        }
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse, Error> {
        let attempts = Attempts::begin(self, Operation::Chat, Some(&request.model));
        let (reply, attempts) = attempts.of(|| self.inner.chat(request)).await?;
        Ok(attempts.answered(reply))
    }

    async fn models(&self) -> Result<Catalogue, Error> {
        let attempts = Attempts::begin(self, Operation::Models, None);
        Ok(attempts.of(|| self.inner.models()).await?.0)
    }

    async fn all_models(&self) -> Result<Catalogue, Error> {
        let attempts = Attempts::begin(self, Operation::AllModels, None);
        Ok(attempts.of(|| self.inner.all_models()).await?.0)
    }

    async fn check(&self) -> Result<ConnectionReport, Error> {
        let attempts = Attempts::begin(self, Operation::Check, None);
        Ok(attempts.of(|| self.inner.check()).await?.0)
    }

    async fn warm_up(&self) -> Result<(), Error> {
        let attempts = Attempts::begin(self, Operation::WarmUp, None);
        match attempts.deadlines().within(self.inner.warm_up()).await {
            Ok((outcome, _)) => outcome,
            Err(late) => Err(attempts.context().apply(late)),
        }
    }

    fn extension_by_id(&self, wanted: TypeId) -> Option<&(dyn Any + Send + Sync)> {
        self.inner.extension_by_id(wanted)
    }
}

/// The attempts of one call.
#[derive(Debug)]
struct Attempts<'a> {
    provider: &'a RetryProvider,
    operation: Operation,
    model: Option<&'a str>,
    start: Instant,
    /// The number of attempts that have failed.
    count: u32,
    /// The errors of those attempts, and of attempts further in.
    failed: Vec<Error>,
    /// How long the service had this call wait.
    waited: Duration,
    /// The turn of this attempt, where calls are retried one at a time.
    turn: Option<Turn>,
}

/// The pause before the next attempt.
#[derive(Clone, Copy, Debug)]
enum Pause {
    /// Exponential backoff.
    Backoff(Duration),
    /// The time that the service named, and with jitter.
    Named { named: Duration, wait: Duration },
}

/// The reason why there is no further attempt.
#[derive(Debug)]
enum GiveUp {
    /// The error is none that this layer retries.
    Final,
    /// Attempts, time or budget are used up. The note is `None` where the error tells by itself.
    Exhausted(Option<&'static str>),
    /// The service names a wait that is too long for this layer, but not for a caller.
    WaitTooLong(String),
}

impl<'a> Attempts<'a> {
    /// Begins a call.
    fn begin(provider: &'a RetryProvider, operation: Operation, model: Option<&'a str>) -> Self {
        provider.layer.shared.budget.deposit();
        Self {
            provider,
            operation,
            model,
            start: Instant::now(),
            count: 0,
            failed: Vec::new(),
            waited: Duration::ZERO,
            turn: None,
        }
    }

    fn context(&self) -> ErrorContext {
        context(&*self.provider.inner, self.operation, self.model)
    }

    fn settings(&self) -> &'a RetrySettings {
        &self.provider.layer.settings
    }

    /// The moment at which an attempt starts that is made now: the first one with the call, without another
    /// look at the clock.
    fn attempt_start(&self) -> Instant {
        if self.count == 0 { self.start } else { Instant::now() }
    }

    /// The deadline of all attempts together.
    fn deadline(&self) -> Option<Deadline> {
        Deadline::after(self.start, self.settings().deadline, TimeoutPhase::Deadline)
    }

    /// The deadlines of the next attempt, if it is not a stream.
    fn deadlines(&self) -> Deadlines {
        self.provider.timeouts.of_call(self.attempt_start(), self.deadline())
    }

    /// Makes attempts at something whole until one succeeds, or no further one is made. Gives itself back.
    async fn of<T>(mut self, ask: impl Fn() -> Work<'a, Result<T, Error>>) -> Result<(T, Self), Error> {
        loop {
            let error = match self.deadlines().within(ask()).await {
                Ok((Ok(whole), _)) => return Ok((whole, self)),
                Ok((Err(error), _)) | Err(error) => error,
            };
            Box::pin(self.pause(error)).await?;
        }
    }

    /// Makes one attempt at a stream: until its first output is there.
    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream, Error> {
        let deadlines = self.provider.timeouts.of_stream(self.attempt_start(), self.deadline());
        let (stream, deadlines) = deadlines.within(self.provider.inner.stream(request)).await?;
        let mut stream = deadlines.watch(stream?);
        stream.ready().await?;
        Ok(stream)
    }

    /// Waits until the next attempt.
    ///
    /// # Errors
    /// The error of this attempt, if no further one is made.
    async fn pause(&mut self, error: Error) -> Result<(), Error> {
        let error = self.context().apply(error);
        self.count = self.count.saturating_add(1);
        self.turn = None;
        let pause = match self.next_pause(&error) {
            Ok(pause) => pause,
            Err(reason) => return Err(self.give_up(error, reason)),
        };
        let is_in_flight = error.is_budget_in_flight();
        self.failed.extend(error.into_attempts());
        let named = match pause {
            Pause::Backoff(wait) => {
                sleep(wait).await;
                Duration::ZERO
            }
            Pause::Named { named, wait } => {
                self.waited = self.waited.saturating_add(wait);
                if is_in_flight {
                    self.provider.layer.shared.in_flight.not_before(moment(Instant::now(), named));
                }
                sleep(wait).await;
                named
            }
        };
        if is_in_flight {
            self.turn = Some(self.next_turn(named).await?);
        }
        Ok(())
    }

    /// Waits for the turn of a call that others under way collided with. It waits for none of them longer
    /// than the service had it wait.
    async fn next_turn(&mut self, named: Duration) -> Result<Turn, Error> {
        let begun = Instant::now();
        let deadlines = TimeoutSettings::off().of_call(begun, self.deadline());
        match deadlines.within(Box::pin(self.provider.layer.shared.in_flight.turn(named))).await {
            Ok((turn, _)) => {
                self.waited = self.waited.saturating_add(begun.elapsed());
                Ok(turn)
            }
            Err(late) => {
                let late = self.context().apply(late);
                Err(self.give_up(late, GiveUp::Exhausted(None)))
            }
        }
    }

    /// The wait before the next attempt, or why there is none.
    fn next_pause(&self, error: &Error) -> Result<Pause, GiveUp> {
        let (settings, shared) = (self.settings(), &self.provider.layer.shared);
        if !settings.retries() || !error.is_retryable() || error.was_paid_for() {
            return Err(GiveUp::Final);
        }
        if self.count >= settings.max_attempts {
            return Err(GiveUp::Exhausted(None));
        }
        let now = Instant::now();
        let deadline = self.deadline().map(|deadline| deadline.at.saturating_duration_since(now));
        let pause = match error.retry() {
            RetryAdvice::After(named) => Pause::Named { named, wait: self.named_wait(named, deadline)? },
            _ => {
                let wait = shared.jitter.equal(settings.backoff(self.count));
                let took = now.saturating_duration_since(self.start).saturating_sub(self.waited);
                let left = settings.retry_timeout.saturating_sub(took);
                if wait >= deadline.map_or(left, |deadline| deadline.min(left)) {
                    let is_deadline = error.timeout() == Some(TimeoutPhase::Deadline);
                    let why = "not tried again, since the time for that is up";
                    return Err(GiveUp::Exhausted((!is_deadline).then_some(why)));
                }
                Pause::Backoff(wait)
            }
        };
        // The budget protects a service that is down. One whose budget is in flight is not down.
        if !error.is_budget_in_flight() && !shared.budget.withdraw() {
            return Err(GiveUp::Exhausted(Some("not tried again, since too many calls have failed of late")));
        }
        Ok(pause)
    }

    /// The wait where the service names a time: never less than that.
    fn named_wait(&self, named: Duration, deadline: Option<Duration>) -> Result<Duration, GiveUp> {
        let settings = self.settings();
        let seconds = named.as_secs_f64().ceil();
        let come_back = format!("and the service asks to wait {seconds} s; ask again in {seconds} s");
        if named > settings.max_retry_after {
            let max = settings.max_retry_after.as_secs_f64();
            return Err(GiveUp::WaitTooLong(format!(
                "not tried again, since only waits of up to {max} s are waited for (max_retry_after), {come_back}"
            )));
        }
        match deadline {
            Some(left) if named >= left => Err(GiveUp::WaitTooLong(format!(
                "not tried again, since only {} s are left of the deadline, {come_back}",
                left.as_secs()
            ))),
            // Jitter here as well: callers that were told the same time must not come back at once.
            _ => {
                let left = deadline.map_or(settings.initial_delay, |left| left - named);
                let jitter = self.provider.layer.shared.jitter.full(settings.initial_delay.min(left));
                Ok(named.saturating_add(jitter))
            }
        }
    }

    /// The error that the call ends in.
    fn give_up(&mut self, error: Error, reason: GiveUp) -> Error {
        let error = match reason {
            GiveUp::Final => error,
            GiveUp::Exhausted(None) => error.with_exhausted_retries(),
            GiveUp::Exhausted(Some(why)) => error.with_exhausted_retries().with_note(why),
            GiveUp::WaitTooLong(why) => error.with_note(&why),
        };
        if self.failed.is_empty() { error } else { error.after(std::mem::take(&mut self.failed)) }
    }

    fn streamed(self, stream: ChatStream) -> ChatStream {
        let stream = if self.failed.is_empty() { stream } else { stream.after(self.failed) };
        match self.turn {
            Some(turn) => stream.observed(turn),
            None => stream,
        }
    }

    fn answered(self, mut reply: ChatResponse) -> ChatResponse {
        reply.attempts.splice(0..0, self.failed);
        reply
    }
}
