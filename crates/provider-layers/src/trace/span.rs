//! The spans of calls, and their fields.

use std::future::Future;

use provider_core::author::{Activity, StreamObserver};
use provider_core::{ChatRequest, ChatResponse, Error, ErrorKind, ReasoningBudget, Usage, Usd};
use tokio::time::Instant;
use tracing::field::{Empty, Value};
use tracing::{Instrument, Span, info, info_span, warn};

use super::content;

/// The span of a chat call that is under way. Dropped before the end of the call, it records that.
pub(super) struct CallSpan {
    span: Span,
    start: Instant,
    has_content: bool,
    has_begun: bool,
    is_over: bool,
}

impl CallSpan {
    /// Begins a span; `None` if no subscriber wants it.
    pub(super) fn begin(
        provider: &'static str,
        request: &ChatRequest,
        is_streamed: bool,
        has_content: bool,
    ) -> Option<Self> {
        let level = match request.reasoning.as_ref().and_then(|reasoning| reasoning.budget.as_ref()) {
            Some(ReasoningBudget::Effort(effort)) => Some(effort.as_str()),
            _ => None,
        };
        let span = info_span!(
            target: "provider_layers",
            "chat",
            "otel.name" = %format_args!("chat {}", request.model),
            "otel.kind" = "client",
            "otel.status_code" = Empty,
            "otel.status_description" = Empty,
            "error.type" = Empty,
            "gen_ai.operation.name" = "chat",
            "gen_ai.provider.name" = provider,
            "gen_ai.request.model" = &*request.model,
            "gen_ai.request.stream" = is_streamed,
            "gen_ai.request.max_tokens" = request.max_tokens.or(request.max_completion_tokens),
            "gen_ai.request.temperature" = request.temperature,
            "gen_ai.request.top_p" = request.top_p,
            "gen_ai.request.top_k" = request.top_k,
            "gen_ai.request.frequency_penalty" = request.frequency_penalty,
            "gen_ai.request.presence_penalty" = request.presence_penalty,
            "gen_ai.request.seed" = request.seed,
            "gen_ai.request.reasoning.level" = level,
            "gen_ai.input.messages" = Empty,
            "gen_ai.output.messages" = Empty,
            "gen_ai.response.id" = Empty,
            "gen_ai.response.model" = Empty,
            "gen_ai.response.finish_reasons" = Empty,
            "gen_ai.response.time_to_first_chunk" = Empty,
            "gen_ai.usage.input_tokens" = Empty,
            "gen_ai.usage.output_tokens" = Empty,
            "gen_ai.usage.cache_read.input_tokens" = Empty,
            "gen_ai.usage.cache_creation.input_tokens" = Empty,
            "gen_ai.usage.reasoning.output_tokens" = Empty,
            "served_by" = Empty,
            "cost_usd" = Empty,
            "attempts" = Empty,
            "dropped" = Empty,
        );
        if span.is_disabled() {
            return None;
        }
        if has_content {
            span.record("gen_ai.input.messages", &*content::input(&request.messages));
        }
        let start = Instant::now();
        Some(Self { span, start, has_content, has_begun: false, is_over: false })
    }

    pub(super) fn span(&self) -> Span {
        self.span.clone()
    }

    /// Records the time to the first output of a stream, once.
    fn record_first_output(&mut self) {
        if !self.has_begun {
            self.has_begun = true;
            self.set("gen_ai.response.time_to_first_chunk", Some(self.start.elapsed().as_secs_f64()));
        }
    }

    /// Records a whole answer, and the attempts before it.
    pub(super) fn record_answer(&mut self, reply: &ChatResponse) {
        self.is_over = true;
        self.record_response(reply);
        self.record_attempts(&reply.attempts);
        self.record_seams(reply);
    }

    /// Records an error with its partial answer, and the attempts before it.
    pub(super) fn record_failure(&mut self, error: &Error) {
        self.is_over = true;
        match error.partial() {
            Some(partial) => {
                self.record_response(partial);
                self.record_seams(partial);
            }
            None => self.set("gen_ai.response.id", error.generation_id()),
        }
        self.record_attempts(error.attempts());
        record_error(&self.span, error);
    }

    /// Records an answer, whole or in part.
    fn record_response(&mut self, reply: &ChatResponse) {
        self.set("gen_ai.response.id", reply.id.as_deref());
        self.set("gen_ai.response.model", Some(&*reply.model).filter(|model| !model.is_empty()));
        if let Some(reason) = &reply.finish_reason {
            let reasons = tracing::field::debug([reason.as_str()]);
            self.set("gen_ai.response.finish_reasons", Some(reasons));
        }
        self.set("served_by", reply.served_by.provider.as_deref());
        let Usage { prompt_tokens, completion_tokens, cached_tokens, cache_write_tokens, .. } = reply.usage;
        self.set("gen_ai.usage.input_tokens", prompt_tokens);
        self.set("gen_ai.usage.output_tokens", completion_tokens);
        self.set("gen_ai.usage.cache_read.input_tokens", cached_tokens);
        self.set("gen_ai.usage.cache_creation.input_tokens", cache_write_tokens);
        self.set("gen_ai.usage.reasoning.output_tokens", reply.usage.reasoning_tokens);
        self.set("cost_usd", reply.usage.cost.map(Usd::as_f64));
        if self.has_content && !reply.message.is_empty() {
            self.set("gen_ai.output.messages", Some(&*content::output(reply)));
        }
    }

    /// Records the attempts that failed before.
    fn record_attempts(&self, attempts: &[Error]) {
        self.set("attempts", Some(attempts.len() + 1));
        for attempt in attempts {
            warn!(
                target: "provider_layers",
                parent: &self.span,
                {
                    "gen_ai.provider.name" = attempt.provider(),
                    "gen_ai.request.model" = attempt.model(),
                    "error.type" = &*type_name(attempt.kind()),
                    "http.response.status_code" = attempt.status(),
                },
                "attempt failed: {attempt}"
            );
        }
    }

    /// Records where the answer broke off and another request went on with it.
    fn record_seams(&self, reply: &ChatResponse) {
        for seam in &reply.seams {
            info!(
                target: "provider_layers",
                parent: &self.span,
                {
                    "gen_ai.provider.name" = seam.provider.as_deref(),
                    "gen_ai.request.model" = &*seam.model,
                    "error.type" = &*type_name(seam.broken_by),
                    "seam.at" = seam.at,
                },
                "answer broke off and was gone on with"
            );
        }
    }

    fn set(&self, field: &str, value: Option<impl Value>) {
        if let Some(value) = value {
            self.span.record(field, value);
        }
    }
}

impl StreamObserver for CallSpan {
    fn on_activity(&mut self, activity: Activity<'_>) -> Result<(), Error> {
        if activity.is_output() {
            self.record_first_output();
        }
        Ok(())
    }

    fn on_end(&mut self, end: Result<&ChatResponse, &Error>) {
        match end {
            Ok(reply) => self.record_answer(reply),
            Err(error) => self.record_failure(error),
        }
    }

    fn on_leave(&mut self, so_far: &ChatResponse, reason: Option<&Error>) {
        self.set("dropped", Some(true));
        match reason {
            Some(error) => self.record_failure(error),
            None => self.record_answer(so_far),
        }
    }
}

impl Drop for CallSpan {
    fn drop(&mut self) {
        if !self.is_over {
            self.set("dropped", Some(true));
        }
    }
}

/// The span of a list of models.
pub(super) fn list_span(provider: &'static str) -> Span {
    info_span!(
        target: "provider_layers",
        "models",
        "otel.name" = %format_args!("models {provider}"),
        "otel.kind" = "client",
        "otel.status_code" = Empty,
        "otel.status_description" = Empty,
        "error.type" = Empty,
        "gen_ai.provider.name" = provider,
        "models" = Empty,
    )
}

/// The span of a connection test.
pub(super) fn test_span(provider: &'static str) -> Span {
    info_span!(
        target: "provider_layers",
        "check",
        "otel.name" = %format_args!("check {provider}"),
        "otel.kind" = "client",
        "otel.status_code" = Empty,
        "otel.status_description" = Empty,
        "error.type" = Empty,
        "gen_ai.provider.name" = provider,
    )
}

/// Does work within a span, and records its error.
pub(super) async fn within<T>(span: Span, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let outcome = work.instrument(span.clone()).await;
    if let Err(error) = &outcome {
        record_error(&span, error);
    }
    outcome
}

/// Records an error in the span of the call that it ended.
fn record_error(span: &Span, error: &Error) {
    if !span.is_disabled() {
        span.record("error.type", &*type_name(error.kind()));
        span.record("otel.status_code", "ERROR");
        span.record("otel.status_description", tracing::field::display(error));
    }
}

/// The kind in one word, as it is serialized.
fn type_name(kind: ErrorKind) -> String {
    match serde_json::to_value(kind) {
        Ok(serde_json::Value::String(name)) => name,
        _ => kind.label().to_owned(),
    }
}
