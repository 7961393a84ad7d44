//! A model that an agent node has selected.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use provider_core::{
    Capability, Catalogue, ChatRequest, ChatResponse, ChatStream, Error, ErrorKind, FieldProblem,
    LlmProvider, LlmProviderExt, Model,
};
use provider_layers::CatalogueCache;

use crate::similarity::similar;
use crate::{Instance, ModelRef};

/// A selected model with its provider, ready for requests.
#[derive(Clone, Debug)]
pub struct SelectedModel {
    reference: ModelRef,
    provider: Arc<dyn LlmProvider>,
    /// The cache of the provider's models.
    catalogue: Arc<CatalogueCache>,
    listing: Listing,
    rewritten_from: Option<String>,
}

/// Whether the provider's catalogue lists a selected model.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Listing {
    /// The catalogue lists it.
    Listed(ListedModel),
    /// The catalogue does not list it. The provider may know it all the same (a preset, a variant) or refuse
    /// it.
    Unlisted,
    /// The catalogue was not consulted, since the text named the provider, or fetching it failed.
    NotChecked,
}

/// A model of a catalogue, which it keeps: cheap to clone, for it shares the catalogue.
#[derive(Clone)]
pub struct ListedModel {
    catalogue: Arc<Catalogue>,
    index: usize,
}

impl ListedModel {
    /// The model with exactly this id.
    pub fn find(catalogue: &Arc<Catalogue>, id: &str) -> Option<Self> {
        let index = catalogue.models.iter().position(|model| model.id == id)?;
        Some(Self { catalogue: catalogue.clone(), index })
    }
}

impl Deref for ListedModel {
    type Target = Model;

    fn deref(&self) -> &Model {
        // The index is of this catalogue, which nobody can change while it is shared.
        &self.catalogue.models[self.index]
    }
}

impl PartialEq for ListedModel {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl fmt::Debug for ListedModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl SelectedModel {
    pub(crate) fn new(instance: &Instance, model: String, listing: Listing) -> Self {
        Self {
            reference: ModelRef::new(instance.id(), model),
            provider: instance.provider().clone(),
            catalogue: instance.catalogue_cache().clone(),
            listing,
            rewritten_from: None,
        }
    }

    pub(crate) fn rewritten_from(mut self, text: &str) -> Self {
        self.rewritten_from = Some(text.to_owned());
        self
    }

    /// The provider instance and the model: the form to store.
    pub fn reference(&self) -> &ModelRef {
        &self.reference
    }

    /// The model's id as the provider knows it.
    pub fn id(&self) -> &str {
        &self.reference.model
    }

    /// The provider of the model.
    pub fn provider(&self) -> &Arc<dyn LlmProvider> {
        &self.provider
    }

    /// Whether the catalogue lists it.
    pub fn listing(&self) -> &Listing {
        &self.listing
    }

    /// The text by which it was selected, if the provider's name was removed from it
    /// (`openrouter/openai/gpt-4o`).
    pub fn was_rewritten_from(&self) -> Option<&str> {
        self.rewritten_from.as_deref()
    }

    /// Starts a request to this model.
    pub fn request(&self) -> ChatRequest {
        ChatRequest::new(self.id())
    }

    /// Sends a request and waits for the complete answer. See [`LlmProvider::chat`].
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`](provider_core::ErrorKind::InvalidRequest) when the request is for
    /// another model, [`ErrorKind::Unsupported`](provider_core::ErrorKind::Unsupported) when the provider has
    /// no language models; else those of the provider.
    pub async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse, Error> {
        self.check(request)?;
        self.provider.chat(request).await.map_err(|error| self.with_context(error))
    }

    /// Sends a request and returns the answer as a stream. See [`LlmProvider::stream`].
    ///
    /// # Errors
    /// As [`chat`](Self::chat), until the answer begins.
    pub async fn stream(&self, request: &ChatRequest) -> Result<ChatStream, Error> {
        self.check(request)?;
        let name = &self.reference.provider;
        let stream = self.provider.stream(request).await.map_err(|error| self.with_context(error))?;
        Ok(stream.named(name))
    }

    /// Adds the provider instance and similar models to an error.
    fn with_context(&self, error: Error) -> Error {
        self.explained(error.with_provider(&self.reference.provider))
    }

    /// Adds models with similar names to the error of an unknown model, as its [next step](Error::next_step).
    /// Other errors stay as they are.
    ///
    /// [`chat`](Self::chat) and [`stream`](Self::stream) do this with the models that are cached. To fetch
    /// them for it, call [`Instance::catalogue`] first.
    #[must_use]
    pub fn explained(&self, error: Error) -> Error {
        if error.kind() != ErrorKind::ModelNotFound || error.next_step().is_some() {
            return error;
        }
        // The cache alone: a hint is not worth a request.
        let Some(known) = self.catalogue.peek() else { return error };
        let ids = known.catalogue.models.iter().map(|model| (model.id.as_str(), ()));
        let similar: Vec<&str> = similar(self.id(), ids).into_iter().map(|(id, ())| id).collect();
        match similar.is_empty() {
            true => error,
            false => {
                error.with_next_step(format!("a model that is called much the same: {}", similar.join(", ")))
            }
        }
    }

    fn check(&self, request: &ChatRequest) -> Result<(), Error> {
        let named = |error: Error| error.with_provider(&self.reference.provider).with_model(self.id());
        self.provider.require(Capability::Llm).map_err(named)?;
        if request.model == self.id() {
            return Ok(());
        }
        let problem =
            format!("is {:?}, but {:?} was selected; start from `model.request()`", request.model, self.id());
        Err(named(Error::invalid_request(vec![FieldProblem::new("model", problem)])))
    }
}

impl Instance {
    /// Selects a model of this provider by its id, without looking it up.
    pub fn model(&self, id: impl Into<String>) -> SelectedModel {
        SelectedModel::new(self, id.into(), Listing::NotChecked)
    }
}
