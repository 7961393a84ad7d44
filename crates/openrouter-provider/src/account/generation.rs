//! The service's record of an answer.

use provider_core::{RawJson, Usage, Usd};
use serde::Serialize;

/// What the service keeps of an answer. `GET /generation`. Amounts are US dollars, times are milliseconds,
/// and everything it does not tell is `None`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Generation {
    /// The answer's id (`gen-…`).
    pub id: String,
    /// The upstream provider's id of it.
    pub upstream_id: Option<String>,
    /// What all generations of one request have in common.
    pub request_id: Option<String>,
    /// The generation that this one repeats, if it came from the response cache.
    pub response_cache_source_id: Option<String>,
    /// The model that answered.
    pub model: String,
    /// Who served it.
    pub provider_name: Option<String>,
    /// Everybody who was tried, in order.
    pub provider_responses: Vec<ProviderResponse>,
    /// The router that chose the model (`openrouter/auto`).
    pub router: Option<String>,
    /// The preset that was used.
    pub preset_id: Option<String>,
    /// The service tier that the upstream provider reported.
    pub service_tier: Option<String>,
    /// The region it went through: `global`, `europe`, `us`.
    pub data_region: Option<String>,
    /// The API it was asked through: `completions`, `embeddings`, …
    pub api_type: Option<String>,
    /// When it was made (`2024-07-15T23:33:19.433273+00:00`).
    pub created_at: Option<String>,
    /// Whether it was streamed.
    pub streamed: Option<bool>,
    /// Whether it was cancelled.
    pub cancelled: Option<bool>,
    /// Why it ended, in the service's words.
    pub finish_reason: Option<String>,
    /// Why it ended, in the upstream provider's words.
    pub native_finish_reason: Option<String>,
    /// The whole latency, in milliseconds.
    pub latency: Option<f64>,
    /// How long it was generated, in milliseconds.
    pub generation_time: Option<f64>,
    /// How long moderation took, in milliseconds.
    pub moderation_latency: Option<f64>,
    /// Tokens of the request by the service's own tokenizer. Bills go by the `native_…` counts.
    pub tokens_prompt: Option<u64>,
    /// Tokens of the answer by the service's own tokenizer.
    pub tokens_completion: Option<u64>,
    /// Tokens of the request as the upstream provider counts.
    pub native_tokens_prompt: Option<u64>,
    /// Tokens of the answer as the upstream provider counts.
    pub native_tokens_completion: Option<u64>,
    /// Tokens of thoughts as the upstream provider counts.
    pub native_tokens_reasoning: Option<u64>,
    /// Tokens read from the prompt cache as the upstream provider counts.
    pub native_tokens_cached: Option<u64>,
    /// Tokens of images in the answer as the upstream provider counts.
    pub native_tokens_completion_images: Option<u64>,
    /// How many images and the like were in the request.
    pub num_media_prompt: Option<u64>,
    /// How many pieces of audio were in the request.
    pub num_input_audio_prompt: Option<u64>,
    /// How many images and the like are in the answer.
    pub num_media_completion: Option<u64>,
    /// How many results of a web search went in.
    pub num_search_results: Option<u64>,
    /// How many web pages were fetched.
    pub num_fetches: Option<u64>,
    /// The web search engine that was used.
    pub web_search_engine: Option<String>,
    /// What was charged.
    pub total_cost: Option<Usd>,
    /// What was charged to the credits.
    pub usage: Option<Usd>,
    /// What the upstream provider charged, with a key of one's own there ("bring your own key").
    pub upstream_inference_cost: Option<Usd>,
    /// What the prompt cache saved; below zero when writing to it cost more.
    pub cache_discount: Option<Usd>,
    /// Whether a key of one's own at the upstream provider was used.
    pub is_byok: Option<bool>,
    /// The session it belongs to.
    pub session_id: Option<String>,
    /// Your id for the end user, as the request had it in `user`.
    pub external_user: Option<String>,
    /// The workspace it is counted for.
    pub workspace_id: Option<String>,
    /// The app that asked, by its number at the service.
    pub app_id: Option<i64>,
    /// Where the request came from.
    pub origin: Option<String>,
    /// The site URL that the request carried.
    pub http_referer: Option<String>,
    /// The client that the request named.
    pub user_agent: Option<String>,
    /// The whole record as it was sent.
    pub raw: Option<RawJson>,
}

/// One provider that was tried for an answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ProviderResponse {
    /// Its id of the answer.
    pub id: Option<String>,
    /// Its endpoint, by the service's id.
    pub endpoint_id: Option<String>,
    /// The model's canonical slug.
    pub model_permaslug: Option<String>,
    /// Its name.
    pub provider_name: Option<String>,
    /// The HTTP status it gave; 200 for the one that served.
    pub status: Option<u16>,
    /// How long it took, in milliseconds.
    pub latency: Option<f64>,
    /// Whether a key of one's own there was used.
    pub is_byok: Option<bool>,
    /// The service tier it was asked for; what was billed can differ.
    pub routed_service_tier: Option<String>,
    /// The whole entry as it was sent.
    pub raw: Option<RawJson>,
}

impl Generation {
    /// Counts and cost in the form that answers have them: for an answer that broke off before its usage
    /// came.
    pub fn to_usage(&self) -> Usage {
        let mut usage = Usage::default();
        usage.prompt_tokens = self.native_tokens_prompt;
        usage.completion_tokens = self.native_tokens_completion;
        usage.total_tokens =
            self.native_tokens_prompt.zip(self.native_tokens_completion).map(|(a, b)| a.saturating_add(b));
        usage.cached_tokens = self.native_tokens_cached;
        usage.reasoning_tokens = self.native_tokens_reasoning;
        usage.cost = self.total_cost.or(self.usage);
        usage.upstream_cost = self.upstream_inference_cost;
        usage.is_byok = self.is_byok;
        usage
    }
}
