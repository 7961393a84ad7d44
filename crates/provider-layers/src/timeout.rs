//! How long an answer is waited for.

pub(crate) mod deadlines;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use provider_core::{
    Catalogue, ChatRequest, ChatResponse, ChatStream, ConnectionReport, Error, LlmProvider, LlmProviderExt,
    ProviderDescriptor, TimeoutPhase,
};
use tokio::time::Instant;

use self::deadlines::{Clocks, Limit};

/// A provider that does not wait for ever.
///
/// Three clocks, each of which can be switched off:
///
/// | clock | from | until | runs |
/// |---|---|---|---|
/// | [`first_output`] | the call | the first [output] of the stream | while the caller waits |
/// | [`idle`] | output, or a later [sign of life] | the next sign | while the reader waits |
/// | [`deadline`](TimeoutSettings::deadline) | the call | the end of the answer | always |
///
/// [output]: provider_core::author::Activity::Output
/// [sign of life]: provider_core::author::Activity::Life
/// [`first_output`]: TimeoutSettings::first_output
/// [`idle`]: TimeoutSettings::idle
///
/// Only what the model says counts as output, and only chunks of the answer count as life: a service that
/// sends keep-alives and nothing else runs out of time. A reader that takes its time between two events does
/// not.
///
/// The error is of the kind [`Timeout`](provider_core::ErrorKind::Timeout), says
/// [which clock](Error::timeout) it was, and has [what had come](Error::partial).
///
/// For answers that are asked for as a whole, for the list of models, the connection test and a connection
/// there is the deadline alone: nobody sees a whole answer begin, and how long it takes depends on how long
/// it is.
///
/// It works inside the stream, without a task of its own, and needs a tokio runtime with a clock.
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
///
/// use provider_core::LlmProvider;
/// use provider_layers::{TimeoutSettings, Timeouts};
///
/// # fn wrap(openrouter: Arc<dyn LlmProvider>) -> Timeouts {
/// let settings = TimeoutSettings::default().first_output(Duration::from_secs(20));
/// Timeouts::around(openrouter, settings)
/// # }
/// ```
#[derive(Debug)]
pub struct Timeouts {
    provider: Arc<dyn LlmProvider>,
    settings: TimeoutSettings,
}

/// The limits of [`Timeouts`].
///
/// The defaults stop what is dead, not what is slow: they are for hosts that never thought about them. A
/// provider's own limits, on the silence of a connection for example, count beside these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeoutSettings {
    first_output: Option<Duration>,
    idle: Option<Duration>,
    pub(crate) deadline: Option<Duration>,
}

impl Default for TimeoutSettings {
    fn default() -> Self {
        Self {
            first_output: Some(Duration::from_secs(300)),
            idle: Some(Duration::from_secs(120)),
            deadline: Some(Duration::from_secs(60 * 60)),
        }
    }
}

impl TimeoutSettings {
    /// No limits at all.
    pub fn off() -> Self {
        Self { first_output: None, idle: None, deadline: None }
    }

    /// How long a stream may take to its first output. Default: 300 s, since a model with much to think about
    /// and nothing to show of it takes minutes. `None`: as long as it takes.
    #[must_use]
    pub fn first_output(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.first_output = limit.into();
        self
    }

    /// How long the reader of a stream that has begun may have to wait from one chunk of the answer to the
    /// next. Default: 120 s; a model that has begun to write seldom pauses for seconds, but one that thinks
    /// between two tool calls pauses longer. `None`: as long as it takes.
    #[must_use]
    pub fn idle(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.idle = limit.into();
        self
    }

    /// How long a call may take from its beginning to its end. Default: 1 h, which is above what any answer
    /// has been seen to take. `None`: as long as it takes.
    #[must_use]
    pub fn deadline(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.deadline = limit.into();
        self
    }

    fn deadline_from(&self, start: Instant) -> Option<Limit> {
        Limit::after(start, self.deadline, TimeoutPhase::Deadline)
    }

    /// The clocks of a stream that is asked for now, with this deadline.
    pub(crate) fn clocks(&self, now: Instant, deadline: Option<Limit>) -> Clocks {
        Clocks::new(Limit::after(now, self.first_output, TimeoutPhase::FirstOutput), self.idle, deadline)
    }
}

impl Timeouts {
    /// Puts clocks on every call of this provider.
    pub fn around(provider: Arc<dyn LlmProvider>, settings: TimeoutSettings) -> Self {
        Self { provider, settings }
    }

    /// The clocks of a call that is over when it has an answer.
    fn deadline(&self) -> Clocks {
        Clocks::until(self.settings.deadline_from(Instant::now()))
    }

    /// The error of a call that never got to an answer.
    fn late(&self, error: Error, model: Option<&str>) -> Error {
        let error = error.with_provider(self.provider.id());
        match model {
            Some(model) => error.with_model(model),
            None => error,
        }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl LlmProvider for Timeouts {
    fn descriptor(&self) -> &'static ProviderDescriptor {
        self.provider.descriptor()
    }

    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream, Error> {
        let start = Instant::now();
        let clocks = self.settings.clocks(start, self.settings.deadline_from(start));
        let asked = clocks.within(self.provider.stream(request)).await;
        let (stream, clocks) = asked.map_err(|error| self.late(error, Some(&request.model)))?;
        Ok(clocks.watch(stream?))
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse, Error> {
        let asked = self.deadline().within(self.provider.chat(request)).await;
        asked.map_err(|error| self.late(error, Some(&request.model)))?.0
    }

    async fn models(&self) -> Result<Catalogue, Error> {
        let asked = self.deadline().within(self.provider.models()).await;
        asked.map_err(|error| self.late(error, None))?.0
    }

    async fn all_models(&self) -> Result<Catalogue, Error> {
        let asked = self.deadline().within(self.provider.all_models()).await;
        asked.map_err(|error| self.late(error, None))?.0
    }

    async fn check(&self) -> Result<ConnectionReport, Error> {
        let asked = self.deadline().within(self.provider.check()).await;
        asked.map_err(|error| self.late(error, None))?.0
    }

    async fn warm_up(&self) -> Result<(), Error> {
        let asked = self.deadline().within(self.provider.warm_up()).await;
        asked.map_err(|error| self.late(error, None))?.0
    }
}
