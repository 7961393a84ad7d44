//! One cell's turn: its model is asked, and its answer read to the end.

use std::pin::pin;
use std::sync::OnceLock;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::Shared;
use provider_core::{Capability, ChatRequest, ChatResponse, Error, LlmProviderExt};
use tokio::time::Instant;

use crate::cell::{Cell, Target};
use crate::limit::{Limit, end_of_cell, unless};
use crate::progress::{CellStep, Progress, Watcher};
use crate::queue::Turn;
use crate::{CellReport, Ended, Stopwatch, Timings};

/// What all cells of a comparison share.
pub(crate) struct Round<'a, F, E: Future<Output = Limit>> {
    pub(crate) request: &'a ChatRequest,
    pub(crate) begun: Instant,
    pub(crate) cell_timeout: Option<Duration>,
    pub(crate) end: Shared<E>,
    /// What cut a cell off, if anything but its own time did.
    pub(crate) ended: OnceLock<Ended>,
    pub(crate) watcher: Watcher<F>,
}

/// What a turn gives.
type Outcome = (Result<ChatResponse, Error>, Timings);

impl<F: FnMut(Progress<'_>), E: Future<Output = Limit>> Round<'_, F, E> {
    /// Gives a cell its turn.
    pub(crate) async fn run(&self, turn: Turn) -> (Turn, Outcome) {
        let outcome = match &turn.cell.target {
            Ok(target) => self.turn(&turn, target).await,
            Err(error) => (Err(error.clone()), Timings::default()),
        };
        (turn, outcome)
    }

    /// Reports what came of a cell in the end.
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
        self.watcher.tell(index, &report.label, CellStep::Finished(&report));
        report
    }

    async fn turn(&self, turn: &Turn, target: &Target) -> Outcome {
        let Turn { index, cell, refused } = turn;
        let waited = Timings { waited: Some(self.begun.elapsed()), ..Timings::default() };
        if let Some(limit) = self.end.clone().now_or_never() {
            self.note(limit);
            let error = if refused.is_empty() { limit.not_begun() } else { limit.cut_off() };
            return (Err(placed(error, cell, target)), waited);
        }
        if let Err(error) = target.provider.require(Capability::Llm) {
            return (Err(placed(error, cell, target)), waited);
        }
        if refused.is_empty() {
            self.watcher.tell(*index, &cell.label, CellStep::Started);
        }
        let mut watch = Stopwatch::start();
        let result = self.answer(*index, cell, target, &mut watch).await;
        let timings = watch.stop(result.as_ref().ok().map(|response| &response.usage));
        (result, Timings { waited: waited.waited, ..timings })
    }

    /// Streams the answer, so that its first token can be timed.
    async fn answer(
        &self,
        index: usize,
        cell: &Cell,
        target: &Target,
        watch: &mut Stopwatch,
    ) -> Result<ChatResponse, Error> {
        let mut request = self.request.clone();
        request.model.clone_from(&target.model);
        let mut end = pin!(end_of_cell(self.end.clone(), self.cell_timeout));
        let mut stream = match unless(&mut end, target.provider.stream(&request)).await {
            Ok(stream) => stream.map_err(|error| named(error, cell))?,
            Err(limit) => {
                self.note(limit);
                return Err(placed(limit.cut_off(), cell, target));
            }
        };
        if let Some(name) = cell.given_name() {
            stream = stream.named(name);
        }
        loop {
            match unless(&mut end, stream.next()).await {
                Ok(Some(Ok(event))) => {
                    watch.event(&event);
                    self.watcher.tell(index, &cell.label, CellStep::Event(&event));
                }
                Ok(Some(Err(_)) | None) => return stream.into_response(),
                // The answer is complete; only its connection was not done yet.
                Err(_) if watch.is_finished() => return stream.into_response(),
                Err(limit) => {
                    self.note(limit);
                    return Err(stream.abandon(placed(limit.cut_off(), cell, target)));
                }
            }
        }
    }

    fn note(&self, limit: Limit) {
        if let Some(ended) = limit.ends_all() {
            self.ended.get_or_init(|| ended);
        }
    }
}

/// An error of the provider, under the name that the cell has for it.
fn named(error: Error, cell: &Cell) -> Error {
    match cell.given_name() {
        Some(name) => error.with_provider(name),
        None => error,
    }
}

/// An error of ours, with who was asked.
fn placed(error: Error, cell: &Cell, target: &Target) -> Error {
    error.with_provider(cell.provider().unwrap_or_default()).with_model(&target.model)
}
