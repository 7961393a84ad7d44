//! The one error type: what went wrong, where, whose words, and whether trying again can help.

mod context;
mod display;
mod in_flight;
mod kind;
mod limit;
mod misdirected;
mod redact;
mod setters;
mod timeout;

use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

pub use self::context::{ErrorContext, Operation};
pub use self::in_flight::InFlightWaits;
pub use self::kind::ErrorKind;
pub use self::limit::{LimitAmount, LimitKind, UsageLimit};
pub use self::misdirected::{base_url_step, is_foreign, misdirected, text_of_body};
pub use self::timeout::TimeoutPhase;
use crate::{Capability, ChatResponse, RawJson, Usage, Usd};

/// The error that all operations in these crates fail with.
///
/// Callers decide on [`kind`](Error::kind) and [`retry`](Error::retry), never on the text. `Display` is one
/// line a person can act on; the details (HTTP status, upstream provider and its words, model, ids) are
/// accessors. No secret is ever part of it.
///
/// The type is one pointer wide and cheap to clone, so that a stream can hand out its error and keep it.
///
/// ```
/// use provider_core::{Error, ErrorKind, RetryAdvice};
/// use std::time::Duration;
///
/// let error = Error::new(ErrorKind::RateLimited, "too many requests")
///     .with_status(429)
///     .with_retry(RetryAdvice::After(Duration::from_secs(2)))
///     .with_provider("openrouter")
///     .with_model("openai/gpt-4o");
/// assert_eq!(
///     error.to_string(),
///     "rate limited: too many requests \
///      (provider openrouter, model openai/gpt-4o, HTTP 429, retry after 2 s)"
/// );
/// assert!(error.is_retryable());
/// ```
#[derive(Clone)]
pub struct Error(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    message: String,
    retry: RetryAdvice,
    status: Option<u16>,
    code: Option<String>,
    upstream: Option<Upstream>,
    provider: Option<String>,
    model: Option<String>,
    operation: Option<Operation>,
    request_id: Option<String>,
    generation_id: Option<String>,
    capability: Option<Capability>,
    timeout: Option<TimeoutPhase>,
    limit: Option<Box<UsageLimit>>,
    next_step: Option<String>,
    attempts: Vec<Error>,
    fields: Vec<FieldProblem>,
    details: Option<RawJson>,
    partial: Option<Box<ChatResponse>>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

/// Whether trying the same thing again can help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RetryAdvice {
    /// The same request will fail again.
    Never,
    /// It may pass the next time, and the service named no time. Use your own back-off.
    Now,
    /// The service asked to wait this long.
    After(Duration),
    /// It may pass, but its retries are exhausted: a layer has tried as often, as long or as much as it may.
    /// A second party that retries stops here, or attempts would multiply. A person may ask again later.
    #[non_exhaustive]
    Exhausted {
        /// The time that the service asked to wait, if it did.
        after: Option<Duration>,
    },
}

impl RetryAdvice {
    /// The time that the service asked to wait, whether or not the retries are exhausted.
    pub const fn after(self) -> Option<Duration> {
        match self {
            RetryAdvice::After(wait) => Some(wait),
            RetryAdvice::Exhausted { after } => after,
            RetryAdvice::Never | RetryAdvice::Now => None,
        }
    }
}

/// The service behind the service: who failed, in its own words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Upstream {
    /// Display name of the upstream provider (`Anthropic`, `Google AI Studio`, …).
    pub provider: Option<String>,
    /// The provider's message, as text.
    pub message: Option<String>,
}

impl Upstream {
    /// An upstream provider and its words.
    pub fn new(provider: Option<String>, message: Option<String>) -> Self {
        Self { provider, message }
    }
}

/// One setting, or one field of a request or of an extracted value, that cannot be used, and what to do about
/// it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FieldProblem {
    /// The key of the field (`api_key`, `site_url`, …).
    pub field: String,
    /// The problem and how to mend it. Never contains the value of a setting.
    pub problem: String,
}

impl FieldProblem {
    /// Names a field and what is wrong with it. `problem` must not repeat the value of a setting: it may be a
    /// secret.
    pub fn new(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { field: field.into(), problem: problem.into() }
    }
}

impl Error {
    /// An error of this kind. The retry advice starts as the kind's usual one.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Arc::new(Inner {
            kind,
            message: message.into(),
            retry: kind.usual_retry(),
            status: None,
            code: None,
            upstream: None,
            provider: None,
            model: None,
            operation: None,
            request_id: None,
            generation_id: None,
            capability: None,
            timeout: None,
            limit: None,
            next_step: None,
            attempts: Vec::new(),
            fields: Vec::new(),
            details: None,
            partial: None,
            source: None,
        }))
    }

    /// Settings that cannot be used: every problem at once, field by field.
    pub fn config(provider: &str, problems: Vec<FieldProblem>) -> Self {
        let mut error = Self::new(ErrorKind::Config, "settings cannot be used");
        error.inner().fields = problems;
        // An empty name would keep a later context from filling it in.
        if provider.is_empty() { error } else { error.with_provider(provider) }
    }

    /// A provider was asked for something it cannot do.
    pub(crate) fn unsupported(provider: &str, capability: Capability) -> Self {
        let message = format!("{provider} has no {} ({capability})", capability.label());
        let mut error = Self::new(ErrorKind::Unsupported, message).with_provider(provider);
        error.inner().capability = Some(capability);
        error
    }

    /// A request that was not sent, because these fields cannot be.
    pub fn invalid_request(problems: Vec<FieldProblem>) -> Self {
        let mut error = Self::new(ErrorKind::InvalidRequest, "the request was not sent");
        error.inner().fields = problems;
        error
    }

    /// Returns the kind of this failure.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Returns the message, without the context that `Display` adds.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Whether trying again can help, and when.
    pub fn retry(&self) -> RetryAdvice {
        self.0.retry
    }

    /// Whether the advice is to try again: [`RetryAdvice::Now`] or [`RetryAdvice::After`].
    pub fn is_retryable(&self) -> bool {
        matches!(self.0.retry, RetryAdvice::Now | RetryAdvice::After(_))
    }

    /// Whether trying again could have helped, and a layer has used up the retries: the advice is
    /// [`RetryAdvice::Exhausted`].
    pub fn has_exhausted_retries(&self) -> bool {
        matches!(self.0.retry, RetryAdvice::Exhausted { .. })
    }

    /// The HTTP status. For an error inside a 200 answer this is still the status line's 200;
    /// the inner number is the [`code`](Error::code).
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// The service's own error code, number or word, as text.
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// The upstream provider that failed and its words, where the service passed them on.
    pub fn upstream(&self) -> Option<&Upstream> {
        self.0.upstream.as_ref()
    }

    /// The provider (or provider instance) that was asked.
    pub fn provider(&self) -> Option<&str> {
        self.0.provider.as_deref()
    }

    /// The model that was asked for.
    pub fn model(&self) -> Option<&str> {
        self.0.model.as_deref()
    }

    /// The operation that failed: which method of the provider was called.
    pub fn operation(&self) -> Option<Operation> {
        self.0.operation
    }

    /// The service's id of the HTTP request.
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// The service's id of the generation: look up there what was billed.
    pub fn generation_id(&self) -> Option<&str> {
        self.0.generation_id.as_deref()
    }

    /// The capability that was missing, when the kind is [`ErrorKind::Unsupported`].
    pub fn capability(&self) -> Option<Capability> {
        self.0.capability
    }

    /// Which clock ran out, when the kind is [`ErrorKind::Timeout`] and it is known.
    pub fn timeout(&self) -> Option<TimeoutPhase> {
        self.0.timeout
    }

    /// Which limit of the service refused the request, where it says so: a budget, the key's own limit, the
    /// day's free requests.
    pub fn limit(&self) -> Option<&UsageLimit> {
        self.0.limit.as_deref()
    }

    /// Returns the next step, where one is known that helps: a setting to change, models to ask instead.
    pub fn next_step(&self) -> Option<&str> {
        self.0.next_step.as_deref()
    }

    /// The code a host platform shows in its event stream: `rate_limit`, `context_overflow`, `tool_error`,
    /// `timeout`, `auth_error` or `provider_error`.
    pub fn host_code(&self) -> &'static str {
        self.0.kind.host_code()
    }

    /// Earlier attempts that failed before this one, oldest first.
    pub fn attempts(&self) -> &[Error] {
        &self.0.attempts
    }

    /// The settings or fields at fault.
    pub fn fields(&self) -> &[FieldProblem] {
        &self.0.fields
    }

    /// Returns what the service said besides, as JSON (for example the metadata of its error object).
    pub fn details(&self) -> Option<&RawJson> {
        self.0.details.as_ref()
    }

    /// Returns what had come when a stream or an answer failed: text, tool calls, usage, cost so far.
    pub fn partial(&self) -> Option<&ChatResponse> {
        self.0.partial.as_deref()
    }

    /// Whether the failed answer is on the bill, or was read as far as it came: it has output, completion
    /// tokens, or a cost above zero. Asking again would pay for it twice, so layers do not.
    pub fn was_paid_for(&self) -> bool {
        self.partial().is_some_and(|partial| {
            let Usage { completion_tokens, cost, upstream_cost, .. } = partial.usage;
            let has_cost = |cost: Option<Usd>| cost.is_some_and(|cost| cost > Usd::ZERO);
            let has_output =
                !partial.message.is_empty() || completion_tokens.is_some_and(|tokens| tokens > 0);
            has_output || has_cost(cost) || has_cost(upstream_cost)
        })
    }

    fn inner(&mut self) -> &mut Inner {
        Arc::make_mut(&mut self.0)
    }
}

impl PartialEq for Error {
    /// Equal when they say the same; the [source](StdError::source) does not count.
    fn eq(&self, other: &Self) -> bool {
        let said = |error: &Self| {
            let Inner { kind, retry, status, operation, .. } = *error.0;
            (kind, retry, status, operation)
        };
        Arc::ptr_eq(&self.0, &other.0)
            || said(self) == said(other)
                && self.to_string() == other.to_string()
                && self.details() == other.details()
                && self.fields() == other.fields()
                && self.limit() == other.limit()
                && self.partial() == other.partial()
                && self.attempts() == other.attempts()
    }
}
