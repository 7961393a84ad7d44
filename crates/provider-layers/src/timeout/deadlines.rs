//! The deadlines of a call, and one lazy timer for all of them.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use provider_core::author::{Activity, StreamObserver};
use provider_core::{ChatStream, Error, ErrorKind, TimeoutPhase};
use tokio::task::unconstrained;
use tokio::time::{Instant, Sleep, sleep_until};

/// The moment after a time; about 30 years from then, if the time is longer than a clock can count to.
pub(crate) fn moment(from: Instant, time: Duration) -> Instant {
    const FAR: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);
    from.checked_add(time).unwrap_or_else(|| from + FAR)
}

/// How often the timer fires in the longest time between two signs of life.
const TICKS: u32 = 16;

/// A call of the provider inside a layer.
pub(crate) type Work<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The moment at which a timeout ends a call, and which timeout that is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    phase: TimeoutPhase,
    time: Duration,
    pub(crate) at: Instant,
}

impl Deadline {
    /// The deadline of a timeout that runs from `start`. `None` without a time, or with one that no clock
    /// counts to.
    pub(crate) fn after(start: Instant, time: Option<Duration>, phase: TimeoutPhase) -> Option<Self> {
        let time = time?;
        Some(Self { phase, time, at: start.checked_add(time)? })
    }

    /// The earlier one; `one`, if both are at the same moment.
    pub(crate) fn first(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        match (one, other) {
            (Some(one), Some(other)) if other.at < one.at => Some(other),
            (Some(one), _) => Some(one),
            (None, other) => other,
        }
    }

    fn error(self) -> Error {
        let seconds = self.time.as_secs_f64();
        let message = match self.phase {
            TimeoutPhase::FirstOutput => format!("no output came within {seconds} s (first-output timeout)"),
            TimeoutPhase::Idle => format!("nothing of the answer came for {seconds} s (idle timeout)"),
            _ => format!("the call was not over after {seconds} s (deadline)"),
        };
        Error::new(ErrorKind::Timeout, message).with_timeout(self.phase)
    }
}

/// The deadlines of a call and then of its stream.
///
/// The clock is read when the timer fires, and with every 64th sign where the reader never has to wait. So an
/// event that is there already costs nothing, and a short wait nearly so. For that the timer fires
/// [sixteen times](TICKS) in the time of the longest pause, and a pause that begins between two of these
/// ticks counts from the later one.
#[derive(Default)]
pub(crate) struct Deadlines {
    /// The deadline of the whole call, which counts whatever the reader does.
    call: Option<Deadline>,
    /// The longest time between two signs of life.
    idle: Option<Duration>,
    /// Whether output has come.
    has_begun: bool,
    /// Signs since the last look at the deadline of the call.
    signs: u8,
    /// The deadline of the sign that comes next; `None` until the reader has to wait for it.
    next_sign: Option<Deadline>,
    timer: LazyTimer,
}

impl Deadlines {
    pub(crate) fn new(
        first_output: Option<Deadline>,
        idle: Option<Duration>,
        call: Option<Deadline>,
    ) -> Self {
        Self { call, idle, next_sign: first_output, ..Self::default() }
    }

    /// Waits for work until a deadline, which is the error. A result that is there by then is never thrown
    /// away. Gives the deadlines back, with their timer, so that they go on with the stream.
    ///
    /// This is no `async fn`: the future of one would hold its arguments twice, in every call under way.
    pub(crate) fn within<T>(
        mut self,
        mut work: Work<'_, T>,
    ) -> impl Future<Output = Result<(T, Self), Error>> {
        poll_fn(move |cx| match work.as_mut().poll(cx) {
            Poll::Ready(done) => Poll::Ready(Ok((done, std::mem::take(&mut self)))),
            Poll::Pending => self.poll_waiting(cx).map(Err),
        })
    }

    /// Has a stream end at these deadlines. Without any, the stream stays as it is.
    pub(crate) fn watch(self, stream: ChatStream) -> ChatStream {
        let has_none = self.next_sign.is_none() && self.idle.is_none() && self.call.is_none();
        if has_none { stream } else { stream.observed(self) }
    }

    /// The deadline that comes next, or has passed.
    fn next(&mut self, now: Instant) -> Option<Deadline> {
        /// How late a task can be that a timer woke. A task that looks later than that was not waiting.
        const LATENESS: Duration = Duration::from_secs(1);

        if self.next_sign.is_none() && self.has_begun {
            self.next_sign = Deadline::after(now, self.idle, TimeoutPhase::Idle);
        }
        if let Some(late) = self.next_sign.filter(|next| now.saturating_duration_since(next.at) > LATENESS) {
            // The reader was away meanwhile. A sign that came then may still be in the connection's buffers.
            self.next_sign = Deadline::after(now, Some(late.time), late.phase);
        }
        Deadline::first(self.next_sign, self.call)
    }
}

impl StreamObserver for Deadlines {
    fn on_activity(&mut self, activity: Activity<'_>) -> Result<(), Error> {
        /// How many signs may come without a wait between two looks at the clock.
        const SIGNS_BETWEEN_CHECKS: u8 = 64;

        self.has_begun |= activity.is_output();
        // Before the first output, `Activity::Life` does not extend its deadline.
        if self.has_begun {
            self.next_sign = None;
        }
        let Some(call) = self.call else { return Ok(()) };
        self.signs = (self.signs + 1) % SIGNS_BETWEEN_CHECKS;
        // An answer that always has something more, so that its reader never waits, must end, too.
        if self.signs == 0 && call.at <= Instant::now() { Err(call.error()) } else { Ok(()) }
    }

    fn poll_waiting(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        self.signs = 0;
        if self.timer.wakes(cx) {
            return Poll::Pending;
        }
        loop {
            let now = Instant::now();
            let Some(next) = self.next(now) else { return Poll::Pending };
            if next.at <= now {
                return Poll::Ready(next.error());
            }
            let tick = self.idle.and_then(|idle| now.checked_add(idle / TICKS));
            if self.timer.set(tick.map_or(next.at, |tick| tick.min(next.at)), cx).is_pending() {
                return Poll::Pending;
            }
        }
    }
}

/// A timer that is looked at when it has fired, and not with every wait: setting it takes a lock of the
/// runtime, and with every piece of an answer the moment to wait for is a later one.
#[derive(Default)]
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
