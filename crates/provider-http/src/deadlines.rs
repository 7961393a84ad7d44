//! Deadlines of an answer: how long it may be silent, and how long it may take.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::task::unconstrained;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::HttpLimits;

/// After how many pieces that came without a wait the total time is checked.
const PIECES_BETWEEN_CHECKS: u8 = 64;

/// How often the timer fires in the time of the longest silence.
const TICKS: u32 = 16;

/// The deadlines of one request: [`HttpLimits::read_timeout`] and [`HttpLimits::total_timeout`].
///
/// Silence is counted from the moment that a task waits: a reader who takes its time is not the service's
/// silence. A piece that is there costs no look at the clock, and neither does a wait that is over before the
/// timer fires. For that the timer fires [sixteen times](TICKS) in the time of the longest silence, and one
/// that begins between two of these ticks counts from the later one.
#[derive(Debug)]
pub(crate) struct Deadlines {
    started: Instant,
    read_timeout: Duration,
    total_timeout: Duration,
    /// The moment from which silence counts; `None` if something came since the clock was read.
    silent_since: Option<Instant>,
    /// How many pieces came since the total time was checked.
    pieces: u8,
    timer: LazyTimer,
}

/// A deadline that has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Elapsed {
    /// No byte came for longer than the read timeout.
    Read,
    /// The whole takes too long.
    Total,
}

impl Deadlines {
    /// The deadlines of a request that is sent now.
    pub(crate) fn start(limits: &HttpLimits) -> Self {
        Self {
            started: Instant::now(),
            read_timeout: limits.read_timeout,
            total_timeout: limits.total_timeout,
            silent_since: None,
            pieces: 0,
            timer: LazyTimer::default(),
        }
    }

    /// Notes that the service said something: silence is counted anew.
    pub(crate) fn note_progress(&mut self) {
        self.silent_since = None;
        self.pieces = self.pieces.saturating_add(1);
    }

    /// Checks the total time, now and then: for answers that always have something more and do not end.
    pub(crate) fn check(&mut self) -> Result<(), Elapsed> {
        if self.pieces < PIECES_BETWEEN_CHECKS {
            return Ok(());
        }
        self.pieces = 0;
        self.check_total(Instant::now())
    }

    /// Waits. Ready once a deadline has passed; until then the task is woken when it is time to ask again.
    pub(crate) fn poll_waiting(&mut self, cx: &mut Context<'_>) -> Poll<Elapsed> {
        if self.timer.wakes(cx) {
            return Poll::Pending;
        }
        loop {
            let now = Instant::now();
            let since = *self.silent_since.get_or_insert(now);
            if let Err(passed) = self.check_total(now) {
                return Poll::Ready(passed);
            }
            let silent_at = since.checked_add(self.read_timeout);
            if silent_at.is_some_and(|at| at <= now) {
                return Poll::Ready(Elapsed::Read);
            }
            let total_at = self.started.checked_add(self.total_timeout);
            let tick = now.checked_add(self.read_timeout / TICKS);
            match [silent_at, total_at, tick].into_iter().flatten().min() {
                Some(next) if self.timer.set(next, cx).is_ready() => {}
                _ => return Poll::Pending,
            }
        }
    }

    fn check_total(&self, now: Instant) -> Result<(), Elapsed> {
        if now.saturating_duration_since(self.started) >= self.total_timeout {
            Err(Elapsed::Total)
        } else {
            Ok(())
        }
    }
}

/// A timer that is looked at when it has fired, and not with every wait: setting it takes a lock of the
/// runtime, and with every piece of an answer the moment to wait for is a later one.
#[derive(Debug, Default)]
struct LazyTimer {
    timer: Option<Pin<Box<Sleep>>>,
    /// The task that the timer wakes.
    sleeper: Option<Waker>,
}

impl LazyTimer {
    /// Whether the timer is set, has not fired, and wakes this task when it does.
    fn wakes(&self, cx: &Context<'_>) -> bool {
        let is_sleeper = self.sleeper.as_ref().is_some_and(|sleeper| sleeper.will_wake(cx.waker()));
        is_sleeper && self.timer.as_ref().is_some_and(|timer| !timer.is_elapsed())
    }

    /// Sets the timer to a moment, for this task. Ready if the moment has passed.
    fn set(&mut self, at: Instant, cx: &mut Context<'_>) -> Poll<()> {
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(at)));
        if timer.deadline() != at {
            timer.as_mut().reset(at);
        }
        // Polled outside of tokio's budget for a task: a timer that is not polled, because its task has done
        // much, would not know which task to wake.
        let polled = Pin::new(&mut unconstrained(timer.as_mut())).poll(cx);
        self.sleeper = polled.is_pending().then(|| cx.waker().clone());
        polled
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::time::{advance, pause};

    use super::*;

    fn limits(read: u64, total: u64) -> HttpLimits {
        let seconds = Duration::from_secs;
        HttpLimits::default().read_timeout(seconds(read)).total_timeout(seconds(total))
    }

    #[tokio::test]
    async fn silence_is_counted_from_the_wait_on() {
        pause();
        let mut deadlines = Deadlines::start(&limits(10, 1_000));
        // A reader who takes a minute between two pieces waits for none of them.
        for _ in 0..3 {
            advance(Duration::from_secs(60)).await;
            deadlines.note_progress();
        }
        let before = Instant::now();
        let passed = poll_fn(|cx| deadlines.poll_waiting(cx)).await;
        assert_eq!((passed, before.elapsed().as_secs()), (Elapsed::Read, 10));
    }

    /// A wait that begins between two ticks is not noticed until the later one.
    #[tokio::test]
    async fn silence_after_progress_is_counted_to_a_sixteenth() {
        pause();
        let mut deadlines = Deadlines::start(&limits(160, 10_000));
        let begin = Instant::now();
        for second in [1, 2, 13] {
            assert!(poll_fn(|cx| Poll::Ready(deadlines.poll_waiting(cx))).await.is_pending());
            advance(Duration::from_secs(second)).await;
            deadlines.note_progress();
        }
        let passed = poll_fn(|cx| deadlines.poll_waiting(cx)).await;
        let silent = begin.elapsed().as_secs() - 16;
        assert_eq!(passed, Elapsed::Read);
        assert!((160..=170).contains(&silent), "{silent} s");
    }

    #[tokio::test]
    async fn progress_puts_silence_off_until_the_total() {
        pause();
        let mut deadlines = Deadlines::start(&limits(10, 25));
        let begin = Instant::now();
        let mut waits = 0;
        let passed = loop {
            let mut tick = Box::pin(tokio::time::sleep(Duration::from_secs(9)));
            let passed = poll_fn(|cx| match tick.as_mut().poll(cx) {
                Poll::Ready(()) => Poll::Ready(None),
                Poll::Pending => deadlines.poll_waiting(cx).map(Some),
            });
            match passed.await {
                Some(passed) => break passed,
                None => deadlines.note_progress(),
            }
            waits += 1;
        };
        assert_eq!((passed, waits, begin.elapsed().as_secs()), (Elapsed::Total, 2, 25));
    }

    #[tokio::test]
    async fn total_ends_an_answer_that_never_waits() {
        pause();
        let mut deadlines = Deadlines::start(&limits(10, 25));
        advance(Duration::from_secs(26)).await;
        let pieces = (0..1_000).take_while(|_| {
            deadlines.note_progress();
            deadlines.check().is_ok()
        });
        assert_eq!(pieces.count() + 1, usize::from(PIECES_BETWEEN_CHECKS));
    }

    #[tokio::test]
    async fn endless_limits_never_pass() {
        pause();
        let limits = HttpLimits::default().read_timeout(Duration::MAX).total_timeout(Duration::MAX);
        let mut deadlines = Deadlines::start(&limits);
        let year =
            tokio::time::timeout(Duration::from_secs(360 * 86_400), poll_fn(|cx| deadlines.poll_waiting(cx)));
        assert!(year.await.is_err());
    }
}
