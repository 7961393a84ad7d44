//! The server as a provider: its description, and the trait.

use std::any::{Any, TypeId};
use std::sync::Arc;

use async_trait::async_trait;
use openai_wire::WIRE;
use provider_core::{
    Catalogue, ChatRequest, ChatResponse, ChatStream, ConfigValues, ConnectionReport, Error, LlmProvider,
    OtherModel, ProviderContext, ProviderDescriptor,
};

use crate::client::MODELS;
use crate::config::FIELDS;
use crate::dialect::CompatibleDialect;
use crate::{ID, OpenAiCompatible};

/// Describes any server that speaks chat completions: an LLM provider. Whether ids are taken that its
/// catalogue lacks depends on the instance, whose catalogue says so.
pub static OPENAI_COMPATIBLE: ProviderDescriptor = ProviderDescriptor::new(ID, "OpenAI-Compatible", connect)
    .description(
        "Any server that speaks OpenAI's chat completions: vLLM, Ollama, llama.cpp, LM Studio, a gateway.",
    )
    .fields(FIELDS)
    .reaches_other_models(other_models)
    .reads_chat_completions(read_chat_completions, &[]);

provider_core::register_provider!(OPENAI_COMPATIBLE);

fn read_chat_completions(json: &str) -> Result<(ChatRequest, bool), Error> {
    let body = openai_wire::decode(json, &CompatibleDialect::default());
    body.map(|body| (body.request, body.stream)).map_err(|error| error.with_provider(ID))
}

/// The fields by which gateways go on to other models: LiteLLM's, and OpenRouter's behind such a server.
const OTHER_MODELS: [&str; 6] =
    ["content_policy_fallbacks", "context_window_fallbacks", "fallbacks", "models", "plugins", "preset"];

fn other_models(request: &ChatRequest) -> Vec<OtherModel> {
    let extra = [ID, WIRE].into_iter().filter_map(|name| request.extra.get(name)).flatten();
    let fields = extra.filter(|(name, value)| OTHER_MODELS.contains(&name.as_str()) && !value.is_null());
    let models = fields.flat_map(|(name, value)| {
        let ids: Option<Option<Vec<&str>>> =
            value.as_array().map(|models| models.iter().map(|model| model.as_str()).collect());
        match ids {
            Some(Some(ids)) => ids.into_iter().map(|id| OtherModel::named(name, id)).collect(),
            // Objects name models in ways of their own.
            _ => vec![OtherModel::any(name)],
        }
    });
    models.collect()
}

fn connect(values: &ConfigValues, context: &ProviderContext) -> Result<Arc<dyn LlmProvider>, Error> {
    Ok(Arc::new(OpenAiCompatible::new(values, context)?))
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl LlmProvider for OpenAiCompatible {
    fn descriptor(&self) -> &'static ProviderDescriptor {
        &OPENAI_COMPATIBLE
    }

    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream, Error> {
        self.api.stream(request).await
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse, Error> {
        self.api.chat(request).await
    }

    /// Fetches the server's list of models, or gives those of the setting `models`.
    async fn models(&self) -> Result<Catalogue, Error> {
        let catalogue = match self.models.listed() {
            Some(catalogue) => catalogue,
            None => self.list().await?,
        };
        Ok(self.models.complete(catalogue))
    }

    async fn all_models(&self) -> Result<Catalogue, Error> {
        self.models().await
    }

    /// Fetches the list of models, with the key and then without: a server that refuses the second has
    /// looked at the key of the first, and the test is over. Where the list is public, where no key is set,
    /// and where the setting `models` stands in for the list, it sends a chat without a model and without
    /// messages, which no server can run. Servers look at the key before the body, so one that has keys
    /// refuses a wrong one there.
    async fn check(&self) -> Result<ConnectionReport, Error> {
        let mut report = ConnectionReport::default();
        report.label = self.name.as_deref().map(str::to_owned);
        if self.models.listed().is_none() {
            self.list().await?;
            if self.is_list_for_keys().await {
                return Ok(report);
            }
        }
        self.api.check_key().await?;
        Ok(report)
    }

    fn extension_by_id(&self, wanted: TypeId) -> Option<&(dyn Any + Send + Sync)> {
        (wanted == TypeId::of::<Self>()).then_some(self as _)
    }

    async fn warm_up(&self) -> Result<(), Error> {
        self.api.endpoint().warm_up(MODELS).await
    }
}
