//! The layers that every provider of a registry has around it, and their settings.

mod fields;

use std::sync::Arc;

use provider_core::{ConfigValues, Error, ErrorKind, LlmProvider};

pub use self::fields::FIELDS;
use crate::{
    Breaker, BreakerSettings, Limit, LimitSettings, Retry, RetrySettings, TimeoutSettings, Timeouts,
    TraceSettings, Traced,
};

/// Settings of the [`standard`] layers.
///
/// ```
/// use provider_core::ConfigValues;
/// use provider_layers::StandardSettings;
///
/// let values = ConfigValues::from([("max_attempts", "5"), ("deadline", "90")]);
/// let settings = StandardSettings::from_values(&values)?;
/// # Ok::<(), provider_core::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct StandardSettings {
    /// How a call is tried again.
    pub retry: RetrySettings,
    /// How long is waited. The [deadline](TimeoutSettings::deadline) is one for all tries of a call together.
    pub timeouts: TimeoutSettings,
    /// How many calls there may be. By default any number.
    pub limit: LimitSettings,
    /// When a model is left alone.
    pub breaker: BreakerSettings,
    /// What is told to `tracing`.
    pub trace: TraceSettings,
}

impl StandardSettings {
    /// The settings that these values spell; what has none keeps its default. Keys that [`FIELDS`] does not
    /// have are not looked at: the same values may hold the settings of a provider.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] with every problem of every setting at once.
    pub fn from_values(values: &ConfigValues) -> Result<Self, Error> {
        let problems = values.only(FIELDS).problems(FIELDS);
        if !problems.is_empty() {
            return Err(Error::new(ErrorKind::Config, "settings cannot be used").with_fields(problems));
        }
        let mut settings = Self::default();
        // Values that the table has checked can be read.
        let seconds = |key| values.duration(key);
        let count = |key| values.integer(key).and_then(|number| u32::try_from(number).ok());
        if let Some(attempts) = count("max_attempts") {
            settings.retry = settings.retry.max_attempts(attempts);
        }
        if let Some(time) = seconds("retry_time") {
            settings.retry = settings.retry.total_budget(time);
        }
        if let Some(wait) = seconds("max_retry_after") {
            settings.retry = settings.retry.max_retry_after(wait);
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
        let limit = LimitSettings::off().max_concurrency(count("max_concurrency"));
        settings.limit = limit.requests_per_second(values.number("requests_per_second"));
        if let Some(failures) = count("breaker_failures") {
            settings.breaker = settings.breaker.failures(failures);
        }
        settings.trace = settings.trace.content(values.flag("trace_content").unwrap_or(false));
        Ok(settings)
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

/// Puts the standard layers around a provider, in [the order](crate#the-order) of this crate: what every
/// provider gets that a registry connects.
///
/// The deadline is kept by the outermost of them, so that it counts everything that happens during a call.
/// Layers that have nothing to do are left out.
pub fn standard(provider: Arc<dyn LlmProvider>, settings: &StandardSettings) -> Arc<dyn LlmProvider> {
    let deadline = [settings.retry.deadline, settings.timeouts.deadline].into_iter().flatten().min();
    let (retry, timeouts) = (settings.retry.deadline(deadline), settings.timeouts.deadline(None));
    let provider = if settings.limit.is_off() {
        // With nothing in between, retries keep the times of their tries themselves: that is one clock per
        // stream instead of two.
        Arc::new(Retry::around(provider, retry).timed(timeouts))
    } else {
        let provider = Arc::new(Timeouts::around(provider, timeouts));
        // A call that waits for its turn does not run out of time to answer.
        let provider = Arc::new(Limit::around(provider, settings.limit));
        Arc::new(Retry::around(provider, retry))
    };
    // Outside the retries: what is known to be in vain fails at once, and is not waited for.
    let provider = Arc::new(Breaker::around(provider, settings.breaker));
    Arc::new(Traced::around(provider, settings.trace))
}
