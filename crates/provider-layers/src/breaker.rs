//! Models that are out of order are left alone for a while.

mod circuit;
mod registry;
mod settings;

use std::sync::Arc;

use async_trait::async_trait;
use provider_core::author::{Activity, StreamObserver};
use provider_core::{
    Catalogue, ChatRequest, ChatResponse, ChatStream, ConnectionReport, Error, ErrorKind, LlmProvider,
    LlmProviderExt, ProviderDescriptor, TimeoutPhase,
};

use self::circuit::Outcome;
pub use self::circuit::{BreakerState, BreakerStatus};
use self::registry::{Circuits, Pass};
pub use self::settings::BreakerSettings;

/// A provider that does not go on asking models that are out of order: a circuit breaker, one for each model
/// of the provider.
///
/// | the circuit is | calls | until |
/// |---|---|---|
/// | closed | go through | [so many](BreakerSettings::failures) in a row have failed |
/// | open | fail at once | the [cool-down](BreakerSettings::cool_down) is over |
/// | half-open | fail at once, but for one that tries it out | that one begins to answer (closed), or fails (open, for twice as long); one that does neither within the cool-down is joined by another |
///
/// A call that is not made fails with [`ErrorKind::Overloaded`]: the message says since when the model has
/// been out of order, the [advice](Error::retry) says when it is tried again, and the
/// [source](std::error::Error::source) is the last failure. A [`Fallback`](crate::Fallback) then goes on to
/// the next model without losing time.
///
/// # What counts
///
/// * As a failure: [these kinds](Self::FAILURES), as an answer, before the first output of a stream or after
///   it. They say that the model, or the way to it, is out of order.
/// * As a success: a whole answer, streamed or not. The count begins anew then. A model that was out of order
///   is asked by all again as soon as the call that tries it out begins to answer, but until one answer is
///   whole, one more failure opens the circuit again.
/// * As neither: everything else. A request that is wrong says nothing of the model; a caller who left, or
///   whose [deadline](TimeoutPhase::Deadline) passed, did not wait for it; and a rate limit is a service in
///   order that says when to come again.
///
/// Each opening begins an epoch, and what a call says counts only in the epoch in which it began: late
/// failures of calls from before do not open the circuit again, and late answers do not close it. Within an
/// epoch, failures in a row are those without a whole answer between their ends.
///
/// In [the order](crate#the-order) it stands around the retries, so that what is in vain fails at once and is
/// not waited for; what counts is what became of a call with all its tries. The list of models and the
/// connection test go straight through.
///
/// What it remembers is of models that failed last, and of [256 of them](Self::MOST_MODELS) at most. It works
/// inside the call, without a task of its own.
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
///
/// use provider_core::LlmProvider;
/// use provider_layers::{Breaker, BreakerSettings};
///
/// # fn wrap(openrouter: Arc<dyn LlmProvider>) -> Breaker {
/// let breaker = Breaker::around(openrouter, BreakerSettings::default().failures(3));
/// for circuit in breaker.states() {
///     println!("{}: {} failures in a row, the last: {}", circuit.model, circuit.failures, circuit.last_error);
/// }
/// # breaker
/// # }
/// ```
#[derive(Debug)]
pub struct Breaker {
    provider: Arc<dyn LlmProvider>,
    /// `None`: every call goes through.
    circuits: Option<Arc<Circuits>>,
}

impl Breaker {
    /// The kinds of error that count as a failure of the model.
    pub const FAILURES: &'static [ErrorKind] = &[
        ErrorKind::Timeout,
        ErrorKind::Upstream,
        ErrorKind::Overloaded,
        ErrorKind::Server,
        ErrorKind::Connection,
        ErrorKind::Interrupted,
    ];

    /// How many models are remembered. The one that has not been asked for longest is forgotten first.
    pub const MOST_MODELS: usize = 256;

    /// Watches the calls of this provider.
    pub fn around(provider: Arc<dyn LlmProvider>, settings: BreakerSettings) -> Self {
        let circuits = settings.is_on().then(|| Arc::new(Circuits::new(provider.id(), settings)));
        Self { provider, circuits }
    }

    /// The circuits of the models that failed last, in the order of their ids. A model that is in order has
    /// none.
    pub fn states(&self) -> Vec<BreakerState> {
        self.circuits.as_ref().map(|circuits| circuits.states()).unwrap_or_default()
    }

    fn admit(&self, request: &ChatRequest) -> Result<Option<Pass>, Error> {
        self.circuits.as_ref().map(|circuits| circuits.admit(&request.model)).transpose()
    }
}

/// What an error says of the model.
fn verdict(error: &Error) -> Outcome<'_> {
    // How long a whole answer takes is up to its length, and to what the caller has in mind.
    let is_callers = error.timeout() == Some(TimeoutPhase::Deadline);
    match Breaker::FAILURES.contains(&error.kind()) && !is_callers {
        true => Outcome::Failed(error),
        false => Outcome::Unknown,
    }
}

/// Watches a stream for how it ends. One that is dropped says nothing.
impl StreamObserver for Pass {
    fn on_activity(&mut self, activity: Activity<'_>) -> Result<(), Error> {
        if activity.is_output() {
            self.begun();
        }
        Ok(())
    }

    fn on_end(&mut self, end: Result<&ChatResponse, &Error>) {
        self.report(end.map_or_else(verdict, |_| Outcome::Answered));
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl LlmProvider for Breaker {
    fn descriptor(&self) -> &'static ProviderDescriptor {
        self.provider.descriptor()
    }

    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream, Error> {
        let Some(mut pass) = self.admit(request)? else { return self.provider.stream(request).await };
        match self.provider.stream(request).await {
            Ok(stream) => Ok(stream.observed(pass)),
            Err(error) => {
                pass.report(verdict(&error));
                Err(error)
            }
        }
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse, Error> {
        let Some(mut pass) = self.admit(request)? else { return self.provider.chat(request).await };
        let outcome = self.provider.chat(request).await;
        pass.report(outcome.as_ref().map_or_else(verdict, |_| Outcome::Answered));
        outcome
    }

    async fn models(&self) -> Result<Catalogue, Error> {
        self.provider.models().await
    }

    async fn all_models(&self) -> Result<Catalogue, Error> {
        self.provider.all_models().await
    }

    async fn check(&self) -> Result<ConnectionReport, Error> {
        self.provider.check().await
    }

    async fn warm_up(&self) -> Result<(), Error> {
        self.provider.warm_up().await
    }
}
