//! The endpoints that serve a model: at which price, how fast and how reliably.

use super::model::Architecture;
use super::pricing::{WirePricing, pricing};
use crate::document;
use lenient_json::{Count, Flag, Raw, Text, UnixSeconds, integer, number, object, owned, texts};
use openai_wire::Keep as _;
use provider_core::{Pricing, RawJson};
use serde::Serialize;

/// A model and its endpoints. `GET /models/{author}/{slug}/endpoints`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ModelEndpoints {
    /// The model's id.
    pub id: String,
    /// Its name to show.
    pub name: String,
    /// When it was added, in seconds since 1970.
    pub created: Option<u64>,
    /// The text that describes it.
    pub description: Option<String>,
    /// Its input and output in one word (`text+image->text`).
    pub modality: Option<String>,
    /// The kinds of input that it reads.
    pub input_modalities: Vec<String>,
    /// The kinds of output that it writes.
    pub output_modalities: Vec<String>,
    /// The family of its tokenizer.
    pub tokenizer: Option<String>,
    /// The format of its instructions, for open models.
    pub instruct_type: Option<String>,
    /// The endpoints that serve it.
    pub endpoints: Vec<Endpoint>,
    /// The whole answer as it was sent.
    pub raw: Option<RawJson>,
}

/// One provider's offer of a model.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Endpoint {
    /// Its name (`OpenAI | openai/gpt-4o`).
    pub name: String,
    /// The model's id.
    pub model_id: Option<String>,
    /// The model's name to show.
    pub model_name: Option<String>,
    /// The provider's name to show.
    pub provider_name: String,
    /// Its name in routing (`openai`, `deepinfra/fp8`, `openai/priority`).
    pub tag: Option<String>,
    /// How its numbers are shortened: `fp8`, `int4`, `bf16`, …
    pub quantization: Option<String>,
    /// How it is: 0 is well, below 0 is not; the degrees are not documented.
    pub status: Option<i64>,
    /// How many tokens prompt and answer may have together.
    pub context_length: Option<u64>,
    /// How many tokens a prompt may have.
    pub max_prompt_tokens: Option<u64>,
    /// How many tokens an answer may have.
    pub max_completion_tokens: Option<u64>,
    /// Its prices here.
    pub pricing: Pricing,
    /// The request parameters it takes.
    pub supported_parameters: Vec<String>,
    /// Whether it caches prompts without being asked to.
    pub supports_implicit_caching: Option<bool>,
    /// Whether it speaks with the voice of a sample.
    pub supports_voice_cloning: Option<bool>,
    /// How many of the requests of the last five minutes went well, in per cent. Refusals for their rate do
    /// not count.
    pub uptime_last_5m: Option<f64>,
    /// The same for the last half hour.
    pub uptime_last_30m: Option<f64>,
    /// The same for the last day.
    pub uptime_last_1d: Option<f64>,
    /// How long the first token took, in milliseconds, over the last half hour.
    pub latency_last_30m: Option<Percentiles>,
    /// How quickly tokens came, in tokens per second, over the last half hour.
    pub throughput_last_30m: Option<Percentiles>,
    /// The whole entry as it was sent.
    pub raw: Option<RawJson>,
}

/// How a measure is spread: 50, 75, 90 and 99 of a hundred requests were at this value or better.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Percentiles {
    /// Half of them: the median.
    pub p50: Option<f64>,
    /// Three quarters.
    pub p75: Option<f64>,
    /// Nine of ten.
    pub p90: Option<f64>,
    /// Nearly all.
    pub p99: Option<f64>,
}

object! {
    struct WireEndpoint<'a> {
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
    struct WirePercentiles<'a> {
        p50: Raw<'a> = "p50",
        p75: Raw<'a> = "p75",
        p90: Raw<'a> = "p90",
        p99: Raw<'a> = "p99",
    }
}

object! {
    struct WireModelEndpoints<'a> {
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
    let raw = document::object(body)?;
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
    document::list(body).map(endpoints)
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
