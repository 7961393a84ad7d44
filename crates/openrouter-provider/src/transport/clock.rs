//! How long an answer is waited for.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

use crate::Limits;

/// After how many pieces that were there without a wait the time is looked at.
const PIECES_BETWEEN_LOOKS: u8 = 64;

/// The clocks of an answer: [`Limits::read_timeout`] and [`Limits::total_timeout`].
///
/// They are read when somebody has to wait, and the one timer is moved when it goes off, so that a piece that
/// is there costs nothing. Silence is counted from the moment that somebody waits: a reader who takes its
/// time is not the service's silence.
#[derive(Debug)]
pub(crate) struct Clock {
    begun: Instant,
    silence: Duration,
    total: Duration,
    waiting_since: Option<Instant>,
    /// How many came since the time was looked at.
    pieces: u8,
    timer: Option<Pin<Box<Sleep>>>,
}

/// A clock that has run out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RunOut {
    /// Nothing came for too long.
    Silence,
    /// It takes too long altogether.
    Total,
}

impl Clock {
    /// The clock of a request that is sent now.
    pub(crate) fn start(limits: &Limits) -> Self {
        Self {
            begun: Instant::now(),
            silence: limits.read_timeout,
            total: limits.total_timeout,
            waiting_since: None,
            pieces: 0,
            timer: None,
        }
    }

    /// The head of the answer is there.
    pub(crate) fn head_came(&mut self) {
        self.waiting_since = None;
    }

    /// A piece of the body came.
    pub(crate) fn came(&mut self) {
        self.waiting_since = None;
        self.pieces = self.pieces.saturating_add(1);
    }

    /// Whether there is time for one more piece: looked at now and then, for answers that always have
    /// something more and do not end.
    pub(crate) fn has_time(&mut self) -> Result<(), RunOut> {
        if self.pieces < PIECES_BETWEEN_LOOKS {
            return Ok(());
        }
        self.pieces = 0;
        self.check_total(Instant::now())
    }

    /// Nothing is there. Ready when it is in vain to wait on; else the task is woken when it is time to ask
    /// again.
    pub(crate) fn poll_waiting(&mut self, cx: &mut Context<'_>) -> Poll<RunOut> {
        loop {
            let now = Instant::now();
            let since = *self.waiting_since.get_or_insert(now);
            if let Err(run_out) = self.check_total(now) {
                return Poll::Ready(run_out);
            }
            let silent_at = since.checked_add(self.silence);
            if silent_at.is_some_and(|at| at <= now) {
                return Poll::Ready(RunOut::Silence);
            }
            let Some(next) = silent_at.into_iter().chain(self.begun.checked_add(self.total)).min() else {
                return Poll::Pending;
            };
            let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(next)));
            if timer.deadline() > next {
                timer.as_mut().reset(next);
            }
            if timer.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            // It was set for an earlier moment, before the last piece.
            timer.as_mut().reset(next);
        }
    }

    fn check_total(&self, now: Instant) -> Result<(), RunOut> {
        if now.saturating_duration_since(self.begun) >= self.total { Err(RunOut::Total) } else { Ok(()) }
    }
}
