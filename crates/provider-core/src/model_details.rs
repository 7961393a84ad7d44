//! Facts about models that a catalogue does not have: who serves them, and the presets of an account.

use async_trait::async_trait;
use serde::Serialize;

use crate::{Error, LlmProvider, Pricing, RawJson};

/// Fetches what a service tells of its models beside the catalogue. A provider names it in its
/// [descriptor](crate::ProviderDescriptor::has_model_details), and finds its own client in what it is given by
/// [`LlmProviderExt::extension`](crate::LlmProviderExt::extension): layers around it are passed by.
#[async_trait]
pub trait ModelDetails: Send + Sync {
    /// Fetches the endpoints that serve a model: prices, limits, speed, uptime.
    ///
    /// # Errors
    /// [`ErrorKind::ModelNotFound`](crate::ErrorKind::ModelNotFound), or whatever is in the way.
    async fn endpoints(&self, provider: &dyn LlmProvider, model: &str) -> Result<Vec<ModelEndpoint>, Error>;

    /// Fetches the presets of the account: models, parameters and prompts under a name, which requests use in
    /// the place of a model.
    ///
    /// # Errors
    /// When the list cannot be fetched or read.
    async fn presets(&self, provider: &dyn LlmProvider) -> Result<Vec<Preset>, Error>;
}

/// One upstream provider's offer of a model. What the service does not tell is `None`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ModelEndpoint {
    /// The upstream provider's name to show (`Azure`).
    pub provider: String,
    /// Its name in routing (`azure`, `deepinfra/fp8`).
    pub tag: Option<String>,
    /// The service tier that it sells (`flex`, `priority`); `None`: the standard one.
    pub service_tier: Option<String>,
    /// How its numbers are shortened: `fp8`, `int4`, `bf16`, …
    pub quantization: Option<String>,
    /// How many tokens prompt and answer may have together.
    pub context_length: Option<u64>,
    /// How many tokens a prompt may have.
    pub max_prompt_tokens: Option<u64>,
    /// How many tokens an answer may have.
    pub max_completion_tokens: Option<u64>,
    /// Its prices.
    pub pricing: Pricing,
    /// The request parameters that it takes.
    pub supported_parameters: Vec<String>,
    /// How many of the requests of the last five minutes went well, in per cent.
    pub uptime_last_5m: Option<f64>,
    /// The same for the last half hour.
    pub uptime_last_30m: Option<f64>,
    /// The same for the last day.
    pub uptime_last_1d: Option<f64>,
    /// The median time to the first token over the last half hour, in milliseconds.
    pub latency_p50_ms: Option<f64>,
    /// The time that nine of ten requests kept to.
    pub latency_p90_ms: Option<f64>,
    /// The median speed over the last half hour, in tokens per second.
    pub tokens_per_second_p50: Option<f64>,
    /// The whole entry as the service sent it.
    pub raw: Option<RawJson>,
}

/// A preset of an account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Preset {
    /// The id that a request has in the place of a model's (`@preset/support`).
    pub model_id: String,
    /// Its name to show.
    pub name: String,
    /// The text that describes it.
    pub description: Option<String>,
    /// Whether requests may use it.
    pub is_active: bool,
}
