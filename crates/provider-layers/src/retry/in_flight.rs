//! One after the other, for calls that are in each other's way.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use provider_core::author::StreamObserver;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::timeout::deadlines::moment;

/// The least time that a turn is left to the call that has it.
const LEAST_TURN: Duration = Duration::from_secs(10);

/// Lets one call through at a time, in the order they come, and none before the service's time.
#[derive(Debug)]
pub(super) struct Alone {
    queue: Arc<Queue>,
    not_before: Mutex<Option<Instant>>,
}

/// The calls that wait for a turn, and the one that has it.
#[derive(Debug)]
struct Queue {
    /// The turn, while no call has it.
    free: Semaphore,
    held: Mutex<Held>,
}

#[derive(Debug)]
struct Held {
    /// The number of the call that has the turn.
    by: Option<u64>,
    /// When the turn passed on last.
    since: Instant,
    /// The number of the call that had it last.
    last: u64,
}

/// A call's turn. The next one has it when this is dropped, or when it has waited for too long.
#[derive(Debug)]
pub(super) struct Turn {
    queue: Arc<Queue>,
    number: u64,
}

/// A stream keeps the turn until it is over, or until the next call takes it.
impl StreamObserver for Turn {}

impl Alone {
    pub(super) fn new() -> Self {
        let held = Held { by: None, since: Instant::now(), last: 0 };
        let queue = Queue { free: Semaphore::new(1), held: Mutex::new(held) };
        Self { queue: Arc::new(queue), not_before: Mutex::new(None) }
    }

    /// The service wants none of them before this time.
    pub(super) fn not_before(&self, time: Instant) {
        let mut not_before = self.not_before.lock().unwrap_or_else(PoisonError::into_inner);
        *not_before = (*not_before).max(Some(time));
    }

    /// Waits for a turn, and for no single turn longer than `most`, but for 10 s at least: a call may hold
    /// its turn for ever, as a stream that is not read does, or may even wait for this one.
    pub(super) async fn turn(&self, most: Duration) -> Turn {
        let most = most.max(LEAST_TURN);
        let mut turn = self.queue.turn(most).await;
        let time = *self.not_before.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(time) = time {
            sleep_until(time).await;
            turn.begins();
        }
        turn
    }
}

impl Queue {
    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn turn(self: &Arc<Self>, most: Duration) -> Turn {
        // The place in the order is kept, however often the time is looked at.
        let mut free = std::pin::pin!(self.free.acquire());
        loop {
            let until = moment(self.held().since, most);
            if let Ok(permit) = timeout_at(until, free.as_mut()).await {
                // It is never closed.
                permit.into_iter().for_each(tokio::sync::SemaphorePermit::forget);
                break;
            }
            let (mut held, now) = (self.held(), Instant::now());
            if moment(held.since, most) <= now {
                (held.by, held.since) = (None, now);
                self.free.add_permits(1);
            }
        }
        let mut held = self.held();
        held.last += 1;
        (held.by, held.since) = (Some(held.last), Instant::now());
        Turn { queue: self.clone(), number: held.last }
    }
}

impl Turn {
    /// The wait for the service's time is no part of it.
    fn begins(&mut self) {
        let mut held = self.queue.held();
        if held.by == Some(self.number) {
            held.since = Instant::now();
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut held = self.queue.held();
        // One that was taken away is with another call by now.
        if held.by == Some(self.number) {
            (held.by, held.since) = (None, Instant::now());
            self.queue.free.add_permits(1);
        }
    }
}
