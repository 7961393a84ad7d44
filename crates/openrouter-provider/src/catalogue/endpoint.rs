//! The endpoints that serve a model: at which price, how fast and how reliably.

use std::collections::BTreeMap;

use lenient_json::{FromJson as _, Raw, Reader, Text, UnixSeconds, object};
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

impl ModelEndpoints {
    /// Returns the endpoints that sell a service tier, each with the tier's prices; `None`: the standard
    /// ones. `fast` is another word for `priority`.
    ///
    /// A request for a tier that no endpoint sells is served by another one: see
    /// [`ChatResponse::service_tier`](provider_core::ChatResponse::service_tier).
    pub fn in_tier(&self, tier: Option<&str>) -> impl Iterator<Item = &Endpoint> {
        let tier = tier.map(|tier| if tier == "fast" { "priority" } else { tier }.to_owned());
        self.endpoints.iter().filter(move |endpoint| endpoint.service_tier == tier)
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
        /// The service tier that it sells (`flex`, `priority`, …). `None`: it is a standard endpoint.
        service_tier: Option<String> = "service_tier",
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
        /// The values of `tool_choice` that it takes, as the service has tested. That `supported_parameters`
        /// has `tool_choice` only says that the endpoint accepts the parameter.
        supports_tool_choice: Option<ToolChoiceSupport> = "supports_tool_choice",
        /// The server tools that the provider runs itself (`engine: "native"`), each with the provider's own
        /// type of tool: `openrouter:web_search` to `web_search_20260209`.
        native_tools: BTreeMap<String, String> = "native_tools",
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
        /// The same by kind of work (`text_generation`, `image_generation`, …), with the number of requests.
        /// For images and videos the latency is that of the whole answer. Only with a key.
        perf_last_30m_by_workload: BTreeMap<String, WorkloadPerformance> = "perf_last_30m_by_workload",
        /// The whole entry as it was sent.
        raw: Option<RawJson>,
    }
}

record! {
    /// The values of `tool_choice` that passed the service's tests of an endpoint. `None`: not told.
    #[derive(Copy)]
    pub struct ToolChoiceSupport {
        /// Whether it takes `auto`.
        auto: Option<bool> = "auto",
        /// Whether it takes `none`.
        none: Option<bool> = "none",
        /// Whether it takes `required`.
        required: Option<bool> = "required",
        /// Whether it takes the name of a function.
        function: Option<bool> = "function",
    }
}

record! {
    /// The speed of an endpoint in one kind of work, over the last half hour.
    #[derive(Copy)]
    pub struct WorkloadPerformance {
        /// How long the first token took, or the whole image or video, in milliseconds.
        latency: Option<Percentiles> = "latency",
        /// How quickly tokens came, in tokens per second.
        throughput: Option<Percentiles> = "throughput",
        /// How many requests of this kind it had.
        request_count: Option<u64> = "request_count",
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

impl Field for BTreeMap<String, WorkloadPerformance> {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        record::map(reader, |raw| raw.is_object().then(|| record::of(raw)))
    }
}

object! {
    /// The provider's own tool.
    struct NativeTool<'a> {
        tool_type: Text<'a> = "type",
    }
}

impl Field for BTreeMap<String, String> {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        record::map(reader, |raw| raw.read::<NativeTool<'_>>()?.tool_type.filled().map(str::to_owned))
    }
}

record::optional_fields!(Percentiles, ToolChoiceSupport);
