//! Clocks: how long something may take, and what happens when it takes longer.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use provider_core::{Error, ErrorKind, Event, StreamGuard, TimeoutPhase};
use tokio::time::{Instant, Sleep, sleep_until, timeout_at};

/// How late a task can be that was woken by a timer. One that asks later than that was not waiting.
const LATENESS: Duration = Duration::from_secs(1);

/// The moment at which a clock runs out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limit {
    phase: TimeoutPhase,
    time: Duration,
    pub(crate) at: Instant,
}

impl Limit {
    /// A clock that starts now or has started. `None` without a time, or with one that no clock counts to.
    pub(crate) fn after(start: Instant, time: Option<Duration>, phase: TimeoutPhase) -> Option<Self> {
        let time = time?;
        Some(Self { phase, time, at: start.checked_add(time)? })
    }

    /// The one that runs out first.
    pub(crate) fn first(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        one.into_iter().chain(other).min_by_key(|limit| limit.at)
    }

    pub(crate) fn error(self) -> Error {
        let seconds = self.time.as_secs_f64();
        let message = match self.phase {
            TimeoutPhase::FirstOutput => format!("no output came within {seconds} s (first-output timeout)"),
            TimeoutPhase::Idle => format!("no output came for {seconds} s (idle timeout)"),
            _ => format!("the call was not over after {seconds} s (deadline)"),
        };
        Error::new(ErrorKind::Timeout, message).with_timeout(self.phase)
    }
}

/// Waits for `work` until the limit, which is the error. Work that is done by then is never thrown away.
pub(crate) async fn within<T>(limit: Option<Limit>, work: impl Future<Output = T>) -> Result<T, Limit> {
    match limit {
        Some(limit) => timeout_at(limit.at, work).await.map_err(|_| limit),
        None => Ok(work.await),
    }
}

/// The clocks of a stream, which run while its reader waits.
pub(crate) struct Clocks {
    /// Runs whatever the reader does.
    deadline: Option<Limit>,
    idle: Option<Duration>,
    has_begun: bool,
    /// When what the reader waits for must be there; `None` until the reader has to wait for it.
    awaited: Option<Limit>,
    /// Wakes the task. Moved only when it has gone off or is too late, not with every event.
    timer: Option<Pin<Box<Sleep>>>,
}

impl Clocks {
    pub(crate) fn new(first_output: Option<Limit>, idle: Option<Duration>, deadline: Option<Limit>) -> Self {
        Self { deadline, idle, has_begun: false, awaited: first_output, timer: None }
    }

    /// The clock that has run out.
    fn run_out(&mut self, now: Instant) -> Option<Limit> {
        if self.awaited.is_none() && self.has_begun {
            self.awaited = Limit::after(now, self.idle, TimeoutPhase::Idle);
        }
        if let Some(late) = self.awaited.filter(|limit| now.saturating_duration_since(limit.at) > LATENESS) {
            // The reader was away meanwhile. What came then may still be on its way through the connection.
            self.awaited = Limit::after(now, Some(late.time), late.phase);
        }
        Limit::first(self.deadline, self.awaited).filter(|limit| limit.at <= now)
    }
}

impl StreamGuard for Clocks {
    fn event(&mut self, event: &Event) -> Result<(), Error> {
        // What is kept of the wire is no output.
        if !matches!(event, Event::Raw(_)) {
            (self.has_begun, self.awaited) = (true, None);
        }
        match self.deadline {
            Some(deadline) if deadline.at <= Instant::now() => Err(deadline.error()),
            _ => Ok(()),
        }
    }

    fn poll_waiting(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        loop {
            if let Some(limit) = self.run_out(Instant::now()) {
                return Poll::Ready(limit.error());
            }
            let Some(next) = Limit::first(self.deadline, self.awaited) else { return Poll::Pending };
            let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(next.at)));
            if timer.deadline() > next.at {
                timer.as_mut().reset(next.at);
            }
            if timer.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            // It was set for an earlier moment, before the last event.
            timer.as_mut().reset(next.at);
        }
    }
}
