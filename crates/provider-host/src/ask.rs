//! One question to one model, with a stopwatch.

use std::future::pending;
use std::pin::pin;
use std::time::Duration;

use provider_compare::{Stopwatch, Timings};
use provider_core::{ChatRequest, ChatResponse, Error, ErrorKind, Event};
use provider_registry::SelectedModel;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use tokio::time::sleep;

/// What came of a question.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// The text the model was asked for by.
    pub(crate) requested: String,
    pub(crate) result: Result<ChatResponse, Error>,
    /// Why the answer, which came whole, is not what was asked for.
    pub(crate) problem: Option<Error>,
    /// Whether a signal ended it.
    pub(crate) interrupted: bool,
    pub(crate) timings: Timings,
}

impl Outcome {
    /// A question that could not be asked.
    pub(crate) fn not_asked(requested: &str, error: Error) -> Self {
        let (requested, timings) = (requested.to_owned(), Timings::default());
        Self { requested, result: Err(error), problem: None, interrupted: false, timings }
    }

    /// The service's id of the answer, or of what came of it.
    pub(crate) fn generation_id(&self) -> Option<&str> {
        let of_error = self.result.as_ref().err().and_then(Error::generation_id);
        of_error.or_else(|| self.response()?.id.as_deref())
    }

    /// The answer, or what came of it before it failed.
    pub(crate) fn response(&self) -> Option<&ChatResponse> {
        self.result.as_ref().map_or_else(Error::partial, Some)
    }
}

impl Serialize for Outcome {
    /// `requested`, then either `response` or `error`, then `problem` if there is one, then `timings`.
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
    /// A question to the model that `requested` stands for; `request` need not name it. No answer may take
    /// longer than `limit`.
    pub(crate) fn new(
        requested: &str,
        model: SelectedModel,
        mut request: ChatRequest,
        limit: Option<Duration>,
    ) -> Self {
        request.model = model.id().to_owned();
        Self { requested: requested.to_owned(), model, request, limit }
    }

    /// Waits for the whole answer, or until `stop` is done.
    pub(crate) async fn whole(&self, stop: impl Future<Output = ()>) -> Outcome {
        let (watch, mut end) = (Stopwatch::start(), pin!(self.end(stop)));
        match before(&mut end, self.model.chat(&self.request)).await {
            Ok(result) => self.outcome(result, &watch),
            Err(end) => self.cut_short(end, &watch),
        }
    }

    /// Reads the answer as it comes, until `stop` is done, and shows each event to `show`, which can stop it
    /// by an error of its own. The outcome keeps what had come by then.
    ///
    /// # Errors
    /// That of `show`. What the model or the service does wrong is part of the outcome.
    pub(crate) async fn streamed<E>(
        &self,
        stop: impl Future<Output = ()>,
        mut show: impl FnMut(&Event) -> Result<(), E>,
    ) -> Result<Outcome, E> {
        let (mut watch, mut end) = (Stopwatch::start(), pin!(self.end(stop)));
        let mut stream = match before(&mut end, self.model.stream(&self.request)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return Ok(self.outcome(Err(error), &watch)),
            Err(end) => return Ok(self.cut_short(end, &watch)),
        };
        loop {
            match before(&mut end, stream.next()).await {
                Ok(Some(Ok(event))) => {
                    watch.event(&event);
                    show(&event)?;
                }
                Ok(Some(Err(_)) | None) => break,
                // The answer is complete; only its connection was not done yet.
                Err(_) if watch.is_finished() => break,
                Err(End { error, interrupted }) => {
                    let end = End { error: stream.abandon(error), interrupted };
                    return Ok(self.cut_short(end, &watch));
                }
            }
        }
        Ok(self.outcome(stream.into_response(), &watch))
    }

    /// Waits for what ends the answer early: `stop`, or the end of the time that is allowed.
    async fn end(&self, stop: impl Future<Output = ()>) -> End {
        let placed =
            |error: Error| error.with_provider(&self.model.reference().provider).with_model(self.model.id());
        tokio::select! {
            biased;
            () = stop => {
                let message = "interrupted before the answer was complete";
                let error = Error::new(ErrorKind::Interrupted, message);
                End { error: placed(error), interrupted: true }
            }
            limit = self.bound() => {
                let message = format!("there was no complete answer within {} s", limit.as_secs_f64());
                let error = Error::new(ErrorKind::Timeout, message).with_next_step("allow more with --timeout");
                End { error: placed(error), interrupted: false }
            }
        }
    }

    /// Waits until the time that is allowed is over, and tells how much that was.
    async fn bound(&self) -> Duration {
        let Some(limit) = self.limit else { return pending().await };
        sleep(limit).await;
        limit
    }

    fn cut_short(&self, end: End, watch: &Stopwatch) -> Outcome {
        Outcome { interrupted: end.interrupted, ..self.outcome(Err(end.error), watch) }
    }

    fn outcome(&self, result: Result<ChatResponse, Error>, watch: &Stopwatch) -> Outcome {
        let timings = watch.stop(result.as_ref().ok().map(|response| &response.usage));
        Outcome { requested: self.requested.clone(), result, problem: None, interrupted: false, timings }
    }
}

/// Why an answer has to end before it is complete.
struct End {
    error: Error,
    interrupted: bool,
}

/// Waits for `work`, but not beyond `end`, which is looked at first: work that never has to wait ends, too.
async fn before<W: Future>(end: impl Future<Output = End>, work: W) -> Result<W::Output, End> {
    tokio::select! {
        biased;
        end = end => Err(end),
        output = work => Ok(output),
    }
}
