//! The client: what a host holds.

use std::sync::Arc;

use bytes::Bytes;
use openai_wire::{ChatDecoder, encode, error, models};
use provider_core::author::ResponseHead;
use provider_core::{Catalogue, ChatRequest, ConfigValues, Error, Model, Pricing, ProviderContext};
use provider_http::{Endpoint, HttpClient, HttpLimits, KeySource, KeySources, RequestBuilder, settings};

use crate::api::Api;
use crate::config::{self, EXAMPLE_BASE_URL, FIELDS};
use crate::dialect::CompatibleDialect;
use crate::{ID, preset};

/// The path of the list of models.
pub(crate) const MODELS: &str = "models";
/// The path of chats.
pub(crate) const CHAT: &str = "chat/completions";

/// A client of a server that speaks chat completions, whose methods are those of
/// [`LlmProvider`](provider_core::LlmProvider). Cheap to clone; clones share their connections.
#[derive(Clone, Debug)]
pub struct OpenAiCompatible {
    pub(crate) api: Arc<Api>,
    dialect: Arc<CompatibleDialect>,
    pub(crate) settings: Arc<ClientSettings>,
}

/// The settings that count once the client is made.
#[derive(Debug)]
pub(crate) struct ClientSettings {
    pub(crate) name: Option<String>,
    /// The models to offer. Empty: those of the server's list.
    pub(crate) models: Vec<String>,
    context_length: Option<u64>,
    pricing: Option<Pricing>,
    pub(crate) is_billed: bool,
    reasoning_tags: bool,
}

impl OpenAiCompatible {
    /// A client with these settings ([`FIELDS`] lists the keys), and with what a host shares among its
    /// providers: an HTTP client, limits, sources of keys. Nothing is sent.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](provider_core::ErrorKind::Config) with every problem of every setting at once.
    pub fn new(values: &ConfigValues, context: &ProviderContext) -> Result<Self, Error> {
        let values = &preset::filled(values);
        let problems = values.problems_in(FIELDS, context);
        if !problems.is_empty() {
            return Err(Error::config(ID, problems));
        }
        let source = || KeySources::of(context).get(ID, values, EXAMPLE_BASE_URL).cloned();
        let key = values.get(settings::API_KEY).map(KeySource::from).or_else(source).unwrap_or_default();
        let dialect = Arc::new(CompatibleDialect::new(values));
        let of_errors = dialect.clone();
        let name = values.get("name").map(str::to_owned);
        let endpoint = Endpoint::builder(EXAMPLE_BASE_URL)
            .provider(name.clone().unwrap_or_else(|| ID.to_owned()))
            .limits(HttpLimits::of(context))
            .key(values, key)
            .header("user-agent", concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")))
            .error_response(move |head, body| error::from_response(head, body, &*of_errors));
        let context_length = values.integer("context_length").and_then(|tokens| u64::try_from(tokens).ok());
        let settings = ClientSettings {
            name,
            models: config::items(values.get("models").unwrap_or_default()).map(str::to_owned).collect(),
            context_length,
            pricing: config::pricing(values),
            is_billed: !values.flag("not_billed").unwrap_or(false),
            reasoning_tags: values.flag("reasoning_tags").unwrap_or(false),
        };
        let api = Arc::new(Api::new(endpoint, values, &HttpClient::of(context))?);
        Ok(Self { api, dialect, settings: Arc::new(settings) })
    }

    /// A client with settings given by key, as a form or a database has them.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn from_values(values: impl Into<ConfigValues>) -> Result<Self, Error> {
        Self::new(&values.into(), &ProviderContext::new())
    }

    /// A client with the settings of the environment: `OPENAI_COMPATIBLE_BASE_URL`, and
    /// `OPENAI_COMPATIBLE_API_KEY` if the server wants a key.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn from_env() -> Result<Self, Error> {
        Self::from_values(ConfigValues::from_env(FIELDS))
    }

    pub(crate) fn body(&self, request: &ChatRequest, stream: bool) -> Result<Bytes, Error> {
        let body = encode(request, stream, &*self.dialect);
        let name = self.settings.name.as_deref().unwrap_or(ID);
        body.map(Bytes::from).map_err(|error| error.with_provider(name).with_model(&request.model))
    }

    pub(crate) fn decoder(
        &self,
        head: ResponseHead,
        request: &ChatRequest,
    ) -> ChatDecoder<CompatibleDialect> {
        ChatDecoder::new(self.dialect.clone(), head)
            .keep_raw(request.keep_raw)
            .reasoning_tags(self.settings.reasoning_tags)
    }

    /// The models of the setting `models`, or else the server's list.
    pub(crate) async fn list(&self) -> Result<Catalogue, Error> {
        if !self.settings.models.is_empty() {
            let model = |id: &String| {
                let mut model = Model::default();
                model.id.clone_from(id);
                model
            };
            return Ok(Catalogue::new(self.settings.models.iter().map(model).collect(), None));
        }
        let ask = |endpoint: Endpoint| async move {
            endpoint.get(MODELS).parse("the list of models", models::decode).await
        };
        self.api.ask(ask).await.map_err(|error| match error.status() {
            Some(404 | 405 | 501) => error.with_next_step(WITHOUT_LIST),
            _ => error,
        })
    }

    /// Adds to a model what the settings say of all.
    pub(crate) fn describe(&self, model: &mut Model) {
        model.context_length = model.context_length.or(self.settings.context_length);
        if let Some(pricing) = &self.settings.pricing {
            model.pricing.clone_from(pricing);
        }
    }
}

const WITHOUT_LIST: &str =
    "check base_url; if the server has no list of models, enter the ids of its models in `models`";

pub(crate) fn post<'e>(endpoint: &'e Endpoint, request: &ChatRequest, body: Bytes) -> RequestBuilder<'e> {
    endpoint.post(CHAT).model(&request.model).json_text(body)
}
