//! Clocks: how long something may take, and what happens when it takes longer.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use provider_core::author::{Activity, StreamObserver};
use provider_core::{ChatStream, Error, ErrorKind, TimeoutPhase};
use tokio::task::unconstrained;
use tokio::time::{Instant, Sleep, sleep_until};

/// How late a task can be that was woken by a timer. One that asks later than that was not waiting.
const LATENESS: Duration = Duration::from_secs(1);

/// After how many signs that were there without a wait the deadline is looked at.
const SIGNS_BETWEEN_LOOKS: u8 = 64;

/// The moment after a time; about 30 years from then, if the time is longer than a clock can count to.
pub(crate) fn moment(from: Instant, time: Duration) -> Instant {
    const FAR: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);
    from.checked_add(time).unwrap_or_else(|| from + FAR)
}

/// What a layer waits for: a call of the provider inside it.
pub(crate) type Work<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

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

    /// The one that runs out first; this one, if both do at once.
    fn first(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        match (one, other) {
            (Some(one), Some(other)) if other.at < one.at => Some(other),
            (Some(one), _) => Some(one),
            (None, other) => other,
        }
    }

    pub(crate) fn error(self) -> Error {
        let seconds = self.time.as_secs_f64();
        let message = match self.phase {
            TimeoutPhase::FirstOutput => format!("no output came within {seconds} s (first-output timeout)"),
            TimeoutPhase::Idle => format!("nothing of the answer came for {seconds} s (idle timeout)"),
            _ => format!("the call was not over after {seconds} s (deadline)"),
        };
        Error::new(ErrorKind::Timeout, message).with_timeout(self.phase)
    }
}

/// The clocks of a call and then of its stream, which run while somebody waits.
///
/// They are read when somebody has to wait, and now and then where nobody ever has to, so that an event that
/// is there costs nothing.
#[derive(Default)]
pub(crate) struct Clocks {
    /// Runs whatever the reader does.
    deadline: Option<Limit>,
    idle: Option<Duration>,
    /// Whether output has come.
    has_begun: bool,
    /// Signs since the last look at the deadline.
    signs: u8,
    /// When what the reader waits for must be there; `None` until the reader has to wait for it.
    awaited: Option<Limit>,
    alarm: Alarm,
}

impl Clocks {
    pub(crate) fn new(first_output: Option<Limit>, idle: Option<Duration>, deadline: Option<Limit>) -> Self {
        Self { deadline, idle, awaited: first_output, ..Self::default() }
    }

    /// The deadline alone.
    pub(crate) fn until(deadline: Option<Limit>) -> Self {
        Self::new(None, None, deadline)
    }

    /// Waits for work until a clock runs out, which is the error. Work that is done by then is never thrown
    /// away. Gives the clocks back, which go on with the stream, and with the timer that they have.
    ///
    /// No `async fn`: that would keep room for all it is given twice, in every call that is under way.
    pub(crate) fn within<T>(
        mut self,
        mut work: Work<'_, T>,
    ) -> impl Future<Output = Result<(T, Self), Error>> {
        poll_fn(move |cx| match work.as_mut().poll(cx) {
            Poll::Ready(done) => Poll::Ready(Ok((done, std::mem::take(&mut self)))),
            Poll::Pending => self.poll_waiting(cx).map(Err),
        })
    }

    /// Puts them on a stream. One that is not to be ended by any is left as it is.
    pub(crate) fn watch(self, stream: ChatStream) -> ChatStream {
        let has_none = self.awaited.is_none() && self.idle.is_none() && self.deadline.is_none();
        if has_none { stream } else { stream.observed(self) }
    }

    /// The clock that runs out next, or has run out.
    fn next(&mut self, now: Instant) -> Option<Limit> {
        if self.awaited.is_none() && self.has_begun {
            self.awaited = Limit::after(now, self.idle, TimeoutPhase::Idle);
        }
        if let Some(late) = self.awaited.filter(|limit| now.saturating_duration_since(limit.at) > LATENESS) {
            // The reader was away meanwhile. What came then may still be on its way through the connection.
            self.awaited = Limit::after(now, Some(late.time), late.phase);
        }
        Limit::first(self.awaited, self.deadline)
    }
}

impl StreamObserver for Clocks {
    fn on_activity(&mut self, activity: Activity<'_>) -> Result<(), Error> {
        self.has_begun |= activity.is_output();
        // Until there is output, the first of it is what is waited for, whatever else comes.
        if self.has_begun {
            self.awaited = None;
        }
        let Some(deadline) = self.deadline else { return Ok(()) };
        self.signs = (self.signs + 1) % SIGNS_BETWEEN_LOOKS;
        // An answer that always has something more must end, too.
        if self.signs == 0 && deadline.at <= Instant::now() { Err(deadline.error()) } else { Ok(()) }
    }

    fn poll_waiting(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        self.signs = 0;
        loop {
            let now = Instant::now();
            let Some(next) = self.next(now) else { return Poll::Pending };
            if next.at <= now {
                return Poll::Ready(next.error());
            }
            if self.alarm.is_set(next.at, now, cx) {
                return Poll::Pending;
            }
        }
    }
}

/// Wakes a task when it is time. It may go off too early, since it is moved only then, not with every event.
#[derive(Default)]
struct Alarm {
    timer: Option<Pin<Box<Sleep>>>,
    /// Whom the timer wakes.
    sleeper: Option<Waker>,
}

impl Alarm {
    /// Sees to it that this task is woken at that time at the latest. `false`: the time came meanwhile.
    fn is_set(&mut self, at: Instant, now: Instant, cx: &mut Context<'_>) -> bool {
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(at)));
        let set_to = timer.deadline();
        let is_right = now < set_to && set_to <= at;
        if is_right && self.sleeper.as_ref().is_some_and(|sleeper| sleeper.will_wake(cx.waker())) {
            return true;
        }
        if !is_right {
            timer.as_mut().reset(at);
        }
        // Without tokio's budget: a timer that does not look, since its task has done much, would not know
        // whom to wake.
        if Pin::new(&mut unconstrained(timer.as_mut())).poll(cx).is_ready() {
            self.sleeper = None;
            return false;
        }
        self.sleeper = Some(cx.waker().clone());
        true
    }
}
