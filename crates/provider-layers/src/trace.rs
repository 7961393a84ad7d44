//! What happened, for those who run the host.

mod content;
mod span;

use std::future::Future;
use std::sync::Arc;

use async_trait::async_trait;
use provider_core::{
    Catalogue, ChatRequest, ChatResponse, ChatStream, ConnectionReport, Error, LlmProvider, LlmProviderExt,
    ProviderDescriptor,
};
use tracing::field::Empty;
use tracing::{Instrument, Span, info_span};

use self::span::{Call, record_error};

/// A provider whose calls are told to [`tracing`], with the names that OpenTelemetry has for generative AI.
///
/// Every chat call is a span `chat`, at the level `INFO` and with the target `provider_layers`. Whatever
/// subscriber the host has installed gets it; with a bridge to OpenTelemetry it is a client span named
/// `chat {model}`. Without a subscriber, the layer does nothing.
///
/// | field | what it is |
/// |---|---|
/// | `gen_ai.operation.name`, `gen_ai.provider.name` | `chat`, and the provider's id |
/// | `gen_ai.request.model`, `gen_ai.request.stream` | what was asked for, and how |
/// | `gen_ai.request.max_tokens`, `.temperature`, `.top_p`, `.top_k`, `.frequency_penalty`, `.presence_penalty`, `.seed`, `.reasoning.level` | parameters, where the request has them |
/// | `gen_ai.response.id`, `.model`, `.finish_reasons` | what answered, and why it stopped (a JSON list) |
/// | `gen_ai.response.time_to_first_chunk` | seconds until the first [output] of a stream |
/// | `gen_ai.usage.input_tokens`, `.output_tokens`, `.cache_read.input_tokens`, `.cache_creation.input_tokens`, `.reasoning.output_tokens` | the service's own counts |
/// | `served_by`, `cost_usd` | the upstream provider, and what the service charged |
/// | `attempts` | how many calls were made, those of retries and fallbacks included |
/// | `error.type`, `otel.status_code`, `otel.status_description` | for an error: its [kind](Error::kind) (`rate_limited`), `ERROR`, and the error in one line |
/// | `dropped` | `true` when the caller left before the end; the fields above have what had come by then |
/// | `gen_ai.input.messages`, `gen_ai.output.messages` | prompt and answer as JSON, [if switched on](TraceSettings::content) |
///
/// [output]: provider_core::author::Activity::Output
///
/// Each attempt that failed on the way is an event of the span, at the level `WARN`. The span of a stream
/// lasts until the stream ends, or is dropped. The list of models and the connection test are spans `models`
/// and `check`.
///
/// What the service said of an error is told as it is, without secrets; a service may quote the request in
/// it. Options, headers, metadata and parameters not named above are never told.
///
/// In [the order](crate#the-order) it is the outermost, so that a call is one span with all its attempts.
/// Around a single provider it tells of each attempt.
///
/// ```
/// use std::sync::Arc;
///
/// use provider_core::LlmProvider;
/// use provider_layers::{Fallback, TraceSettings, Traced};
///
/// # fn wrap(openrouter: Arc<dyn LlmProvider>) -> Traced {
/// let provider = Fallback::new(openrouter.clone(), Fallback::OUTAGES).to(openrouter, "anthropic/claude-sonnet-4.5");
/// Traced::around(Arc::new(provider), TraceSettings::default())
/// # }
/// ```
#[derive(Debug)]
pub struct Traced {
    provider: Arc<dyn LlmProvider>,
    settings: TraceSettings,
}

/// The settings of [`Traced`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TraceSettings {
    content: bool,
}

impl TraceSettings {
    /// Whether prompts and answers are told. Default: no, they are the users' business. Images, sounds and
    /// files are only mentioned.
    #[must_use]
    pub fn content(mut self, tell: bool) -> Self {
        self.content = tell;
        self
    }
}

impl Traced {
    /// Tells of the calls of this provider.
    pub fn around(provider: Arc<dyn LlmProvider>, settings: TraceSettings) -> Self {
        Self { provider, settings }
    }

    fn begin(&self, request: &ChatRequest, is_streamed: bool) -> Option<Call> {
        Call::begin(self.provider.id(), request, is_streamed, self.settings.content)
    }

    // These two are boxed where they are called: a call that nobody listens to keeps no room for a span.

    async fn streamed(&self, request: &ChatRequest, mut call: Call) -> Result<ChatStream, Error> {
        match self.provider.stream(request).instrument(call.span()).await {
            Ok(stream) => Ok(stream.observed(call)),
            Err(error) => {
                call.failed(&error);
                Err(error)
            }
        }
    }

    async fn answered(&self, request: &ChatRequest, mut call: Call) -> Result<ChatResponse, Error> {
        let outcome = self.provider.chat(request).instrument(call.span()).await;
        match &outcome {
            Ok(reply) => call.answered(reply),
            Err(error) => call.failed(error),
        }
        outcome
    }

    /// The span of a list of models.
    async fn listed(&self, list: impl Future<Output = Result<Catalogue, Error>>) -> Result<Catalogue, Error> {
        let provider = self.provider.id();
        let span = info_span!(
            target: "provider_layers",
            "models",
            "otel.name" = %format_args!("models {provider}"),
            "otel.kind" = "client",
            "otel.status_code" = Empty,
            "otel.status_description" = Empty,
            "error.type" = Empty,
            "gen_ai.provider.name" = provider,
            "models" = Empty,
        );
        let outcome = within(span.clone(), list).await;
        if let Ok(catalogue) = &outcome {
            span.record("models", catalogue.models.len());
        }
        outcome
    }
}

/// Does something within a span, which tells if it failed.
async fn within<T>(span: Span, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let outcome = work.instrument(span.clone()).await;
    if let Err(error) = &outcome {
        record_error(&span, error);
    }
    outcome
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl LlmProvider for Traced {
    fn descriptor(&self) -> &'static ProviderDescriptor {
        self.provider.descriptor()
    }

    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream, Error> {
        match self.begin(request, true).map(|call| Box::pin(self.streamed(request, call))) {
            Some(told) => told.await,
            None => self.provider.stream(request).await,
        }
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse, Error> {
        match self.begin(request, false).map(|call| Box::pin(self.answered(request, call))) {
            Some(told) => told.await,
            None => self.provider.chat(request).await,
        }
    }

    async fn models(&self) -> Result<Catalogue, Error> {
        self.listed(self.provider.models()).await
    }

    async fn all_models(&self) -> Result<Catalogue, Error> {
        self.listed(self.provider.all_models()).await
    }

    async fn check(&self) -> Result<ConnectionReport, Error> {
        let provider = self.provider.id();
        let span = info_span!(
            target: "provider_layers",
            "check",
            "otel.name" = %format_args!("check {provider}"),
            "otel.kind" = "client",
            "otel.status_code" = Empty,
            "otel.status_description" = Empty,
            "error.type" = Empty,
            "gen_ai.provider.name" = provider,
        );
        within(span, self.provider.check()).await
    }

    async fn warm_up(&self) -> Result<(), Error> {
        self.provider.warm_up().await
    }
}
