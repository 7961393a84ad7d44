//! So many per second, one after the other.

use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

/// Lets calls through at a steady pace, in the order they come.
#[derive(Debug)]
pub(super) struct Pace {
    interval: Duration,
    /// How much of the time of calls to come may be taken in advance.
    advance: Duration,
    /// When the next call is due. Whoever is first in the queue holds the lock while it waits; the lock is a
    /// fair one.
    due: Mutex<Option<Instant>>,
}

impl Pace {
    /// One call in every interval; after a pause, as many as a burst at once.
    pub(super) fn new(interval: Duration, burst: u32) -> Self {
        let advance = interval.saturating_mul(burst.saturating_sub(1));
        Self { interval, advance, due: Mutex::new(None) }
    }

    /// Waits for this call's turn. One that is dropped before has taken nothing.
    pub(super) async fn turn(&self) {
        let mut due = self.due.lock().await;
        if let Some(at) = due.and_then(|due| due.checked_sub(self.advance)) {
            if at > Instant::now() {
                sleep_until(at).await;
            }
        }
        // What was not used in a pause is lost: it must not come in one heap afterwards.
        let now = Instant::now();
        *due = due.map_or(now, |due| due.max(now)).checked_add(self.interval);
    }
}
