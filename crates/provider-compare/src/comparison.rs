//! The question, who is asked, and how.

use std::future::pending;
use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::FutureExt;
use futures_util::future::{Either, select};
use futures_util::stream::{FuturesUnordered, StreamExt};
use provider_core::author::InFlightWaits;
use provider_core::{ChatRequest, LlmProvider};
use tokio::time::{Instant, sleep_until};

use crate::ask::Round;
use crate::limit::end;
use crate::progress::Watcher;
use crate::queue::{Queue, Settled};
use crate::report::Asked;
use crate::{Cell, Ended, Progress, Report};

/// How many models are asked at the same time, unless something else is said.
const CONCURRENCY: usize = 4;

/// One request for several models. Add a [`cell`](Self::cell) for each, then [`run`](Self::run) it.
///
/// # A budget in flight
///
/// Some services hold back what requests under way [may cost](provider_core::LimitKind::InFlight), and refuse
/// what goes beyond: asking several models at once is what they refuse. After the first such refusal the
/// models of this provider are asked one at a time, and not before the time that the service has named. The
/// model that was refused is asked again, up to 3 times, after 5 minutes at most (or
/// [`longest_pause`](Self::longest_pause)) and within the [deadline](Self::deadline); refusals are in its
/// [attempts](provider_core::ChatResponse::attempts).
#[derive(Clone, Debug)]
#[must_use = "nothing is asked before it runs"]
pub struct Comparison {
    request: ChatRequest,
    cells: Vec<Cell>,
    concurrency: usize,
    deadline: Option<Duration>,
    cell_timeout: Option<Duration>,
    waits: InFlightWaits,
}

impl Comparison {
    /// Compares what models answer to this request. The model that it names does not matter, each cell puts
    /// its own there; everything else goes to all of them as it is.
    pub fn new(request: ChatRequest) -> Self {
        Self {
            request,
            cells: Vec::new(),
            concurrency: CONCURRENCY,
            deadline: None,
            cell_timeout: None,
            waits: InFlightWaits::default(),
        }
    }

    /// Adds a model of a provider, by the id that the provider knows it by. The label is yours: the report
    /// shows it.
    pub fn cell(
        self,
        label: impl Into<String>,
        provider: Arc<dyn LlmProvider>,
        model: impl Into<String>,
    ) -> Self {
        self.cells([Cell::new(label, provider, model)])
    }

    /// Adds cells, from a list or where [`cell`](Self::cell) cannot say enough.
    pub fn cells(mut self, cells: impl IntoIterator<Item = Cell>) -> Self {
        self.cells.extend(cells);
        self
    }

    /// Sets how many models are asked at the same time; the others start as these end. Default: 4. At least
    /// one is asked, so 0 is 1.
    pub fn concurrency(mut self, concurrency: usize) -> Self {
        self.concurrency = concurrency;
        self
    }

    /// Sets how long the whole comparison may take. Models that are answering then end in an
    /// [`ErrorKind::Timeout`](provider_core::ErrorKind::Timeout) with what had come, and the others are not
    /// asked. Default: no limit but those of the providers.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Sets how long each model may take for its answer, from when it is asked. One that takes longer ends in
    /// an [`ErrorKind::Timeout`](provider_core::ErrorKind::Timeout) with what had come. Default: no limit but
    /// those of its provider.
    ///
    /// A model that is asked again, up to 3 times, after a refusal for a [budget in
    /// flight](Self#a-budget-in-flight) has all of it each time, and the waits between do not count: what
    /// bounds them together is the [deadline](Self::deadline).
    pub fn cell_timeout(mut self, timeout: Duration) -> Self {
        self.cell_timeout = Some(timeout);
        self
    }

    /// Sets the longest wait that a service may name for a [budget in flight](Self#a-budget-in-flight). A
    /// model that would have to wait longer ends at once, in the service's error. Default: 5 minutes.
    pub fn longest_pause(mut self, wait: Duration) -> Self {
        self.waits = self.waits.longest(wait);
        self
    }

    /// Asks all models, and waits for the last one. Needs tokio's timers; dropping the future closes all
    /// connections.
    ///
    /// Never fails as a whole: what goes wrong goes wrong in a cell, and is told there.
    pub async fn run(self) -> Report {
        self.run_with(|_| ()).await
    }

    /// The same, and tells what happens while it happens. `watch` must be quick: while it runs, all cells
    /// wait.
    ///
    /// ```
    /// # async fn run(comparison: provider_compare::Comparison) {
    /// use provider_compare::CellStep;
    /// use provider_core::Event;
    ///
    /// let report = comparison
    ///     .run_with(|progress| match progress.step {
    ///         CellStep::Event(Event::Text(text)) => println!("{}: {text}", progress.label),
    ///         CellStep::Finished(cell) => println!("{} took {:?}", cell.label, cell.timings.total),
    ///         _ => {}
    ///     })
    ///     .await;
    /// # }
    /// ```
    pub async fn run_with(self, watch: impl FnMut(Progress<'_>)) -> Report {
        self.run_until(pending(), watch).await
    }

    /// The same, until `stop` is done: a stop button, or Ctrl-C. Then models that are answering end in an
    /// [`ErrorKind::Interrupted`](provider_core::ErrorKind::Interrupted) with what had come, the others are
    /// not asked, and the report has what was finished before.
    pub async fn run_until(self, stop: impl Future<Output = ()>, watch: impl FnMut(Progress<'_>)) -> Report {
        let created = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
        let round = Round {
            request: &self.request,
            begun: Instant::now(),
            cell_timeout: self.cell_timeout,
            end: end(stop, self.deadline).shared(),
            ended: OnceLock::new(),
            watcher: Watcher::new(watch),
        };
        let deadline = self.deadline.and_then(|time| round.begun.checked_add(time));
        let mut done = Vec::with_capacity(self.cells.len());
        let mut queue = Queue::new(self.cells, deadline, self.waits);
        let mut running = FuturesUnordered::new();
        let mut is_over = false;
        loop {
            while running.len() < self.concurrency.max(1) {
                let Some(turn) = queue.next(Instant::now(), is_over) else { break };
                running.push(round.run(turn));
            }
            if running.is_empty() && queue.is_empty() {
                break;
            }
            // Whoever waits for a time has it come, or the end of all.
            let time = queue.wakes_at().filter(|_| running.len() < self.concurrency.max(1));
            let time = async {
                match time {
                    Some(time) => drop(select(pin!(sleep_until(time)), round.end.clone()).await),
                    None => pending().await,
                }
            };
            let finished = async {
                match running.next().await {
                    Some(finished) => finished,
                    None => pending().await,
                }
            };
            match select(pin!(finished), pin!(time)).await {
                Either::Left(((turn, (result, timings)), _)) => {
                    let index = turn.index;
                    if let Settled::Done(turn, result) = queue.settle(turn, result, Instant::now()) {
                        done.push((index, round.finished(turn, *result, timings)));
                    }
                }
                Either::Right(_) => is_over = round.end.clone().now_or_never().is_some(),
            }
        }
        done.sort_by_key(|(index, _)| *index);
        let cells = done.into_iter().map(|(_, cell)| cell).collect();
        let ended = round.ended.get().copied().unwrap_or(Ended::Complete);
        Report::new(created, Asked(self.request.messages.clone()), cells, round.begun.elapsed(), ended)
    }
}
