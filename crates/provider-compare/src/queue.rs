//! The queue of cells, which paces the cells of a provider with a budget in flight.

use std::sync::Arc;
use std::time::Duration;

use provider_core::author::InFlightWaits;
use provider_core::{ChatResponse, Error, LlmProvider};
use tokio::time::Instant;

use crate::Cell;

/// The turn of a cell, and the refusals of its turns before.
#[derive(Debug)]
pub(crate) struct Turn {
    pub(crate) index: usize,
    pub(crate) cell: Cell,
    pub(crate) refused: Vec<Error>,
}

/// The cells that wait for their turn, in order.
///
/// Cells run concurrently, until a service refuses one because of a budget in flight. After that, the cells
/// of this provider run one at a time and not before the time that the service named, and a refused cell has
/// another turn.
#[derive(Debug)]
pub(crate) struct Queue {
    waiting: Vec<Turn>,
    /// The providers of the running cells.
    running: Vec<Arc<dyn LlmProvider>>,
    sequential: Vec<SequentialProvider>,
    /// The end of the comparison.
    deadline: Option<Instant>,
    waits: InFlightWaits,
}

/// A provider whose cells run one at a time.
#[derive(Debug)]
struct SequentialProvider {
    provider: Arc<dyn LlmProvider>,
    not_before: Instant,
}

/// The outcome of a turn.
#[derive(Debug)]
pub(crate) enum Settled {
    /// The cell is back in the queue for another turn.
    Requeued,
    /// The cell has its result.
    Done(Turn, Box<Result<ChatResponse, Error>>),
}

impl Queue {
    pub(crate) fn new(cells: Vec<Cell>, deadline: Option<Instant>, waits: InFlightWaits) -> Self {
        let turn = |(index, cell)| Turn { index, cell, refused: Vec::new() };
        let waiting = cells.into_iter().enumerate().map(turn).collect();
        Self { waiting, running: Vec::new(), sequential: Vec::new(), deadline, waits }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Takes the first cell that may run now. Once the comparison `is_over`, every cell may, to get its
    /// error.
    pub(crate) fn next(&mut self, now: Instant, is_over: bool) -> Option<Turn> {
        let may_begin = |turn: &Turn| match provider(turn).and_then(|provider| self.sequential(provider)) {
            Some(sequential) => sequential.not_before <= now && !self.is_running(&sequential.provider),
            None => true,
        };
        let at = self.waiting.iter().position(|turn| is_over || may_begin(turn))?;
        let turn = self.waiting.remove(at);
        self.running.extend(provider(&turn).cloned());
        Some(turn)
    }

    /// The earliest time at which a cell may run that waits for a time, and not for another cell.
    pub(crate) fn wakes_at(&self) -> Option<Instant> {
        let sequential =
            self.waiting.iter().filter_map(provider).filter_map(|provider| self.sequential(provider));
        sequential
            .filter(|sequential| !self.is_running(&sequential.provider))
            .map(|sequential| sequential.not_before)
            .min()
    }

    /// Takes the result of a turn: the final one, or a refusal that requeues the cell.
    pub(crate) fn settle(
        &mut self,
        mut turn: Turn,
        mut result: Result<ChatResponse, Error>,
        now: Instant,
    ) -> Settled {
        if let Some(provider) = provider(&turn).cloned() {
            if let Some(at) = self.running.iter().position(|other| is_same_handle(other, &provider)) {
                self.running.swap_remove(at);
            }
            match &mut result {
                Err(error) if error.is_budget_in_flight() => match self.wait_for(error, &turn, now) {
                    Ok(wait) => {
                        self.make_sequential(&provider, saturating_add(now, wait));
                        turn.refused.extend(error.clone().into_attempts());
                        let at = self.waiting.partition_point(|other| other.index < turn.index);
                        self.waiting.insert(at, turn);
                        return Settled::Requeued;
                    }
                    Err((why, wait)) => {
                        self.make_sequential(&provider, saturating_add(now, wait));
                        *error = error.clone().with_note(&why);
                    }
                },
                // An inner layer waited for the budget.
                Ok(ChatResponse { attempts, .. }) if attempts.iter().any(Error::is_budget_in_flight) => {
                    self.make_sequential(&provider, now);
                }
                Err(error) if error.attempts().iter().any(Error::is_budget_in_flight) => {
                    self.make_sequential(&provider, now);
                }
                _ => {}
            }
        }
        let refused = std::mem::take(&mut turn.refused);
        let result = match result {
            Ok(mut response) => {
                response.attempts.splice(0..0, refused);
                Ok(response)
            }
            Err(error) if refused.is_empty() => Err(error),
            Err(error) => Err(error.after(refused)),
        };
        Settled::Done(turn, Box::new(result))
    }

    /// The wait before the next turn of a refused cell; or the reason why there is none, and the wait for the
    /// provider's other cells.
    fn wait_for(&self, error: &Error, turn: &Turn, now: Instant) -> Result<Duration, (String, Duration)> {
        let left = self.deadline.map(|deadline| deadline.saturating_duration_since(now));
        let Some(wait) = InFlightWaits::advised(error) else {
            let why = match error.has_exhausted_retries() {
                // A layer of the provider has waited as often as it may: waiting here as well would multiply.
                true => "its retries are exhausted",
                false => "that would not help",
            };
            let named = error.retry().after().unwrap_or_default();
            let is_too_long =
                left.is_some_and(|left| named >= left) || self.waits.why_not(named, 0).is_some();
            let others = if is_too_long { Duration::ZERO } else { named };
            return Err((format!("not asked again, since {why}"), others));
        };
        let refused = turn.refused.iter().filter(|error| error.is_budget_in_flight()).count();
        let (why, others) = if error.was_paid_for() {
            ("it was paid for".to_owned(), wait)
        } else if let Some(left) = left.filter(|left| wait >= *left) {
            // The deadline comes before the wait is over, for all of them: they are asked without it.
            (format!("only {} s are left of the comparison's time", left.as_secs()), Duration::ZERO)
        } else if let Some(why) = self.waits.why_not(wait, refused) {
            // A wait that is too long for this cell is too long for the others: they are asked without it.
            (why, if self.waits.why_not(wait, 0).is_some() { Duration::ZERO } else { wait })
        } else {
            return Ok(wait);
        };
        let seconds = wait.as_secs_f64().ceil();
        Err((format!("not asked again, since {why}; ask again in {seconds} s"), others))
    }

    fn make_sequential(&mut self, provider: &Arc<dyn LlmProvider>, not_before: Instant) {
        match self.sequential.iter_mut().find(|sequential| is_same_handle(&sequential.provider, provider)) {
            Some(sequential) => sequential.not_before = sequential.not_before.max(not_before),
            None => self.sequential.push(SequentialProvider { provider: provider.clone(), not_before }),
        }
    }

    fn sequential(&self, provider: &Arc<dyn LlmProvider>) -> Option<&SequentialProvider> {
        self.sequential.iter().find(|sequential| is_same_handle(&sequential.provider, provider))
    }

    fn is_running(&self, provider: &Arc<dyn LlmProvider>) -> bool {
        self.running.iter().any(|other| is_same_handle(other, provider))
    }
}

/// Adds a time to an instant. A time that overflows the clock counts as 30 years.
fn saturating_add(from: Instant, time: Duration) -> Instant {
    const FAR: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);
    from.checked_add(time).unwrap_or_else(|| from + FAR)
}

/// The provider of a cell, if it has one.
fn provider(turn: &Turn) -> Option<&Arc<dyn LlmProvider>> {
    turn.cell.target.as_ref().ok().map(|target| &target.provider)
}

/// Whether both are the same handle, and so one account with one budget.
fn is_same_handle(one: &Arc<dyn LlmProvider>, other: &Arc<dyn LlmProvider>) -> bool {
    Arc::ptr_eq(one, other)
}
