//! The layers that every provider of a registry has around it, and their settings.

mod fields;

use std::sync::Arc;
use std::time::Duration;

use provider_core::{ConfigValues, LlmProvider};

pub use self::fields::FIELDS;
use crate::{Retry, RetrySettings, TimeoutSettings, Timeouts};

/// Settings of the [`standard`] layers.
///
/// ```
/// use provider_core::ConfigValues;
/// use provider_layers::{FIELDS, StandardSettings};
///
/// let values = ConfigValues::from([("max_attempts", "5"), ("deadline", "90")]);
/// assert!(values.problems(FIELDS).is_empty());
/// let settings = StandardSettings::from_values(&values);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct StandardSettings {
    /// How a call is tried again.
    pub retry: RetrySettings,
    /// How long is waited. The [deadline](TimeoutSettings::deadline) is one for all tries of a call together.
    pub timeouts: TimeoutSettings,
    /// How many calls may be under way at the same time. `None`: any number.
    pub max_concurrency: Option<u32>,
    /// How many calls may begin per second. `None`: any number.
    pub requests_per_second: Option<f64>,
}

impl StandardSettings {
    /// The settings that these values spell; what has none keeps its default. What is wrong with values, the table tells:
    /// `values.problems(FIELDS)`. Here, a wrong one counts as none.
    pub fn from_values(values: &ConfigValues) -> Self {
        let mut settings = Self::default();
        let seconds = |key| values.number(key).and_then(|number| Duration::try_from_secs_f64(number).ok());
        let count = |key| values.integer(key).and_then(|number| u32::try_from(number).ok());
        if let Some(attempts) = count("max_attempts") {
            settings.retry = settings.retry.max_attempts(attempts);
        }
        if let Some(limit) = seconds("first_output_timeout") {
            settings.timeouts = settings.timeouts.first_output(limit);
        }
        if let Some(limit) = seconds("idle_timeout") {
            settings.timeouts = settings.timeouts.idle(limit);
        }
        if let Some(limit) = seconds("deadline") {
            settings.timeouts = settings.timeouts.deadline(limit);
        }
        settings.max_concurrency = count("max_concurrency");
        settings.requests_per_second = values.number("requests_per_second");
        settings
    }

    /// Sets how a call is tried again.
    #[must_use]
    pub fn retry(mut self, settings: RetrySettings) -> Self {
        self.retry = settings;
        self
    }

    /// Sets how long is waited.
    #[must_use]
    pub fn timeouts(mut self, settings: TimeoutSettings) -> Self {
        self.timeouts = settings;
        self
    }
}

/// Puts the standard layers around a provider, in [the order](crate#the-order) of this crate: what every provider gets that a registry
/// connects.
///
/// The deadline is kept by the outermost of them, so that it counts everything that happens during a call.
pub fn standard(provider: Arc<dyn LlmProvider>, settings: &StandardSettings) -> Arc<dyn LlmProvider> {
    let deadline = [settings.retry.deadline, settings.timeouts.deadline].into_iter().flatten().min();
    let provider: Arc<dyn LlmProvider> =
        Arc::new(Timeouts::around(provider, settings.timeouts.deadline(None)));
    // `Limit` belongs here: a call that waits for its turn does not run out of time to answer.
    // `Breaker` belongs here: it sees every try, and one that is refused takes nobody's turn.
    Arc::new(Retry::around(provider, settings.retry.deadline(deadline)))
}
