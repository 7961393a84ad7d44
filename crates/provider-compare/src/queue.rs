//! The order in which cells have their turns.

use std::sync::Arc;
use std::time::Duration;

use provider_core::author::InFlightWaits;
use provider_core::{ChatResponse, Error, LlmProvider};
use tokio::time::Instant;

use crate::Cell;

/// A cell whose turn it is, and what it was refused for before.
#[derive(Debug)]
pub(crate) struct Turn {
    pub(crate) index: usize,
    pub(crate) cell: Cell,
    pub(crate) refused: Vec<Error>,
}

/// The cells that wait for their turn, in order.
///
/// Cells have their turns side by side. A service that holds back what requests under way may cost refuses
/// some of them then: after the first such refusal, cells of this provider have their turns one at a time,
/// none before the time that the service has named, and those that were refused have theirs once more.
#[derive(Debug)]
pub(crate) struct Queue {
    waiting: Vec<Turn>,
    /// The providers of the cells whose turn it is.
    running: Vec<Arc<dyn LlmProvider>>,
    paced: Vec<Paced>,
    /// When the comparison has to be over.
    deadline: Option<Instant>,
    waits: InFlightWaits,
}

/// A provider whose cells have their turns one at a time.
#[derive(Debug)]
struct Paced {
    provider: Arc<dyn LlmProvider>,
    not_before: Instant,
}

/// The outcome of a turn.
#[derive(Debug)]
pub(crate) enum Settled {
    /// The cell waits for another turn.
    Waits,
    /// It has its result.
    Done(Turn, Box<Result<ChatResponse, Error>>),
}

impl Queue {
    pub(crate) fn new(cells: Vec<Cell>, deadline: Option<Instant>, waits: InFlightWaits) -> Self {
        let turn = |(index, cell)| Turn { index, cell, refused: Vec::new() };
        let waiting = cells.into_iter().enumerate().map(turn).collect();
        Self { waiting, running: Vec::new(), paced: Vec::new(), deadline, waits }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// The first one that may have its turn now. Once all `is_over`, each may: it is only told so.
    pub(crate) fn next(&mut self, now: Instant, is_over: bool) -> Option<Turn> {
        let may_begin = |turn: &Turn| match provider(turn).and_then(|provider| self.paced(provider)) {
            Some(paced) => paced.not_before <= now && !self.is_running(&paced.provider),
            None => true,
        };
        let at = self.waiting.iter().position(|turn| is_over || may_begin(turn))?;
        let turn = self.waiting.remove(at);
        self.running.extend(provider(&turn).cloned());
        Some(turn)
    }

    /// When the next one may have its turn that waits for a time and not for others.
    pub(crate) fn wakes_at(&self) -> Option<Instant> {
        let paced = self.waiting.iter().filter_map(provider).filter_map(|provider| self.paced(provider));
        paced.filter(|paced| !self.is_running(&paced.provider)).map(|paced| paced.not_before).min()
    }

    /// Takes note of what came of a turn.
    pub(crate) fn settle(
        &mut self,
        mut turn: Turn,
        mut result: Result<ChatResponse, Error>,
        now: Instant,
    ) -> Settled {
        if let Some(provider) = provider(&turn).cloned() {
            if let Some(at) = self.running.iter().position(|other| is_same(other, &provider)) {
                self.running.swap_remove(at);
            }
            match &mut result {
                Err(error) if error.is_budget_in_flight() => match self.wait_for(error, &turn, now) {
                    Ok(wait) => {
                        self.pace(&provider, moment(now, wait));
                        // One flat list: what a layer further in tried comes before what it ended in.
                        turn.refused.extend_from_slice(error.attempts());
                        turn.refused.push(error.clone().with_attempts(Vec::new()));
                        let at = self.waiting.partition_point(|other| other.index < turn.index);
                        self.waiting.insert(at, turn);
                        return Settled::Waits;
                    }
                    Err((why, wait)) => {
                        self.pace(&provider, moment(now, wait));
                        *error = error.clone().with_note(&why);
                    }
                },
                // A layer further in has waited for it.
                Ok(ChatResponse { attempts, .. }) if attempts.iter().any(Error::is_budget_in_flight) => {
                    self.pace(&provider, now);
                }
                Err(error) if error.attempts().iter().any(Error::is_budget_in_flight) => {
                    self.pace(&provider, now);
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

    /// How long the next turn of a cell that was refused has to wait; or why there is none, and how long the
    /// others have to wait.
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
            // There is no time to wait for that. The others may as well be asked.
            (format!("only {} s are left of the comparison's time", left.as_secs()), Duration::ZERO)
        } else if let Some(why) = self.waits.why_not(wait, refused) {
            // A wait that is too long for this one is for the others as well: they are asked without it.
            (why, if self.waits.why_not(wait, 0).is_some() { Duration::ZERO } else { wait })
        } else {
            return Ok(wait);
        };
        let seconds = wait.as_secs_f64().ceil();
        Err((format!("not asked again, since {why}; ask again in {seconds} s"), others))
    }

    fn pace(&mut self, provider: &Arc<dyn LlmProvider>, not_before: Instant) {
        match self.paced.iter_mut().find(|paced| is_same(&paced.provider, provider)) {
            Some(paced) => paced.not_before = paced.not_before.max(not_before),
            None => self.paced.push(Paced { provider: provider.clone(), not_before }),
        }
    }

    fn paced(&self, provider: &Arc<dyn LlmProvider>) -> Option<&Paced> {
        self.paced.iter().find(|paced| is_same(&paced.provider, provider))
    }

    fn is_running(&self, provider: &Arc<dyn LlmProvider>) -> bool {
        self.running.iter().any(|other| is_same(other, provider))
    }
}

/// The moment after a time; about 30 years from then, if the time is longer than a clock can count to.
fn moment(from: Instant, time: Duration) -> Instant {
    const FAR: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);
    from.checked_add(time).unwrap_or_else(|| from + FAR)
}

/// Whom a cell asks, if anybody.
fn provider(turn: &Turn) -> Option<&Arc<dyn LlmProvider>> {
    turn.cell.target.as_ref().ok().map(|target| &target.provider)
}

/// Whether both are the same handle: one account, with one budget.
fn is_same(one: &Arc<dyn LlmProvider>, other: &Arc<dyn LlmProvider>) -> bool {
    std::ptr::addr_eq(Arc::as_ptr(one), Arc::as_ptr(other))
}
