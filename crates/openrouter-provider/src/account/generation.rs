//! The service's record of an answer.

use crate::document;
use lenient_json::{Count, Flag, Raw, Text, integer, number, object, owned};
use openai_wire::{Keep as _, amount};
use provider_core::{RawJson, Usage, Usd};
use serde::Serialize;

/// The service's record of an answer. `GET /generation`. Amounts are US dollars, times are milliseconds, and
/// everything that the service does not tell is `None`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Generation {
    /// The answer's id (`gen-…`).
    pub id: String,
    /// The upstream provider's id of it.
    pub upstream_id: Option<String>,
    /// The id that all generations of one request share.
    pub request_id: Option<String>,
    /// The generation that this one repeats, if it came from the response cache.
    pub response_cache_source_id: Option<String>,
    /// The model that answered.
    pub model: String,
    /// The upstream provider that served it.
    pub provider_name: Option<String>,
    /// The upstream providers that were tried, in order.
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
    /// The charge.
    pub total_cost: Option<Usd>,
    /// The charge to the credits.
    pub usage: Option<Usd>,
    /// The upstream provider's charge, with a key of one's own there ("bring your own key").
    pub upstream_inference_cost: Option<Usd>,
    /// The saving by the prompt cache; below zero when writing to it cost more.
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

object! {
    struct WireGeneration<'a> {
        id: Text<'a> = "id",
        upstream_id: Text<'a> = "upstream_id",
        request_id: Text<'a> = "request_id",
        response_cache_source_id: Text<'a> = "response_cache_source_id",
        model: Text<'a> = "model",
        provider_name: Text<'a> = "provider_name",
        provider_responses: Raw<'a> = "provider_responses",
        router: Text<'a> = "router",
        preset_id: Text<'a> = "preset_id",
        service_tier: Text<'a> = "service_tier",
        data_region: Text<'a> = "data_region",
        api_type: Text<'a> = "api_type",
        created_at: Text<'a> = "created_at",
        streamed: Flag = "streamed",
        cancelled: Flag = "cancelled",
        finish_reason: Text<'a> = "finish_reason",
        native_finish_reason: Text<'a> = "native_finish_reason",
        latency: Raw<'a> = "latency",
        generation_time: Raw<'a> = "generation_time",
        moderation_latency: Raw<'a> = "moderation_latency",
        tokens_prompt: Count = "tokens_prompt",
        tokens_completion: Count = "tokens_completion",
        native_tokens_prompt: Count = "native_tokens_prompt",
        native_tokens_completion: Count = "native_tokens_completion",
        native_tokens_reasoning: Count = "native_tokens_reasoning",
        native_tokens_cached: Count = "native_tokens_cached",
        native_tokens_completion_images: Count = "native_tokens_completion_images",
        num_media_prompt: Count = "num_media_prompt",
        num_input_audio_prompt: Count = "num_input_audio_prompt",
        num_media_completion: Count = "num_media_completion",
        num_search_results: Count = "num_search_results",
        num_fetches: Count = "num_fetches",
        web_search_engine: Text<'a> = "web_search_engine",
        total_cost: Raw<'a> = "total_cost",
        usage: Raw<'a> = "usage",
        upstream_inference_cost: Raw<'a> = "upstream_inference_cost",
        cache_discount: Raw<'a> = "cache_discount",
        is_byok: Flag = "is_byok",
        session_id: Text<'a> = "session_id",
        external_user: Text<'a> = "external_user",
        workspace_id: Text<'a> = "workspace_id",
        app_id: Raw<'a> = "app_id",
        origin: Text<'a> = "origin",
        http_referer: Text<'a> = "http_referer",
        user_agent: Text<'a> = "user_agent",
    }
}

object! {
    struct WireProviderResponse<'a> {
        id: Text<'a> = "id",
        endpoint_id: Text<'a> = "endpoint_id",
        model_permaslug: Text<'a> = "model_permaslug",
        provider_name: Text<'a> = "provider_name",
        status: Count = "status",
        latency: Raw<'a> = "latency",
        is_byok: Flag = "is_byok",
        routed_service_tier: Text<'a> = "routed_service_tier",
    }
}

/// Reads what the service keeps of an answer.
///
/// # Errors
/// When the body is no JSON object with `data` in it.
pub(crate) fn read(body: &str) -> Result<Generation, String> {
    let raw = document::object(body)?;
    let wire: WireGeneration<'_> = raw.read().unwrap_or_default();
    let mut provider_responses = Vec::new();
    wire.provider_responses.for_each(|raw: Raw<'_>| {
        provider_responses.extend(Some(raw).filter(|raw| raw.is_object()).map(provider_response));
    });
    Ok(Generation {
        id: wire.id.into_cow().into_owned(),
        upstream_id: owned(wire.upstream_id),
        request_id: owned(wire.request_id),
        response_cache_source_id: owned(wire.response_cache_source_id),
        model: wire.model.into_cow().into_owned(),
        provider_name: owned(wire.provider_name),
        provider_responses,
        router: owned(wire.router),
        preset_id: owned(wire.preset_id),
        service_tier: owned(wire.service_tier),
        data_region: owned(wire.data_region),
        api_type: owned(wire.api_type),
        created_at: owned(wire.created_at),
        streamed: wire.streamed.0,
        cancelled: wire.cancelled.0,
        finish_reason: owned(wire.finish_reason),
        native_finish_reason: owned(wire.native_finish_reason),
        latency: number(wire.latency),
        generation_time: number(wire.generation_time),
        moderation_latency: number(wire.moderation_latency),
        tokens_prompt: wire.tokens_prompt.0,
        tokens_completion: wire.tokens_completion.0,
        native_tokens_prompt: wire.native_tokens_prompt.0,
        native_tokens_completion: wire.native_tokens_completion.0,
        native_tokens_reasoning: wire.native_tokens_reasoning.0,
        native_tokens_cached: wire.native_tokens_cached.0,
        native_tokens_completion_images: wire.native_tokens_completion_images.0,
        num_media_prompt: wire.num_media_prompt.0,
        num_input_audio_prompt: wire.num_input_audio_prompt.0,
        num_media_completion: wire.num_media_completion.0,
        num_search_results: wire.num_search_results.0,
        num_fetches: wire.num_fetches.0,
        web_search_engine: owned(wire.web_search_engine),
        total_cost: amount(wire.total_cost),
        usage: amount(wire.usage),
        upstream_inference_cost: amount(wire.upstream_inference_cost),
        cache_discount: amount(wire.cache_discount),
        is_byok: wire.is_byok.0,
        session_id: owned(wire.session_id),
        external_user: owned(wire.external_user),
        workspace_id: owned(wire.workspace_id),
        app_id: integer(wire.app_id),
        origin: owned(wire.origin),
        http_referer: owned(wire.http_referer),
        user_agent: owned(wire.user_agent),
        raw: raw.keep(),
    })
}

fn provider_response(raw: Raw<'_>) -> ProviderResponse {
    let wire: WireProviderResponse<'_> = raw.read().unwrap_or_default();
    ProviderResponse {
        id: owned(wire.id),
        endpoint_id: owned(wire.endpoint_id),
        model_permaslug: owned(wire.model_permaslug),
        provider_name: owned(wire.provider_name),
        status: wire.status.0.and_then(|status| status.try_into().ok()),
        latency: number(wire.latency),
        is_byok: wire.is_byok.0,
        routed_service_tier: owned(wire.routed_service_tier),
        raw: raw.keep(),
    }
}
