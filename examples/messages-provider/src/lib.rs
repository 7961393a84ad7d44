//! Anthropic's messages as a provider: a wire of its own, beside chat completions.
//!
//! The wire differs in what the vocabulary has to carry: an answer is a list of blocks whose order matters,
//! thoughts are signed and go back unchanged, `max_tokens` is required, the system prompt stands outside of
//! the conversation, and the roles take turns. [`MessagesCodec`] has the wire, sans-IO; all else is an
//! endpoint of `provider-http`.
//!
//! # Sent in another place
//!
//! * System and developer messages are the field `system`. One that follows another message is refused,
//!   since the wire has no place between two turns.
//! * Messages of one role that follow each other are one turn. Results of tools are the user's.
//! * `stop` is `stop_sequences`, `user` is `metadata.user_id`, `parallel_tool_calls` is
//!   `tool_choice.disable_parallel_tool_use`, `reasoning` is `thinking` and `output_config.effort`, and a
//!   JSON Schema is `output_config.format`.
//! * A request without `max_tokens` gets the setting of that name, since the service takes none without: the
//!   one parameter that a request does not have and that is sent all the same. A budget of thoughts comes on
//!   top, since the service counts them towards it.
//! * Arguments of a tool call that are no JSON are the field `INVALID_JSON` of an object, as the service asks
//!   for.
//!
//! Other parameters are refused by their name.
//!
//! # Answers
//!
//! The finish reason is chat completions' word for the service's, which is `native_finish_reason`. Thoughts
//! are `reasoning_details` of the types `reasoning.text`, with the signature, and `reasoning.encrypted`.
//! Blocks that only the service understands keep their place and go back to it alone.

mod answer;
mod codec;
mod error;
mod models;
mod request;

use std::sync::Arc;

use async_trait::async_trait;
use provider_core::{
    Capability, Catalogue, ChatRequest, ChatResponse, ChatStream, ConfigField, ConfigValues,
    ConnectionReport, Error, FieldKind, Links, LlmProvider, ProviderContext, ProviderDescriptor,
};
use provider_http::{ChatApi, Endpoint, settings};

pub use codec::MessagesCodec;

/// The provider's id.
pub const ID: &str = "anthropic";
const BASE_URL: &str = "https://api.anthropic.com/v1";
/// The version of the API whose wire this is.
const VERSION: &str = "2023-06-01";

/// The settings, in the order of a form.
pub static FIELDS: &[ConfigField] = &[
    settings::api_key_for(ID, BASE_URL)
        .env("ANTHROPIC_API_KEY")
        .placeholder("sk-ant-…")
        .help("The key of your Anthropic account."),
    ConfigField::new("max_tokens", "Output Cap", FieldKind::Integer)
        .default("4096")
        .help("How many tokens an answer may have where a request does not say: the service takes none without.")
        .check(check_max_tokens),
    settings::base_url().default(BASE_URL).env("ANTHROPIC_BASE_URL"),
    settings::headers(),
    settings::allow_http(),
    settings::connect_timeout(),
    settings::read_timeout(),
    settings::total_timeout(),
];

/// Describes Anthropic.
pub static ANTHROPIC: ProviderDescriptor = ProviderDescriptor::new(ID, "Anthropic", connect)
    .description("Claude, by the messages of Anthropic's API.")
    .capabilities(&[Capability::Llm, Capability::ImageUnderstanding])
    .fields(FIELDS)
    .links(
        Links::NONE.key("https://console.anthropic.com/settings/keys").status("https://status.anthropic.com"),
    )
    // Aliases such as claude-sonnet-4-0 are taken, and the list has dated ids alone.
    .accepts_unlisted_models()
    .claims(|id| id.starts_with("claude-"));

provider_core::register_provider!(ANTHROPIC);

fn connect(values: &ConfigValues, context: &ProviderContext) -> Result<Arc<dyn LlmProvider>, Error> {
    let endpoint = Endpoint::builder(BASE_URL)
        .provider(ID)
        .values(values)
        .key_header("x-api-key", values.get(settings::API_KEY))
        .header("anthropic-version", VERSION);
    let max_tokens = values.get("max_tokens").and_then(|tokens| tokens.parse().ok());
    let codec = max_tokens.map_or_else(MessagesCodec::default, MessagesCodec::new);
    Ok(Arc::new(Anthropic { api: ChatApi::new(endpoint, codec, context)? }))
}

fn check_max_tokens(tokens: &str) -> Result<(), String> {
    let is_good = tokens.parse::<u32>().is_ok_and(|tokens| tokens > 0);
    if is_good { Ok(()) } else { Err("must be a whole number above 0".to_owned()) }
}

#[derive(Debug)]
struct Anthropic {
    api: ChatApi<MessagesCodec>,
}

#[async_trait]
impl LlmProvider for Anthropic {
    fn descriptor(&self) -> &'static ProviderDescriptor {
        &ANTHROPIC
    }

    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream, Error> {
        self.api.stream(request).await
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse, Error> {
        self.api.chat(request).await
    }

    async fn models(&self) -> Result<Catalogue, Error> {
        models::fetch(self.api.endpoint()).await
    }

    /// Fetches one row of the list of models, which a wrong key does not get.
    async fn check(&self) -> Result<ConnectionReport, Error> {
        models::fetch_one(self.api.endpoint()).await.map(|_| ConnectionReport::default())
    }

    async fn warm_up(&self) -> Result<(), Error> {
        self.api.endpoint().warm_up("models").await
    }
}
