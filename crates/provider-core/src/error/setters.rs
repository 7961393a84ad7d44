//! Filling in what is known of a failure.

use std::error::Error as StdError;
use std::sync::Arc;

use super::{Error, FieldProblem, RetryAdvice, TimeoutPhase, Upstream, UsageLimit};
use crate::{ChatResponse, RawJson};

impl Error {
    /// Sets the HTTP status.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.inner().status = Some(status);
        self
    }

    /// Sets the retry advice.
    #[must_use]
    pub fn with_retry(mut self, retry: RetryAdvice) -> Self {
        self.inner().retry = retry;
        self
    }

    /// Says that the retries are exhausted, where the advice was to try again: whoever retries does this when
    /// it gives up. The time that the service named is kept.
    #[must_use]
    pub fn with_exhausted_retries(mut self) -> Self {
        if self.is_retryable() {
            let after = self.retry().after();
            self.inner().retry = RetryAdvice::Exhausted { after };
        }
        self
    }

    /// Sets the service's own error code.
    #[must_use]
    pub fn with_code(mut self, code: impl Into<String>) -> Self {
        self.inner().code = Some(code.into());
        self
    }

    /// Sets who failed upstream.
    #[must_use]
    pub fn with_upstream(mut self, upstream: Upstream) -> Self {
        self.inner().upstream = Some(upstream);
        self
    }

    /// Sets the provider that was asked.
    #[must_use]
    pub fn with_provider(mut self, provider: impl Into<String>) -> Self {
        self.inner().provider = Some(provider.into());
        self
    }

    /// Sets the model that was asked for.
    #[must_use]
    pub fn with_model(mut self, model: impl Into<String>) -> Self {
        self.inner().model = Some(model.into());
        self
    }

    /// Sets the id of the HTTP request.
    #[must_use]
    pub fn with_request_id(mut self, id: impl Into<String>) -> Self {
        self.inner().request_id = Some(id.into());
        self
    }

    /// Sets the id of the generation.
    #[must_use]
    pub fn with_generation_id(mut self, id: impl Into<String>) -> Self {
        self.inner().generation_id = Some(id.into());
        self
    }

    /// Says which clock ran out.
    #[must_use]
    pub fn with_timeout(mut self, phase: TimeoutPhase) -> Self {
        self.inner().timeout = Some(phase);
        self
    }

    /// Says which limit of the service refused the request.
    #[must_use]
    pub fn with_limit(mut self, limit: UsageLimit) -> Self {
        self.inner().limit = Some(Box::new(limit));
        self
    }

    /// Says what to do about it, as the second half of a sentence ("lower `max_tokens`").
    #[must_use]
    pub fn with_next_step(mut self, what: impl Into<String>) -> Self {
        self.inner().next_step = Some(what.into());
        self
    }

    /// Sets the attempts that failed before this one.
    #[must_use]
    pub fn with_attempts(mut self, attempts: Vec<Error>) -> Self {
        self.inner().attempts = attempts;
        self
    }

    /// Sets the fields at fault.
    #[must_use]
    pub fn with_fields(mut self, fields: Vec<FieldProblem>) -> Self {
        self.inner().fields = fields;
        self
    }

    /// Sets what the service said besides.
    #[must_use]
    pub fn with_details(mut self, details: RawJson) -> Self {
        self.inner().details = Some(details);
        self
    }

    /// Keeps what had been received.
    #[must_use]
    pub fn with_partial(mut self, partial: ChatResponse) -> Self {
        self.inner().partial = Some(Box::new(partial));
        self
    }

    /// Sets the error below this one. Its text must be free of secrets, like everything else in here.
    #[must_use]
    pub fn with_source(mut self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.inner().source = Some(Arc::new(source));
        self
    }

    /// Keeps `earlier` as attempts before this one, in front of those that it has.
    #[must_use]
    pub fn after(mut self, earlier: Vec<Error>) -> Self {
        self.inner().attempts.splice(0..0, earlier);
        self
    }

    /// Returns the attempts that this error ends, as one flat list: those [before](Self::attempts) it, then
    /// the error without them. Whoever tries again keeps them for [`after`](Self::after).
    #[must_use]
    pub fn into_attempts(mut self) -> Vec<Error> {
        let mut attempts = std::mem::take(&mut self.inner().attempts);
        attempts.push(self);
        attempts
    }

    /// Adds a remark to the message: what a layer did about the error, or why it did nothing.
    #[must_use]
    pub fn with_note(mut self, note: &str) -> Self {
        let message = &mut self.inner().message;
        message.push_str("; ");
        message.push_str(note);
        self
    }

    /// Says, in what had been received, which model was asked for at first, where this was one that was asked
    /// in its place.
    #[must_use]
    pub fn in_place_of(mut self, model: &str) -> Self {
        if self.partial().is_some_and(|partial| partial.requested != model) {
            if let Some(partial) = &mut self.inner().partial {
                model.clone_into(&mut partial.requested);
            }
        }
        self
    }
}
