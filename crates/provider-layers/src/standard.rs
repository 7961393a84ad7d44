//! The layers that every provider of a registry has around it, and their settings.

use std::sync::Arc;

use provider_core::{ConfigField, ConfigValues, Error, ErrorKind, FieldKind, LlmProvider};

use crate::{
    BreakerLayer, BreakerSettings, ErrorContextLayer, LimitLayer, LimitSettings, RetryLayer, RetrySettings,
    Stack, TimeoutLayer, TimeoutSettings, TraceLayer, TraceSettings,
};

/// The settings of the [`standard`] layers.
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
    /// The retries of a call.
    pub retry: RetrySettings,
    /// The timeouts of an attempt. The [deadline](TimeoutSettings::deadline) is one for all attempts of a
    /// call together.
    pub timeouts: TimeoutSettings,
    /// The limits on calls. By default there are none.
    pub limit: LimitSettings,
    /// The circuit breakers of the models.
    pub breaker: BreakerSettings,
    /// The content of spans.
    pub trace: TraceSettings,
}

impl StandardSettings {
    /// Reads settings from values by key; a setting without a value keeps its default. Keys that [`FIELDS`]
    /// does not have are ignored: the same values may hold the settings of a provider.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] with every problem of every setting at once.
    pub fn from_values(values: &ConfigValues) -> Result<Self, Error> {
        let problems = values.only(FIELDS).problems(FIELDS);
        if !problems.is_empty() {
            return Err(Error::new(ErrorKind::Config, "settings cannot be used").with_fields(problems));
        }
        let mut settings = Self::default();
        // The table has checked the values, so all of them can be read.
        let seconds = |key| values.duration(key);
        let count = |key| values.integer(key).and_then(|number| u32::try_from(number).ok());
        if let Some(attempts) = count("max_attempts") {
            settings.retry = settings.retry.max_attempts(attempts);
        }
        if let Some(time) = seconds("retry_timeout") {
            settings.retry = settings.retry.retry_timeout(time);
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

    /// Sets the retries.
    #[must_use]
    pub fn retry(mut self, settings: RetrySettings) -> Self {
        self.retry = settings;
        self
    }

    /// Sets the timeouts.
    #[must_use]
    pub fn timeouts(mut self, settings: TimeoutSettings) -> Self {
        self.timeouts = settings;
        self
    }

    /// Sets the limits on calls.
    #[must_use]
    pub fn limit(mut self, settings: LimitSettings) -> Self {
        self.limit = settings;
        self
    }

    /// Sets the circuit breakers.
    #[must_use]
    pub fn breaker(mut self, settings: BreakerSettings) -> Self {
        self.breaker = settings;
        self
    }

    /// Sets the content of spans.
    #[must_use]
    pub fn trace(mut self, settings: TraceSettings) -> Self {
        self.trace = settings;
        self
    }
}

/// Puts the standard layers around a provider, in [the order](crate#the-order) of this crate: the layers of
/// every provider that a registry connects. A host that wants a layer of its own between them writes this
/// [`Stack`] itself.
///
/// The layers belong to this provider: another call of `standard` makes others, which share no state with
/// them. The deadline is kept by the retries, so that it counts all attempts and the waits between them.
pub fn standard(provider: Arc<dyn LlmProvider>, settings: &StandardSettings) -> Arc<dyn LlmProvider> {
    let deadline = [settings.retry.deadline, settings.timeouts.deadline].into_iter().flatten().min();
    Stack::new(provider)
        .layer(ErrorContextLayer::new()) // names the provider in every error
        .layer(TimeoutLayer::new(settings.timeouts.deadline(None))) // bounds one attempt
        .layer(LimitLayer::new(settings.limit)) // an attempt waits for its turn, which is not its time
        .layer(RetryLayer::new(settings.retry.deadline(deadline))) // bounds the call
        .layer(BreakerLayer::new(settings.breaker)) // counts calls, not attempts
        .layer(TraceLayer::new(settings.trace)) // one span for a call
        .build()
}

/// The settings of the [`standard`](crate::standard()) layers, which every provider of a registry takes
/// beside its own. All of them are optional.
pub static FIELDS: &[ConfigField] = &[
    ConfigField::new("max_attempts", "Attempts", FieldKind::Integer)
        .advanced()
        .default("3")
        .placeholder("3")
        .help("How often a request is tried when it fails in a way that may pass, the first time included. 1: nothing is tried twice.")
        .check(check_count),
    ConfigField::new("retry_timeout", "Retry Timeout", FieldKind::Duration)
        .advanced()
        .default("60")
        .placeholder("60")
        .help("How many seconds after its beginning a request may be tried again. Waits that the service asks for are not counted."),
    ConfigField::new("max_retry_after", "Longest Retry-After", FieldKind::Duration)
        .advanced()
        .default("300")
        .placeholder("300")
        .help("How many seconds are waited at most where the service says how long to wait before another attempt."),
    ConfigField::new("first_output_timeout", "First Output Timeout", FieldKind::Duration)
        .advanced()
        .default("300")
        .placeholder("300")
        .help("How many seconds a streamed answer may take to begin. Keep-alives of the service do not count."),
    ConfigField::new("idle_timeout", "Idle Timeout", FieldKind::Duration)
        .advanced()
        .default("120")
        .placeholder("120")
        .help("How many seconds nothing may come of a streamed answer that has begun. Keep-alives of the service do not count."),
    ConfigField::new("deadline", "Deadline", FieldKind::Duration)
        .advanced()
        .default("3600")
        .placeholder("3600")
        .help("How many seconds a request may take, all attempts and the whole answer together."),
    ConfigField::new("max_concurrency", "Concurrent Requests", FieldKind::Integer)
        .advanced()
        .placeholder("16")
        .help("How many requests may be under way at the same time; the others wait. Empty: any number.")
        .check(check_count),
    ConfigField::new("requests_per_second", "Requests per Second", FieldKind::Number)
        .advanced()
        .placeholder("2.5")
        .help("How many requests may begin per second; the others wait. Empty: any number.")
        .check(check_rate),
    ConfigField::new("breaker_failures", "Failures until Pause", FieldKind::Integer)
        .advanced()
        .default("5")
        .placeholder("5")
        .help("After how many failed requests in a row a model is left alone for a while. 0: never.")
        .check(check_failures),
    ConfigField::new("trace_content", "Trace Prompts and Answers", FieldKind::Bool)
        .advanced()
        .help("Whether traces hold what users ask and models answer."),
];

fn check_failures(count: &str) -> Result<(), String> {
    let problem = || format!("must be a whole number from 0 to {}", u32::MAX);
    count.parse::<u32>().map(drop).map_err(|_| problem())
}

fn check_count(count: &str) -> Result<(), String> {
    match count.parse::<u32>() {
        Ok(1..) => Ok(()),
        _ => Err(format!("must be a whole number from 1 to {}", u32::MAX)),
    }
}

fn check_rate(rate: &str) -> Result<(), String> {
    match rate.parse::<f64>() {
        Ok(rate) if rate.is_finite() && rate > 0.0 => Ok(()),
        _ => Err("must be a number above 0, such as 2.5".to_owned()),
    }
}
