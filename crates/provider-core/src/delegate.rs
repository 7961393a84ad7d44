//! Wrappers that forward what they do not change.

use std::any::{Any, TypeId};
use std::fmt;

use async_trait::async_trait;

use crate::{
    Catalogue, ChatRequest, ChatResponse, ChatStream, ConnectionReport, Error, LlmProvider,
    ProviderDescriptor,
};

/// A wrapper around a provider, which forwards every method that it does not write.
///
/// Implement this in place of [`LlmProvider`], which follows from it: name the provider inside, and write the
/// methods that the wrapper changes.
///
/// ```
/// use std::sync::Arc;
///
/// use async_trait::async_trait;
/// use provider_core::author::Delegate;
/// use provider_core::{ChatRequest, ChatResponse, ChatStream, Error, LlmProvider};
///
/// /// Caps the length of every answer.
/// #[derive(Debug)]
/// struct Capped(Arc<dyn LlmProvider>);
///
/// #[async_trait]
/// impl Delegate for Capped {
///     fn inner(&self) -> &dyn LlmProvider {
///         &*self.0
///     }
///
///     async fn stream(&self, request: &ChatRequest) -> Result<ChatStream, Error> {
///         self.inner().stream(&request.clone().max_tokens(500)).await
///     }
///
///     async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse, Error> {
///         self.inner().chat(&request.clone().max_tokens(500)).await
///     }
/// }
///
/// let wrap = |provider: Arc<dyn LlmProvider>| -> Arc<dyn LlmProvider> { Arc::new(Capped(provider)) };
/// ```
///
/// # Limits
///
/// * A method that [`LlmProvider`] gets later is forwarded unseen. That suits a wrapper that adds something.
///   One that must see every call, such as a limit, a permission or a budget, implements [`LlmProvider`]
///   under `#[deny(clippy::missing_trait_methods)]`: clippy then refuses it until it has decided.
/// * `chat` is forwarded to the `chat` of the provider inside. A wrapper that changes `stream` changes `chat`
///   as well, as above.
/// * Both traits have methods of the same names: import one of them where these are called, or call them
///   through `dyn LlmProvider`.
/// * Each forwarded call costs two small allocations.
#[async_trait]
pub trait Delegate: fmt::Debug + Send + Sync + 'static {
    /// The provider inside.
    fn inner(&self) -> &dyn LlmProvider;

    /// See [`LlmProvider::descriptor`].
    fn descriptor(&self) -> &'static ProviderDescriptor {
        self.inner().descriptor()
    }

    /// See [`LlmProvider::stream`].
    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream, Error> {
        self.inner().stream(request).await
    }

    /// See [`LlmProvider::chat`].
    async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse, Error> {
        self.inner().chat(request).await
    }

    /// See [`LlmProvider::models`].
    async fn models(&self) -> Result<Catalogue, Error> {
        self.inner().models().await
    }

    /// See [`LlmProvider::all_models`].
    async fn all_models(&self) -> Result<Catalogue, Error> {
        self.inner().all_models().await
    }

    /// See [`LlmProvider::check`].
    async fn check(&self) -> Result<ConnectionReport, Error> {
        self.inner().check().await
    }

    /// See [`LlmProvider::warm_up`].
    async fn warm_up(&self) -> Result<(), Error> {
        self.inner().warm_up().await
    }

    /// See [`LlmProvider::extension_by_id`].
    fn extension_by_id(&self, wanted: TypeId) -> Option<&(dyn Any + Send + Sync)> {
        self.inner().extension_by_id(wanted)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<D: Delegate> LlmProvider for D {
    fn descriptor(&self) -> &'static ProviderDescriptor {
        Delegate::descriptor(self)
    }

    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream, Error> {
        Delegate::stream(self, request).await
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse, Error> {
        Delegate::chat(self, request).await
    }

    async fn models(&self) -> Result<Catalogue, Error> {
        Delegate::models(self).await
    }

    async fn all_models(&self) -> Result<Catalogue, Error> {
        Delegate::all_models(self).await
    }

    async fn check(&self) -> Result<ConnectionReport, Error> {
        Delegate::check(self).await
    }

    async fn warm_up(&self) -> Result<(), Error> {
        Delegate::warm_up(self).await
    }

    fn extension_by_id(&self, wanted: TypeId) -> Option<&(dyn Any + Send + Sync)> {
        Delegate::extension_by_id(self, wanted)
    }
}
