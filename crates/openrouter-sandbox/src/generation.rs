//! The record of a generation, which `GET /generation` returns.

use axum::http::HeaderMap;
use serde_json::{Value, json};

use crate::clock;
use crate::completion::Completion;

/// Fields that every record has and for which the sandbox has no value.
const NULL_FIELDS: [&str; 16] = [
    "upstream_id",
    "request_id",
    "provider_responses",
    "router",
    "preset_id",
    "moderation_latency",
    "native_tokens_completion_images",
    "num_media_prompt",
    "num_input_audio_prompt",
    "num_media_completion",
    "num_search_results",
    "num_fetches",
    "web_search_engine",
    "upstream_inference_cost",
    "cache_discount",
    "workspace_id",
];

/// The record of a generation.
#[derive(Debug)]
pub(crate) struct Generation {
    pub(crate) id: String,
    pub(crate) record: Value,
}

impl Generation {
    /// Records a completion. For one from the cache, `source` is the id of the generation that was stored.
    pub(crate) fn of(
        completion: &Completion,
        request: &Value,
        headers: &HeaderMap,
        source: Option<&str>,
    ) -> Self {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let (usage, finish) = (&completion.usage, completion.answer.finish);
        let delay = u64::try_from(completion.token_delay.as_millis()).unwrap_or(u64::MAX);
        let mut record = json!({
            "id": completion.id,
            "model": completion.model,
            "provider_name": completion.provider,
            "created_at": clock::rfc3339(completion.created),
            "streamed": request["stream"] == true,
            "cancelled": false,
            "finish_reason": finish.normalized(),
            "native_finish_reason": completion.native_finish_reason(finish),
            "latency": delay,
            "generation_time": delay.saturating_mul(usage.completion_tokens),
            "tokens_prompt": usage.prompt_tokens,
            "tokens_completion": usage.completion_tokens,
            "native_tokens_prompt": usage.prompt_tokens,
            "native_tokens_completion": usage.completion_tokens,
            "native_tokens_reasoning": usage.reasoning_tokens,
            "native_tokens_cached": 0,
            "total_cost": usage.cost().to_json(),
            "usage": usage.cost().to_json(),
            "is_byok": false,
            "service_tier": completion.service_tier,
            "data_region": "global",
            "session_id": request["session_id"].as_str().or(header("x-session-id")),
            "external_user": request["user"],
            "app_id": null,
            "origin": header("http-referer").unwrap_or_default(),
            "http_referer": header("http-referer"),
            "user_agent": header("user-agent"),
            "api_type": "completions",
            "response_cache_source_id": source,
        });
        for name in NULL_FIELDS {
            record[name] = Value::Null;
        }
        Self { id: completion.id.clone(), record }
    }
}
