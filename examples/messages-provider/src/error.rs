//! The service's words for failures, and their kinds.

use lenient_json::{Raw, Text, from_str, object};
use provider_core::author::{ResponseHead, RetryHints, text_of_body};
use provider_core::{Error, ErrorKind, TimeoutPhase};

object! {
    /// An error, as a body or as an event of a stream.
    struct Envelope<'a> {
        error: Raw<'a> = "error",
    }
}

object! {
    struct Fault<'a> {
        kind: Text<'a> = "type",
        message: Text<'a> = "message",
    }
}

/// The kinds, by the service's types.
const KINDS: &[(&str, ErrorKind)] = &[
    ("authentication_error", ErrorKind::Authentication),
    ("billing_error", ErrorKind::PaymentRequired),
    ("permission_error", ErrorKind::PermissionDenied),
    ("request_too_large", ErrorKind::PayloadTooLarge),
    ("rate_limit_error", ErrorKind::RateLimited),
    ("timeout_error", ErrorKind::Timeout),
    ("overloaded_error", ErrorKind::Overloaded),
    ("api_error", ErrorKind::Server),
];

/// Words in a message that say more than its type does, in lower case: the service has one type for all that
/// is wrong with a request.
const PHRASES: &[(&str, &str, ErrorKind)] = &[
    ("invalid_request_error", "credit balance", ErrorKind::PaymentRequired),
    ("invalid_request_error", "prompt is too long", ErrorKind::ContextLength),
    ("invalid_request_error", "context length", ErrorKind::ContextLength),
    ("invalid_request_error", "context limit", ErrorKind::ContextLength),
    ("invalid_request_error", "context window", ErrorKind::ContextLength),
    ("invalid_request_error", "", ErrorKind::InvalidRequest),
    ("not_found_error", "model", ErrorKind::ModelNotFound),
    ("not_found_error", "", ErrorKind::NotFound),
];

/// Makes the error of an answer whose status is no success.
pub(crate) fn from_response(head: &ResponseHead, body: &str) -> Error {
    let envelope: Envelope<'_> = from_str(text_of_body(body)).unwrap_or_default();
    // A machine on the way has another form.
    reported(head, envelope.error).unwrap_or_else(|| provider_http::error::from_response(head, body))
}

/// Makes the error that the service reports in this object; `None` where that says nothing.
pub(crate) fn reported(head: &ResponseHead, error: Raw<'_>) -> Option<Error> {
    let fault: Fault<'_> = error.read()?;
    let message = fault.message.filled().or_else(|| fault.kind.filled())?;
    let kind = kind(&fault, head);
    let advice = RetryHints::of(head).advice(kind, kind.usual_retry());
    let mut error = Error::new(kind, head.redact(message)).with_status(head.status()).with_retry(advice);
    if let Some(code) = fault.kind.filled() {
        error = error.with_code(head.redact(code));
    }
    if kind == ErrorKind::Timeout {
        error = error.with_timeout(TimeoutPhase::Service);
    }
    if let Some(id) = head.header("request-id") {
        error = error.with_request_id(id);
    }
    Some(error)
}

fn kind(fault: &Fault<'_>, head: &ResponseHead) -> ErrorKind {
    let (own, message) = (fault.kind.as_str(), fault.message.as_str().to_lowercase());
    let by_words = || {
        let row = PHRASES.iter().find(|(kind, words, _)| *kind == own && message.contains(words));
        row.map(|(_, _, kind)| *kind)
    };
    let by_type = KINDS.iter().find(|(kind, _)| *kind == own).map(|(_, kind)| *kind);
    let by_status = || match head.is_success() {
        true => ErrorKind::Server,
        false => provider_http::error::from_response(head, "").kind(),
    };
    by_type.or_else(by_words).unwrap_or_else(by_status)
}
