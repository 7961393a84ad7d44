//! Fallback to other models.

use std::any::{Any, TypeId};
use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use provider_core::{
    Catalogue, ChatRequest, ChatResponse, ChatStream, ConnectionReport, Error, ErrorKind, LlmProvider,
    Operation, ProviderDescriptor,
};

use crate::billing::{PaidSteps, Route, Target};
use crate::error_context::context;
use crate::{CatalogueCache, Layer};

/// Asks other models, in order, when one cannot answer.
///
/// The model of the request is asked first, of the provider that the layer is put around; then come the
/// routes that [`to`](FallbackSettings::to) added. Each gets the same request with its own model in it.
/// Options and extra parameters that only one provider understands stay in, and the other providers leave
/// them alone. A message, part, tool, tool choice or response format that is JSON of one provider
/// ([`ProviderJson`](provider_core::ProviderJson)) is refused by the others, which ends the call: without it
/// the request would be another one.
///
/// ```
/// use std::sync::Arc;
///
/// use provider_core::{ChatRequest, ChatResponse, Error, LlmProvider};
/// use provider_layers::{FallbackLayer, FallbackSettings, Stack};
///
/// # type Provider = Arc<dyn LlmProvider>;
/// # async fn ask(openrouter: Provider, other: Provider) -> Result<ChatResponse, Error> {
/// let settings = FallbackSettings::default()
///     .to(openrouter.clone(), "anthropic/claude-sonnet-4.5")
///     .to(other, "gpt-4o");
/// let provider = Stack::new(openrouter).layer(FallbackLayer::new(settings)).build();
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
/// All of these hold:
///
/// * The kind of the error is one of [those that count](FallbackSettings::kinds).
/// * Nothing of an answer had come, streamed or not, and none is on the bill. An answer that was [paid
///   for](Error::was_paid_for) is not asked for again, and the error keeps it in [`Error::partial`].
/// * The step is not one [from a free model to a billed one](FallbackSettings::allow_paid).
///
/// Otherwise the error is returned as it is, with the errors before it in [`Error::attempts`]; so it is when
/// no route is left. Whether the retries of one model are [exhausted](Error::has_exhausted_retries) makes no
/// difference: another model has retries of its own.
///
/// # The answer
///
/// [`requested`](ChatResponse::requested) is the model of the caller's request,
/// [`model`](ChatResponse::model) and [`served_by`](ChatResponse::served_by) name the one that answered,
/// [`attempts`](ChatResponse::attempts) has every error on the way, each with its provider and model. The
/// message's [`made_by`](provider_core::AssistantMessage::made_by) is the model that answered, so that its
/// thoughts go back to it alone.
///
/// Description, catalogue and connection test are those of the first provider.
///
/// # Its place, and who shares it
///
/// In [the order](crate#the-order) it stands around the retries of its provider; the providers of the routes
/// have retries of their own.
///
/// The price lists of the routes' providers live in the layer: clones share those that were fetched.
/// The list of the provider that the layer is put around belongs to one stack, unless a route has the same
/// provider. Two calls of `new` share only a [catalogue](FallbackSettings::catalogue) that the host gave to
/// both; with [`allow_paid`](FallbackSettings::allow_paid) no list is fetched.
///
/// ```
/// use std::sync::Arc;
///
/// use provider_core::LlmProvider;
/// use provider_layers::{FallbackLayer, FallbackSettings, RetryLayer, RetrySettings, Stack};
///
/// # fn wrap(openrouter: Arc<dyn LlmProvider>, other: Arc<dyn LlmProvider>) -> [Arc<dyn LlmProvider>; 2] {
/// let fallback = FallbackLayer::new(FallbackSettings::default().to(other, "gpt-4o"));
///
/// // Right: made once, around the retries. Each call tries the first model again before it goes on.
/// let right = Stack::new(openrouter.clone())
///     .layer(RetryLayer::new(RetrySettings::default()))
///     .layer(fallback.clone())
///     .build();
///
/// // Wrong: each retry goes through all the models again.
/// let wrong = Stack::new(openrouter)
///     .layer(fallback)
///     .layer(RetryLayer::new(RetrySettings::default()))
///     .build();
/// # [right, wrong]
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct FallbackLayer {
    settings: Arc<FallbackSettings>,
}

/// The settings of a [`FallbackLayer`]. By default there are no routes, and the layer is off.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FallbackSettings {
    kinds: Vec<ErrorKind>,
    routes: Vec<Route>,
    paid_steps: PaidSteps,
}

impl Default for FallbackSettings {
    fn default() -> Self {
        Self {
            kinds: Self::OUTAGES.to_vec(),
            routes: Vec::new(),
            paid_steps: PaidSteps::refused("`FallbackSettings::allow_paid`"),
        }
    }
}

impl FallbackSettings {
    /// The usual reasons to ask another model: this one, or the way to it, is out of order at the moment.
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

    /// Sets the kinds of error after which another model is asked. Default: [`OUTAGES`](Self::OUTAGES). To
    /// add one: `[FallbackSettings::OUTAGES, &[ErrorKind::NoEndpoint]].concat()`.
    #[must_use]
    pub fn kinds(mut self, kinds: impl Into<Vec<ErrorKind>>) -> Self {
        self.kinds = kinds.into();
        self
    }

    /// Adds a model of a provider, to be asked when all before it have failed.
    #[must_use]
    pub fn to(mut self, provider: Arc<dyn LlmProvider>, model: impl Into<String>) -> Self {
        self.routes.push(Route { provider, model: model.into() });
        self
    }

    /// Allows steps from a model that is free to one that is billed. Default: they are not made.
    ///
    /// Without it, the layer looks up what a model costs in its provider's catalogue before a step. It makes
    /// the step if the failing model is known to be billed, or the next one is known to be free. A model that
    /// is not listed, has no fixed price or cannot be looked up [in time](Self::price_timeout) may be free
    /// and may be billed. A model that may not be asked is left out, which the error of the failing model
    /// says, in its message and as its [next step](Error::next_step); the call ends in it where no route is
    /// left.
    #[must_use]
    pub fn allow_paid(mut self) -> Self {
        self.paid_steps.are_allowed = true;
        self
    }

    /// Sets how long the layer waits for the list of a provider's models where it has to fetch it to know
    /// what a model costs. It does not wait for a list that is in memory or on disk, and not again for a
    /// while for one that did not come in time. Default: 3 s.
    #[must_use]
    pub fn price_timeout(mut self, time: Duration) -> Self {
        self.paid_steps.price_timeout = time;
        self
    }

    /// Takes the prices of a provider's models from this catalogue. One that is filled already answers at
    /// once, even when the service does not. It counts for routes of the same handle, and for the provider
    /// that the layer is put around, if that is the same handle.
    #[must_use]
    pub fn catalogue(mut self, catalogue: Arc<CatalogueCache>) -> Self {
        self.paid_steps.set_catalogue(catalogue);
        self
    }
}

impl FallbackLayer {
    /// Makes the layer.
    pub fn new(mut settings: FallbackSettings) -> Self {
        for route in settings.routes.clone() {
            settings.paid_steps.add_catalogue_of(&route.provider);
        }
        Self { settings: Arc::new(settings) }
    }
}

impl Layer for FallbackLayer {
    fn layer(&self, inner: Arc<dyn LlmProvider>) -> Arc<dyn LlmProvider> {
        if self.settings.routes.is_empty() {
            return inner;
        }
        let mut settings = (*self.settings).clone();
        settings.paid_steps.add_catalogue_of(&inner);
        Arc::new(FallbackProvider { inner, settings })
    }
}

#[derive(Debug)]
struct FallbackProvider {
    inner: Arc<dyn LlmProvider>,
    settings: FallbackSettings,
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl LlmProvider for FallbackProvider {
    fn descriptor(&self) -> &'static ProviderDescriptor {
        self.inner.descriptor()
    }

    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream, Error> {
        let mut state = FallbackState::new(self, Operation::Stream, request);
        loop {
            let error = match state.provider().stream(&state.request()).await {
                Ok(mut stream) => match stream.ready().await {
                    Ok(()) => return Ok(state.streamed(stream)),
                    Err(error) => error,
                },
                Err(error) => error,
            };
            state.go_on(error).await?;
        }
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse, Error> {
        let mut state = FallbackState::new(self, Operation::Chat, request);
        loop {
            match state.provider().chat(&state.request()).await {
                Ok(reply) => return Ok(state.answered(reply)),
                Err(error) => state.go_on(error).await?,
            }
        }
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

/// The model that a call has come to, and the errors before it.
#[derive(Debug)]
struct FallbackState<'a> {
    fallback: &'a FallbackProvider,
    operation: Operation,
    request: &'a ChatRequest,
    /// The number of routes that have been taken.
    taken: usize,
    failed: Vec<Error>,
}

impl<'a> FallbackState<'a> {
    fn new(fallback: &'a FallbackProvider, operation: Operation, request: &'a ChatRequest) -> Self {
        Self { fallback, operation, request, taken: 0, failed: Vec::new() }
    }

    fn provider(&self) -> &'a Arc<dyn LlmProvider> {
        self.target(self.taken).map_or(&self.fallback.inner, |(provider, _)| provider)
    }

    fn model(&self) -> &'a str {
        self.target(self.taken).map_or(&self.request.model, |(_, model)| model)
    }

    /// The request for the model that is asked now.
    fn request(&self) -> Cow<'a, ChatRequest> {
        if self.taken == 0 {
            return Cow::Borrowed(self.request);
        }
        let mut request = self.request.clone();
        self.model().clone_into(&mut request.model);
        Cow::Owned(request)
    }

    /// The provider and the model that are asked after so many routes; `None` behind the last one.
    fn target(&self, taken: usize) -> Option<Target<'a>> {
        match taken.checked_sub(1) {
            None => Some((&self.fallback.inner, &self.request.model)),
            Some(index) => {
                let route = self.fallback.settings.routes.get(index)?;
                Some((&route.provider, &route.model))
            }
        }
    }

    /// Goes on to the next model that may be asked.
    ///
    /// # Errors
    /// The error of this model, if it is no reason to go on, no route is left, or none is free.
    async fn go_on(&mut self, error: Error) -> Result<(), Error> {
        let context = context(&**self.provider(), self.operation, Some(self.model()));
        let mut error = context.apply(error);
        if !self.fallback.settings.kinds.contains(&error.kind()) || error.was_paid_for() {
            return Err(self.ended(error));
        }
        let mut next = self.taken + 1;
        let mut has_note = false;
        let steps = &self.fallback.settings.paid_steps;
        loop {
            let Some(target) = self.target(next) else { return Err(self.ended(error)) };
            let here = (self.provider(), self.model());
            let Some(objection) = steps.objection("fallback", here, target).await else {
                break;
            };
            error = if has_note { error.with_note(&objection) } else { steps.not_allowed(error, &objection) };
            has_note = true;
            next += 1;
        }
        self.failed.extend(error.into_attempts());
        self.taken = next;
        Ok(())
    }

    fn streamed(self, stream: ChatStream) -> ChatStream {
        stream.in_place_of(&self.request.model).after(self.failed)
    }

    fn answered(self, mut reply: ChatResponse) -> ChatResponse {
        self.request.model.clone_into(&mut reply.requested);
        reply.attempts.splice(0..0, self.failed);
        reply
    }

    fn ended(&mut self, error: Error) -> Error {
        error.in_place_of(&self.request.model).after(std::mem::take(&mut self.failed))
    }
}
