//! The comparison: a request, its cells, and how to run them.

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

use crate::progress::ProgressSink;
use crate::queue::{Queue, Settled};
use crate::report::Messages;
use crate::run::Run;
use crate::stop::end;
use crate::{Cell, Ended, Progress, Report};

/// The default number of models that are asked at the same time: enough to be quick, and within the rate
/// limits of small accounts.
const DEFAULT_CONCURRENCY: usize = 4;

/// Sends one request to several models. Add a [`cell`](Self::cell) for each, then [`run`](Self::run) it.
///
/// # A budget in flight
///
/// Some services reserve the [possible cost](provider_core::LimitKind::InFlight) of requests under way, and
/// refuse requests beyond a budget. After the first such refusal, the comparison asks the models of this
/// provider one at a time, and not before the time that the service names. It asks the refused model again,
/// up to 3 times, after a wait of up to 5 minutes ([`longest_pause`](Self::longest_pause)), and within the
/// [deadline](Self::deadline). The refusals are in the cell's
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
    /// Compares the answers of models to this request. Each cell replaces the request's model with its own;
    /// the rest goes to all models unchanged.
    pub fn new(request: ChatRequest) -> Self {
        Self {
            request,
            cells: Vec::new(),
            concurrency: DEFAULT_CONCURRENCY,
            deadline: None,
            cell_timeout: None,
            waits: InFlightWaits::default(),
        }
    }

    /// Adds a model by its id at the provider. The report shows the label.
    pub fn cell(
        self,
        label: impl Into<String>,
        provider: Arc<dyn LlmProvider>,
        model: impl Into<String>,
    ) -> Self {
        self.cells([Cell::new(label, provider, model)])
    }

    /// Adds cells, from a list or with settings that [`cell`](Self::cell) lacks.
    pub fn cells(mut self, cells: impl IntoIterator<Item = Cell>) -> Self {
        self.cells.extend(cells);
        self
    }

    /// Sets how many models are asked at the same time; each that ends lets the next one start. Default: 4.
    /// 0 counts as 1.
    pub fn concurrency(mut self, concurrency: usize) -> Self {
        self.concurrency = concurrency;
        self
    }

    /// Sets the time limit of the whole comparison. After it, models that are answering end in an
    /// [`ErrorKind::Timeout`](provider_core::ErrorKind::Timeout) with their partial answers, and the others
    /// are not asked. Default: none besides the limits of the providers.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Sets the time limit of each model, from its request to the end of its answer. A model that takes
    /// longer ends in an [`ErrorKind::Timeout`](provider_core::ErrorKind::Timeout) with its partial answer.
    /// Default: none besides the limits of its provider.
    ///
    /// A model that is asked again after a refusal for a [budget in flight](Self#a-budget-in-flight) has the
    /// full time on each attempt, and the waits between do not count. The [deadline](Self::deadline) bounds
    /// them all.
    pub fn cell_timeout(mut self, timeout: Duration) -> Self {
        self.cell_timeout = Some(timeout);
        self
    }

    /// Sets the longest wait that a service may name for a [budget in flight](Self#a-budget-in-flight). A
    /// model that would have to wait longer ends at once with the service's error. Default: 5 minutes.
    pub fn longest_pause(mut self, wait: Duration) -> Self {
        self.waits = self.waits.max_wait(wait);
        self
    }

    /// Asks all models and waits for the last one. Needs tokio's timers. Dropping the future closes all
    /// connections.
    ///
    /// A comparison has no error of its own: a failure is the result of its cell.
    pub async fn run(self) -> Report {
        self.run_with(|_| ()).await
    }

    /// Does the same as [`run`](Self::run), and calls `watch` with every step of every cell. `watch` must be
    /// quick: all cells wait for it.
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

    /// Does the same as [`run_with`](Self::run_with) until `stop` resolves, on a stop button or Ctrl-C.
    /// Models that are answering then end in an
    /// [`ErrorKind::Interrupted`](provider_core::ErrorKind::Interrupted) with their partial answers, the
    /// others are not asked, and finished cells keep their results.
    pub async fn run_until(self, stop: impl Future<Output = ()>, watch: impl FnMut(Progress<'_>)) -> Report {
        let created = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
        let run = Run {
            request: &self.request,
            begun: Instant::now(),
            cell_timeout: self.cell_timeout,
            end: end(stop, self.deadline).shared(),
            ended: OnceLock::new(),
            progress: ProgressSink::new(watch),
        };
        let deadline = self.deadline.and_then(|time| run.begun.checked_add(time));
        let mut done = Vec::with_capacity(self.cells.len());
        let mut queue = Queue::new(self.cells, deadline, self.waits);
        let mut running = FuturesUnordered::new();
        let mut is_over = false;
        loop {
            while running.len() < self.concurrency.max(1) {
                let Some(turn) = queue.next(Instant::now(), is_over) else { break };
                running.push(run.run(turn));
            }
            if running.is_empty() && queue.is_empty() {
                break;
            }
            // A cell that waits for a time, with a free place to run in, wakes the loop. So does the end of
            // all.
            let time = queue.wakes_at().filter(|_| running.len() < self.concurrency.max(1));
            let time = async {
                match time {
                    Some(time) => drop(select(pin!(sleep_until(time)), run.end.clone()).await),
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
                        done.push((index, run.finished(turn, *result, timings)));
                    }
                }
                Either::Right(_) => is_over = run.end.clone().now_or_never().is_some(),
            }
        }
        done.sort_by_key(|(index, _)| *index);
        let cells = done.into_iter().map(|(_, cell)| cell).collect();
        let ended = run.ended.get().copied().unwrap_or(Ended::Complete);
        Report::new(created, Messages(self.request.messages.clone()), cells, run.begun.elapsed(), ended)
    }
}
