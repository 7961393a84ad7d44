//! The endpoints of a model: who serves it, at which price, how fast.

use super::data;
use super::model::Architecture;
use super::pricing::{WirePricing, pricing};
use crate::catalogue::endpoint::{Endpoint, ModelEndpoints, Percentiles};
use crate::wire::keep::Keep as _;
use lenient_json::{Count, Flag, Raw, Text, UnixSeconds, integer, number, object, owned, texts};

object! {
    pub(crate) struct WireEndpoint<'a> {
        name: Text<'a> = "name",
        model_id: Text<'a> = "model_id",
        model_name: Text<'a> = "model_name",
        provider_name: Text<'a> = "provider_name",
        tag: Text<'a> = "tag",
        quantization: Text<'a> = "quantization",
        status: Raw<'a> = "status",
        context_length: Count = "context_length",
        max_prompt_tokens: Count = "max_prompt_tokens",
        max_completion_tokens: Count = "max_completion_tokens",
        pricing: WirePricing<'a> = "pricing",
        supported_parameters: Raw<'a> = "supported_parameters",
        supports_implicit_caching: Flag = "supports_implicit_caching",
        supports_voice_cloning: Flag = "supports_voice_cloning",
        uptime_last_5m: Raw<'a> = "uptime_last_5m",
        uptime_last_30m: Raw<'a> = "uptime_last_30m",
        uptime_last_1d: Raw<'a> = "uptime_last_1d",
        latency_last_30m: Raw<'a> = "latency_last_30m",
        throughput_last_30m: Raw<'a> = "throughput_last_30m",
    }
}

object! {
    pub(crate) struct WirePercentiles<'a> {
        p50: Raw<'a> = "p50",
        p75: Raw<'a> = "p75",
        p90: Raw<'a> = "p90",
        p99: Raw<'a> = "p99",
    }
}

object! {
    pub(crate) struct WireModelEndpoints<'a> {
        id: Text<'a> = "id",
        name: Text<'a> = "name",
        created: UnixSeconds = "created",
        description: Text<'a> = "description",
        architecture: Architecture<'a> = "architecture",
        endpoints: Raw<'a> = "endpoints",
    }
}

/// Reads the answer of `GET /models/{author}/{slug}/endpoints`.
///
/// # Errors
/// When there is no list of endpoints in it.
pub(crate) fn read(body: &str) -> Result<ModelEndpoints, String> {
    let raw = data::object(body)?;
    let wire: WireModelEndpoints<'_> = raw.read().unwrap_or_default();
    if !wire.endpoints.is_list() {
        return Err("there is no list in `data.endpoints`".to_owned());
    }
    Ok(ModelEndpoints {
        id: wire.id.into_cow().into_owned(),
        name: wire.name.into_cow().into_owned(),
        created: wire.created.0,
        description: owned(wire.description),
        modality: owned(wire.architecture.modality),
        input_modalities: wire.architecture.input_modalities.0,
        output_modalities: wire.architecture.output_modalities.0,
        tokenizer: owned(wire.architecture.tokenizer),
        instruct_type: owned(wire.architecture.instruct_type),
        endpoints: endpoints(wire.endpoints),
        raw: raw.keep(),
    })
}

/// Reads the answer of `GET /endpoints/zdr`.
///
/// # Errors
/// When there is no list of endpoints in it.
pub(crate) fn read_list(body: &str) -> Result<Vec<Endpoint>, String> {
    data::list(body).map(endpoints)
}

fn endpoints(list: Raw<'_>) -> Vec<Endpoint> {
    let mut endpoints = Vec::new();
    list.for_each(|raw: Raw<'_>| endpoints.extend(Some(raw).filter(|raw| raw.is_object()).map(endpoint)));
    endpoints
}

fn endpoint(raw: Raw<'_>) -> Endpoint {
    let wire: WireEndpoint<'_> = raw.read().unwrap_or_default();
    Endpoint {
        name: wire.name.into_cow().into_owned(),
        model_id: owned(wire.model_id),
        model_name: owned(wire.model_name),
        provider_name: wire.provider_name.into_cow().into_owned(),
        tag: owned(wire.tag),
        quantization: owned(wire.quantization),
        status: integer(wire.status),
        context_length: wire.context_length.0,
        max_prompt_tokens: wire.max_prompt_tokens.0,
        max_completion_tokens: wire.max_completion_tokens.0,
        pricing: pricing(&wire.pricing),
        supported_parameters: texts(wire.supported_parameters),
        supports_implicit_caching: wire.supports_implicit_caching.0,
        supports_voice_cloning: wire.supports_voice_cloning.0,
        uptime_last_5m: number(wire.uptime_last_5m),
        uptime_last_30m: number(wire.uptime_last_30m),
        uptime_last_1d: number(wire.uptime_last_1d),
        latency_last_30m: percentiles(wire.latency_last_30m),
        throughput_last_30m: percentiles(wire.throughput_last_30m),
        raw: raw.keep(),
    }
}

fn percentiles(raw: Raw<'_>) -> Option<Percentiles> {
    let wire: WirePercentiles<'_> = Some(raw).filter(|raw| raw.is_object())?.read()?;
    let [p50, p75, p90, p99] = [wire.p50, wire.p75, wire.p90, wire.p99].map(number);
    Some(Percentiles { p50, p75, p90, p99 })
}
