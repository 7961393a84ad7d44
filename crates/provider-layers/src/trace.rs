//! Spans of calls, for the host's `tracing`.

mod content;
mod span;

use std::any::{Any, TypeId};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;
use provider_core::{
    Catalogue, ChatRequest, ChatResponse, ChatStream, ConnectionReport, Error, LlmProvider, LlmProviderExt,
    ProviderDescriptor,
};
use tracing::Instrument;

use self::span::{CallSpan, list_span, test_span, within};
use crate::Layer;

/// Makes a span of every call for [`tracing`], with the names that OpenTelemetry has for generative AI.
///
/// Every chat call is a span `chat`, at the level `INFO` and with the target `provider_layers`, for the
/// subscriber that the host has installed. With a bridge to OpenTelemetry it is a client span named
/// `chat {model}`. Without a subscriber the layer does nothing.
///
/// | field | meaning |
/// |---|---|
/// | `gen_ai.operation.name`, `gen_ai.provider.name` | `chat`, and the provider's id |
/// | `gen_ai.request.model`, `gen_ai.request.stream` | the model, and whether it is streamed |
/// | `gen_ai.request.max_tokens`, `.temperature`, `.top_p`, `.top_k`, `.seed` | parameters of the request |
/// | `gen_ai.request.frequency_penalty`, `.presence_penalty`, `.reasoning.level` | more of them |
/// | `gen_ai.response.id`, `.model`, `.finish_reasons` | id, model, and why it stopped (a JSON list) |
/// | `gen_ai.response.time_to_first_chunk` | seconds until the first [output] of a stream |
/// | `gen_ai.usage.input_tokens`, `.output_tokens`, `.reasoning.output_tokens` | the service's own counts |
/// | `gen_ai.usage.cache_read.input_tokens`, `.cache_creation.input_tokens` | more of them |
/// | `served_by`, `cost_usd` | the upstream provider, and what the service charged |
/// | `attempts` | how many calls were made, those of retries and fallbacks included |
/// | `error.type` | the [kind](Error::kind) of an error: `rate_limited` |
/// | `otel.status_code`, `otel.status_description` | `ERROR`, and the error in one line |
/// | `dropped` | `true` when the caller left before the end; the fields above have what had come by then |
/// | `gen_ai.input.messages`, `gen_ai.output.messages` | prompt and answer as JSON, [if on] |
///
/// [output]: provider_core::author::Activity::Output
/// [if on]: TraceSettings::content
///
/// Each attempt that failed on the way is an event of the span, at the level `WARN`. So is, at the level
/// `INFO`, each [seam](provider_core::Seam) of an answer that a [`ContinueLayer`](crate::ContinueLayer) went
/// on with: the model that went on, the error's kind, and the byte of the text (`seam.at`). The span of a
/// stream lasts until the stream ends, or is dropped. Lists of models and connection tests are spans `models`
/// and `check`.
///
/// The service's text of an error is part of the span, without secrets; a service may quote the request in
/// it. Options, headers, metadata and parameters not named above are never in a span.
///
/// In [the order](crate#the-order) it is the outermost, so that a call is one span with all its attempts.
/// Directly around a provider it makes a span of each attempt. The layer has no state.
///
/// ```
/// use std::sync::Arc;
///
/// use provider_core::LlmProvider;
/// use provider_layers::{RetryLayer, RetrySettings, Stack, TraceLayer, TraceSettings};
///
/// # fn wrap(openrouter: Arc<dyn LlmProvider>) -> Arc<dyn LlmProvider> {
/// Stack::new(openrouter)
///     .layer(RetryLayer::new(RetrySettings::default()))
///     .layer(TraceLayer::new(TraceSettings::default()))
///     .build()
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct TraceLayer {
    settings: TraceSettings,
}

/// The settings of a [`TraceLayer`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TraceSettings {
    content: bool,
}

impl TraceSettings {
    /// Sets whether spans have prompts and answers. Default: no, they are the users' business. Images, sounds
    /// and files are only mentioned.
    #[must_use]
    pub fn content(mut self, is_traced: bool) -> Self {
        self.content = is_traced;
        self
    }
}

impl TraceLayer {
    /// Makes the layer.
    pub fn new(settings: TraceSettings) -> Self {
        Self { settings }
    }
}

impl Layer for TraceLayer {
    fn layer(&self, inner: Arc<dyn LlmProvider>) -> Arc<dyn LlmProvider> {
        Arc::new(TraceProvider { inner, settings: self.settings })
    }
}

#[derive(Debug)]
struct TraceProvider {
    inner: Arc<dyn LlmProvider>,
    settings: TraceSettings,
}

impl TraceProvider {
    fn begin(&self, request: &ChatRequest, is_streamed: bool) -> Option<CallSpan> {
        CallSpan::begin(self.inner.id(), request, is_streamed, self.settings.content)
    }

    async fn traced_stream(&self, request: &ChatRequest, mut call: CallSpan) -> Result<ChatStream, Error> {
        match self.inner.stream(request).instrument(call.span()).await {
            Ok(stream) => Ok(stream.observed(call)),
            Err(error) => {
                call.record_failure(&error);
                Err(error)
            }
        }
    }

    async fn traced_chat(&self, request: &ChatRequest, mut call: CallSpan) -> Result<ChatResponse, Error> {
        let outcome = self.inner.chat(request).instrument(call.span()).await;
        match &outcome {
            Ok(reply) => call.record_answer(reply),
            Err(error) => call.record_failure(error),
        }
        outcome
    }

    async fn traced_list(
        &self,
        list: impl Future<Output = Result<Catalogue, Error>>,
    ) -> Result<Catalogue, Error> {
        let span = list_span(self.inner.id());
        let outcome = within(span.clone(), list).await;
        if let Ok(catalogue) = &outcome {
            span.record("models", catalogue.models.len());
        }
        outcome
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl LlmProvider for TraceProvider {
    fn descriptor(&self) -> &'static ProviderDescriptor {
        self.inner.descriptor()
    }

    // `stream` and `chat` are written as `async_trait` would write them: without a subscriber they return the
    // future of the provider inside, and so cost no box of their own.

    fn stream<'s, 'r, 'f>(
        &'s self,
        request: &'r ChatRequest,
    ) -> Pin<Box<dyn Future<Output = Result<ChatStream, Error>> + Send + 'f>>
    where
        's: 'f,
        'r: 'f,
        Self: 'f,
    {
        match self.begin(request, true) {
            Some(call) => Box::pin(self.traced_stream(request, call)),
            None => self.inner.stream(request),
        }
    }

    fn chat<'s, 'r, 'f>(
        &'s self,
        request: &'r ChatRequest,
    ) -> Pin<Box<dyn Future<Output = Result<ChatResponse, Error>> + Send + 'f>>
    where
        's: 'f,
        'r: 'f,
        Self: 'f,
    {
        match self.begin(request, false) {
            Some(call) => Box::pin(self.traced_chat(request, call)),
            None => self.inner.chat(request),
        }
    }

    async fn models(&self) -> Result<Catalogue, Error> {
        self.traced_list(self.inner.models()).await
    }

    async fn all_models(&self) -> Result<Catalogue, Error> {
        self.traced_list(self.inner.all_models()).await
    }

    async fn check(&self) -> Result<ConnectionReport, Error> {
        within(test_span(self.inner.id()), self.inner.check()).await
    }

    async fn warm_up(&self) -> Result<(), Error> {
        self.inner.warm_up().await
    }

    fn extension_by_id(&self, wanted: TypeId) -> Option<&(dyn Any + Send + Sync)> {
        self.inner.extension_by_id(wanted)
    }
}
