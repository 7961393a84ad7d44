//! The tries of one call.

use std::time::Duration;

use provider_core::{
    ChatRequest, ChatResponse, ChatStream, Error, LlmProviderExt, RetryAdvice as Advice, TimeoutPhase,
};
use tokio::time::{Instant, sleep};

use super::Retry;
use super::in_flight::Turn;
use crate::timeout::deadlines::{Clocks, Limit, Work, moment};

/// Where a call is, and what failed before.
#[derive(Debug)]
pub(super) struct Tries<'a> {
    retry: &'a Retry,
    model: Option<&'a str>,
    start: Instant,
    /// How many tries have failed.
    tried: u32,
    failed: Vec<Error>,
    /// How long the service had this call wait.
    waited: Duration,
    /// The turn of this try, where calls are tried again one at a time.
    turn: Option<Turn>,
}

/// The pause before the next try.
#[derive(Clone, Copy, Debug)]
enum Pause {
    /// A wait of our own.
    Own(Duration),
    /// The time that the service named, and a little more.
    Named { named: Duration, wait: Duration },
}

impl<'a> Tries<'a> {
    /// A call begins. `model`: the one that it asks, if it is about one.
    pub(super) fn begin(retry: &'a Retry, model: Option<&'a str>) -> Self {
        retry.tokens.earn();
        Self {
            retry,
            model,
            start: Instant::now(),
            tried: 0,
            failed: Vec::new(),
            waited: Duration::ZERO,
            turn: None,
        }
    }

    /// The deadline of them all.
    fn deadline(&self) -> Option<Limit> {
        Limit::after(self.start, self.retry.settings.deadline, TimeoutPhase::Deadline)
    }

    /// Tries of something whole, until one has it or there is none left. Gives itself back with it.
    pub(super) async fn of<T>(
        mut self,
        ask: impl Fn() -> Work<'a, Result<T, Error>>,
    ) -> Result<(T, Self), Error> {
        loop {
            let error = match self.clocks().within(ask()).await {
                Ok((Ok(whole), _)) => return Ok((whole, self)),
                Ok((Err(error), _)) | Err(error) => error,
            };
            Box::pin(self.again(error)).await?;
        }
    }

    /// The clocks of the next try, if it is of something whole.
    pub(super) fn clocks(&self) -> Clocks {
        Clocks::until(self.deadline())
    }

    /// One try of a stream: until its first output is there.
    pub(super) async fn stream(&self, request: &ChatRequest) -> Result<ChatStream, Error> {
        let clocks = self.retry.timeouts.clocks(Instant::now(), self.deadline());
        let (stream, clocks) = clocks.within(self.retry.provider.stream(request)).await?;
        let mut stream = clocks.watch(stream?);
        stream.ready().await?;
        Ok(stream)
    }

    /// Waits until the next try.
    ///
    /// # Errors
    /// The error of this try, if there is not to be another one.
    pub(super) async fn again(&mut self, error: Error) -> Result<(), Error> {
        let error = self.named(error);
        self.tried = self.tried.saturating_add(1);
        self.turn = None;
        let pause = match self.next(&error) {
            Ok(pause) => pause,
            Err(None) => return Err(self.ended(error)),
            Err(Some(why)) => return Err(self.ended(error.with_note(&why))),
        };
        let is_in_flight = error.is_budget_in_flight();
        // One flat list: what a layer further in, or the service, tried comes before what it ended in.
        for attempt in error.attempts() {
            self.failed.push(self.named(attempt.clone()));
        }
        self.failed.push(error.with_attempts(Vec::new()));
        let named = match pause {
            Pause::Own(wait) => {
                sleep(wait).await;
                Duration::ZERO
            }
            Pause::Named { named, wait } => {
                self.waited = self.waited.saturating_add(wait);
                if is_in_flight {
                    self.retry.alone.not_before(moment(Instant::now(), named));
                }
                sleep(wait).await;
                named
            }
        };
        if is_in_flight {
            self.turn = Some(self.alone(named).await?);
        }
        Ok(())
    }

    /// The turn of a call that was refused because of others under way: they would be in each other's way
    /// once more. It waits for none of them longer than the service had it wait.
    async fn alone(&mut self, named: Duration) -> Result<Turn, Error> {
        let begun = Instant::now();
        match self.clocks().within(Box::pin(self.retry.alone.turn(named))).await {
            Ok((turn, _)) => {
                self.waited = self.waited.saturating_add(begun.elapsed());
                Ok(turn)
            }
            Err(late) => {
                let late = self.named(late);
                Err(self.ended(late))
            }
        }
    }

    /// How long to wait before the next try, or why there is none, as far as the error does not tell.
    fn next(&self, error: &Error) -> Result<Pause, Option<String>> {
        let settings = &self.retry.settings;
        if self.tried >= settings.max_attempts || !error.is_retryable() || error.was_paid_for() {
            return Err(None);
        }
        let now = Instant::now();
        let deadline = self.deadline().map(|deadline| deadline.at.saturating_duration_since(now));
        let pause = match error.retry() {
            Advice::After(named) => Pause::Named { named, wait: self.named_wait(named, deadline)? },
            _ => {
                let doubled = 2_u32.saturating_pow(self.tried - 1);
                let planned = settings.initial_delay.saturating_mul(doubled).min(settings.max_delay);
                let wait = self.retry.dice.half_to_all(planned);
                let took = now.saturating_duration_since(self.start).saturating_sub(self.waited);
                let budget = settings.total_budget.saturating_sub(took);
                if wait >= deadline.map_or(budget, |left| left.min(budget)) {
                    let is_deadline = error.timeout() == Some(TimeoutPhase::Deadline);
                    let why = "not tried again, since the time for that is up";
                    return Err((!is_deadline).then(|| why.to_owned()));
                }
                Pause::Own(wait)
            }
        };
        // A service that is down must not get three times as many requests. One whose budget is in flight is
        // not down.
        if !error.is_budget_in_flight() && !self.retry.tokens.spend() {
            return Err(Some("not tried again, since too many calls have failed of late".to_owned()));
        }
        Ok(pause)
    }

    /// How long to wait where the service names a time: never less than that.
    fn named_wait(&self, named: Duration, deadline: Option<Duration>) -> Result<Duration, Option<String>> {
        let settings = &self.retry.settings;
        let seconds = named.as_secs_f64().ceil();
        let come_back = format!("and the service asks to wait {seconds} s; ask again in {seconds} s");
        if named > settings.max_retry_after {
            let most = settings.max_retry_after.as_secs_f64();
            return Err(Some(format!(
                "not tried again, since only waits of up to {most} s are waited for (max_retry_after), {come_back}"
            )));
        }
        match deadline {
            Some(left) if named >= left => Err(Some(format!(
                "not tried again, since only {} s are left of the deadline, {come_back}",
                left.as_secs()
            ))),
            // All who were told to wait as long must not come at once either.
            _ => {
                let left = deadline.map_or(settings.initial_delay, |left| left - named);
                Ok(named.saturating_add(self.retry.dice.up_to(settings.initial_delay.min(left))))
            }
        }
    }

    pub(super) fn streamed(self, stream: ChatStream) -> ChatStream {
        let stream = if self.failed.is_empty() { stream } else { stream.after(self.failed) };
        match self.turn {
            Some(turn) => stream.observed(turn),
            None => stream,
        }
    }

    pub(super) fn answered(self, mut reply: ChatResponse) -> ChatResponse {
        reply.attempts.splice(0..0, self.failed);
        reply
    }

    fn ended(&mut self, error: Error) -> Error {
        if self.failed.is_empty() { error } else { error.after(std::mem::take(&mut self.failed)) }
    }

    /// The error with the provider and the model that were asked, unless it names others.
    pub(super) fn named(&self, mut error: Error) -> Error {
        if error.provider().is_none() {
            error = error.with_provider(self.retry.provider.id());
        }
        match self.model {
            Some(model) if error.model().is_none() => error.with_model(model),
            _ => error,
        }
    }
}
