//! The service's record of an answer.

use lenient_json::{FromJson as _, Raw, Reader};
use openai_wire::Keep as _;
use provider_core::{RawJson, Usage, Usd};

use crate::document;
use crate::record::{self, Field, record};

record! {
    /// The service's record of an answer. `GET /generation`. Amounts are US dollars, times are milliseconds,
    /// and everything that the service does not tell is `None`.
    pub struct Generation {
        /// The answer's id (`gen-…`).
        id: String = "id",
        /// The upstream provider's id of it.
        upstream_id: Option<String> = "upstream_id",
        /// The id that all generations of one request share.
        request_id: Option<String> = "request_id",
        /// The generation that this one repeats, if it came from the response cache.
        response_cache_source_id: Option<String> = "response_cache_source_id",
        /// The model that answered.
        model: String = "model",
        /// The upstream provider that served it.
        provider_name: Option<String> = "provider_name",
        /// The upstream providers that were tried, in order.
        provider_responses: Vec<ProviderResponse> = "provider_responses",
        /// The router that chose the model (`openrouter/auto`).
        router: Option<String> = "router",
        /// The preset that was used.
        preset_id: Option<String> = "preset_id",
        /// The service tier that the upstream provider reported.
        service_tier: Option<String> = "service_tier",
        /// The region it went through: `global`, `europe`, `us`.
        data_region: Option<String> = "data_region",
        /// The API it was asked through: `completions`, `embeddings`, …
        api_type: Option<String> = "api_type",
        /// When it was made (`2024-07-15T23:33:19.433273+00:00`).
        created_at: Option<String> = "created_at",
        /// Whether it was streamed.
        streamed: Option<bool> = "streamed",
        /// Whether it was cancelled.
        cancelled: Option<bool> = "cancelled",
        /// Why it ended, in the service's words.
        finish_reason: Option<String> = "finish_reason",
        /// Why it ended, in the upstream provider's words.
        native_finish_reason: Option<String> = "native_finish_reason",
        /// The whole latency, in milliseconds.
        latency: Option<f64> = "latency",
        /// How long it was generated, in milliseconds.
        generation_time: Option<f64> = "generation_time",
        /// How long moderation took, in milliseconds.
        moderation_latency: Option<f64> = "moderation_latency",
        /// Tokens of the request by the service's own tokenizer. Bills go by the `native_…` counts.
        tokens_prompt: Option<u64> = "tokens_prompt",
        /// Tokens of the answer by the service's own tokenizer.
        tokens_completion: Option<u64> = "tokens_completion",
        /// Tokens of the request as the upstream provider counts.
        native_tokens_prompt: Option<u64> = "native_tokens_prompt",
        /// Tokens of the answer as the upstream provider counts.
        native_tokens_completion: Option<u64> = "native_tokens_completion",
        /// Tokens of thoughts as the upstream provider counts.
        native_tokens_reasoning: Option<u64> = "native_tokens_reasoning",
        /// Tokens read from the prompt cache as the upstream provider counts.
        native_tokens_cached: Option<u64> = "native_tokens_cached",
        /// Tokens of images in the answer as the upstream provider counts.
        native_tokens_completion_images: Option<u64> = "native_tokens_completion_images",
        /// How many images and the like were in the request.
        num_media_prompt: Option<u64> = "num_media_prompt",
        /// How many pieces of audio were in the request.
        num_input_audio_prompt: Option<u64> = "num_input_audio_prompt",
        /// How many images and the like are in the answer.
        num_media_completion: Option<u64> = "num_media_completion",
        /// How many results of a web search went in.
        num_search_results: Option<u64> = "num_search_results",
        /// How many web pages were fetched.
        num_fetches: Option<u64> = "num_fetches",
        /// The web search engine that was used.
        web_search_engine: Option<String> = "web_search_engine",
        /// The charge.
        total_cost: Option<Usd> = "total_cost",
        /// The charge to the credits.
        usage: Option<Usd> = "usage",
        /// The upstream provider's charge, with a key of one's own there ("bring your own key").
        upstream_inference_cost: Option<Usd> = "upstream_inference_cost",
        /// The saving by the prompt cache; below zero when writing to it cost more.
        cache_discount: Option<Usd> = "cache_discount",
        /// Whether a key of one's own at the upstream provider was used.
        is_byok: Option<bool> = "is_byok",
        /// The session it belongs to.
        session_id: Option<String> = "session_id",
        /// Your id for the end user, as the request had it in `user`.
        external_user: Option<String> = "external_user",
        /// The workspace it is counted for.
        workspace_id: Option<String> = "workspace_id",
        /// The app that asked, by its number at the service.
        app_id: Option<i64> = "app_id",
        /// Where the request came from.
        origin: Option<String> = "origin",
        /// The site URL that the request carried.
        http_referer: Option<String> = "http_referer",
        /// The client that the request named.
        user_agent: Option<String> = "user_agent",
        /// The whole record as it was sent.
        raw: Option<RawJson>,
    }
}

record! {
    /// One provider that was tried for an answer.
    pub struct ProviderResponse {
        /// Its id of the answer.
        id: Option<String> = "id",
        /// Its endpoint, by the service's id.
        endpoint_id: Option<String> = "endpoint_id",
        /// The model's canonical slug.
        model_permaslug: Option<String> = "model_permaslug",
        /// Its name.
        provider_name: Option<String> = "provider_name",
        /// The HTTP status it gave; 200 for the one that served.
        status: Option<u16> = "status",
        /// How long it took, in milliseconds.
        latency: Option<f64> = "latency",
        /// Whether a key of one's own there was used.
        is_byok: Option<bool> = "is_byok",
        /// The service tier it was asked for; what was billed can differ.
        routed_service_tier: Option<String> = "routed_service_tier",
        /// The whole entry as it was sent.
        raw: Option<RawJson>,
    }
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

impl Field for Vec<ProviderResponse> {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let response = |raw: Raw<'_>| ProviderResponse { raw: raw.keep(), ..record::of(raw) };
        Raw::from_json(reader).map(|list| record::list(list, response))
    }
}

/// Reads what the service keeps of an answer.
///
/// # Errors
/// When the body is no JSON object with `data` in it.
pub(crate) fn read(body: &str) -> Result<Generation, String> {
    let raw = document::object(body)?;
    Ok(Generation { raw: raw.keep(), ..record::of(raw) })
}
