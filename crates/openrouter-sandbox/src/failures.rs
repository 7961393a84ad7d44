//! Failures on demand: model ids under `sandbox/` that fail in ways known from the service.

mod errors;

use std::time::Duration;

pub(crate) use self::errors::{
    WORKSPACE_BUDGET, WORKSPACE_SPENT, alignment, context_length, no_credits, upstream, workspace_budget,
};

/// The model ids that fail on purpose, each with a description. The catalogue does not list them.
pub const FAILURES: &[(&str, &str)] = &[
    // Limits on requests.
    ("sandbox/rate-limit", "429 with Retry-After: the provider has had enough for a second"),
    (
        "sandbox/rate-limit-minute",
        "429 with X-RateLimit-*: too many requests to free models, for some seconds",
    ),
    ("sandbox/rate-limit-free", "429 with X-RateLimit-*: the day's quota of free models is used up"),
    ("sandbox/upstream-quota", "429: an account at the provider is out of quota, said in metadata.raw"),
    ("sandbox/overload", "503 with Retry-After and error.availability: nobody has room, try again"),
    // Money.
    ("sandbox/no-credits", "402: the account is empty (limit_source openrouter_credits)"),
    (
        "sandbox/in-flight-budget",
        "402 with Retry-After: requests under way fill the account's budget, try again",
    ),
    (
        "sandbox/too-expensive",
        "402: this request alone is more than the account's budget for what is under way",
    ),
    ("sandbox/key-limit", "403: the key's own limit is spent until resets_at"),
    ("sandbox/key-limit-402", "402: the key's own limit is spent, as said with the other status"),
    ("sandbox/guardrail-budget", "403: the budget of a guardrail is spent until resets_at"),
    ("sandbox/workspace-budget", "403: the budget of the workspace is spent until resets_at"),
    // Content that may not be asked or answered.
    ("sandbox/moderation", "403: the input was flagged"),
    ("sandbox/guardrail", "403: a guardrail found a prompt injection"),
    ("sandbox/content-filter", "400: the provider's filter refused the prompt, said in metadata.raw"),
    ("sandbox/content-filter-cut", "partial content, then finish_reason \"content_filter\""),
    ("sandbox/alignment", "403 with usage beside the error: the answer broke a rule, but is billed"),
    ("sandbox/refusal", "a refusal instead of content"),
    ("sandbox/privacy", "404: the account's data policy excludes every endpoint"),
    ("sandbox/no-endpoints", "404: no endpoint fits the request"),
    ("sandbox/context-length", "400: prompt and answer are too long, in the service's words"),
    ("sandbox/context-length-upstream", "400: the prompt is too long, said by the provider in metadata.raw"),
    ("sandbox/context-length-mid-stream", "some tokens, then the context is full, said in metadata.raw"),
    // Broken services.
    ("sandbox/upstream-error", "502: a provider failed, its own words are in metadata.raw"),
    ("sandbox/server-error", "500: something broke inside"),
    ("sandbox/html-error", "524 with an HTML page from the edge"),
    ("sandbox/flaky", "503 on the first, third, … request to this sandbox, a normal answer on the others"),
    ("sandbox/error-200", "status 200, but the body is only an error (429), JSON even for a stream"),
    ("sandbox/empty", "status 200 with choices null and no error"),
    ("sandbox/choice-error", "partial content, then finish_reason \"error\" and an error in the choice"),
    // Broken answers.
    ("sandbox/mid-stream-error", "some tokens, then a chunk with an error and finish_reason \"error\""),
    ("sandbox/mid-stream-error-bare", "some tokens, then an error without any choices"),
    ("sandbox/mid-stream-rate-limit", "some tokens, then a chunk with an error 429"),
    ("sandbox/truncated", "the body ends early, without finish reason or [DONE]"),
    ("sandbox/reset", "the connection breaks in the middle"),
    ("sandbox/stall", "some tokens, then silence for ever"),
    ("sandbox/stall-comments", "some tokens, then only keep-alive comments for ever"),
    ("sandbox/no-done", "a whole answer without [DONE]"),
    ("sandbox/truncated-tool-call", "tool arguments cut short, though the finish reason says tool_calls"),
    // Slow ones.
    ("sandbox/slow-first-token", "keep-alive comments for a while (3 s by default), then a normal answer"),
    ("sandbox/slow", "a normal answer at 30 ms per token"),
];

/// The time that `sandbox/slow` takes for a token.
pub(crate) const SLOW_TOKEN_DELAY: Duration = Duration::from_millis(30);

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

    /// Whether the failure is not billed, since it has no answer.
    pub(crate) fn is_free_of_charge(self) -> bool {
        matches!(self.name(), "error-200" | "empty")
    }

    /// Whether the answer is complete in spite of the failure, so that the response cache may store it.
    pub(crate) fn is_cacheable(self) -> bool {
        const ANSWERS: [&str; 7] = [
            "content-filter-cut",
            "flaky",
            "no-done",
            "refusal",
            "slow",
            "slow-first-token",
            "truncated-tool-call",
        ];
        ANSWERS.contains(&self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::{FAILURES, Failure};

    #[test]
    fn failure_ids_are_found_and_name_themselves() {
        for (id, what) in FAILURES {
            let failure = Failure::from_model_id(id).unwrap();
            assert_eq!(format!("sandbox/{}", failure.name()), *id);
            assert!(!what.is_empty());
        }
        assert_eq!(Failure::from_model_id("sandbox/none"), None);
    }
}
