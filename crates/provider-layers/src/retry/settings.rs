//! How often, how soon and how long.

use std::time::Duration;

/// How a [`Retry`](crate::Retry) asks again.
///
/// ```
/// use std::time::Duration;
///
/// use provider_layers::RetrySettings;
///
/// let settings = RetrySettings::default().max_attempts(5).total_budget(Duration::from_secs(20));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RetrySettings {
    pub(super) max_attempts: u32,
    pub(super) initial_delay: Duration,
    pub(super) max_delay: Duration,
    pub(super) total_budget: Duration,
    pub(super) max_retry_after: Duration,
    pub(crate) deadline: Option<Duration>,
    pub(super) retry_tokens: u32,
    pub(super) tokens_per_call: f64,
    pub(super) seed: Option<u64>,
}

impl Default for RetrySettings {
    fn default() -> Self {
        Self {
            max_attempts: 3,
            initial_delay: Duration::from_millis(500),
            max_delay: Duration::from_secs(8),
            total_budget: Duration::from_secs(60),
            max_retry_after: Duration::from_secs(5 * 60),
            deadline: None,
            retry_tokens: 10,
            tokens_per_call: 0.1,
            seed: None,
        }
    }
}

impl RetrySettings {
    /// Nothing is asked twice.
    pub fn off() -> Self {
        Self::default().max_attempts(1)
    }

    /// Sets how often a call is tried, the first time included. Default: 3. At 1 and 0 nothing is asked
    /// twice.
    #[must_use]
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = attempts;
        self
    }

    /// Sets the longest wait before the second try; before each further one it doubles. The wait itself is
    /// any time from half of that up to all of it, so that callers who failed together do not come back
    /// together. Default: 0.5 s.
    #[must_use]
    pub fn initial_delay(mut self, delay: Duration) -> Self {
        self.initial_delay = delay;
        self
    }

    /// Sets where the doubling ends. What the service asks to wait may be [longer](Self::max_retry_after).
    /// Default: 8 s.
    #[must_use]
    pub fn max_delay(mut self, delay: Duration) -> Self {
        self.max_delay = delay;
        self
    }

    /// Sets how long after the beginning of a call a further try may begin that nobody asked for: failed
    /// tries and waits of our own together. A wait that the [service names](Self::max_retry_after) is not
    /// counted, and a try that has begun is not stopped. Default: 60 s.
    #[must_use]
    pub fn total_budget(mut self, budget: Duration) -> Self {
        self.total_budget = budget;
        self
    }

    /// Sets the longest wait that is waited for where the service names it (`Retry-After`); the
    /// [deadline](Self::deadline) bounds it as well. What is longer ends the call at once, in the service's
    /// error with its advice. Zero: no such wait. Default: 5 minutes, since rates count by the minute, and a
    /// budget in flight is free again after about two.
    #[must_use]
    pub fn max_retry_after(mut self, wait: Duration) -> Self {
        self.max_retry_after = wait;
        self
    }

    /// Sets how long a call may take, all tries and the answer together: it ends in an error of the kind
    /// [`Timeout`](provider_core::ErrorKind::Timeout) then, with the tries before in it. Default: `None`, as
    /// long as it takes.
    #[must_use]
    pub fn deadline(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.deadline = limit.into();
        self
    }

    /// Sets how many retries all calls together may make in a row, see
    /// [the retry budget](crate::Retry#the-retry-budget). Default: 10.
    #[must_use]
    pub fn retry_tokens(mut self, tokens: u32) -> Self {
        self.retry_tokens = tokens;
        self
    }

    /// Sets how many further retries every call earns for all, usually a fraction of one. Default: 0.1.
    #[must_use]
    pub fn tokens_per_call(mut self, tokens: f64) -> Self {
        self.tokens_per_call = tokens;
        self
    }

    /// Makes the waits the same every time: for tests. Default: chosen at random.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }
}
