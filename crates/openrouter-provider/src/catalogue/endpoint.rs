//! The endpoints that serve a model: at which price, how fast and how reliably.

use lenient_json::{FromJson as _, Raw, Reader, UnixSeconds, object};
use openai_wire::Keep as _;
use provider_core::{Pricing, RawJson, ShortText};

use crate::document;
use crate::record::{self, Field, record};

record! {
    /// A model and its endpoints. `GET /models/{author}/{slug}/endpoints`.
    pub struct ModelEndpoints {
        /// The model's id.
        id: String = "id",
        /// Its name to show.
        name: String = "name",
        /// When it was added, in seconds since 1970.
        created: Option<u64> = "created" as UnixSeconds,
        /// The text that describes it.
        description: Option<String> = "description",
        /// Its input and output in one word (`text+image->text`).
        modality: Option<String> = "modality" in "architecture",
        /// The kinds of input that it reads.
        input_modalities: Vec<ShortText> = "input_modalities" in "architecture",
        /// The kinds of output that it writes.
        output_modalities: Vec<ShortText> = "output_modalities" in "architecture",
        /// The family of its tokenizer.
        tokenizer: Option<String> = "tokenizer" in "architecture",
        /// The format of its instructions, for open models.
        instruct_type: Option<String> = "instruct_type" in "architecture",
        /// The endpoints that serve it.
        endpoints: Vec<Endpoint> = "endpoints",
        /// The whole answer as it was sent.
        raw: Option<RawJson>,
    }
}

record! {
    /// One provider's offer of a model.
    pub struct Endpoint {
        /// Its name (`OpenAI | openai/gpt-4o`).
        name: String = "name",
        /// The model's id.
        model_id: Option<String> = "model_id",
        /// The model's name to show.
        model_name: Option<String> = "model_name",
        /// The provider's name to show.
        provider_name: String = "provider_name",
        /// Its name in routing (`openai`, `deepinfra/fp8`, `openai/priority`).
        tag: Option<String> = "tag",
        /// How its numbers are shortened: `fp8`, `int4`, `bf16`, …
        quantization: Option<String> = "quantization",
        /// How it is: 0 is well, below 0 is not; the degrees are not documented.
        status: Option<i64> = "status",
        /// How many tokens prompt and answer may have together.
        context_length: Option<u64> = "context_length",
        /// How many tokens a prompt may have.
        max_prompt_tokens: Option<u64> = "max_prompt_tokens",
        /// How many tokens an answer may have.
        max_completion_tokens: Option<u64> = "max_completion_tokens",
        /// Its prices here.
        pricing: Pricing = "pricing",
        /// The request parameters it takes.
        supported_parameters: Vec<ShortText> = "supported_parameters",
        /// Whether it caches prompts without being asked to.
        supports_implicit_caching: Option<bool> = "supports_implicit_caching",
        /// Whether it speaks with the voice of a sample.
        supports_voice_cloning: Option<bool> = "supports_voice_cloning",
        /// How many of the requests of the last five minutes went well, in per cent. Refusals for their rate
        /// do not count.
        uptime_last_5m: Option<f64> = "uptime_last_5m",
        /// The same for the last half hour.
        uptime_last_30m: Option<f64> = "uptime_last_30m",
        /// The same for the last day.
        uptime_last_1d: Option<f64> = "uptime_last_1d",
        /// How long the first token took, in milliseconds, over the last half hour.
        latency_last_30m: Option<Percentiles> = "latency_last_30m",
        /// How quickly tokens came, in tokens per second, over the last half hour.
        throughput_last_30m: Option<Percentiles> = "throughput_last_30m",
        /// The whole entry as it was sent.
        raw: Option<RawJson>,
    }
}

record! {
    /// How a measure is spread: 50, 75, 90 and 99 of a hundred requests were at this value or better.
    #[derive(Copy)]
    pub struct Percentiles {
        /// Half of them: the median.
        p50: Option<f64> = "p50",
        /// Three quarters.
        p75: Option<f64> = "p75",
        /// Nine of ten.
        p90: Option<f64> = "p90",
        /// Nearly all.
        p99: Option<f64> = "p99",
    }
}

object! {
    /// The list alone, to see whether it is one.
    struct Listed<'a> {
        endpoints: Raw<'a> = "endpoints",
    }
}

/// Reads the answer of `GET /models/{author}/{slug}/endpoints`.
///
/// # Errors
/// When there is no list of endpoints in it.
pub(crate) fn read(body: &str) -> Result<ModelEndpoints, String> {
    let raw = document::object(body)?;
    let listed: Listed<'_> = raw.read().unwrap_or_default();
    if !listed.endpoints.is_list() {
        return Err("there is no list in `data.endpoints`".to_owned());
    }
    Ok(ModelEndpoints { raw: raw.keep(), ..record::of(raw) })
}

/// Reads the answer of `GET /endpoints/zdr`.
///
/// # Errors
/// When there is no list of endpoints in it.
pub(crate) fn read_list(body: &str) -> Result<Vec<Endpoint>, String> {
    document::list(body).map(|list| record::list(list, endpoint))
}

fn endpoint(raw: Raw<'_>) -> Endpoint {
    Endpoint { raw: raw.keep(), ..record::of(raw) }
}

impl Field for Vec<Endpoint> {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        Raw::from_json(reader).map(|list| record::list(list, endpoint))
    }
}

impl Field for Option<Percentiles> {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        Raw::from_json(reader).map(|raw| raw.is_object().then(|| record::of(raw)))
    }
}
