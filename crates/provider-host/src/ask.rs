//! Sends a request to one model, times the answer, and ends it at a signal or a time limit.

mod with_tools;

use std::future::pending;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use provider_compare::{Stopwatch, Timings};
use provider_core::{ChatRequest, ChatResponse, Error, ErrorKind, Usage};
use provider_registry::ModelRef;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use tokio::time::{Instant, sleep_until};

use crate::target::Target;
use crate::tools::{CallRecord, RunEvent, Tools};

/// The outcome of a question.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// The text by which the user named the model.
    pub(crate) requested: String,
    /// The model that made the answer or the error; `None` if none was asked.
    pub(crate) asked: Option<ModelRef>,
    /// Whether that is another model, which the host has asked in place of the requested one.
    pub(crate) by_fallback: bool,
    pub(crate) result: Result<ChatResponse, Error>,
    /// The answers before that of `result`, which were paid for as well: those that called tools, and
    /// one that was not of the form.
    pub(crate) earlier: Vec<ChatResponse>,
    /// The calls of tools that this program has run, or refused.
    pub(crate) tool_calls: Vec<CallRecord>,
    /// The error of an answer that is complete, but not of the requested form.
    pub(crate) problem: Option<Error>,
    /// Whether a signal ended it.
    pub(crate) interrupted: bool,
    pub(crate) timings: Timings,
}

impl Outcome {
    /// The outcome of a question that could not be asked.
    pub(crate) fn not_asked(requested: &str, error: Error) -> Self {
        let (requested, timings) = (requested.to_owned(), Timings::default());
        Self {
            requested,
            asked: None,
            by_fallback: false,
            result: Err(error),
            earlier: Vec::new(),
            tool_calls: Vec::new(),
            problem: None,
            interrupted: false,
            timings,
        }
    }

    /// The service's id of the answer, also of a partial one.
    pub(crate) fn generation_id(&self) -> Option<&str> {
        let of_error = self.result.as_ref().err().and_then(Error::generation_id);
        of_error.or_else(|| self.response()?.id.as_deref())
    }

    /// The usage of all answers together, as far as the service states it.
    pub(crate) fn usage(&self) -> Usage {
        let mut usage = Usage::default();
        for response in self.earlier.iter().chain(self.response()) {
            usage.accumulate(&response.usage);
        }
        usage
    }

    /// This outcome, with the answers and calls of another one in front, which was asked before it.
    #[must_use]
    pub(crate) fn after(mut self, before: Self) -> Self {
        let Self { result, mut earlier, mut tool_calls, .. } = before;
        earlier.extend(result.ok());
        earlier.append(&mut self.earlier);
        tool_calls.append(&mut self.tool_calls);
        Self { earlier, tool_calls, ..self }
    }

    /// The answer, or the part of it that arrived before an error.
    pub(crate) fn response(&self) -> Option<&ChatResponse> {
        self.result.as_ref().map_or_else(Error::partial, Some)
    }
}

impl Serialize for Outcome {
    /// Writes `requested`, then either `response` or `error`, then `problem` if there is one, then `timings`,
    /// then `fallback` if the host has asked another model; of a run of several answers also `earlier`,
    /// `tool_calls` and the `usage` of all.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(Some(3))?;
        object.serialize_entry("requested", &self.requested)?;
        match &self.result {
            Ok(response) => object.serialize_entry("response", response)?,
            Err(error) => object.serialize_entry("error", error)?,
        }
        if let Some(problem) = &self.problem {
            object.serialize_entry("problem", problem)?;
        }
        object.serialize_entry("timings", &self.timings)?;
        if let Some(fallback) = self.asked.as_ref().filter(|_| self.by_fallback) {
            object.serialize_entry("fallback", fallback)?;
        }
        if !self.earlier.is_empty() {
            object.serialize_entry("earlier", &self.earlier)?;
            object.serialize_entry("tool_calls", &self.tool_calls)?;
            object.serialize_entry("usage", &self.usage())?;
        }
        object.end()
    }
}

/// A question to one model.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    requested: String,
    target: Target,
    request: ChatRequest,
    limit: Option<Duration>,
    /// The moment from which the limit counts; `None`: from that at which it is asked.
    started: Option<Instant>,
    tools: Option<Arc<Tools>>,
}

impl Question {
    /// A question to the model that the user named by `requested`; `request` need not name it. The answer may
    /// take no longer than `limit`.
    pub(crate) fn new(
        requested: &str,
        target: Target,
        mut request: ChatRequest,
        limit: Option<Duration>,
    ) -> Self {
        target.id().clone_into(&mut request.model);
        Self { requested: requested.to_owned(), target, request, limit, started: None, tools: None }
    }

    /// Lets the limit of time count from now on, for this question and for those that are made of it.
    #[must_use]
    pub(crate) fn started(self) -> Self {
        Self { started: Some(Instant::now()), ..self }
    }

    /// The tools that the model may call.
    pub(crate) fn offered(&self) -> Option<&Tools> {
        self.tools.as_deref()
    }

    /// The text by which the user named the model.
    pub(crate) fn requested(&self) -> &str {
        &self.requested
    }

    /// The model that is asked first.
    pub(crate) fn reference(&self) -> &ModelRef {
        self.target.reference()
    }

    /// The request, with the model in it.
    pub(crate) fn request(&self) -> &ChatRequest {
        &self.request
    }

    /// Lets the model call these tools, until it answers.
    #[must_use]
    pub(crate) fn tools(self, tools: Option<Arc<Tools>>) -> Self {
        Self { tools, ..self }
    }

    /// The question anew, after an answer that has this problem.
    #[must_use]
    pub(crate) fn corrected(&self, answer: &ChatResponse, problem: &Error) -> Self {
        let mut said = problem.message().to_owned();
        for field in problem.fields() {
            said.push_str(&format!("; {}: {}", field.field, field.problem));
        }
        let request = self.request.clone().message(answer.message.clone());
        let text = format!("{said}. Answer again, with nothing but JSON that is as it was asked for.");
        Self { request: request.user(text), ..self.clone() }
    }

    /// Waits for the complete answer, or until `stop` resolves, and passes the tools that run to `show`,
    /// whose error ends it, too.
    ///
    /// # Errors
    /// The error of `show`.
    pub(crate) async fn whole<E>(
        &self,
        stop: impl Future<Output = ()>,
        show: impl FnMut(&RunEvent) -> Result<(), E>,
    ) -> Result<Outcome, E> {
        if let Some(tools) = &self.tools {
            return self.with_tools(tools, false, stop, show).await;
        }
        let (watch, mut end) = (Stopwatch::start(), pin!(self.end(stop)));
        Ok(match until_end(&mut end, self.target.chat(&self.request)).await {
            Ok(result) => self.outcome(result, &watch),
            Err(end) => self.cut_short(end, &watch),
        })
    }

    /// Reads the answer as a stream until it ends or `stop` resolves, and passes each event to `show`, whose
    /// error ends it, too. The outcome keeps a partial answer.
    ///
    /// # Errors
    /// The error of `show`. An error of the service is part of the outcome.
    pub(crate) async fn streamed<E>(
        &self,
        stop: impl Future<Output = ()>,
        mut show: impl FnMut(&RunEvent) -> Result<(), E>,
    ) -> Result<Outcome, E> {
        if let Some(tools) = &self.tools {
            return self.with_tools(tools, true, stop, show).await;
        }
        let (mut watch, mut end) = (Stopwatch::start(), pin!(self.end(stop)));
        let mut stream = match until_end(&mut end, self.target.stream(&self.request)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return Ok(self.outcome(Err(error), &watch)),
            Err(end) => return Ok(self.cut_short(end, &watch)),
        };
        loop {
            match until_end(&mut end, stream.next()).await {
                Ok(Some(Ok(event))) => {
                    watch.event(&event);
                    show(&RunEvent::Model(event))?;
                }
                Ok(Some(Err(_)) | None) => break,
                // The answer is complete, and only its connection is still open.
                Err(_) if watch.is_finished() => break,
                Err(End { error, interrupted }) => {
                    let end = End { error: stream.abandon(error), interrupted };
                    return Ok(self.cut_short(end, &watch));
                }
            }
        }
        Ok(self.outcome(stream.into_response(), &watch))
    }

    /// Resolves when the answer has to end: at `stop` or at the time limit.
    async fn end(&self, stop: impl Future<Output = ()>) -> End {
        let with_context = |error: Error| {
            let asked = self.target.asked();
            error.with_provider(asked.provider).with_model(asked.model)
        };
        tokio::select! {
            biased;
            () = stop => {
                let message = "interrupted before the answer was complete";
                let error = Error::new(ErrorKind::Interrupted, message);
                End { error: with_context(error), interrupted: true }
            }
            limit = self.bound() => {
                let message = format!("there was no complete answer within {} s", limit.as_secs_f64());
                let error = Error::new(ErrorKind::Timeout, message).with_next_step("allow more with --timeout");
                End { error: with_context(error), interrupted: false }
            }
        }
    }

    /// Waits until the time limit is over, and returns it.
    async fn bound(&self) -> Duration {
        let Some(limit) = self.limit else { return pending().await };
        sleep_until(self.started.unwrap_or_else(Instant::now) + limit).await;
        limit
    }

    fn cut_short(&self, end: End, watch: &Stopwatch) -> Outcome {
        Outcome { interrupted: end.interrupted, ..self.outcome(Err(end.error), watch) }
    }

    fn outcome(&self, result: Result<ChatResponse, Error>, watch: &Stopwatch) -> Outcome {
        let timings = watch.stop(result.as_ref().ok().map(|response| &response.usage));
        let (asked, requested) = (self.target.asked(), self.requested.clone());
        let by_fallback = asked != *self.target.reference();
        Outcome {
            requested,
            asked: Some(asked),
            by_fallback,
            result,
            earlier: Vec::new(),
            tool_calls: Vec::new(),
            problem: None,
            interrupted: false,
            timings,
        }
    }
}

/// Why an answer ends before it is complete.
struct End {
    error: Error,
    interrupted: bool,
}

/// Waits for `work`, but not beyond `end`. Polls `end` first, so that work that is always ready is stopped,
/// too.
async fn until_end<W: Future>(end: impl Future<Output = End>, work: W) -> Result<W::Output, End> {
    tokio::select! {
        biased;
        end = end => Err(end),
        output = work => Ok(output),
    }
}
