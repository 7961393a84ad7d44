//! A limit on calls per second: a generic cell rate algorithm (GCRA), with calls that wait in place of calls
//! that are refused.

use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

/// Lets calls through at a steady rate, in the order they come.
#[derive(Debug)]
pub(super) struct RateLimiter {
    /// The time from one call to the next at the steady rate.
    interval: Duration,
    /// How far ahead of the steady rate a burst may be.
    tolerance: Duration,
    /// The time at which the next call is due at the steady rate. The first call of the queue holds the lock
    /// while it waits, and tokio's mutex is fair.
    next_due: Mutex<Option<Instant>>,
}

impl RateLimiter {
    /// Makes a limiter of one call in each interval, and after a pause of `burst` calls at once.
    pub(super) fn new(interval: Duration, burst: u32) -> Self {
        let tolerance = interval.saturating_mul(burst.saturating_sub(1));
        Self { interval, tolerance, next_due: Mutex::new(None) }
    }

    /// Waits for this call's turn. A call that is dropped before has used nothing up.
    pub(super) async fn acquire(&self) {
        let mut next_due = self.next_due.lock().await;
        if let Some(at) = next_due.and_then(|due| due.checked_sub(self.tolerance)) {
            if at > Instant::now() {
                sleep_until(at).await;
            }
        }
        // Turns that a pause left unused are lost: the calls behind it must not come in one heap.
        let now = Instant::now();
        *next_due = next_due.map_or(now, |due| due.max(now)).checked_add(self.interval);
    }
}
