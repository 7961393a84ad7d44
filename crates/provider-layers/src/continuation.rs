//! Going on with answers that broke off.

mod plan;

use std::any::{Any, TypeId};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use provider_core::{
    Catalogue, ChatRequest, ChatResponse, ChatStream, ConnectionReport, Error, ErrorKind, LlmProvider,
    Operation, ProviderDescriptor, TimeoutPhase,
};
use tokio::time::Instant;

use self::plan::Plan;
use crate::billing::{PaidSteps, Route};
use crate::error_context::context;
use crate::retry::RetryBudget;
use crate::timeout::deadlines::{Deadline, Deadlines};
use crate::{CatalogueCache, FallbackSettings, Layer, TimeoutSettings};

/// Goes on with an answer that broke off after its first output, in place of ending in its error.
///
/// The text that had come becomes an assistant message at the end of the conversation (a prefix), and the
/// same model, or one of [those in the settings](ContinueSettings::to), is asked for what follows. The reader
/// has one stream: nothing that was handed on is taken back, and an [`Event::Seam`] stands between the parts.
///
/// No stack has this layer unless a host puts it there: the answer is then of several requests, which are
/// all billed, and perhaps of several models.
///
/// ```
/// use std::sync::Arc;
///
/// use provider_core::{ChatRequest, ChatResponse, Error, LlmProvider};
/// use provider_layers::{ContinueLayer, ContinueSettings, Stack};
///
/// # async fn ask(openrouter: Arc<dyn LlmProvider>) -> Result<ChatResponse, Error> {
/// let settings = ContinueSettings::default().to(openrouter.clone(), "anthropic/claude-sonnet-4.5");
/// let provider = Stack::new(openrouter).layer(ContinueLayer::new(settings)).build();
///
/// let reply = provider.chat(&ChatRequest::new("openai/gpt-4o").user("Hello")).await?;
/// for seam in &reply.seams {
///     println!("broke off at byte {}, gone on with by {}", seam.at, seam.model);
/// }
/// # Ok(reply)
/// # }
/// ```
///
/// # When it goes on
///
/// All of these hold:
///
/// * The kind of the error is one of [those that count](ContinueSettings::kinds), and text of the answer had
///   come. An error before that is up to retries and a [`FallbackLayer`](crate::FallbackLayer).
/// * The answer has no finish reason: it was not over.
/// * It has text alone: no tool call, refusal, image or sound, no [signed
///   thoughts](provider_core::AssistantMessage::has_signed_reasoning), and no block of its provider's own. No
///   thoughts behind the last message of the user are signed either.
/// * The request asks for text: no [response format](ChatRequest::response_format) but text, and no
///   [tool choice](ChatRequest::tool_choice) that forces a call. Tools may be offered.
/// * There are [seams](ContinueSettings::max_seams), [time](ContinueSettings::deadline) and
///   [budget](#the-budget) left.
/// * The step is none [from a free model to a billed one](ContinueSettings::allow_paid).
///
/// Otherwise the error is returned, and where the layer would have gone on but for one of these, it says
/// which.
///
/// # Who goes on
///
/// The model that broke off, unless [the settings](ContinueSettings::other_models_only) leave it out, then
/// the next ones of the list, until one begins to answer. One that has broken off twice is passed by, where
/// another is left. The same model is passed by where the error advises
/// against another attempt or names a time to wait: this layer does not wait. One that cannot be asked or
/// refuses costs no seam, and is among the attempts. If none is left, the error is that of the broken answer.
///
/// The request is the same but for the model and the prefix: a `max_tokens` holds for each part.
/// Not every model goes on from a prefix: some begin anew, and some services refuse it.
///
/// # Repeated text
///
/// A model may say again what it was given. The layer leaves out what repeats the end of the text before, or
/// all of it: 32 bytes to 4 KiB or all, only byte for byte, and only where these bytes do not stand elsewhere
/// in that text. A beginning that may be such a repetition is held back until it differs. Shorter or changed
/// repetitions stay, as do those of a model that begins anew and then says something else.
///
/// # The answer
///
/// [`attempts`](ChatResponse::attempts) has the error of each broken part, with all that had come by then in
/// its [`partial`](Error::partial). [`usage`](ChatResponse::usage) is the sum of all parts; services often
/// tell nothing of a broken one, which [`is_usage_complete`](ChatResponse::is_usage_complete) says then.
/// [`requested`](ChatResponse::requested) is the model of the caller's request, `model`, `served_by`, `id`
/// and the thoughts are those of the last part: thoughts of a broken one must not go back to another model,
/// and are in its attempt. An error at the end has all parts in its `partial`.
///
/// # The budget
///
/// When a service goes down, all its answers break off at once. So all calls of a layer share a token bucket
/// of [10](ContinueSettings::budget_capacity) seams, to which each call adds
/// [a tenth](ContinueSettings::budget_deposit), as retries have one.
///
/// # Its place, and who shares it
///
/// In [the order](crate#the-order) it stands around the retries and the fallback of its provider: each part
/// is a call of theirs, with timeouts, retries and a deadline of its own. Around this layer, a trace sees one
/// call. The budget lives in the layer, and so do the price lists, as a
/// [`FallbackLayer`](crate::FallbackLayer) has them.
///
/// [`Event::Seam`]: provider_core::Event::Seam
#[derive(Clone, Debug)]
pub struct ContinueLayer {
    settings: Arc<ContinueSettings>,
    budget: Arc<RetryBudget>,
}

/// The settings of a [`ContinueLayer`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ContinueSettings {
    kinds: Vec<ErrorKind>,
    routes: Vec<Route>,
    other_models_only: bool,
    max_seams: u32,
    deadline: Option<Duration>,
    budget_capacity: u32,
    budget_deposit: f64,
    paid_steps: PaidSteps,
}

impl Default for ContinueSettings {
    fn default() -> Self {
        Self {
            kinds: FallbackSettings::OUTAGES.to_vec(),
            routes: Vec::new(),
            other_models_only: false,
            max_seams: 2,
            deadline: None,
            budget_capacity: 10,
            budget_deposit: 0.1,
            paid_steps: PaidSteps::refused("`ContinueSettings::allow_paid`"),
        }
    }
}

impl ContinueSettings {
    /// No seams: the layer is off.
    pub fn off() -> Self {
        Self::default().max_seams(0)
    }

    /// Sets the kinds of error after which an answer is gone on with. Default:
    /// [`FallbackSettings::OUTAGES`].
    #[must_use]
    pub fn kinds(mut self, kinds: impl Into<Vec<ErrorKind>>) -> Self {
        self.kinds = kinds.into();
        self
    }

    /// Adds a model of a provider, to be asked for the rest when those before it do not go on.
    #[must_use]
    pub fn to(mut self, provider: Arc<dyn LlmProvider>, model: impl Into<String>) -> Self {
        self.routes.push(Route { provider, model: model.into() });
        self
    }

    /// Leaves out the model that broke off. Default: it is asked first.
    #[must_use]
    pub fn other_models_only(mut self) -> Self {
        self.other_models_only = true;
        self
    }

    /// Sets how many seams an answer may have. Default: 2. At 0 the layer is off.
    #[must_use]
    pub fn max_seams(mut self, seams: u32) -> Self {
        self.max_seams = seams;
        self
    }

    /// Sets how long a call may take with all its parts. It then ends in an error of the kind
    /// [`Timeout`](ErrorKind::Timeout), with what had come. Default: `None`, as long as it takes. A
    /// [deadline of retries](crate::RetrySettings::deadline) inside this layer bounds one part; it is a limit
    /// of the host, so that an answer which it ends is not gone on with.
    #[must_use]
    pub fn deadline(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.deadline = limit.into();
        self
    }

    /// Sets how many seams the [budget](ContinueLayer#the-budget) holds. Default: 10. At 0 the layer is off.
    #[must_use]
    pub fn budget_capacity(mut self, seams: u32) -> Self {
        self.budget_capacity = seams;
        self
    }

    /// Sets how many seams each call puts into the budget, usually a fraction of one. Default: 0.1.
    #[must_use]
    pub fn budget_deposit(mut self, seams: f64) -> Self {
        self.budget_deposit = seams;
        self
    }

    /// Allows steps from a model that is free to one that is billed. Default: they are not made. See
    /// [`FallbackSettings::allow_paid`] for how the layer knows.
    #[must_use]
    pub fn allow_paid(mut self) -> Self {
        self.paid_steps.are_allowed = true;
        self
    }

    /// Sets how long the layer waits for a list of prices, as
    /// [`FallbackSettings::price_timeout`]. Default: 3 s.
    #[must_use]
    pub fn price_timeout(mut self, time: Duration) -> Self {
        self.paid_steps.price_timeout = time;
        self
    }

    /// Takes the prices of a provider's models from this catalogue, as [`FallbackSettings::catalogue`].
    #[must_use]
    pub fn catalogue(mut self, catalogue: Arc<CatalogueCache>) -> Self {
        self.paid_steps.set_catalogue(catalogue);
        self
    }

    fn is_off(&self) -> bool {
        let has_none = self.other_models_only && self.routes.is_empty();
        has_none || self.max_seams == 0 || self.budget_capacity == 0
    }

    /// The deadlines of a call that begins now.
    fn deadlines(&self, start: Instant) -> Deadlines {
        TimeoutSettings::off().of_call(start, Deadline::after(start, self.deadline, TimeoutPhase::Deadline))
    }
}

impl ContinueLayer {
    /// Makes the layer, with a budget of its own.
    pub fn new(mut settings: ContinueSettings) -> Self {
        for route in settings.routes.clone() {
            settings.paid_steps.add_catalogue_of(&route.provider);
        }
        let budget = RetryBudget::new(settings.budget_capacity, settings.budget_deposit);
        Self { settings: Arc::new(settings), budget: Arc::new(budget) }
    }
}

impl Layer for ContinueLayer {
    fn layer(&self, inner: Arc<dyn LlmProvider>) -> Arc<dyn LlmProvider> {
        if self.settings.is_off() {
            return inner;
        }
        let mut settings = (*self.settings).clone();
        if !settings.routes.is_empty() {
            settings.paid_steps.add_catalogue_of(&inner);
        }
        let shared = Shared { inner, settings, budget: self.budget.clone() };
        Arc::new(ContinueProvider { shared: Arc::new(shared) })
    }
}

#[derive(Debug)]
struct ContinueProvider {
    shared: Arc<Shared>,
}

/// The layer around one provider, as its calls share it.
#[derive(Debug)]
struct Shared {
    inner: Arc<dyn LlmProvider>,
    settings: ContinueSettings,
    budget: Arc<RetryBudget>,
}

impl ContinueProvider {
    fn inner(&self) -> &dyn LlmProvider {
        &*self.shared.inner
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl LlmProvider for ContinueProvider {
    fn descriptor(&self) -> &'static ProviderDescriptor {
        self.inner().descriptor()
    }

    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream, Error> {
        self.shared.budget.deposit();
        let deadlines = self.shared.settings.deadlines(Instant::now());
        let context = context(self.inner(), Operation::Stream, Some(&request.model));
        match deadlines.within(self.inner().stream(request)).await {
            Ok((stream, deadlines)) => {
                let stream = stream?.continued_by(Plan::new(self.shared.clone(), request));
                Ok(deadlines.watch(stream).in_context(context))
            }
            Err(late) => Err(context.apply(late)),
        }
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse, Error> {
        self.shared.budget.deposit();
        let start = Instant::now();
        let context = context(self.inner(), Operation::Chat, Some(&request.model));
        match self.shared.settings.deadlines(start).within(self.inner().chat(request)).await {
            Ok((Ok(reply), _)) => Ok(reply),
            Ok((Err(broken), _)) => {
                Box::pin(Plan::new(self.shared.clone(), request).chat(broken, start)).await
            }
            Err(late) => Err(context.apply(late)),
        }
    }

    async fn models(&self) -> Result<Catalogue, Error> {
        self.inner().models().await
    }

    async fn all_models(&self) -> Result<Catalogue, Error> {
        self.inner().all_models().await
    }

    async fn check(&self) -> Result<ConnectionReport, Error> {
        self.inner().check().await
    }

    async fn warm_up(&self) -> Result<(), Error> {
        self.inner().warm_up().await
    }

    fn extension_by_id(&self, wanted: TypeId) -> Option<&(dyn Any + Send + Sync)> {
        self.inner().extension_by_id(wanted)
    }
}
