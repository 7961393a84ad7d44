//! Which kind of failure it is.

use provider_core::ErrorKind;

use crate::wire::error::WireError;

/// The kind of a failure: by the service's fine-grained word where it gives one, else by its code or status.
pub(super) fn kind(error: &WireError, code: u16) -> ErrorKind {
    let availability = error.availability.as_ref().and_then(|availability| availability.code.as_deref());
    // Some put the word where the number belongs.
    let words = [error.error_type.as_deref(), error.code.as_deref()];
    let by_word =
        availability.and_then(by_availability).or_else(|| words.into_iter().flatten().find_map(by_type));
    match by_word {
        // The words for "bad request" and "not found" are vaguer than what may come with them.
        None | Some(ErrorKind::InvalidRequest | ErrorKind::NoEndpoint) if (400..500).contains(&code) => {
            by_code(error, code)
        }
        None => by_code(error, code),
        Some(kind) => kind,
    }
}

/// By `availability.code`.
fn by_availability(word: &str) -> Option<ErrorKind> {
    Some(match word {
        "model_not_found" | "model_deprecated" | "free_variant_ended" => ErrorKind::ModelNotFound,
        "no_endpoints" | "model_unavailable_upstream" | "privacy_restricted" | "constraint_filtered" => {
            ErrorKind::NoEndpoint
        }
        "region_restricted" => ErrorKind::PermissionDenied,
        "capacity_exhausted" => ErrorKind::RateLimited,
        "temporarily_unavailable" => ErrorKind::Overloaded,
        "wrong_endpoint" => ErrorKind::InvalidRequest,
        _ => return None,
    })
}

/// By `error_type`.
fn by_type(word: &str) -> Option<ErrorKind> {
    Some(match word {
        "authentication" | "authentication_error" => ErrorKind::Authentication,
        "payment_required" | "insufficient_quota" => ErrorKind::PaymentRequired,
        "permission_denied" | "permission_error" => ErrorKind::PermissionDenied,
        "content_policy_violation" | "refusal" => ErrorKind::ContentPolicy,
        "context_length_exceeded" | "token_limit_exceeded" | "string_too_long" => ErrorKind::ContextLength,
        "not_found" => ErrorKind::NoEndpoint,
        "payload_too_large" => ErrorKind::PayloadTooLarge,
        "rate_limit_exceeded" | "rate_limit_error" => ErrorKind::RateLimited,
        "timeout" => ErrorKind::Timeout,
        "provider_unavailable" => ErrorKind::Upstream,
        "provider_overloaded" | "overloaded_error" => ErrorKind::Overloaded,
        "server" | "server_error" | "unmapped" => ErrorKind::Server,
        "invalid_request"
        | "invalid_request_error"
        | "invalid_prompt"
        | "max_tokens_exceeded"
        | "invalid_image"
        | "image_too_large"
        | "image_too_small"
        | "unsupported_image_format"
        | "image_download_failed"
        | "image_not_found"
        | "precondition_failed"
        | "unprocessable" => ErrorKind::InvalidRequest,
        _ => return None,
    })
}

/// By the code, and where one code means several things, by what comes with it.
fn by_code(error: &WireError, code: u16) -> ErrorKind {
    let says = |words: &[&str]| {
        let message = error.message.as_deref().unwrap_or_default().to_lowercase();
        words.iter().any(|word| message.contains(word))
    };
    match code {
        400 | 403 if error.moderated => ErrorKind::ContentPolicy,
        400 | 404 if says(&["not a valid model", "does not exist", "no longer available", "deprecated"]) => {
            ErrorKind::ModelNotFound
        }
        400 | 413 if says(&["context length", "context window", "maximum context"]) => {
            ErrorKind::ContextLength
        }
        413 => ErrorKind::PayloadTooLarge,
        401 => ErrorKind::Authentication,
        402 => ErrorKind::PaymentRequired,
        403 => ErrorKind::PermissionDenied,
        404 if says(&["that support", "does not support", "not support"]) => ErrorKind::UnsupportedFeature,
        // What is left over when no filter is named: the model has no endpoint at all.
        404 if says(&["no endpoints found for"]) && !says(&["matching"]) => ErrorKind::ModelNotFound,
        404 => ErrorKind::NoEndpoint,
        408 | 504 | 524 => ErrorKind::Timeout,
        429 => ErrorKind::RateLimited,
        500 => ErrorKind::Server,
        502 => ErrorKind::Upstream,
        503 | 529 => ErrorKind::Overloaded,
        300..400 => ErrorKind::InvalidResponse,
        400..500 => ErrorKind::InvalidRequest,
        _ => ErrorKind::Server,
    }
}
