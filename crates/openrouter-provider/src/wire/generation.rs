//! The answer of `GET /generation`.

use super::data;
use super::usage::amount;
use crate::account::generation::{Generation, ProviderResponse};
use crate::wire::keep::Keep as _;
use lenient_json::{Count, Flag, Raw, Text, integer, number, object, owned};

object! {
    pub(crate) struct WireGeneration<'a> {
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
    pub(crate) struct WireProviderResponse<'a> {
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
    let raw = data::object(body)?;
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
