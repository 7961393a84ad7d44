//! Endpoints and presets, for hosts that know no provider by name.

use async_trait::async_trait;
use provider_core::{
    Error, ErrorKind, LlmProvider, LlmProviderExt as _, ModelDetails, ModelEndpoint, Preset, ShortText,
};

use crate::{Endpoint, ID, OpenRouter};

pub(super) static DETAILS: Details = Details;

pub(super) struct Details;

#[async_trait]
impl ModelDetails for Details {
    async fn endpoints(&self, provider: &dyn LlmProvider, model: &str) -> Result<Vec<ModelEndpoint>, Error> {
        Ok(client(provider)?.endpoints(model).await?.endpoints.into_iter().map(endpoint).collect())
    }

    async fn presets(&self, provider: &dyn LlmProvider) -> Result<Vec<Preset>, Error> {
        let preset = |of: crate::Preset| {
            let mut preset = Preset::default();
            (preset.model_id, preset.is_active) = (of.model_id(), of.is_active());
            (preset.name, preset.description) = (of.name, of.description);
            preset
        };
        Ok(client(provider)?.presets().await?.into_iter().map(preset).collect())
    }
}

fn client(provider: &dyn LlmProvider) -> Result<&OpenRouter, Error> {
    let foreign = || Error::new(ErrorKind::Unsupported, "this provider is not OpenRouter").with_provider(ID);
    provider.extension::<OpenRouter>().ok_or_else(foreign)
}

fn endpoint(of: Endpoint) -> ModelEndpoint {
    let mut endpoint = ModelEndpoint::default();
    endpoint.provider = of.provider_name;
    endpoint.tag = of.tag;
    endpoint.service_tier = of.service_tier;
    endpoint.quantization = of.quantization;
    endpoint.context_length = of.context_length;
    endpoint.max_prompt_tokens = of.max_prompt_tokens;
    endpoint.max_completion_tokens = of.max_completion_tokens;
    endpoint.pricing = of.pricing;
    endpoint.supported_parameters = of.supported_parameters.iter().map(ShortText::to_string).collect();
    endpoint.uptime_last_5m = of.uptime_last_5m;
    endpoint.uptime_last_30m = of.uptime_last_30m;
    endpoint.uptime_last_1d = of.uptime_last_1d;
    let (latency, throughput) =
        (of.latency_last_30m.unwrap_or_default(), of.throughput_last_30m.unwrap_or_default());
    (endpoint.latency_p50_ms, endpoint.latency_p90_ms) = (latency.p50, latency.p90);
    endpoint.tokens_per_second_p50 = throughput.p50;
    endpoint.raw = of.raw;
    endpoint
}
