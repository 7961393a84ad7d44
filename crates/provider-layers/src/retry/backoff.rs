//! How often, how soon and how long a call is retried: exponential backoff with jitter.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The settings of a [`RetryLayer`](crate::RetryLayer).
///
/// ```
/// use std::time::Duration;
///
/// use provider_layers::RetrySettings;
///
/// let settings = RetrySettings::default().max_attempts(5).retry_timeout(Duration::from_secs(20));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct RetrySettings {
    pub(super) max_attempts: u32,
    pub(super) initial_delay: Duration,
    pub(super) max_delay: Duration,
    pub(super) retry_timeout: Duration,
    pub(super) max_retry_after: Duration,
    pub(crate) deadline: Option<Duration>,
    pub(super) budget_capacity: u32,
    pub(super) budget_deposit: f64,
    pub(super) seed: Option<u64>,
}

impl Default for RetrySettings {
    fn default() -> Self {
        Self {
            max_attempts: 3,
            initial_delay: Duration::from_millis(500),
            max_delay: Duration::from_secs(8),
            retry_timeout: Duration::from_secs(60),
            max_retry_after: Duration::from_secs(5 * 60),
            deadline: None,
            budget_capacity: 10,
            budget_deposit: 0.1,
            seed: None,
        }
    }
}

impl RetrySettings {
    /// No retries and no deadline: the layer is off.
    pub fn off() -> Self {
        Self::default().max_attempts(1)
    }

    /// Sets how often a call is attempted, the first time included. Default: 3. At 1 and 0 it is not retried.
    #[must_use]
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = attempts;
        self
    }

    /// Sets the longest wait before the second attempt; before each further one it doubles. The wait itself
    /// is any time from half of that up to all of it (equal jitter), so that callers who failed together do
    /// not come back together. Default: 0.5 s.
    #[must_use]
    pub fn initial_delay(mut self, delay: Duration) -> Self {
        self.initial_delay = delay;
        self
    }

    /// Sets where the doubling ends. A wait that the service asks for may be
    /// [longer](Self::max_retry_after). Default: 8 s.
    #[must_use]
    pub fn max_delay(mut self, delay: Duration) -> Self {
        self.max_delay = delay;
        self
    }

    /// Sets how long after the beginning of a call a retry may begin: failed attempts and backoff together.
    /// A wait that the [service names](Self::max_retry_after) does not count, and an attempt that has begun
    /// is not stopped. Default: 60 s.
    #[must_use]
    pub fn retry_timeout(mut self, time: Duration) -> Self {
        self.retry_timeout = time;
        self
    }

    /// Sets the longest wait that is waited for where the service names it (`Retry-After`); the
    /// [deadline](Self::deadline) bounds it as well. A longer one ends the call at once, in the service's
    /// error with its advice. Zero: no such wait. Default: 5 minutes, since rates count by the minute, and a
    /// budget in flight is free again after about two.
    #[must_use]
    pub fn max_retry_after(mut self, wait: Duration) -> Self {
        self.max_retry_after = wait;
        self
    }

    /// Sets how long a call may take, all attempts and the answer together. It then ends in an error of the
    /// kind [`Timeout`](provider_core::ErrorKind::Timeout), with the attempts before in it. Default: `None`,
    /// as long as it takes.
    #[must_use]
    pub fn deadline(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.deadline = limit.into();
        self
    }

    /// Sets how many retries the [retry budget](crate::RetryLayer#the-retry-budget) holds, which is how many
    /// all calls together may make in a row. Default: 10. 0: none but for a budget in flight.
    #[must_use]
    pub fn budget_capacity(mut self, retries: u32) -> Self {
        self.budget_capacity = retries;
        self
    }

    /// Sets how many retries each call puts into the retry budget, usually a fraction of one. Default: 0.1.
    #[must_use]
    pub fn budget_deposit(mut self, retries: f64) -> Self {
        self.budget_deposit = retries;
        self
    }

    /// Makes the jitter the same every time, for tests. Default: random.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    pub(super) fn retries(&self) -> bool {
        self.max_attempts > 1
    }

    /// The longest wait before the retry that follows so many failed attempts.
    pub(super) fn backoff(&self, failed_attempts: u32) -> Duration {
        let doubled = 2_u32.saturating_pow(failed_attempts.saturating_sub(1));
        self.initial_delay.saturating_mul(doubled).min(self.max_delay)
    }
}

/// Random parts of waits, which spread out callers that failed together.
#[derive(Debug)]
pub(super) struct Jitter(Mutex<fastrand::Rng>);

impl Jitter {
    pub(super) fn new(seed: Option<u64>) -> Self {
        Self(Mutex::new(seed.map_or_else(fastrand::Rng::new, fastrand::Rng::with_seed)))
    }

    /// Equal jitter: any time from half of `wait` up to all of it.
    pub(super) fn equal(&self, wait: Duration) -> Duration {
        let half = wait / 2;
        half.saturating_add(self.full(wait - half))
    }

    /// Full jitter: any time from zero up to `wait`.
    pub(super) fn full(&self, wait: Duration) -> Duration {
        let mut random = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        wait.mul_f64(random.f64())
    }
}
