//! The waits for a budget in flight.

use std::time::Duration;

use super::{Error, RetryAdvice};

/// The waits of a tool loop or a comparison that asks again after a refusal for a
/// [budget in flight](crate::LimitKind::InFlight), where no layer of the provider does: up to 3 times, and as
/// long as the service says, within a bound.
///
/// ```
/// use std::time::Duration;
///
/// use provider_core::author::InFlightWaits;
/// use provider_core::{Error, ErrorKind, RetryAdvice};
///
/// let waits = InFlightWaits::default().max_wait(Duration::from_secs(60));
/// let error = Error::new(ErrorKind::PaymentRequired, "in flight").with_retry(RetryAdvice::Now);
/// assert_eq!(InFlightWaits::advised(&error), Some(Duration::from_secs(1)));
/// assert_eq!(waits.why_not(Duration::from_secs(60), 2), None);
/// assert!(waits.why_not(Duration::from_secs(61), 0).is_some());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InFlightWaits {
    max_wait: Duration,
}

impl Default for InFlightWaits {
    fn default() -> Self {
        Self { max_wait: Duration::from_secs(5 * 60) }
    }
}

impl InFlightWaits {
    /// The number of times that the same is asked again.
    pub const MAX_RETRIES: usize = 3;
    /// The least time to wait: what is under way is not over at once.
    pub const MIN_WAIT: Duration = Duration::from_secs(1);

    /// Sets the longest wait that is waited for where the service names it. Default: 5 minutes.
    #[must_use]
    pub fn max_wait(mut self, wait: Duration) -> Self {
        self.max_wait = wait;
        self
    }

    /// The time that the error advises to wait, at least [`MIN_WAIT`](Self::MIN_WAIT). `None`: asking again
    /// would not help, or a layer has exhausted the retries.
    pub fn advised(error: &Error) -> Option<Duration> {
        match error.retry() {
            RetryAdvice::After(wait) => Some(wait.max(Self::MIN_WAIT)),
            RetryAdvice::Now => Some(Self::MIN_WAIT),
            RetryAdvice::Never | RetryAdvice::Exhausted { .. } => None,
        }
    }

    /// The reason in words why one that was refused so often before does not wait for this. `None`: it does.
    pub fn why_not(&self, wait: Duration, refused: usize) -> Option<String> {
        if wait > self.max_wait {
            Some(format!("waits of up to {} s are waited for", self.max_wait.as_secs_f64()))
        } else if refused >= Self::MAX_RETRIES {
            Some("it was refused too often".to_owned())
        } else {
            None
        }
    }
}
