//! Provider, model and operation in every error.

use std::any::{Any, TypeId};
use std::sync::Arc;

use async_trait::async_trait;
use provider_core::author::ErrorContext;
use provider_core::{
    Catalogue, ChatRequest, ChatResponse, ChatStream, ConnectionReport, Error, LlmProvider, LlmProviderExt,
    Operation, ProviderDescriptor,
};

use crate::Layer;

/// Fills in the provider, the model and the operation of every error, also of those that a stream ends in.
///
/// The author of a provider then writes kind, text and cause of an error alone. The layer keeps what an error
/// says already, and changes nothing else.
///
/// It stands innermost, so that each attempt is named before a retry or a fallback files it.
/// [`standard`](crate::standard()) has it, and so has every provider that a registry connects. The layer has
/// neither settings nor state.
///
/// ```
/// use std::sync::Arc;
///
/// use provider_core::{ChatRequest, LlmProvider, Operation};
/// use provider_layers::{ErrorContextLayer, Stack};
///
/// # async fn ask(acme: Arc<dyn LlmProvider>) {
/// let provider = Stack::new(acme).layer(ErrorContextLayer::new()).build();
/// let error = provider.chat(&ChatRequest::new("acme/large")).await.unwrap_err();
/// assert_eq!(error.provider(), Some("acme"));
/// assert_eq!(error.model(), Some("acme/large"));
/// assert_eq!(error.operation(), Some(Operation::Chat));
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct ErrorContextLayer {}

impl ErrorContextLayer {
    /// Makes the layer.
    pub fn new() -> Self {
        Self {}
    }
}

impl Layer for ErrorContextLayer {
    fn layer(&self, inner: Arc<dyn LlmProvider>) -> Arc<dyn LlmProvider> {
        Arc::new(ErrorContextProvider { inner })
    }
}

#[derive(Debug)]
struct ErrorContextProvider {
    inner: Arc<dyn LlmProvider>,
}

/// The context of a call of this provider.
pub(crate) fn context(provider: &dyn LlmProvider, operation: Operation, model: Option<&str>) -> ErrorContext {
    let context = ErrorContext::new(provider.id(), operation);
    match model {
        Some(model) => context.model(model),
        None => context,
    }
}

impl ErrorContextProvider {
    fn apply(&self, error: Error, operation: Operation, model: Option<&str>) -> Error {
        context(&*self.inner, operation, model).apply(error)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl LlmProvider for ErrorContextProvider {
    fn descriptor(&self) -> &'static ProviderDescriptor {
        self.inner.descriptor()
    }

    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream, Error> {
        let context = context(&*self.inner, Operation::Stream, Some(&request.model));
        match self.inner.stream(request).await {
            Ok(stream) => Ok(stream.in_context(context)),
            Err(error) => Err(context.apply(error)),
        }
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse, Error> {
        let outcome = self.inner.chat(request).await;
        outcome.map_err(|error| self.apply(error, Operation::Chat, Some(&request.model)))
    }

    async fn models(&self) -> Result<Catalogue, Error> {
        self.inner.models().await.map_err(|error| self.apply(error, Operation::Models, None))
    }

    async fn all_models(&self) -> Result<Catalogue, Error> {
        self.inner.all_models().await.map_err(|error| self.apply(error, Operation::AllModels, None))
    }

    async fn check(&self) -> Result<ConnectionReport, Error> {
        self.inner.check().await.map_err(|error| self.apply(error, Operation::Check, None))
    }

    async fn warm_up(&self) -> Result<(), Error> {
        self.inner.warm_up().await.map_err(|error| self.apply(error, Operation::WarmUp, None))
    }

    fn extension_by_id(&self, wanted: TypeId) -> Option<&(dyn Any + Send + Sync)> {
        self.inner.extension_by_id(wanted)
    }
}
