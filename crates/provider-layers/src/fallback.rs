//! Other models, when one cannot answer.

mod billing;
mod journey;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use provider_core::{
    Catalogue, ChatRequest, ChatResponse, ChatStream, ConnectionReport, Error, ErrorKind, LlmProvider,
    ProviderDescriptor,
};

use self::journey::Journey;
use crate::CatalogueCache;

/// A provider that asks other models, in order, when one cannot answer.
///
/// The request's own model is asked first, of the provider that [`new`](Self::new) takes; then come the
/// routes that [`to`](Self::to) added. Each gets the same request with its own model in it. Options that only
/// one provider understands stay in; the others leave them alone.
///
/// ```
/// use std::sync::Arc;
///
/// use provider_core::{ChatRequest, ChatResponse, Error, LlmProvider};
/// use provider_layers::Fallback;
///
/// # async fn ask(openrouter: Arc<dyn LlmProvider>, other: Arc<dyn LlmProvider>) -> Result<ChatResponse, Error> {
/// let provider = Fallback::new(openrouter.clone(), Fallback::OUTAGES)
///     .to(openrouter, "anthropic/claude-sonnet-4.5")
///     .to(other, "gpt-4o");
///
/// let reply = provider.chat(&ChatRequest::new("openai/gpt-4o").user("Hello")).await?;
/// println!("asked {}, answered by {}", reply.requested, reply.model);
/// for failed in &reply.attempts {
///     println!("before that: {failed}");
/// }
/// # Ok(reply)
/// # }
/// ```
///
/// # When it goes on to the next model
///
/// * The kind of the error is one of those that were given to [`new`](Self::new), and
/// * nothing of an answer had come, streamed or not, and none is on the bill: what was [paid
///   for](Error::was_paid_for) is not asked for again, and the error keeps what came in [`Error::partial`].
///   And
/// * the step is not one [from a free model to a billed one](Self::allow_paid).
///
/// Otherwise the error is returned as it is, with what had failed before it in [`Error::attempts`]; so it is
/// when no route is left.
///
/// # What the answer says
///
/// [`requested`](ChatResponse::requested) is the model of the caller's request,
/// [`model`](ChatResponse::model) and [`served_by`](ChatResponse::served_by) tell who answered,
/// [`attempts`](ChatResponse::attempts) has every error on the way, each with its provider and model. The
/// message's [`made_by`](provider_core::AssistantMessage::made_by) is the model that answered, so that its
/// thoughts go back to it alone.
///
/// Description, catalogue and connection test are those of the first provider.
#[derive(Debug)]
pub struct Fallback {
    provider: Arc<dyn LlmProvider>,
    kinds: Vec<ErrorKind>,
    routes: Vec<Route>,
    allow_paid: bool,
    price_wait: Duration,
    /// One for each provider.
    catalogues: Vec<Arc<CatalogueCache>>,
}

/// Whom to ask for what.
#[derive(Debug)]
struct Route {
    provider: Arc<dyn LlmProvider>,
    model: String,
}

impl Fallback {
    /// The usual reasons to ask another model: this one, or the way to it, is out of order at the moment.
    ///
    /// To add one: `&[Fallback::OUTAGES, &[ErrorKind::NoEndpoint]].concat()`.
    pub const OUTAGES: &'static [ErrorKind] = &[
        ErrorKind::RateLimited,
        ErrorKind::Timeout,
        ErrorKind::Upstream,
        ErrorKind::Overloaded,
        ErrorKind::Server,
        ErrorKind::Connection,
        ErrorKind::EmptyResponse,
        ErrorKind::Interrupted,
    ];

    /// The provider that is asked first, and the kinds of error that make another one be asked:
    /// [`OUTAGES`](Self::OUTAGES), or a list of one's own. Without routes nothing falls back.
    pub fn new(provider: Arc<dyn LlmProvider>, kinds: &[ErrorKind]) -> Self {
        let catalogues = vec![Arc::new(CatalogueCache::new(provider.clone()))];
        let (kinds, routes) = (kinds.to_vec(), Vec::new());
        Self { provider, kinds, routes, allow_paid: false, price_wait: Duration::from_secs(3), catalogues }
    }

    /// Adds a model of a provider, to be asked when all before it have failed.
    #[must_use]
    pub fn to(mut self, provider: Arc<dyn LlmProvider>, model: impl Into<String>) -> Self {
        if self.catalogue_of(&provider).is_none() {
            self.catalogues.push(Arc::new(CatalogueCache::new(provider.clone())));
        }
        self.routes.push(Route { provider, model: model.into() });
        self
    }

    /// Allows steps from a model that is free to one that is billed.
    ///
    /// Without it, what a model costs is looked up in its provider's catalogue before a step is made. The
    /// step is made if the failing model is known to be billed, or the next one is known to be free. What is
    /// not listed, what has no fixed price and what cannot be looked up [in time](Self::price_wait) may be
    /// free and may be billed. A model that may not be asked is left out, which the error of the failing
    /// model says, in its message and as its [next step](Error::next_step); the call ends in it where no
    /// route is left.
    #[must_use]
    pub fn allow_paid(mut self) -> Self {
        self.allow_paid = true;
        self
    }

    /// Sets how long the list of a provider's models is waited for where it has to be fetched to know what a
    /// model costs. A list that is in memory or on disk is not waited for, and one that could not be had in
    /// time is not waited for again for a while. Default: 3 s.
    #[must_use]
    pub fn price_wait(mut self, time: Duration) -> Self {
        self.price_wait = time;
        self
    }

    /// Takes prices from this catalogue, for the models of its provider: one that is filled already answers
    /// at once, even when the service does not.
    #[must_use]
    pub fn catalogue(mut self, catalogue: Arc<CatalogueCache>) -> Self {
        self.catalogues.retain(|other| !is_same(other.provider(), catalogue.provider()));
        self.catalogues.push(catalogue);
        self
    }

    fn catalogue_of(&self, provider: &Arc<dyn LlmProvider>) -> Option<&CatalogueCache> {
        self.catalogues.iter().find(|cache| is_same(cache.provider(), provider)).map(|cache| &**cache)
    }

    /// Whether an error is a reason to ask another model.
    fn qualifies(&self, error: &Error) -> bool {
        self.kinds.contains(&error.kind()) && !error.was_paid_for()
    }
}

/// Whether both are the same handle. One provider with two keys is two handles.
fn is_same(one: &Arc<dyn LlmProvider>, other: &Arc<dyn LlmProvider>) -> bool {
    std::ptr::addr_eq(Arc::as_ptr(one), Arc::as_ptr(other))
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl LlmProvider for Fallback {
    fn descriptor(&self) -> &'static ProviderDescriptor {
        self.provider.descriptor()
    }

    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream, Error> {
        let mut journey = Journey::new(self, request);
        loop {
            let error = match journey.provider().stream(&journey.request()).await {
                Ok(mut stream) => match stream.ready().await {
                    Ok(()) => return Ok(journey.streamed(stream)),
                    Err(error) => error,
                },
                Err(error) => error,
            };
            journey.go_on(error).await?;
        }
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse, Error> {
        let mut journey = Journey::new(self, request);
        loop {
            match journey.provider().chat(&journey.request()).await {
                Ok(reply) => return Ok(journey.answered(reply)),
                Err(error) => journey.go_on(error).await?,
            }
        }
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
