//! What a limit is.

use std::fmt;
use std::time::Duration;

use tokio::sync::Semaphore;

/// The slowest pace. What is slower than one call per day is a mistake, and must not overflow a clock.
const LONGEST_INTERVAL: Duration = Duration::from_secs(24 * 60 * 60);

/// The settings of a [`Limit`](crate::Limit). By default nothing is limited.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LimitSettings {
    max_concurrency: Option<u32>,
    requests_per_second: Option<f64>,
    pub(super) burst: u32,
    pub(super) max_wait: Duration,
}

impl Default for LimitSettings {
    fn default() -> Self {
        Self::off()
    }
}

impl LimitSettings {
    /// No limits.
    pub fn off() -> Self {
        Self { max_concurrency: None, requests_per_second: None, burst: 1, max_wait: Duration::from_secs(60) }
    }

    /// How many calls may be under way at once. Default: `None`, any number; so does 0.
    #[must_use]
    pub fn max_concurrency(mut self, calls: impl Into<Option<u32>>) -> Self {
        self.max_concurrency = calls.into().filter(|calls| *calls > 0);
        self
    }

    /// How many calls may begin per second: `0.5` is one in two seconds. Default: `None`, any number; so does
    /// what is not above 0.
    #[must_use]
    pub fn requests_per_second(mut self, calls: impl Into<Option<f64>>) -> Self {
        self.requests_per_second = calls.into().filter(|calls| *calls > 0.0 && calls.is_finite());
        self
    }

    /// How many calls may begin at the same moment after a pause, where there is a limit per second. Default:
    /// 1, and never less: one after the other, evenly. A service that counts in windows sees at most this
    /// many more than the rate says.
    #[must_use]
    pub fn burst(mut self, calls: u32) -> Self {
        self.burst = calls.max(1);
        self
    }

    /// How long a call waits for its turn before it fails. Default: 60 s. Zero: it does not wait.
    #[must_use]
    pub fn max_wait(mut self, time: Duration) -> Self {
        self.max_wait = time;
        self
    }

    /// Whether nothing is limited.
    pub(crate) fn is_off(&self) -> bool {
        self.places().is_none() && self.interval().is_none()
    }

    pub(super) fn places(&self) -> Option<usize> {
        let calls = usize::try_from(self.max_concurrency?).unwrap_or(usize::MAX);
        Some(calls.min(Semaphore::MAX_PERMITS))
    }

    /// The time from one call to the next.
    pub(super) fn interval(&self) -> Option<Duration> {
        let interval = Duration::try_from_secs_f64(self.requests_per_second?.recip());
        Some(interval.unwrap_or(LONGEST_INTERVAL).min(LONGEST_INTERVAL))
    }
}

impl fmt::Display for LimitSettings {
    /// The limits in words.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.max_concurrency, self.requests_per_second) {
            (Some(calls), Some(rate)) => write!(f, "at most {calls} at once and {rate} per second"),
            (Some(calls), None) => write!(f, "at most {calls} at once"),
            (None, Some(rate)) => write!(f, "at most {rate} per second"),
            (None, None) => f.write_str("none"),
        }
    }
}
