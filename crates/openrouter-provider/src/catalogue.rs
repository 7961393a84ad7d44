//! The catalogue: models, who serves them, and the providers there are.

mod endpoint;
mod model;
mod models_query;
pub(crate) mod page;
mod pricing;
mod provider_info;
mod request_check;
mod server_tool;

use provider_core::{Catalogue, Error, ErrorKind, Model};

pub use self::endpoint::{Endpoint, ModelEndpoints, Percentiles, ToolChoiceSupport, WorkloadPerformance};
pub use self::models_query::{ModelsQuery, ModelsSort};
pub use self::provider_info::ProviderInfo;
pub use self::request_check::Choice;
pub use self::server_tool::{
    NativeModel, ServerToolAlias, ServerToolEngine, ServerToolInfo, ServerToolPrice,
};
use crate::error::retold;
use crate::{ID, OpenRouter, document, path, record};

/// The most pages of a catalogue that are fetched. One is the rule: the service pages only when asked to.
const MAX_PAGES: usize = 100;

impl OpenRouter {
    /// Fetches the models that this key may use: what the account's privacy settings, preferences and
    /// guardrails allow. `GET /models/user`, with a key for running models.
    ///
    /// Where the server has no such list (404 or 405, as gateways in front of the service answer), it is the
    /// public one: [`search_models`](Self::search_models).
    ///
    /// # Errors
    /// [`ErrorKind::Authentication`] for a wrong key, or whatever else is in the way.
    pub async fn models(&self) -> Result<Catalogue, Error> {
        match self.pages("models/user", "").await {
            Err(error) if matches!(error.status(), Some(404 | 405)) => self.pages("models", "").await,
            models => models,
        }
    }

    /// Fetches the models that the service has, searched and filtered there. `GET /models`, with any key or
    /// none: that it can be fetched says nothing about the key.
    ///
    /// Without a filter these are all models that write text.
    ///
    /// # Errors
    /// When the list cannot be fetched or read.
    pub async fn search_models(&self, query: &ModelsQuery) -> Result<Catalogue, Error> {
        self.pages("models", &query.to_query()).await
    }

    /// Counts the models that write text. `GET /models/count`.
    ///
    /// # Errors
    /// When they cannot be counted.
    pub async fn models_count(&self) -> Result<u64, Error> {
        self.fetch("models/count", "the count of models", page::read_count).await
    }

    /// Fetches one model; the service knows aliases and variants (`openai/gpt-4o:free`) as well.
    /// `GET /model/{author}/{slug}`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] for what cannot be the id of a model, [`ErrorKind::ModelNotFound`] when
    /// there is none of that id, or whatever else is in the way.
    pub async fn model(&self, id: &str) -> Result<Model, Error> {
        let path = format!("model/{}", path::model(id)?);
        let read = |body: &str| {
            let row = document::object(body)?;
            let model = model::complete(record::of(row), row.get().unwrap_or_default());
            model.ok_or("the model has no id".to_owned())
        };
        self.fetch(&path, "the model", read).await.map_err(|error| of_model(error, id))
    }

    /// Fetches who serves a model: prices, limits, speed, uptime. `GET /models/{author}/{slug}/endpoints`,
    /// with a key for running models; without one, latency and throughput are left out.
    ///
    /// # Errors
    /// As [`model`](Self::model).
    pub async fn endpoints(&self, id: &str) -> Result<ModelEndpoints, Error> {
        let path = format!("models/{}/endpoints", path::model(id)?);
        let endpoints = self.fetch(&path, "the model's endpoints", endpoint::read).await;
        endpoints.map_err(|error| of_model(error, id))
    }

    /// Fetches all endpoints that keep no data of a request ("zero data retention"). `GET /endpoints/zdr`.
    ///
    /// # Errors
    /// When the list cannot be fetched or read.
    pub async fn zdr_endpoints(&self) -> Result<Vec<Endpoint>, Error> {
        self.fetch("endpoints/zdr", "the list of endpoints", endpoint::read_list).await
    }

    /// Fetches the upstream providers there are. `GET /providers`.
    ///
    /// # Errors
    /// When the list cannot be fetched or read.
    pub async fn providers(&self) -> Result<Vec<ProviderInfo>, Error> {
        self.fetch("providers", "the list of providers", provider_info::read).await
    }

    /// Fetches the registry of the tools that OpenRouter runs itself, deprecated ones and those of other APIs
    /// included ([`ServerToolInfo::is_for_chats`]). `GET /tools`.
    ///
    /// # Errors
    /// When the list cannot be fetched or read.
    pub async fn server_tools(&self) -> Result<Vec<ServerToolInfo>, Error> {
        self.fetch("tools", "the list of server tools", server_tool::read_list).await
    }

    /// Fetches one of these tools by its [id](ServerToolInfo::id) (`openrouter:web_search`) or another of its
    /// [names](ServerToolInfo::aliases), with the models that run it themselves. `GET /tools/{name}`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] for what cannot be a name, [`ErrorKind::NotFound`] when there is none of
    /// that name, or whatever else is in the way.
    pub async fn server_tool(&self, name: &str) -> Result<ServerToolInfo, Error> {
        let path = format!("tools/{}", path::segment("name", name)?);
        self.fetch(&path, "the server tool", server_tool::read).await.map_err(|error| match error.status() {
            Some(404) => {
                let message = format!("there is no server tool of this name: {}", error.message());
                retold(error, ErrorKind::NotFound, message)
            }
            _ => error,
        })
    }

    /// Fetches all pages of a list of models.
    async fn pages(&self, path: &str, query: &str) -> Result<Catalogue, Error> {
        let mut all: Option<Catalogue> = None;
        let mut page_query = query.to_owned();
        for _ in 0..MAX_PAGES {
            let separator = if page_query.is_empty() { "" } else { "?" };
            let page_path = format!("{path}{separator}{page_query}");
            let (page, next) = self.fetch(&page_path, "the list of models", page::read).await?;
            let is_empty = page.models.is_empty();
            let catalogue = match all.take() {
                Some(mut catalogue) => {
                    catalogue.models.extend(page.models);
                    catalogue
                }
                None => page,
            };
            // The link is relative to the host; what differs is the query.
            match next.as_deref().and_then(|link| link.split_once('?')) {
                Some((_, next)) if !is_empty => page_query = path::merge_queries(query, next),
                _ => return Ok(catalogue),
            }
            all = Some(catalogue);
        }
        let message = format!("the list of models cannot be read: it has more than {MAX_PAGES} pages");
        Err(Error::new(ErrorKind::InvalidResponse, message).with_provider(ID))
    }
}

/// An error about a model. That the service has "no endpoint" means here that there is no such model.
fn of_model(error: Error, id: &str) -> Error {
    let error = match error.kind() {
        ErrorKind::NoEndpoint => {
            let message = format!("there is no model of this id: {}", error.message());
            retold(error, ErrorKind::ModelNotFound, message)
        }
        _ => error,
    };
    error.with_model(id)
}
