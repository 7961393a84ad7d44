//! Layers around a provider, in the order of the text.

use std::any::Any;
use std::sync::Arc;

use provider_core::LlmProvider;

use crate::{Layer, RetryLayer, TimeoutLayer, TimeoutSettings};

/// Puts layers around a provider, from the inside out: the last layer of the text is the first that a call
/// meets.
///
/// ```
/// use std::sync::Arc;
///
/// use provider_core::LlmProvider;
/// use provider_layers::{
///     BreakerLayer, ErrorContextLayer, LimitLayer, RetryLayer, Stack, StandardSettings, TimeoutLayer,
///     TraceLayer,
/// };
///
/// # fn wrap(provider: Arc<dyn LlmProvider>, settings: StandardSettings) -> Arc<dyn LlmProvider> {
/// Stack::new(provider)
///     .layer(ErrorContextLayer::new()) // names the provider in every error
///     .layer(TimeoutLayer::new(settings.timeouts)) // bounds one attempt
///     .layer(LimitLayer::new(settings.limit)) // an attempt waits for its turn
///     .layer(RetryLayer::new(settings.retry))
///     .layer(BreakerLayer::new(settings.breaker)) // counts calls, not attempts
///     .layer(TraceLayer::new(settings.trace)) // one span for a call
///     .build()
/// # }
/// ```
///
/// A host's own layer goes where it belongs: one that counts attempts inside the retries, one that counts
/// calls around them. [The order](crate#the-order) has the reasons for this one.
///
/// Where a [`RetryLayer`] directly follows a [`TimeoutLayer`], the stack joins the two: the retries keep the
/// times of their attempts, with one timer for a stream where two layers have two. Nothing else changes by
/// it.
#[derive(Debug)]
#[must_use = "a stack is a provider once it is built"]
pub struct Stack {
    provider: Arc<dyn LlmProvider>,
    /// Set while `provider` is a wrapper that keeps these times: they, and the provider inside the wrapper.
    timed: Option<(TimeoutSettings, Arc<dyn LlmProvider>)>,
}

impl Stack {
    /// Begins with a provider, without layers.
    pub fn new(provider: Arc<dyn LlmProvider>) -> Self {
        Self { provider, timed: None }
    }

    /// Puts a layer around all that is there already.
    pub fn layer(self, layer: impl Layer) -> Self {
        let known: &dyn Any = &layer;
        if let (Some(retry), Some((times, inside))) = (known.downcast_ref::<RetryLayer>(), &self.timed) {
            if retry.is_on() {
                return Self::new(retry.timed_layer(inside.clone(), *times));
            }
        }
        let provider = layer.layer(self.provider.clone());
        // A layer that is off has returned the provider itself: nothing has come between.
        let timed = match known.downcast_ref::<TimeoutLayer>() {
            _ if Arc::ptr_eq(&provider, &self.provider) => self.timed,
            Some(times) => Some((times.settings(), self.provider)),
            None => None,
        };
        Self { provider, timed }
    }

    /// The provider with its layers.
    pub fn build(self) -> Arc<dyn LlmProvider> {
        self.provider
    }
}
