//! The place where an error learns which provider, model and operation it is about.

use std::borrow::Cow;
use std::fmt;

use serde::Serialize;
use smol_str::SmolStr;

use super::Error;

/// The operation that failed: the method of [`LlmProvider`](crate::LlmProvider) that was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Operation {
    /// [`chat`](crate::LlmProvider::chat): an answer as a whole.
    Chat,
    /// [`stream`](crate::LlmProvider::stream): an answer while it comes in, to its last event.
    Stream,
    /// [`models`](crate::LlmProvider::models): the models of the key.
    Models,
    /// [`all_models`](crate::LlmProvider::all_models): the models of the service.
    AllModels,
    /// [`check`](crate::LlmProvider::check): the test of the connection.
    Check,
    /// [`warm_up`](crate::LlmProvider::warm_up): a connection made ahead of time.
    WarmUp,
}

impl Operation {
    /// The name of the method, which is also the serialised name: `all_models`.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Operation::Chat => "chat",
            Operation::Stream => "stream",
            Operation::Models => "models",
            Operation::AllModels => "all_models",
            Operation::Check => "check",
            Operation::WarmUp => "warm_up",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Fills in the provider, the model and the operation of an error.
///
/// The code that finds a failure makes an error of kind, text and cause alone. One place around it, which
/// knows the call, applies the context: a layer, a stream ([`ChatStream::in_context`]) or an HTTP client.
/// Contexts nest: [`apply`](Self::apply) keeps what an error says already, so the innermost one counts.
///
/// ```
/// use provider_core::author::ErrorContext;
/// use provider_core::{Error, ErrorKind, Operation};
///
/// let context = ErrorContext::new("acme", Operation::Chat).model("acme/large");
/// let error = context.apply(Error::new(ErrorKind::Server, "out of memory"));
/// assert_eq!(error.to_string(), "service failed: out of memory (provider acme, model acme/large)");
/// assert_eq!(error.operation(), Some(Operation::Chat));
/// ```
///
/// [`ChatStream::in_context`]: crate::ChatStream::in_context
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorContext {
    provider: Cow<'static, str>,
    /// Short ids, which most are, cost a stream no allocation.
    model: Option<SmolStr>,
    operation: Operation,
}

impl ErrorContext {
    /// The context of a call of this provider: its [id](crate::ProviderDescriptor::id), or the name of the
    /// instance.
    pub fn new(provider: impl Into<Cow<'static, str>>, operation: Operation) -> Self {
        Self { provider: provider.into(), model: None, operation }
    }

    /// Sets the model that is asked. Default: none, for operations that ask no model.
    #[must_use]
    pub fn model(mut self, model: &str) -> Self {
        self.model = Some(SmolStr::new(model));
        self
    }

    /// Fills in what is missing in the error and in its [attempts](Error::attempts), and changes nothing
    /// else.
    #[must_use]
    pub fn apply(&self, mut error: Error) -> Error {
        if self.is_missing_in(&error) {
            self.fill(&mut error);
        }
        error
    }

    /// Whether there is anything to fill in. Errors are shared, and a change copies them.
    fn is_missing_in(&self, error: &Error) -> bool {
        error.provider().is_none()
            || (error.model().is_none() && self.model.is_some())
            || error.operation().is_none()
            || error.attempts().iter().any(|attempt| self.is_missing_in(attempt))
    }

    fn fill(&self, error: &mut Error) {
        let inner = error.inner();
        inner.provider.get_or_insert_with(|| self.provider.clone().into_owned());
        if let (None, Some(model)) = (&inner.model, &self.model) {
            inner.model = Some(model.to_string());
        }
        inner.operation.get_or_insert(self.operation);
        for attempt in &mut inner.attempts {
            if self.is_missing_in(attempt) {
                self.fill(attempt);
            }
        }
    }
}

impl Error {
    /// Names the operation that the caller called, in place of the one that it was carried out by. An error
    /// of which no operation is known stays so, for an [`ErrorContext`] to fill in.
    pub(crate) fn called_as(mut self, operation: Operation) -> Self {
        if self.operation().is_some_and(|known| known != operation) {
            self.inner().operation = Some(operation);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    fn context() -> ErrorContext {
        ErrorContext::new("acme", Operation::Stream).model("large")
    }

    #[test]
    fn context_fills_in_only_what_is_missing() {
        let bare = Error::new(ErrorKind::Server, "down");
        let all = |error: &Error| {
            (error.provider().map(str::to_owned), error.model().map(str::to_owned), error.operation())
        };
        let filled = context().apply(bare.clone());
        assert_eq!(all(&filled), (Some("acme".into()), Some("large".into()), Some(Operation::Stream)));
        // A second context, further out, changes nothing.
        let outer = ErrorContext::new("other", Operation::Chat).model("small");
        assert_eq!(all(&outer.apply(filled.clone())), all(&filled));
        let named = context().apply(bare.with_provider("inner"));
        assert_eq!(all(&named), (Some("inner".into()), Some("large".into()), Some(Operation::Stream)));
    }

    #[test]
    fn context_reaches_attempts_but_not_copies() {
        let attempts = vec![Error::new(ErrorKind::Timeout, "slow"), Error::new(ErrorKind::Server, "down")];
        let error = Error::new(ErrorKind::Server, "down").with_attempts(attempts);
        let copy = error.clone();
        let filled = context().apply(error);
        assert!(filled.attempts().iter().all(|attempt| attempt.model() == Some("large")));
        assert!(copy.provider().is_none() && copy.attempts().iter().all(|error| error.provider().is_none()));
    }

    #[test]
    fn operation_has_one_name_in_text_and_json() {
        use Operation::*;
        for operation in [Chat, Stream, Models, AllModels, Check, WarmUp] {
            let json = serde_json::to_string(&operation).expect("a word");
            assert_eq!(json, format!("\"{operation}\""));
        }
    }
}
