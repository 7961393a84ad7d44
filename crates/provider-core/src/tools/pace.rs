//! The pace of a run at a service that holds back what requests under way may cost.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use super::run::CalledTool;
use crate::Error;
use crate::error::InFlightWaits;

pub(super) type Pause<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// Waits for a budget in flight, and remembers that there is one.
#[derive(Default)]
pub(super) struct Pace<'a> {
    /// The caller's timer.
    sleep: Option<Box<dyn Fn(Duration) -> Pause<'a> + Send + 'a>>,
    waits: InFlightWaits,
    is_one_at_a_time: bool,
}

impl<'a> Pace<'a> {
    /// Sets the timer.
    pub(super) fn pause_with<S>(&mut self, sleep: impl Fn(Duration) -> S + Send + 'a)
    where
        S: Future<Output = ()> + Send + 'a,
    {
        self.sleep = Some(Box::new(move |time| Box::pin(sleep(time))));
    }

    /// Sets the longest wait that a service may name.
    pub(super) fn max_wait(&mut self, wait: Duration) {
        self.waits = self.waits.max_wait(wait);
    }

    /// How many tools may be at work at the same time: as many as are allowed, until a request was refused.
    /// Tools may ask models, too.
    pub(super) fn parallel(&self, allowed: usize) -> usize {
        if self.is_one_at_a_time { allowed.min(1) } else { allowed }
    }

    /// Takes note of what failed on the way to an answer.
    pub(super) fn note_attempts(&mut self, attempts: &[Error]) {
        self.is_one_at_a_time |= attempts.iter().any(Error::is_budget_in_flight);
    }

    /// Takes note of the requests that tools have made.
    pub(super) fn note_tools(&mut self, called: &[CalledTool]) {
        for error in called.iter().filter_map(|called| called.result.as_ref().err()) {
            if let Some(error) = error.source().and_then(|source| source.downcast_ref::<Error>()) {
                self.is_one_at_a_time |= error.is_budget_in_flight();
                self.note_attempts(error.attempts());
            }
        }
    }

    /// The pause before a turn is asked for once more that was refused so often before.
    ///
    /// # Errors
    /// The error, if it is not.
    pub(super) fn again(&mut self, error: &Error, refused: usize) -> Result<Pause<'a>, Error> {
        self.note_attempts(error.attempts());
        if !error.is_budget_in_flight() {
            return Err(error.clone());
        }
        self.is_one_at_a_time = true;
        let Some(wait) = InFlightWaits::advised(error) else { return Err(error.clone()) };
        let Some(sleep) = self.sleep.as_ref().filter(|_| !error.was_paid_for()) else {
            return Err(error.clone());
        };
        let Some(why) = self.waits.why_not(wait, refused) else { return Ok(sleep(wait)) };
        let seconds = wait.as_secs_f64().ceil();
        Err(error.clone().with_note(&format!("not asked again, since {why}; ask again in {seconds} s")))
    }
}

impl fmt::Debug for Pace<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pace")
            .field("has_timer", &self.sleep.is_some())
            .field("waits", &self.waits)
            .field("is_one_at_a_time", &self.is_one_at_a_time)
            .finish()
    }
}
