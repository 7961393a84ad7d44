//! One question to one model, with a stopwatch.

use std::time::Duration;

use provider_core::{ChatRequest, ChatResponse, Error, ErrorKind, Event};
use provider_registry::SelectedModel;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use tokio::time::{Instant, timeout_at};

/// How long things took.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Timings {
    /// Until the first piece of an answer, thoughts included; `None` if there was none, or it came whole.
    #[serde(rename = "time_to_first_token_ms", serialize_with = "milliseconds")]
    pub(crate) first_token: Option<Duration>,
    /// Until the end; `None` if nothing was sent.
    #[serde(rename = "total_ms", serialize_with = "milliseconds")]
    pub(crate) total: Option<Duration>,
}

/// What came of a question.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// The text the model was asked for by.
    pub(crate) requested: String,
    pub(crate) result: Result<ChatResponse, Error>,
    pub(crate) timings: Timings,
}

impl Outcome {
    /// A question that could not be asked.
    pub(crate) fn not_asked(requested: &str, error: Error) -> Self {
        Self { requested: requested.to_owned(), result: Err(error), timings: Timings::default() }
    }

    /// The answer, or what came of it before it failed.
    pub(crate) fn response(&self) -> Option<&ChatResponse> {
        self.result.as_ref().map_or_else(Error::partial, Some)
    }
}

impl Serialize for Outcome {
    /// `requested`, then either `response` or `error`, then `timings`.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(Some(3))?;
        object.serialize_entry("requested", &self.requested)?;
        match &self.result {
            Ok(response) => object.serialize_entry("response", response)?,
            Err(error) => object.serialize_entry("error", error)?,
        }
        object.serialize_entry("timings", &self.timings)?;
        object.end()
    }
}

/// A question to one model.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    requested: String,
    model: SelectedModel,
    request: ChatRequest,
    limit: Option<Duration>,
}

impl Question {
    /// A question to the model that `requested` stands for; `request` need not name it. No answer may take longer than
    /// `limit`.
    pub(crate) fn new(
        requested: &str,
        model: SelectedModel,
        mut request: ChatRequest,
        limit: Option<Duration>,
    ) -> Self {
        request.model = model.id().to_owned();
        Self { requested: requested.to_owned(), model, request, limit }
    }

    /// Waits for the whole answer.
    pub(crate) async fn whole(&self) -> Outcome {
        let clock = Clock::start(self.limit);
        let result = match clock.bound(self.model.chat(&self.request)).await {
            Ok(result) => result,
            Err(late) => Err(self.placed(late)),
        };
        self.outcome(result, None, &clock)
    }

    /// Reads the answer as it comes, and shows each event to `watch`, which can stop it by an error of its own.
    ///
    /// # Errors
    /// That of `watch`. What the model or the service does wrong is part of the outcome.
    pub(crate) async fn streamed<E>(
        &self,
        mut watch: impl FnMut(&Event) -> Result<(), E>,
    ) -> Result<Outcome, E> {
        let clock = Clock::start(self.limit);
        let mut stream = match clock.bound(self.model.stream(&self.request)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return Ok(self.outcome(Err(error), None, &clock)),
            Err(late) => return Ok(self.outcome(Err(self.placed(late)), None, &clock)),
        };
        let mut first_token = None;
        let result = loop {
            match clock.bound(stream.next()).await {
                Ok(Some(Ok(event))) => {
                    if first_token.is_none() && !matches!(event, Event::Finished(_)) {
                        first_token = Some(clock.passed());
                    }
                    watch(&event)?;
                }
                Ok(Some(Err(_)) | None) => break stream.into_response(),
                Err(late) => break Err(stream.abandon(late)),
            }
        };
        Ok(self.outcome(result, first_token, &clock))
    }

    fn placed(&self, error: Error) -> Error {
        error.with_provider(&self.model.reference().provider).with_model(self.model.id())
    }

    fn outcome(
        &self,
        result: Result<ChatResponse, Error>,
        first_token: Option<Duration>,
        clock: &Clock,
    ) -> Outcome {
        let timings = Timings { first_token, total: Some(clock.passed()) };
        Outcome { requested: self.requested.clone(), result, timings }
    }
}

/// The time that has passed, and the time that is allowed.
struct Clock {
    started: Instant,
    limit: Option<Duration>,
}

impl Clock {
    fn start(limit: Option<Duration>) -> Self {
        Self { started: Instant::now(), limit }
    }

    fn passed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Waits for `work`, but not beyond the limit.
    async fn bound<F: Future>(&self, work: F) -> Result<F::Output, Error> {
        let deadline = self.limit.and_then(|limit| self.started.checked_add(limit));
        let (Some(limit), Some(deadline)) = (self.limit, deadline) else { return Ok(work.await) };
        timeout_at(deadline, work).await.map_err(|_| {
            let message = format!("there was no complete answer within {} s", limit.as_secs_f64());
            Error::new(ErrorKind::Timeout, message)
        })
    }
}

fn milliseconds<S: Serializer>(time: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    // To the microsecond: more digits say nothing.
    time.map(|time| time.as_micros() as f64 / 1_000.0).serialize(serializer)
}
