//! Runs a cell: sends the request to its model, and reads the answer to the end.

use std::pin::pin;
use std::sync::OnceLock;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::Shared;
use provider_core::{Capability, ChatRequest, ChatResponse, Error, LlmProviderExt};
use tokio::time::Instant;

use crate::cell::{Cell, Target};
use crate::progress::{CellStep, Progress, ProgressSink};
use crate::queue::Turn;
use crate::stop::{StopReason, cell_end, until_end};
use crate::{CellReport, Ended, Stopwatch, Timings};

/// The state that all cells of a running comparison share.
pub(crate) struct Run<'a, F, E: Future<Output = StopReason>> {
    pub(crate) request: &'a ChatRequest,
    pub(crate) begun: Instant,
    pub(crate) cell_timeout: Option<Duration>,
    pub(crate) end: Shared<E>,
    /// Set once the deadline or a stop has ended a cell.
    pub(crate) ended: OnceLock<Ended>,
    pub(crate) progress: ProgressSink<F>,
}

/// The result of a turn.
type Outcome = (Result<ChatResponse, Error>, Timings);

impl<F: FnMut(Progress<'_>), E: Future<Output = StopReason>> Run<'_, F, E> {
    /// Runs the turn of a cell.
    pub(crate) async fn run(&self, turn: Turn) -> (Turn, Outcome) {
        let outcome = match &turn.cell.target {
            Ok(target) => self.turn(&turn, target).await,
            Err(error) => (Err(error.clone()), Timings::default()),
        };
        (turn, outcome)
    }

    /// Reports the final result of a cell.
    pub(crate) fn finished(
        &self,
        turn: Turn,
        result: Result<ChatResponse, Error>,
        timings: Timings,
    ) -> CellReport {
        let Turn { index, cell, .. } = turn;
        let provider = cell.provider().map(str::to_owned);
        let requested = cell.requested().to_owned();
        let report = CellReport { label: cell.label, provider, requested, result, timings, listing: None };
        self.progress.send(index, &report.label, CellStep::Finished(&report));
        report
    }

    async fn turn(&self, turn: &Turn, target: &Target) -> Outcome {
        let Turn { index, cell, refused } = turn;
        let waited = Timings { waited: Some(self.begun.elapsed()), ..Timings::default() };
        if let Some(reason) = self.end.clone().now_or_never() {
            self.record(reason);
            let error = if refused.is_empty() { reason.not_asked_error() } else { reason.incomplete_error() };
            return (Err(with_context(error, cell, target)), waited);
        }
        if let Err(error) = target.provider.require(Capability::Llm) {
            return (Err(with_context(error, cell, target)), waited);
        }
        if refused.is_empty() {
            self.progress.send(*index, &cell.label, CellStep::Started);
        }
        let mut watch = Stopwatch::start();
        let result = self.answer(*index, cell, target, &mut watch).await;
        let timings = watch.stop(result.as_ref().ok().map(|response| &response.usage));
        (result, Timings { waited: waited.waited, ..timings })
    }

    /// Streams the answer, so that the time to its first token is known.
    async fn answer(
        &self,
        index: usize,
        cell: &Cell,
        target: &Target,
        watch: &mut Stopwatch,
    ) -> Result<ChatResponse, Error> {
        let mut request = self.request.clone();
        request.model.clone_from(&target.model);
        let mut end = pin!(cell_end(self.end.clone(), self.cell_timeout));
        let mut stream = match until_end(&mut end, target.provider.stream(&request)).await {
            Ok(stream) => stream.map_err(|error| named(error, cell))?,
            Err(reason) => {
                self.record(reason);
                return Err(with_context(reason.incomplete_error(), cell, target));
            }
        };
        if let Some(name) = cell.given_name() {
            stream = stream.named(name);
        }
        loop {
            match until_end(&mut end, stream.next()).await {
                Ok(Some(Ok(event))) => {
                    watch.event(&event);
                    self.progress.send(index, &cell.label, CellStep::Event(&event));
                }
                Ok(Some(Err(_)) | None) => return stream.into_response(),
                // The answer is complete, and only its connection is still open.
                Err(_) if watch.is_finished() => return stream.into_response(),
                Err(reason) => {
                    self.record(reason);
                    return Err(stream.abandon(with_context(reason.incomplete_error(), cell, target)));
                }
            }
        }
    }

    fn record(&self, reason: StopReason) {
        if let Some(ended) = reason.ended() {
            self.ended.get_or_init(|| ended);
        }
    }
}

/// Puts the cell's own name of the provider into the provider's error.
fn named(error: Error, cell: &Cell) -> Error {
    match cell.given_name() {
        Some(name) => error.with_provider(name),
        None => error,
    }
}

/// Adds provider and model to an error of the comparison.
fn with_context(error: Error, cell: &Cell, target: &Target) -> Error {
    error.with_provider(cell.provider().unwrap_or_default()).with_model(&target.model)
}
