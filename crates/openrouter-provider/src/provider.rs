//! OpenRouter as a provider: its description, and the trait.

mod details;

use std::any::{Any, TypeId};
use std::sync::Arc;

use async_trait::async_trait;
use provider_core::{
    Capability, Catalogue, ChatRequest, ChatResponse, ChatStream, ConfigValues, ConnectionReport, Error,
    Links, LlmProvider, ProviderContext, ProviderDescriptor,
};
use provider_http::{HttpClient, HttpLimits};

use crate::config::{self, FIELDS};
use crate::dialect::model_id::is_claimed;
use crate::options::OpenRouterOptions;
use crate::other_models::other_models;
use crate::{ID, ModelsQuery, OpenRouter, body};

/// Describes OpenRouter: an LLM provider, with models that understand images among others
/// ([`Model::supports_input`](provider_core::Model::supports_input) says which). Embedding, image generation
/// and reranking are not offered through it.
pub static OPENROUTER: ProviderDescriptor = with_key_grant(
    ProviderDescriptor::new(ID, "OpenRouter", connect)
        .description("Hundreds of models of many authors behind one key and one bill.")
        .capabilities(&[Capability::Llm, Capability::ImageUnderstanding])
        .fields(FIELDS)
        .links(
            Links::NONE
                .key("https://openrouter.ai/settings/keys")
                .docs("https://openrouter.ai/docs")
                .models("https://openrouter.ai/models")
                .status("https://status.openrouter.ai"),
        )
        // Presets (`@preset/x`) and variants (`…:nitro`) are not in the catalogue.
        .accepts_unlisted_models()
        .claims(is_claimed)
        .pins_upstream(pin_upstream)
        .reaches_other_models(other_models)
        .reads_chat_completions(read_chat_completions, OWN_FIELDS)
        .has_model_details(&details::DETAILS),
);

#[cfg(feature = "pkce")]
const fn with_key_grant(descriptor: ProviderDescriptor) -> ProviderDescriptor {
    descriptor.grants_keys(&crate::pkce::KEYS)
}

#[cfg(not(feature = "pkce"))]
const fn with_key_grant(descriptor: ProviderDescriptor) -> ProviderDescriptor {
    descriptor
}

provider_core::register_provider!(OPENROUTER);

/// The fields of a body that no other service has. Other services know `reasoning_effort`,
/// `web_search_options`, `structured_outputs` and their like as well.
const OWN_FIELDS: &[&str] = &[
    "deferred_tools",
    "models",
    "plugins",
    "preset",
    "provider",
    "route",
    "session_id",
    "stop_server_tools_when",
    "trace",
    "transforms",
    "usage",
    "x_search_filter",
];

fn read_chat_completions(json: &str) -> Result<(ChatRequest, bool), Error> {
    body::from_json(json).map(|body| (body.request, body.stream))
}

/// Has a request served by one upstream provider or by none. The answer names it by its display name, which
/// the service takes in the place of the slug.
fn pin_upstream(request: &mut ChatRequest, upstream: &str) -> bool {
    let own = request.extra.get(ID);
    if own.is_some_and(|parameters| parameters.contains_key("provider"))
        || request.options.problem::<OpenRouterOptions>().is_some()
    {
        return false;
    }
    request.options.edit(|options: &mut OpenRouterOptions| {
        let preferences = options.provider.take().unwrap_or_default();
        options.provider = Some(preferences.order([upstream]).allow_fallbacks(false));
    });
    true
}

fn connect(values: &ConfigValues, context: &ProviderContext) -> Result<Arc<dyn LlmProvider>, Error> {
    let mut builder = OpenRouter::builder()
        .values(values.clone())
        .limits(HttpLimits::of(context))
        .http_client(HttpClient::of(context));
    if let Some(source) = config::key_source(values, context) {
        builder = builder.key_source(source);
    }
    Ok(Arc::new(builder.build()?))
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl LlmProvider for OpenRouter {
    fn descriptor(&self) -> &'static ProviderDescriptor {
        &OPENROUTER
    }

    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream, Error> {
        self.stream(request).await
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse, Error> {
        self.chat(request).await
    }

    async fn models(&self) -> Result<Catalogue, Error> {
        self.models().await
    }

    async fn all_models(&self) -> Result<Catalogue, Error> {
        self.search_models(&ModelsQuery::new()).await
    }

    async fn check(&self) -> Result<ConnectionReport, Error> {
        self.check().await
    }

    fn extension_by_id(&self, wanted: TypeId) -> Option<&(dyn Any + Send + Sync)> {
        (wanted == TypeId::of::<Self>()).then_some(self as _)
    }

    async fn warm_up(&self) -> Result<(), Error> {
        self.warm_up().await
    }
}
