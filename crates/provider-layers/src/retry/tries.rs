//! The tries of one call.

use std::pin::Pin;
use std::time::Duration;

use provider_core::{
    ChatRequest, ChatResponse, ChatStream, Error, LlmProviderExt, Retry as Advice, TimeoutPhase,
};
use tokio::time::{Instant, Sleep, sleep};

use super::Retry;
use crate::clocks::{Clocks, Limit};

/// Where a call is, and what failed before.
#[derive(Debug)]
pub(super) struct Tries<'a> {
    retry: &'a Retry,
    model: Option<&'a str>,
    start: Instant,
    /// How many tries have failed.
    tried: u32,
    failed: Vec<Error>,
}

impl<'a> Tries<'a> {
    /// A call begins. `model`: the one that it asks, if it is about one.
    pub(super) fn begin(retry: &'a Retry, model: Option<&'a str>) -> Self {
        retry.tokens.earn();
        Self { retry, model, start: Instant::now(), tried: 0, failed: Vec::new() }
    }

    /// The deadline of them all.
    fn deadline(&self) -> Option<Limit> {
        Limit::after(self.start, self.retry.settings.deadline, TimeoutPhase::Deadline)
    }

    /// The clocks of the next try, if it is of something whole.
    pub(super) fn clocks(&self) -> Clocks {
        Clocks::until(self.deadline())
    }

    /// One try of a stream: until its first event is there.
    pub(super) async fn stream(&self, request: &ChatRequest) -> Result<ChatStream, Error> {
        let clocks = self.retry.timeouts.clocks(Instant::now(), self.deadline());
        let (stream, clocks) = clocks.within(self.retry.provider.stream(request)).await?;
        let mut stream = clocks.watch(stream?);
        stream.ready().await?;
        Ok(stream)
    }

    /// The pause before the next try. It is boxed, or all calls would keep room for what few of them need.
    ///
    /// # Errors
    /// The error of this try, if there is not to be another one.
    pub(super) fn again(&mut self, error: Error) -> Result<Pin<Box<Sleep>>, Error> {
        let error = self.named(error);
        self.tried = self.tried.saturating_add(1);
        let wait = match self.next(&error) {
            Ok(wait) => wait,
            Err(None) => return Err(self.ended(error)),
            Err(Some(why)) => return Err(self.ended(error.with_note(&why))),
        };
        // One flat list: what a layer further in, or the service, tried comes before what it ended in.
        for attempt in error.attempts() {
            self.failed.push(self.named(attempt.clone()));
        }
        self.failed.push(error.with_attempts(Vec::new()));
        Ok(Box::pin(sleep(wait)))
    }

    /// How long to wait before the next try, or why there is none, as far as the error does not tell.
    fn next(&self, error: &Error) -> Result<Duration, Option<String>> {
        let settings = &self.retry.settings;
        if self.tried >= settings.max_attempts || !error.is_retryable() || was_paid_for(error) {
            return Err(None);
        }
        let now = Instant::now();
        let mut left = settings.total_budget.saturating_sub(now.saturating_duration_since(self.start));
        if let Some(deadline) = self.deadline() {
            left = left.min(deadline.at.saturating_duration_since(now));
        }
        let doubled = 2_u32.saturating_pow(self.tried - 1);
        let most = settings.initial_delay.saturating_mul(doubled).min(settings.max_delay);
        let wait = match error.retry() {
            Advice::After(hint) if hint >= left => {
                return Err(Some(format!(
                    "not tried again, since only {} s are left for that",
                    left.as_secs()
                )));
            }
            // All who were told to wait as long must not come at once either.
            Advice::After(hint) => hint + self.retry.dice.up_to(settings.initial_delay.min(left - hint)),
            Advice::Now | Advice::Never => self.retry.dice.up_to(most),
        };
        if wait >= left {
            let is_deadline = error.timeout() == Some(TimeoutPhase::Deadline);
            return Err((!is_deadline).then(|| "not tried again, since the time for that is up".to_owned()));
        }
        if !self.retry.tokens.spend() {
            return Err(Some("not tried again, since too many calls have failed of late".to_owned()));
        }
        Ok(wait)
    }

    pub(super) fn streamed(self, stream: ChatStream) -> ChatStream {
        if self.failed.is_empty() { stream } else { stream.after(self.failed) }
    }

    pub(super) fn answered(self, mut reply: ChatResponse) -> ChatResponse {
        reply.attempts.splice(0..0, self.failed);
        reply
    }

    fn ended(&mut self, error: Error) -> Error {
        if self.failed.is_empty() { error } else { error.after(std::mem::take(&mut self.failed)) }
    }

    /// The error with the provider and the model that were asked, unless it names others.
    fn named(&self, mut error: Error) -> Error {
        if error.provider().is_none() {
            error = error.with_provider(self.retry.provider.id());
        }
        match self.model {
            Some(model) if error.model().is_none() => error.with_model(model),
            _ => error,
        }
    }
}

/// Whether anything of an answer came: it was read, or at least it is on the bill.
fn was_paid_for(error: &Error) -> bool {
    error.partial().is_some_and(|partial| {
        !partial.message.is_empty() || partial.usage.completion_tokens.is_some_and(|tokens| tokens > 0)
    })
}
