//! Circuit breakers: models that keep failing are not asked for a while.

mod circuit;
mod registry;
mod settings;

use std::any::{Any, TypeId};
use std::sync::Arc;

use async_trait::async_trait;
use provider_core::author::{Activity, StreamObserver};
use provider_core::{
    Catalogue, ChatRequest, ChatResponse, ChatStream, ConnectionReport, Error, ErrorKind, LlmProvider,
    LlmProviderExt, Operation, ProviderDescriptor, TimeoutPhase,
};

use self::circuit::Outcome;
pub use self::circuit::{BreakerState, BreakerStatus};
use self::registry::{CircuitRegistry, Permit};
pub use self::settings::BreakerSettings;
use crate::Layer;
use crate::error_context::context;

/// Stops asking models that keep failing: a circuit breaker for each model of a provider.
///
/// | the circuit is | calls | until |
/// |---|---|---|
/// | closed | go through | [so many](BreakerSettings::failures) in a row have failed |
/// | open | fail at once | the [cool-down](BreakerSettings::cool_down) is over |
/// | half-open | fail at once, but for one probe | the probe begins to answer (closed), or fails (open) |
///
/// When a probe fails, the circuit stays open for twice as long. A probe that neither begins nor fails within
/// the cool-down is joined by another one.
///
/// A call that is refused fails with [`ErrorKind::Overloaded`]: the message says since when the model has
/// been out of order, the [advice](Error::retry) says when it is asked again, and the
/// [source](std::error::Error::source) is the last failure. A [`FallbackLayer`](crate::FallbackLayer) then
/// goes on to the next model without losing time.
///
/// # What counts
///
/// * As a failure: [these kinds](Self::FAILURES), as an answer, before the first output of a stream or after
///   it. They say that the model, or the way to it, is out of order.
/// * As a success: a whole answer, streamed or not. It resets the count. The first output of a probe closes
///   the circuit for all calls, but until one answer is whole, one more failure opens it again.
/// * As neither: everything else. A request that is wrong says nothing of the model; a caller who left, or
///   whose [deadline](TimeoutPhase::Deadline) passed, did not wait for it; and a rate limit is a service in
///   order that says when to come again.
///
/// Each opening begins an epoch, and the outcome of a call counts only in the epoch in which it began: late
/// failures of earlier calls do not open the circuit again, and late answers do not close it. Within an
/// epoch, failures in a row are those without a whole answer between their ends.
///
/// In [the order](crate#the-order) it stands around the retries, so that a call to a model out of order fails
/// at once, and is not waited for; it counts calls with all their attempts. Lists of models and connection
/// tests go straight through.
///
/// The layer works inside the call, without a task of its own.
///
/// # Who shares it
///
/// The circuits live in the layer, by provider id and model, for [256](Self::MAX_MODELS) models at most:
/// clones share them, and [`states`](Self::states) of any clone lists them. Two calls of `new` share nothing.
///
/// ```
/// use std::sync::Arc;
///
/// use provider_core::LlmProvider;
/// use provider_layers::{BreakerLayer, BreakerSettings, Stack};
///
/// # fn wrap(prod: Arc<dyn LlmProvider>, test: Arc<dyn LlmProvider>) {
/// // Right: made once for a provider, and kept to show its states.
/// let breaker = BreakerLayer::new(BreakerSettings::default().failures(3));
/// let provider = Stack::new(prod.clone()).layer(breaker.clone()).build();
/// for circuit in breaker.states() {
///     println!("{}: {} failures, the last: {}", circuit.model, circuit.failures, circuit.last_error);
/// }
///
/// // Wrong: two instances of one kind of provider have one id, so the failures of one keep calls from the
/// // other. Each needs a layer of its own.
/// let mixed = [prod, test].map(|instance| Stack::new(instance).layer(breaker.clone()).build());
/// # let _ = (provider, mixed);
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct BreakerLayer {
    /// `None`: the layer is off.
    circuits: Option<Arc<CircuitRegistry>>,
}

impl BreakerLayer {
    /// The kinds of error that count as a failure of the model.
    pub const FAILURES: &'static [ErrorKind] = &[
        ErrorKind::Timeout,
        ErrorKind::Upstream,
        ErrorKind::Overloaded,
        ErrorKind::Server,
        ErrorKind::Connection,
        ErrorKind::Interrupted,
    ];

    /// The number of models that are remembered. Beyond it, a model that is in order again is forgotten
    /// first, and then the one that has not been asked for longest.
    pub const MAX_MODELS: usize = registry::MAX_MODELS;

    /// Makes the layer, with circuits of its own.
    pub fn new(settings: BreakerSettings) -> Self {
        Self { circuits: (!settings.is_off()).then(|| Arc::new(CircuitRegistry::new(settings))) }
    }

    /// The circuits of the models that failed last, by provider and model. A model in order has none.
    pub fn states(&self) -> Vec<BreakerState> {
        self.circuits.as_ref().map(|circuits| circuits.states()).unwrap_or_default()
    }
}

impl Layer for BreakerLayer {
    fn layer(&self, inner: Arc<dyn LlmProvider>) -> Arc<dyn LlmProvider> {
        match &self.circuits {
            Some(circuits) => Arc::new(BreakerProvider { inner, circuits: circuits.clone() }),
            None => inner,
        }
    }
}

#[derive(Debug)]
struct BreakerProvider {
    inner: Arc<dyn LlmProvider>,
    circuits: Arc<CircuitRegistry>,
}

impl BreakerProvider {
    fn acquire(&self, operation: Operation, request: &ChatRequest) -> Result<Permit, Error> {
        let model = &*request.model;
        let acquired = self.circuits.acquire(self.inner.id(), model);
        acquired.map_err(|error| context(&*self.inner, operation, Some(model)).apply(error))
    }
}

/// The outcome that an error means for the model.
fn verdict(error: &Error) -> Outcome<'_> {
    // How long a whole answer takes depends on its length, and the deadline on the caller.
    let is_callers = error.timeout() == Some(TimeoutPhase::Deadline);
    match BreakerLayer::FAILURES.contains(&error.kind()) && !is_callers {
        true => Outcome::Failed(error),
        false => Outcome::Unknown,
    }
}

/// Watches how a stream ends. A stream that is dropped says nothing of the model.
impl StreamObserver for Permit {
    fn on_activity(&mut self, activity: Activity<'_>) -> Result<(), Error> {
        if activity.is_output() {
            self.report_begun();
        }
        Ok(())
    }

    fn on_end(&mut self, end: Result<&ChatResponse, &Error>) {
        self.report(end.map_or_else(verdict, |_| Outcome::Answered));
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl LlmProvider for BreakerProvider {
    fn descriptor(&self) -> &'static ProviderDescriptor {
        self.inner.descriptor()
    }

    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream, Error> {
        let mut permit = self.acquire(Operation::Stream, request)?;
        match self.inner.stream(request).await {
            Ok(stream) => Ok(stream.observed(permit)),
            Err(error) => {
                permit.report(verdict(&error));
                Err(error)
            }
        }
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse, Error> {
        let mut permit = self.acquire(Operation::Chat, request)?;
        let outcome = self.inner.chat(request).await;
        permit.report(outcome.as_ref().map_or_else(verdict, |_| Outcome::Answered));
        outcome
    }

    async fn models(&self) -> Result<Catalogue, Error> {
        self.inner.models().await
    }

    async fn all_models(&self) -> Result<Catalogue, Error> {
        self.inner.all_models().await
    }

    async fn check(&self) -> Result<ConnectionReport, Error> {
        self.inner.check().await
    }

    async fn warm_up(&self) -> Result<(), Error> {
        self.inner.warm_up().await
    }

    fn extension_by_id(&self, wanted: TypeId) -> Option<&(dyn Any + Send + Sync)> {
        self.inner.extension_by_id(wanted)
    }
}
