//! The client: what a host holds.

use std::sync::Arc;

use openai_wire::{ChatCompletions, models};
use provider_core::author::model_settings::ModelSettings;
use provider_core::{Catalogue, ConfigValues, Error, ProviderContext};
use provider_http::{ChatApi, Endpoint, settings};

use crate::config::{EXAMPLE_BASE_URL, FIELDS};
use crate::dialect::CompatibleDialect;
use crate::{ID, preset};

/// The path of the list of models.
pub(crate) const MODELS: &str = "models";

/// A client of a server that speaks chat completions, whose methods are those of
/// [`LlmProvider`](provider_core::LlmProvider). Cheap to clone; clones share their connections.
#[derive(Clone, Debug)]
pub struct OpenAiCompatible {
    pub(crate) api: ChatApi<ChatCompletions<CompatibleDialect>>,
    pub(crate) models: Arc<ModelSettings>,
    pub(crate) name: Option<Arc<str>>,
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
        let name = values.get("name");
        let endpoint = Endpoint::builder(EXAMPLE_BASE_URL)
            .provider(ID)
            .name(name)
            .default_version("v1")
            .header("user-agent", concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")))
            .values(values)
            .key(values, values.get(settings::API_KEY));
        let codec = ChatCompletions::new(CompatibleDialect::new(values))
            .reasoning_tags(values.flag("reasoning_tags").unwrap_or(false));
        let api = ChatApi::new(endpoint, codec, context)?;
        Ok(Self { api, models: Arc::new(ModelSettings::of(values)), name: name.map(Arc::from) })
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

    /// The server's list of models.
    pub(crate) async fn list(&self) -> Result<Catalogue, Error> {
        let list = self.api.endpoint().get(MODELS).parse("the list of models", models::decode).await;
        list.map_err(|error| match error.status() {
            Some(404 | 405 | 501) => error.with_next_step(WITHOUT_LIST),
            _ => error,
        })
    }

    /// Whether the server refuses its list to whoever sends no key. Then a list that it gave has proved the
    /// key.
    pub(crate) async fn is_list_for_keys(&self) -> bool {
        let endpoint = self.api.endpoint();
        if !endpoint.has_key() {
            return false;
        }
        match endpoint.get(MODELS).without_key().send().await {
            // The body of a public list is not read once more.
            Ok(answer) => matches!(answer.head().status(), 401 | 403),
            Err(_) => false,
        }
    }
}

const WITHOUT_LIST: &str =
    "check base_url; if the server has no list of models, enter the ids of its models in `models`";
