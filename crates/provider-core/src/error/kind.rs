//! The kinds of failure.

use std::fmt;

use serde::Serialize;

use super::RetryAdvice;

/// The kind of failure that an [`Error`](crate::Error) is: the thing to `match` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorKind {
    /// A setting is missing or cannot be used; [`fields`](crate::Error::fields) says which.
    Config,
    /// The request is wrong: refused here before it was sent, or refused by the service.
    InvalidRequest,
    /// The key is missing, wrong or disabled.
    Authentication,
    /// A limit of money is reached: [`limit`](crate::Error::limit) says which, as far as the service does.
    /// Where it is the account's credit, a lower `max_tokens` may pass; where it is the cost of requests
    /// under way, a later try.
    PaymentRequired,
    /// The key may not do this (guardrail, region, permission).
    PermissionDenied,
    /// Moderation or a provider's usage policy refused the content.
    ContentPolicy,
    /// The model does not exist, or not any more.
    ModelNotFound,
    /// The model exists, but no endpoint of it is left (privacy, price, region, routing preferences, …).
    NoEndpoint,
    /// The model exists, but none of its endpoints supports something that the request uses (tools, images, a
    /// parameter).
    UnsupportedFeature,
    /// The prompt does not fit the model's context window.
    ContextLength,
    /// The request is larger than the service takes.
    PayloadTooLarge,
    /// Too many requests: the account's limit, or the capacity of all providers.
    RateLimited,
    /// A time limit passed: the service's, that of the provider behind it, or one of ours.
    Timeout,
    /// The provider behind the service failed.
    Upstream,
    /// The service or the provider behind it has more to do than it can.
    Overloaded,
    /// The service itself failed.
    Server,
    /// The service could not be reached.
    Connection,
    /// The answer broke off. [`partial`](crate::Error::partial) has what came.
    Interrupted,
    /// A success without an answer in it.
    EmptyResponse,
    /// The answer cannot be read.
    InvalidResponse,
    /// The model answered, but not with what was asked for: no JSON, JSON that does not fit, or tool calls in
    /// its place.
    InvalidOutput,
    /// A token limit cut the answer off, and what there is of it is of no use. A higher `max_tokens` may
    /// pass.
    Truncated,
    /// A tool failed, or could not be run, in a loop that such a failure ends.
    ToolFailed,
    /// A limit of the caller's ended a tool loop before the model answered: its turns, its cost, its tool
    /// calls.
    LimitReached,
    /// The provider lacks the capability that was asked for.
    Unsupported,
    /// No provider, provider instance or model of that name.
    NotFound,
    /// A name that fits several things; the message lists the unambiguous forms.
    Ambiguous,
    /// A name that is taken already.
    Duplicate,
}

impl ErrorKind {
    /// The retry advice where nobody gave a better one.
    pub const fn usual_retry(self) -> RetryAdvice {
        match self {
            ErrorKind::RateLimited
            | ErrorKind::Timeout
            | ErrorKind::Upstream
            | ErrorKind::Overloaded
            | ErrorKind::Server
            | ErrorKind::Connection
            | ErrorKind::Interrupted
            | ErrorKind::EmptyResponse
            | ErrorKind::InvalidOutput => RetryAdvice::Now,
            _ => RetryAdvice::Never,
        }
    }

    /// The kind in words, as `Display` prints it.
    pub const fn label(self) -> &'static str {
        match self {
            ErrorKind::Config => "configuration",
            ErrorKind::InvalidRequest => "invalid request",
            ErrorKind::Authentication => "authentication failed",
            ErrorKind::PaymentRequired => "payment required",
            ErrorKind::PermissionDenied => "permission denied",
            ErrorKind::ContentPolicy => "content policy",
            ErrorKind::ModelNotFound => "model not found",
            ErrorKind::NoEndpoint => "no endpoint fits",
            ErrorKind::UnsupportedFeature => "unsupported feature",
            ErrorKind::PayloadTooLarge => "payload too large",
            ErrorKind::ContextLength => "context length exceeded",
            ErrorKind::RateLimited => "rate limited",
            ErrorKind::Timeout => "timeout",
            ErrorKind::Upstream => "upstream provider failed",
            ErrorKind::Overloaded => "overloaded",
            ErrorKind::Server => "service failed",
            ErrorKind::Connection => "connection failed",
            ErrorKind::Interrupted => "answer interrupted",
            ErrorKind::EmptyResponse => "empty response",
            ErrorKind::InvalidResponse => "invalid response",
            ErrorKind::InvalidOutput => "invalid output",
            ErrorKind::Truncated => "answer truncated",
            ErrorKind::ToolFailed => "tool failed",
            ErrorKind::LimitReached => "limit reached",
            ErrorKind::Unsupported => "unsupported capability",
            ErrorKind::NotFound => "not found",
            ErrorKind::Ambiguous => "ambiguous",
            ErrorKind::Duplicate => "duplicate",
        }
    }

    /// The code a host platform shows in its event stream: `auth_error`, `rate_limit`, `context_overflow`,
    /// `tool_error`, `timeout` or `provider_error`.
    pub const fn host_code(self) -> &'static str {
        match self {
            ErrorKind::Authentication => "auth_error",
            ErrorKind::RateLimited => "rate_limit",
            ErrorKind::ContextLength => "context_overflow",
            ErrorKind::ToolFailed => "tool_error",
            ErrorKind::Timeout => "timeout",
            _ => "provider_error",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.label())
    }
}
