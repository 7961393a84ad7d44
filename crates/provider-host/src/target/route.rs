//! One model on the way of a fallback or a continuation: its provider under the name that the command line
//! has for it.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use provider_core::author::Delegate;
use provider_core::{Catalogue, ChatRequest, ChatResponse, ChatStream, Error, LlmProvider};
use provider_layers::CatalogueCache;
use provider_registry::ModelRef;

/// The model of a fallback or a continuation that was asked last.
#[derive(Clone, Debug, Default)]
pub(super) struct Answering(Arc<Mutex<Option<ModelRef>>>);

impl Answering {
    pub(super) fn get(&self) -> Option<ModelRef> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, model: &ModelRef) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(model.clone());
    }
}

/// A model of a provider. Its errors have the id that the provider is connected under, and its prices are
/// those that the workspace has fetched.
#[derive(Debug)]
pub(super) struct Route {
    reference: ModelRef,
    provider: Arc<dyn LlmProvider>,
    catalogue: Arc<CatalogueCache>,
    answering: Answering,
}

impl Route {
    pub(super) fn new(
        reference: ModelRef,
        provider: Arc<dyn LlmProvider>,
        catalogue: Arc<CatalogueCache>,
        answering: Answering,
    ) -> Self {
        Self { reference, provider, catalogue, answering }
    }

    pub(super) fn reference(&self) -> &ModelRef {
        &self.reference
    }

    fn named(&self, error: Error) -> Error {
        error.with_provider(&self.reference.provider)
    }
}

#[async_trait]
impl Delegate for Route {
    fn inner(&self) -> &dyn LlmProvider {
        &*self.provider
    }

    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream, Error> {
        self.answering.set(&self.reference);
        let stream = self.inner().stream(request).await.map_err(|error| self.named(error))?;
        Ok(stream.named(&self.reference.provider))
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse, Error> {
        self.answering.set(&self.reference);
        self.inner().chat(request).await.map_err(|error| self.named(error))
    }

    async fn models(&self) -> Result<Catalogue, Error> {
        let cached = self.catalogue.get().await.map_err(|error| self.named(error))?;
        Ok((*cached.catalogue).clone())
    }
}
