//! Retries one at a time, for calls that a budget in flight keeps apart.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use provider_core::author::StreamObserver;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::timeout::deadlines::moment;

/// Lets one retry through at a time, in the order they come, and none before the time that the service named.
#[derive(Debug)]
pub(super) struct InFlightQueue {
    turns: Arc<Turns>,
    not_before: Mutex<Option<Instant>>,
}

#[derive(Debug)]
struct Turns {
    /// One permit while no call has the turn, none while one has it.
    free: Semaphore,
    state: Mutex<TurnState>,
}

#[derive(Debug)]
struct TurnState {
    /// The number of the call that has the turn.
    holder: Option<u64>,
    /// When the turn passed on last.
    since: Instant,
    /// The number of the call that got the turn last.
    last: u64,
}

/// A call's turn. It passes on when this is dropped, or when the next call has waited for too long.
#[derive(Debug)]
pub(super) struct Turn {
    turns: Arc<Turns>,
    number: u64,
}

/// A stream holds the turn until it is over, or until the next call takes it.
impl StreamObserver for Turn {}

impl InFlightQueue {
    pub(super) fn new() -> Self {
        let state = TurnState { holder: None, since: Instant::now(), last: 0 };
        let turns = Turns { free: Semaphore::new(1), state: Mutex::new(state) };
        Self { turns: Arc::new(turns), not_before: Mutex::new(None) }
    }

    /// Holds all retries back until this time, since the service wants none before.
    pub(super) fn not_before(&self, time: Instant) {
        let mut not_before = self.not_before.lock().unwrap_or_else(PoisonError::into_inner);
        *not_before = (*not_before).max(Some(time));
    }

    /// Waits for a turn, and for no single call longer than `max_turn`, which is 10 s at least. A call may
    /// hold its turn for ever, as a stream that is not read does, or may even wait for this one.
    pub(super) async fn turn(&self, max_turn: Duration) -> Turn {
        /// The least time that a call may keep its turn.
        const MIN_TURN: Duration = Duration::from_secs(10);

        let mut turn = self.turns.acquire(max_turn.max(MIN_TURN)).await;
        let time = *self.not_before.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(time) = time {
            sleep_until(time).await;
            turn.restart();
        }
        turn
    }
}

impl Turns {
    fn state(&self) -> MutexGuard<'_, TurnState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn acquire(self: &Arc<Self>, max_turn: Duration) -> Turn {
        // One future for the whole wait: it keeps its place in the semaphore's queue, however often the clock
        // is looked at.
        let mut free = std::pin::pin!(self.free.acquire());
        loop {
            let until = moment(self.state().since, max_turn);
            if let Ok(permit) = timeout_at(until, free.as_mut()).await {
                // The semaphore is never closed. `Turn::drop` gives the permit back.
                permit.into_iter().for_each(tokio::sync::SemaphorePermit::forget);
                break;
            }
            // The holder may have changed while this call waited: the new one has its full time.
            let (mut state, now) = (self.state(), Instant::now());
            if moment(state.since, max_turn) <= now {
                (state.holder, state.since) = (None, now);
                self.free.add_permits(1);
            }
        }
        let mut state = self.state();
        state.last += 1;
        (state.holder, state.since) = (Some(state.last), Instant::now());
        Turn { turns: self.clone(), number: state.last }
    }
}

impl Turn {
    /// Begins the time of this turn anew, so that the wait for the service's time is no part of it.
    fn restart(&mut self) {
        let mut state = self.turns.state();
        if state.holder == Some(self.number) {
            state.since = Instant::now();
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut state = self.turns.state();
        // A turn that was taken away is another call's by now.
        if state.holder == Some(self.number) {
            (state.holder, state.since) = (None, Instant::now());
            self.turns.free.add_permits(1);
        }
    }
}
