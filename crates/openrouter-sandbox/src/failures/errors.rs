//! The errors of the failures on demand, with the statuses, messages and metadata of the service.

use std::time::Duration;

use serde_json::{Value, json};

use super::Failure;
use crate::api_error::ApiError;
use crate::clock;

impl Failure {
    /// The error of a failure before the first token; `None` if the failure comes later.
    ///
    /// `flagged` is the text that moderation quotes.
    pub(crate) fn initial_error(self, flagged: &str) -> Option<ApiError> {
        let error = match self.name() {
            "rate-limit" => ApiError::new(429, "Provider returned error").retry_after(1).metadata(json!({
                "error_type": "rate_limit_exceeded",
                "provider_name": "Sandbox",
                "raw": "sandbox/rate-limit gets too many requests at the moment, please wait a second",
            })),
            "rate-limit-minute" => free_models("free-models-per-min.", 20, clock::now() + Duration::from_secs(5)),
            "rate-limit-free" => free_models(
                "free-models-per-day. Add 10 credits to unlock 1000 free model requests per day",
                50,
                Duration::from_secs(clock::next_midnight()),
            ),
            "upstream-quota" => upstream(
                429,
                "OpenAI",
                &json!({"error": {
                    "message": "You exceeded your current quota, please check your plan and billing details.",
                    "type": "insufficient_quota",
                    "param": null,
                    "code": "insufficient_quota",
                }}),
            ),
            "overload" => overloaded("Every provider of this model is busy"),
            "flaky" => overloaded("The provider is having a nap, the next request wakes it"),
            "no-credits" => no_credits(),
            "in-flight-budget" => payment(
                "This request would exceed your available credits given your current in-flight requests. Retry after \
                 in-flight requests settle, or add credits.",
                json!({
                    "reason": "in_flight_budget_exhausted",
                    "limit_source": "openrouter_in_flight_budget",
                    "remedy_hint": "Retry after your in-flight requests settle (see the Retry-After header).",
                }),
            )
            .retry_after(1),
            "too-expensive" => payment(
                "This request's estimated cost is more than your in-flight budget. Lower max_tokens or the prompt size, or \
                 add credits.",
                json!({
                    "reason": "weight_exceeds_budget",
                    "limit_source": "openrouter_credits",
                    "remedy_hint": "Lower max_tokens or shorten the prompt, or add credits.",
                }),
            ),
            "key-limit" => budget(
                "Key limit exceeded (daily limit). Manage it using https://openrouter.ai/settings/keys",
                "openrouter_key_limit",
                "api_key",
            ),
            "key-limit-402" => payment(
                "Key limit exceeded (total limit). Manage it using https://openrouter.ai/settings/keys",
                json!({
                    "limit_source": "openrouter_key_limit",
                    "remedy_hint": "Raise the credit limit of the API key, or use another key.",
                }),
            ),
            "guardrail-budget" => budget("Budget limit exceeded", "openrouter_guardrail_budget", "member"),
            "workspace-budget" => workspace_budget(),
            "moderation" => {
                ApiError::new(403, "The input was flagged and cannot be processed").metadata(json!({
                    "reasons": ["harassment"],
                    "flagged_input": shorten_middle(flagged),
                    "provider_name": "Sandbox",
                    "model_slug": self.id(),
                }))
            }
            "guardrail" => ApiError::new(403, "Request blocked: prompt injection patterns detected")
                .metadata(json!({ "patterns": [shorten_middle(flagged)] })),
            "content-filter" => upstream(
                400,
                "Azure",
                &json!({"error": {
                    "message": "The response was filtered due to the prompt triggering Azure OpenAI's content \
                                management policy. Please modify your prompt and retry.",
                    "type": null,
                    "param": "prompt",
                    "code": "content_filter",
                    "status": 400,
                }}),
            ),
            "privacy" => ApiError::not_found(
                "0 endpoints out of 1 requested are available matching your guardrail restrictions and data policy. We \
                 removed them for the following reasons (an endpoint may have matched multiple reasons):\nPaid model \
                 training violation (account settings): 1 endpoint excluded; configurable at \
                 https://openrouter.ai/settings/privacy",
            )
            .metadata(json!({
                "input_endpoint_count": 1,
                "ineligibility_reasons": [{
                    "reason": "paid-model-training-violation-by-account",
                    "endpoint_count": 1,
                    "configure_url": "https://openrouter.ai/settings/privacy",
                }],
                "routing_funnel": [{"step": "Initial Endpoints", "endpoint_count": 1}],
                "failed_routing_step": "Filter by Guardrails",
            })),
            "no-endpoints" => {
                ApiError::not_found("No endpoints found that fit this request.").availability(json!({
                    "code": "constraint_filtered",
                    "retryable": false,
                    "requested_models": [self.id()],
                    "excluded_by": ["require_parameters"],
                    "fallback_models": ["openai/gpt-4o-mini"],
                }))
            }
            "context-length" => context_length(128_000, 140_000, 0, None),
            "context-length-upstream" => upstream(
                400,
                "Anthropic",
                &json!({"type": "error", "error": {
                    "type": "invalid_request_error",
                    "message": "prompt is too long: 230417 tokens > 200000 maximum",
                }}),
            ),
            "upstream-error" => ApiError::new(502, "Provider returned error").metadata(json!({
                "error_type": "provider_unavailable",
                "provider_name": "Sandbox",
                "raw": json!({"error": {"type": "internal", "message": "a worker fell over"}}).to_string(),
            })),
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

    /// The object `error` of a failure after the first token.
    pub(crate) fn mid_stream_error(self) -> Value {
        let error = match self.name() {
            "mid-stream-rate-limit" => ApiError::new(429, "Rate limit exceeded")
                .metadata(json!({"error_type": "rate_limit_exceeded", "provider_code": "rate_limited"})),
            "context-length-mid-stream" => upstream(
                400,
                "OpenAI",
                &json!({"error": {
                    "message": "Your input exceeds the context window of this model. Please adjust your input and try \
                                again.",
                    "type": "invalid_request_error",
                    "param": "input",
                    "code": "context_length_exceeded",
                }}),
            ),
            _ => ApiError::new(502, "The provider went away in the middle of its answer")
                .metadata(json!({"error_type": "provider_unavailable", "provider_name": "Sandbox"})),
        };
        error.into_error()
    }
}

/// 402: the account has no credits left.
pub(crate) fn no_credits() -> ApiError {
    payment(
        "This request requires more credits, or fewer max_tokens. You requested up to 4096 tokens, but can only afford 12. \
         To increase, visit https://openrouter.ai/settings/credits and add more credits",
        json!({
            "error_type": "payment_required",
            "limit_source": "openrouter_credits",
            "remedy_hint": "Add credits at https://openrouter.ai/settings/credits, or lower max_tokens.",
        }),
    )
}

/// 400: prompt and answer together exceed the model's context.
pub(crate) fn context_length(context: u64, text: u64, tools: u64, output: Option<u64>) -> ApiError {
    let mut parts = vec![format!("{text} of text input")];
    parts.extend((tools > 0).then(|| format!("{tools} of tool input")));
    parts.extend(output.map(|output| format!("{output} in the output")));
    let total = text.saturating_add(tools).saturating_add(output.unwrap_or(0));
    let message = format!(
        "This endpoint's maximum context length is {context} tokens. However, you requested about {total} tokens ({}). \
         Please reduce the length of either one, or use the context-compression plugin to compress your prompt \
         automatically.",
        parts.join(", ")
    );
    ApiError::bad_request(message).metadata(json!({ "provider_name": null }))
}

/// 403: the alignment plugin holds an answer back, which is billed all the same.
/// `calls` is the plugin's verdict; the failure on demand has one of its own.
pub(crate) fn alignment(held_back: Option<&str>, calls: Option<Value>) -> ApiError {
    let call = |call: u32, probability: f64| {
        let rules = [json!({"applicable": true, "probability": probability, "broken": true})];
        json!({"call": call, "outcome": "blocked", "rules": rules})
    };
    ApiError::new(403, "Alignment plugin: the reply broke these rules: 0: \"Say nothing friendly.\"")
        .metadata(json!({
            "alignment": {
                "calls": calls.unwrap_or_else(|| json!([call(1, 0.94), call(2, 0.91)])),
                "rejected": {"role": "assistant", "content": held_back, "refusal": null},
            },
        }))
}

/// An error of an upstream provider, whose body the service passes on in `metadata.raw`.
pub(crate) fn upstream(status: u16, provider: &str, raw: &Value) -> ApiError {
    let error = ApiError::new(status, "Provider returned error");
    let metadata = json!({"provider_name": provider, "raw": raw.to_string()});
    error.metadata(metadata)
}

fn payment(message: &str, metadata: Value) -> ApiError {
    ApiError::new(402, message).metadata(metadata)
}

/// The daily budget of a workspace, in dollars.
pub(crate) const WORKSPACE_BUDGET: f64 = 25.0;
/// The spending of a workspace whose budget is spent, in dollars.
pub(crate) const WORKSPACE_SPENT: f64 = 25.13;

/// 403: the budget of the workspace is spent.
pub(crate) fn workspace_budget() -> ApiError {
    budget("Workspace daily budget of $25.00 exceeded", "openrouter_workspace_budget", "workspace")
}

/// 403: a budget is exhausted until the end of the day.
fn budget(message: &str, limit_source: &str, scope: &str) -> ApiError {
    ApiError::new(403, message).metadata(json!({
        "limit_source": limit_source,
        "scope": scope,
        "limit_usd": WORKSPACE_BUDGET,
        "spend_usd": WORKSPACE_SPENT,
        "resets_at": clock::rfc3339(clock::next_midnight()),
    }))
}

fn overloaded(message: &str) -> ApiError {
    ApiError::new(503, message)
        .retry_after(1)
        .metadata(json!({ "error_type": "provider_overloaded", "provider_name": "Sandbox" }))
        .availability(json!({ "code": "temporarily_unavailable", "retryable": true, "retry_after": 1 }))
}

/// 429: too many requests to free models until `reset`, a time since 1970. The limit is in the headers and,
/// again, in the metadata.
fn free_models(which: &str, limit: u32, reset: Duration) -> ApiError {
    let [limit, remaining, reset] = [limit.to_string(), "0".to_owned(), reset.as_millis().to_string()];
    ApiError::new(429, format!("Rate limit exceeded: {which}"))
        .header("x-ratelimit-limit", limit.as_str())
        .header("x-ratelimit-remaining", remaining.as_str())
        .header("x-ratelimit-reset", reset.as_str())
        .metadata(json!({
            "headers": {
                "X-RateLimit-Limit": limit,
                "X-RateLimit-Remaining": remaining,
                "X-RateLimit-Reset": reset,
            },
            "provider_name": null,
        }))
}

/// Shortens a text to at most 100 characters by cutting its middle out.
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
    use super::{context_length, shorten_middle};

    #[test]
    fn shorten_middle_keeps_both_ends() {
        let short = shorten_middle(&format!("ä{}ß", "x".repeat(300)));
        assert_eq!(short.chars().count(), 100);
        assert!(short.starts_with('ä') && short.ends_with('ß') && short.contains("..."));
    }

    #[test]
    fn context_length_error_lists_its_parts() {
        let error = context_length(1_000, 900, 50, Some(200)).into_error();
        let message = error["message"].as_str().unwrap();
        assert!(
            message.contains("about 1150 tokens (900 of text input, 50 of tool input, 200 in the output)")
        );
    }
}
