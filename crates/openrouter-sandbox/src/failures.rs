//! Bad days on demand: model ids under `sandbox/` that fail in the ways the real service is known to fail.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::json;

use crate::errors::ApiError;

/// Every model id that fails on purpose, with what happens. They are not in the catalogue.
pub const FAILURES: &[(&str, &str)] = &[
    ("sandbox/rate-limit", "429 with Retry-After: the provider has had enough for a second"),
    (
        "sandbox/rate-limit-free",
        "429 with X-RateLimit-* in the metadata: the quota of free models is used up",
    ),
    ("sandbox/overload", "503 with Retry-After and error.availability: nobody has room, try again"),
    ("sandbox/upstream-error", "502: a provider failed, its own words are in metadata.raw"),
    ("sandbox/moderation", "403: the input was flagged"),
    ("sandbox/no-credits", "402: the account is empty"),
    ("sandbox/no-endpoints", "404: no endpoint fits the request"),
    ("sandbox/context-length", "400: the prompt is too long"),
    ("sandbox/server-error", "500: something broke inside"),
    ("sandbox/html-error", "524 with an HTML page from the edge"),
    ("sandbox/error-200", "status 200, but the body is only an error (429), JSON even for a stream"),
    ("sandbox/choice-error", "partial content, then finish_reason \"error\" and an error in the choice"),
    ("sandbox/empty", "status 200 with choices null and no error"),
    ("sandbox/mid-stream-error", "some tokens, then a chunk with an error and finish_reason \"error\""),
    ("sandbox/mid-stream-error-bare", "some tokens, then an error without any choices"),
    ("sandbox/truncated", "the body ends early, without finish reason or [DONE]"),
    ("sandbox/reset", "the connection breaks in the middle"),
    ("sandbox/stall", "some tokens, then silence for ever"),
    ("sandbox/stall-comments", "some tokens, then only keep-alive comments for ever"),
    ("sandbox/slow-first-token", "keep-alive comments for a while (3 s by default), then a normal answer"),
    ("sandbox/no-done", "a whole answer without [DONE]"),
    ("sandbox/truncated-tool-call", "tool arguments cut short, though the finish reason says tool_calls"),
    ("sandbox/flaky", "503 on the first, third, … request to this sandbox, a normal answer on the others"),
    ("sandbox/refusal", "a refusal instead of content"),
    ("sandbox/slow", "a normal answer at 30 ms per token"),
];

/// How long `sandbox/slow` takes for a token.
pub(crate) const SLOW_TOKEN: Duration = Duration::from_millis(30);

/// A failure on demand: an entry of [`FAILURES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Failure(&'static str);

impl Failure {
    pub(crate) fn from_model_id(id: &str) -> Option<Self> {
        FAILURES.iter().find(|(known, _)| *known == id).map(|(known, _)| Self(known))
    }

    /// The model id.
    pub(crate) fn id(self) -> &'static str {
        self.0
    }

    /// The id without `sandbox/`.
    pub(crate) fn name(self) -> &'static str {
        self.0.trim_start_matches("sandbox/")
    }

    /// Whether the answer holds nothing that could be charged for.
    pub(crate) fn is_free_of_charge(self) -> bool {
        matches!(self.name(), "error-200" | "empty")
    }

    /// The error of a failure that strikes before the first token.
    ///
    /// `flagged` is the text a moderator would stumble over.
    pub(crate) fn early(self, flagged: &str) -> Option<ApiError> {
        let error = match self.name() {
            "rate-limit" => ApiError::new(429, "Provider returned error").retry_after(1).metadata(json!({
                "error_type": "rate_limit_exceeded",
                "provider_name": "Sandbox",
                "raw": "sandbox/rate-limit gets too many requests at the moment, please wait a second",
            })),
            "rate-limit-free" => {
                ApiError::new(429, "Rate limit exceeded: free-models-per-day").metadata(json!({
                    "headers": {
                        "X-RateLimit-Limit": "50",
                        "X-RateLimit-Remaining": "0",
                        "X-RateLimit-Reset": in_a_minute().to_string(),
                    },
                    "provider_name": null,
                }))
            }
            "overload" => overloaded("Every provider of this model is busy"),
            "flaky" => overloaded("The provider is having a nap, the next request wakes it"),
            "upstream-error" => ApiError::new(502, "Provider returned error").metadata(json!({
                "error_type": "provider_unavailable",
                "provider_name": "Sandbox",
                "raw": json!({"error": {"type": "internal", "message": "a worker fell over"}}).to_string(),
            })),
            "moderation" => {
                ApiError::new(403, "The input was flagged and cannot be processed").metadata(json!({
                    "reasons": ["harassment"],
                    "flagged_input": shorten_middle(flagged),
                    "provider_name": "Sandbox",
                    "model_slug": self.id(),
                }))
            }
            "no-credits" => no_credits(),
            "no-endpoints" => {
                ApiError::not_found("No endpoints found that fit this request.").availability(json!({
                    "code": "constraint_filtered",
                    "retryable": false,
                    "requested_models": [self.id()],
                    "excluded_by": ["require_parameters"],
                    "fallback_models": ["openai/gpt-4o-mini"],
                }))
            }
            "context-length" => ApiError::bad_request(
                "The prompt has 140,000 tokens, but this model reads no more than 128,000",
            )
            .metadata(json!({ "error_type": "context_length_exceeded" })),
            "server-error" => {
                ApiError::new(500, "Internal Server Error").metadata(json!({ "error_type": "server" }))
            }
            "html-error" => ApiError::html(
                524,
                "<!DOCTYPE html>\n<html><head><title>524: A timeout occurred</title></head>\n\
                 <body><h1>The origin took too long</h1></body></html>\n",
            ),
            _ => return None,
        };
        Some(error)
    }
}

/// 402: nothing left to pay with.
pub(crate) fn no_credits() -> ApiError {
    ApiError::new(402, "This request needs more credits than the account has; add some, or lower max_tokens")
        .metadata(json!({ "error_type": "payment_required" }))
}

fn overloaded(message: &str) -> ApiError {
    ApiError::new(503, message)
        .retry_after(1)
        .metadata(json!({ "error_type": "provider_overloaded", "provider_name": "Sandbox" }))
        .availability(json!({ "code": "temporarily_unavailable", "retryable": true, "retry_after": 1 }))
}

/// Milliseconds since 1970. Real time, unlike that of the answers: clients compare it with their clock.
fn in_a_minute() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() + 60_000
}

/// At most 100 characters, cut in the middle.
fn shorten_middle(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    if characters.len() <= 100 {
        return text.to_owned();
    }
    let (head, tail) = (&characters[..48], &characters[characters.len() - 49..]);
    head.iter().chain(&['.', '.', '.']).chain(tail).collect()
}

#[cfg(test)]
mod tests {
    use super::{FAILURES, Failure, shorten_middle};

    #[test]
    fn every_id_is_found_and_names_itself() {
        for (id, what) in FAILURES {
            let failure = Failure::from_model_id(id).unwrap();
            assert_eq!(format!("sandbox/{}", failure.name()), *id);
            assert!(!what.is_empty());
        }
        assert_eq!(Failure::from_model_id("sandbox/none"), None);
    }

    #[test]
    fn flagged_input_keeps_both_ends() {
        let short = shorten_middle(&format!("ä{}ß", "x".repeat(300)));
        assert_eq!(short.chars().count(), 100);
        assert!(short.starts_with('ä') && short.ends_with('ß') && short.contains("..."));
    }
}
