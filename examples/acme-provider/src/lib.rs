//! Acme as a provider: a service that speaks chat completions, with quirks.

use std::sync::Arc;

use async_trait::async_trait;
use openai_wire::{ChatCompletions, Dialect, Problems, models};
use provider_core::{
    Catalogue, ChatRequest, ChatResponse, ChatStream, ConfigField, ConfigValues, ConnectionReport, Error,
    LlmProvider, ProviderContext, ProviderDescriptor,
};
use provider_http::{ChatApi, Endpoint, settings};

/// The provider's id.
pub const ID: &str = "acme";
const BASE_URL: &str = "https://api.acme.example/v1";

/// The settings, in the order of a form.
pub static FIELDS: &[ConfigField] = &[
    settings::api_key_for(ID, BASE_URL).env("ACME_API_KEY").help("The key of your Acme account."),
    settings::base_url().default(BASE_URL).env("ACME_BASE_URL"),
    settings::allow_http(),
    settings::connect_timeout(),
    settings::read_timeout(),
    settings::total_timeout(),
];

/// Describes Acme.
pub static ACME: ProviderDescriptor =
    ProviderDescriptor::new(ID, "Acme", connect).description("Models made by Acme.").fields(FIELDS);

provider_core::register_provider!(ACME);

fn connect(values: &ConfigValues, context: &ProviderContext) -> Result<Arc<dyn LlmProvider>, Error> {
    let key = values.get(settings::API_KEY); // without one, the host's source of keys is asked
    let endpoint = Endpoint::builder(BASE_URL).provider(ID).values(values).bearer(key);
    Ok(Arc::new(Acme { api: ChatApi::new(endpoint, ChatCompletions::new(AcmeDialect), context)? }))
}

#[derive(Debug)]
struct AcmeDialect;

impl Dialect for AcmeDialect {
    fn provider(&self) -> &str {
        ID
    }

    fn example_base_url(&self) -> &str {
        BASE_URL
    }

    /// Acme has one name for the output cap, and another one than most.
    fn parameter_name(&self, name: &'static str) -> &'static str {
        if name == "max_tokens" { "max_completion_tokens" } else { name }
    }

    /// Acme passes these over without a word, so they are refused here.
    fn validate(&self, request: &ChatRequest, problems: &mut Problems) {
        problems.refuse(request, |name| matches!(name, "top_k" | "min_p"));
    }
}

#[derive(Debug)]
struct Acme {
    api: ChatApi<ChatCompletions<AcmeDialect>>,
}

#[async_trait]
impl LlmProvider for Acme {
    fn descriptor(&self) -> &'static ProviderDescriptor {
        &ACME
    }

    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream, Error> {
        self.api.stream(request).await
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse, Error> {
        self.api.chat(request).await
    }

    async fn models(&self) -> Result<Catalogue, Error> {
        self.api.endpoint().get("models").parse("the list of models", models::decode).await
    }

    async fn check(&self) -> Result<ConnectionReport, Error> {
        self.models().await.map(|_| ConnectionReport::default()) // a wrong key gets no list
    }

    async fn warm_up(&self) -> Result<(), Error> {
        self.api.endpoint().warm_up("models").await
    }
}
