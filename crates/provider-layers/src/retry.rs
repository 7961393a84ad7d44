//! The same once more, when it failed and may pass the next time.

mod backoff;
mod budget;
mod in_flight;
mod settings;
mod tries;

use std::sync::Arc;

use async_trait::async_trait;
use provider_core::{
    Catalogue, ChatRequest, ChatResponse, ChatStream, ConnectionReport, Error, LlmProvider,
    ProviderDescriptor,
};

use self::backoff::Dice;
use self::budget::Tokens;
use self::in_flight::Alone;
pub use self::settings::RetrySettings;
use self::tries::Tries;
use crate::TimeoutSettings;

/// A provider that asks again when a call fails in a way that may pass.
///
/// ```
/// use std::sync::Arc;
///
/// use provider_core::{ChatRequest, ChatResponse, Error, LlmProvider};
/// use provider_layers::{Retry, RetrySettings};
///
/// # async fn ask(openrouter: Arc<dyn LlmProvider>) -> Result<ChatResponse, Error> {
/// let provider = Retry::around(openrouter, RetrySettings::default());
/// let reply = provider.chat(&ChatRequest::new("openai/gpt-4o").user("Hello")).await?;
/// for failed in &reply.attempts {
///     println!("before that: {failed}");
/// }
/// # Ok(reply)
/// # }
/// ```
///
/// # When it asks again
///
/// * The error [advises](Error::retry) it. A provider does so for timeouts, for rate limits and overload, for
///   servers and connections that failed, for answers without anything in them, and for whatever its service
///   calls worth another try. And
/// * nothing of an answer had come, streamed or not, and none is on the bill: what was [paid
///   for](Error::was_paid_for) is in the error, and is not asked for twice. And
/// * there are [tries](RetrySettings::max_attempts), [time](RetrySettings::total_budget) and
///   [retry budget](#the-retry-budget) left.
///
/// The request is the same every time. The list of models and the connection test are asked for again, too.
///
/// # How long it waits
///
/// If the service names a time, that long, and up to [`initial_delay`](RetrySettings::initial_delay) more;
/// never less. If that is longer than what is left of the [deadline](RetrySettings::deadline), or than
/// [`max_retry_after`](RetrySettings::max_retry_after), the error is returned at once; it says so, and keeps
/// the service's advice.
///
/// Else any time from half of a limit up to all of it; the limit doubles: 0.5 s, 1 s, 2 s, …, 8 s by default.
/// These tries begin within [`total_budget`](RetrySettings::total_budget), to which the waits that the
/// service named do not count.
///
/// # A budget in flight
///
/// Some services hold back what requests under way [may cost](provider_core::LimitKind::InFlight), and refuse
/// what goes beyond. Calls that were refused for that are in each other's way: they are tried again one at a
/// time, in order, each until its answer is over or its stream dropped. A call whose answer takes longer than
/// the service had the next one wait, and than 10 s, no longer holds that one up: so does a stream that is
/// not read, or one whose reader asks the same provider meanwhile.
///
/// # The retry budget
///
/// A service that is down stays down longer when every call asks three times. So all calls of one layer share
/// a bucket of [10](RetrySettings::retry_tokens) retries, full at first: each retry takes one out, each call
/// puts [a tenth](RetrySettings::tokens_per_call) back in. A few failures are retried as often as they may
/// be; when everything fails, one call in ten is. A retry because of a budget in flight takes none.
///
/// # What is said of it
///
/// What failed on the way is in [`ChatResponse::attempts`] or [`Error::attempts`], oldest first, each error
/// with its provider and model. Why there was no further try is in the error's message, where it is not
/// plain.
///
/// It works inside the call, without a task of its own, and needs a tokio runtime with a clock.
#[derive(Debug)]
pub struct Retry {
    provider: Arc<dyn LlmProvider>,
    settings: RetrySettings,
    /// Of each try.
    timeouts: TimeoutSettings,
    tokens: Tokens,
    dice: Dice,
    alone: Alone,
}

impl Retry {
    /// Has calls of this provider tried again.
    pub fn around(provider: Arc<dyn LlmProvider>, settings: RetrySettings) -> Self {
        let tokens = Tokens::new(settings.retry_tokens, settings.tokens_per_call);
        Self {
            provider,
            settings,
            timeouts: TimeoutSettings::off(),
            tokens,
            dice: Dice::new(settings.seed),
            alone: Alone::new(),
        }
    }

    /// Has the tries of a stream keep these times as well, as [`Timeouts`](crate::Timeouts) around the
    /// provider would have them do. The clocks of a try and of the whole call are one then, with one timer,
    /// where two layers have two.
    pub(crate) fn timed(mut self, timeouts: TimeoutSettings) -> Self {
        self.timeouts = timeouts.deadline(None);
        self
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl LlmProvider for Retry {
    fn descriptor(&self) -> &'static ProviderDescriptor {
        self.provider.descriptor()
    }

    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream, Error> {
        let mut tries = Tries::begin(self, Some(&request.model));
        loop {
            let error = match tries.stream(request).await {
                Ok(stream) => return Ok(tries.streamed(stream)),
                Err(error) => error,
            };
            Box::pin(tries.again(error)).await?;
        }
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse, Error> {
        let tries = Tries::begin(self, Some(&request.model));
        let (reply, tries) = tries.of(|| self.provider.chat(request)).await?;
        Ok(tries.answered(reply))
    }

    async fn models(&self) -> Result<Catalogue, Error> {
        let (catalogue, _) = Tries::begin(self, None).of(|| self.provider.models()).await?;
        Ok(catalogue)
    }

    async fn all_models(&self) -> Result<Catalogue, Error> {
        let (catalogue, _) = Tries::begin(self, None).of(|| self.provider.all_models()).await?;
        Ok(catalogue)
    }

    async fn check(&self) -> Result<ConnectionReport, Error> {
        let (report, _) = Tries::begin(self, None).of(|| self.provider.check()).await?;
        Ok(report)
    }

    /// Not tried again: requests go through without it.
    async fn warm_up(&self) -> Result<(), Error> {
        let tries = Tries::begin(self, None);
        match tries.clocks().within(self.provider.warm_up()).await {
            Ok((outcome, _)) => outcome,
            Err(late) => Err(tries.named(late)),
        }
    }
}
