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
        let (watch, mut bound) = (Stopwatch::start(), pin!(self.bound()));
        let result = before(&mut bound, self.model.chat(&self.request)).await.and_then(|result| result);
        self.outcome(result, &watch)
    }

    /// Reads the answer as it comes, and shows each event to `show`, which can stop it by an error of its own.
    ///
    /// # Errors
    /// That of `show`. What the model or the service does wrong is part of the outcome.
    pub(crate) async fn streamed<E>(
        &self,
        mut show: impl FnMut(&Event) -> Result<(), E>,
    ) -> Result<Outcome, E> {
        let (mut watch, mut bound) = (Stopwatch::start(), pin!(self.bound()));
        let mut stream = match before(&mut bound, self.model.stream(&self.request)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) | Err(error) => return Ok(self.outcome(Err(error), &watch)),
        };
        let result = loop {
            match before(&mut bound, stream.next()).await {
                Ok(Some(Ok(event))) => {
                    watch.event(&event);
                    show(&event)?;
                }
                Ok(Some(Err(_)) | None) => break stream.into_response(),
                // The answer is complete; only its connection was not done yet.
                Err(_) if watch.is_finished() => break stream.into_response(),
                Err(late) => break Err(stream.abandon(late)),
            }
        };
        Ok(self.outcome(result, &watch))
    }

    /// The end of the time that is allowed.
    async fn bound(&self) -> Error {
        let Some(limit) = self.limit else { return pending().await };
        sleep(limit).await;
        let message = format!("there was no complete answer within {} s", limit.as_secs_f64());
        let late = Error::new(ErrorKind::Timeout, message);
        late.with_provider(&self.model.reference().provider).with_model(self.model.id())
    }

    fn outcome(&self, result: Result<ChatResponse, Error>, watch: &Stopwatch) -> Outcome {
        let timings = watch.stop(result.as_ref().ok().map(|response| &response.usage));
        Outcome { requested: self.requested.clone(), result, timings }
    }
}

/// Waits for `work`, but not beyond `bound`, which is looked at first: work that never has to wait ends, too.
async fn before<W: Future>(bound: impl Future<Output = Error>, work: W) -> Result<W::Output, Error> {
    tokio::select! {
        biased;
        late = bound => Err(late),
        output = work => Ok(output),
    }
}
