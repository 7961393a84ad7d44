//! Who serves a model, at which price, how fast and how reliably.

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
    /// What it is good for.
    pub description: Option<String>,
    /// What it reads and writes in one word (`text+image->text`).
    pub modality: Option<String>,
    /// What it reads.
    pub input_modalities: Vec<String>,
    /// What it writes.
    pub output_modalities: Vec<String>,
    /// The family of its tokenizer.
    pub tokenizer: Option<String>,
    /// The format of its instructions, for open models.
    pub instruct_type: Option<String>,
    /// Who serves it.
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
    /// What to name it by in routing (`openai`, `deepinfra/fp8`, `openai/priority`).
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
    /// What it costs here.
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
