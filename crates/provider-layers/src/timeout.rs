//! Bounds on how long a call takes to begin, to go on, and in all.

pub(crate) mod deadlines;

use std::any::{Any, TypeId};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use provider_core::{
    Catalogue, ChatRequest, ChatResponse, ChatStream, ConnectionReport, Error, LlmProvider, Operation,
    ProviderDescriptor, TimeoutPhase,
};
use tokio::time::Instant;

use self::deadlines::{Deadline, Deadlines, Work};
use crate::Layer;
use crate::error_context::context;

/// Ends calls that take too long.
///
/// The layer keeps three timeouts, each of which can be switched off:
///
/// | timeout | from | until | runs |
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
/// The error is of the kind [`Timeout`](provider_core::ErrorKind::Timeout). It says [which
/// timeout](Error::timeout) ended the call, and keeps the [answer so far](Error::partial).
///
/// An answer that is asked for as a whole, a list of models, a connection test and a connection have the
/// deadline alone: the layer cannot see a whole answer begin, and how long it takes depends on its length.
///
/// The layer works inside the stream, without a task of its own, and needs a tokio runtime with a clock. It
/// has no state.
///
/// # Its place
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
///
/// use provider_core::LlmProvider;
/// use provider_layers::{RetryLayer, RetrySettings, Stack, TimeoutLayer, TimeoutSettings};
///
/// # fn wrap(openrouter: Arc<dyn LlmProvider>) -> [Arc<dyn LlmProvider>; 2] {
/// let timeouts = TimeoutSettings::default().first_output(Duration::from_secs(20));
///
/// // Right: an attempt without output ends after 20 s, and is followed by another one.
/// let right = Stack::new(openrouter.clone())
///     .layer(TimeoutLayer::new(timeouts))
///     .layer(RetryLayer::new(RetrySettings::default()))
///     .build();
///
/// // Wrong: all attempts together have 20 s, and the first that hangs uses them up.
/// let wrong = Stack::new(openrouter)
///     .layer(RetryLayer::new(RetrySettings::default()))
///     .layer(TimeoutLayer::new(timeouts))
///     .build();
/// # [right, wrong]
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct TimeoutLayer {
    settings: TimeoutSettings,
}

/// The settings of a [`TimeoutLayer`].
///
/// The defaults end what is dead, not what is slow: they are for hosts that never thought about them. The
/// limits of a provider itself, such as on the silence of a connection, count beside these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
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
    /// No timeouts: the layer is off.
    pub fn off() -> Self {
        Self { first_output: None, idle: None, deadline: None }
    }

    /// Sets how long a stream may take to its first output. Default: 300 s, since a model with much to think
    /// about and nothing to show of it takes minutes. `None`: as long as it takes.
    #[must_use]
    pub fn first_output(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.first_output = limit.into();
        self
    }

    /// Sets how long the reader of a stream that has begun may have to wait from one chunk of the answer to
    /// the next. Default: 120 s; a model that has begun to write seldom pauses for seconds, but one that
    /// thinks between two tool calls pauses longer. A pause may be noticed late, by a sixteenth of this at
    /// most. `None`: as long as it takes.
    #[must_use]
    pub fn idle(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.idle = limit.into();
        self
    }

    /// Sets how long a call may take from its beginning to its end. Default: 1 h, which is above what any
    /// answer has been seen to take. `None`: as long as it takes.
    #[must_use]
    pub fn deadline(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.deadline = limit.into();
        self
    }

    /// The deadlines of a stream that is asked for now. `outer` is one that the caller keeps as well.
    pub(crate) fn of_stream(&self, now: Instant, outer: Option<Deadline>) -> Deadlines {
        let first_output = Deadline::after(now, self.first_output, TimeoutPhase::FirstOutput);
        Deadlines::new(first_output, self.idle, self.whole_call(now, outer))
    }

    /// The deadlines of a call that is over when its result is there.
    pub(crate) fn of_call(&self, now: Instant, outer: Option<Deadline>) -> Deadlines {
        Deadlines::new(None, None, self.whole_call(now, outer))
    }

    fn whole_call(&self, now: Instant, outer: Option<Deadline>) -> Option<Deadline> {
        Deadline::first(outer, Deadline::after(now, self.deadline, TimeoutPhase::Deadline))
    }
}

impl TimeoutLayer {
    /// Makes the layer.
    pub fn new(settings: TimeoutSettings) -> Self {
        Self { settings }
    }

    pub(crate) fn settings(self) -> TimeoutSettings {
        self.settings
    }
}

impl Layer for TimeoutLayer {
    fn layer(&self, inner: Arc<dyn LlmProvider>) -> Arc<dyn LlmProvider> {
        match self.settings == TimeoutSettings::off() {
            true => inner,
            false => Arc::new(TimeoutProvider { inner, settings: self.settings }),
        }
    }
}

#[derive(Debug)]
struct TimeoutProvider {
    inner: Arc<dyn LlmProvider>,
    settings: TimeoutSettings,
}

impl TimeoutProvider {
    /// Waits for the result of a call until its deadline.
    async fn within<T>(
        &self,
        call: Work<'_, Result<T, Error>>,
        operation: Operation,
        model: Option<&str>,
    ) -> Result<T, Error> {
        match self.settings.of_call(Instant::now(), None).within(call).await {
            Ok((outcome, _)) => outcome,
            Err(late) => Err(context(&*self.inner, operation, model).apply(late)),
        }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl LlmProvider for TimeoutProvider {
    fn descriptor(&self) -> &'static ProviderDescriptor {
        self.inner.descriptor()
    }

    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream, Error> {
        let deadlines = self.settings.of_stream(Instant::now(), None);
        match deadlines.within(self.inner.stream(request)).await {
            Ok((stream, deadlines)) => Ok(deadlines.watch(stream?)),
            Err(late) => Err(context(&*self.inner, Operation::Stream, Some(&request.model)).apply(late)),
        }
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse, Error> {
        self.within(self.inner.chat(request), Operation::Chat, Some(&request.model)).await
    }

    async fn models(&self) -> Result<Catalogue, Error> {
        self.within(self.inner.models(), Operation::Models, None).await
    }

    async fn all_models(&self) -> Result<Catalogue, Error> {
        self.within(self.inner.all_models(), Operation::AllModels, None).await
    }

    async fn check(&self) -> Result<ConnectionReport, Error> {
        self.within(self.inner.check(), Operation::Check, None).await
    }

    async fn warm_up(&self) -> Result<(), Error> {
        self.within(self.inner.warm_up(), Operation::WarmUp, None).await
    }

    fn extension_by_id(&self, wanted: TypeId) -> Option<&(dyn Any + Send + Sync)> {
        self.inner.extension_by_id(wanted)
    }
}
