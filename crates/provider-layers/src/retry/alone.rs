//! One after the other, for calls that are in each other's way.

use std::sync::{Arc, Mutex, PoisonError};

use provider_core::StreamGuard;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until};

/// Lets one call through at a time, in the order they come, and none before the service's time.
#[derive(Debug)]
pub(super) struct Alone {
    turn: Arc<Semaphore>,
    not_before: Mutex<Option<Instant>>,
}

/// A call's turn. The next one has it when this is dropped.
#[derive(Debug)]
pub(super) struct Turn {
    _permit: Option<OwnedSemaphorePermit>,
}

/// A stream keeps the turn until it is over.
impl StreamGuard for Turn {}

impl Alone {
    pub(super) fn new() -> Self {
        Self { turn: Arc::new(Semaphore::new(1)), not_before: Mutex::new(None) }
    }

    /// The service wants none of them before this time.
    pub(super) fn not_before(&self, time: Option<Instant>) {
        let mut not_before = self.not_before.lock().unwrap_or_else(PoisonError::into_inner);
        *not_before = (*not_before).max(time);
    }

    /// Waits for a turn.
    pub(super) async fn turn(&self) -> Turn {
        // It is never closed.
        let turn = Turn { _permit: self.turn.clone().acquire_owned().await.ok() };
        let time = *self.not_before.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(time) = time {
            sleep_until(time).await;
        }
        turn
    }
}
