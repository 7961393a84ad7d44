//! The trait of layers.

use std::sync::Arc;

use provider_core::LlmProvider;

/// Something that puts itself around a provider.
///
/// A layer has the settings and the state of a mechanism; the provider that it returns is a cheap wrapper.
/// A [`Stack`](crate::Stack) applies layers in the order of the text. Every layer of this crate is made by
/// `XxxLayer::new(settings)`; a host writes its own as a closure or as a type:
///
/// ```
/// use std::sync::Arc;
///
/// use async_trait::async_trait;
/// use provider_core::author::Delegate;
/// use provider_core::{ChatRequest, ChatResponse, ChatStream, Error, LlmProvider};
/// use provider_layers::{RetryLayer, RetrySettings, Stack};
///
/// /// Caps the length of every answer, and forwards all else.
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
/// # fn wrap(openrouter: Arc<dyn LlmProvider>) -> Arc<dyn LlmProvider> {
/// Stack::new(openrouter)
///     .layer(|inner| Arc::new(Capped(inner)) as Arc<dyn LlmProvider>)
///     .layer(RetryLayer::new(RetrySettings::default()))
///     .build()
/// # }
/// ```
///
/// # Contract
///
/// - A layer that is off, by its settings, returns `inner` itself.
/// - State lives in the layer: the clones of a layer share it, and so do all providers that they are put
///   around. Two calls of `new` share nothing.
/// - The wrapper forwards every method of [`LlmProvider`], also those that come later. See
///   [`LlmProvider`'s documentation](LlmProvider#wrappers) for how the compiler sees to that.
pub trait Layer: 'static {
    /// Puts the layer around a provider.
    fn layer(&self, inner: Arc<dyn LlmProvider>) -> Arc<dyn LlmProvider>;
}

impl<F> Layer for F
where
    F: Fn(Arc<dyn LlmProvider>) -> Arc<dyn LlmProvider> + 'static,
{
    fn layer(&self, inner: Arc<dyn LlmProvider>) -> Arc<dyn LlmProvider> {
        self(inner)
    }
}
