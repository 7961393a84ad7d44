//! The models that a command asks, each with its fallbacks: how a request reaches them.

mod counted;
mod route;

use std::sync::Arc;

use futures_util::future::join_all;
use provider_core::{ChatRequest, ChatResponse, ChatStream, Error, LlmProvider};
use provider_layers::{ContinueLayer, ContinueSettings, FallbackLayer, FallbackSettings, Layer};
use provider_registry::{ModelRef, SelectedModel};

use self::counted::Counted;
use self::route::{Answering, Route};
use crate::budget::{Budgets, Priced};
use crate::connect::Host;
use crate::exit::Failure;
use crate::params::Params;

/// A selected model, and the models to ask when it fails or breaks off.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    model: SelectedModel,
    around: Option<Around>,
}

/// The provider of a model with a fallback or a continuation around it, which may ask other models as well.
#[derive(Clone, Debug)]
struct Around {
    provider: Arc<dyn LlmProvider>,
    /// The model that was asked last.
    answering: Answering,
}

/// A request, and the models to send it to: for each, its target, or the error why it cannot be asked.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) request: ChatRequest,
    pub(crate) targets: Vec<Result<Target, Error>>,
}

impl Target {
    /// The model's id at its provider.
    pub(crate) fn id(&self) -> &str {
        self.model.id()
    }

    /// The provider's id on the command line, and the model.
    pub(crate) fn reference(&self) -> &ModelRef {
        self.model.reference()
    }

    /// The provider, with the fallback and the continuation around it.
    pub(crate) fn provider(&self) -> &Arc<dyn LlmProvider> {
        self.around.as_ref().map_or(self.model.provider(), |around| &around.provider)
    }

    /// The model that was asked last: this one, or one of its fallbacks.
    pub(crate) fn asked(&self) -> ModelRef {
        let last = self.around.as_ref().and_then(|around| around.answering.get());
        last.unwrap_or_else(|| self.reference().clone())
    }

    /// Sends a request and waits for the complete answer.
    ///
    /// # Errors
    /// Those of [`SelectedModel::chat`].
    pub(crate) async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse, Error> {
        match &self.around {
            Some(around) => around.provider.chat(request).await,
            None => self.model.chat(request).await,
        }
    }

    /// Sends a request and returns the answer as a stream.
    ///
    /// # Errors
    /// Those of [`SelectedModel::stream`].
    pub(crate) async fn stream(&self, request: &ChatRequest) -> Result<ChatStream, Error> {
        match &self.around {
            Some(around) => around.provider.stream(request).await,
            None => self.model.stream(request).await,
        }
    }
}

impl Host {
    /// Selects models and their fallbacks, and completes the request for them.
    ///
    /// If OpenRouter has all of them, on one instance, the request asks for its own fallback. Otherwise the
    /// host falls back itself: each model but the last is asked once, unless its settings say how often.
    ///
    /// With `max_seams`, answers that break off are gone on with so often, by the same model and then by the
    /// fallbacks. With `budgets`, each call reserves what it may cost.
    ///
    /// # Errors
    /// When a fallback cannot be selected, or when no model is of the provider that an option is for.
    pub(crate) async fn prepare(
        &self,
        texts: &[String],
        params: &Params,
        max_seams: Option<u32>,
        budgets: Option<&Budgets>,
        mut request: ChatRequest,
    ) -> Result<Prepared, Failure> {
        let models = join_all(texts.iter().map(|text| self.model(text))).await;
        let fallbacks = join_all(params.fallbacks().iter().map(|text| self.model(text))).await;
        let fallbacks = fallbacks.into_iter().collect::<Result<Vec<_>, Error>>()?;

        let all: Vec<&SelectedModel> = models.iter().flatten().chain(&fallbacks).collect();
        let kinds: Vec<&str> = all.iter().map(|model| model.provider().descriptor().id).collect();
        params.complete(&mut request, &kinds).map_err(|problem| {
            let of = |model: &&SelectedModel| {
                format!(
                    "{problem}, and {} is a model of {}",
                    model.reference(),
                    model.provider().descriptor().id
                )
            };
            Failure::Usage(all.first().map_or_else(|| problem.clone(), of))
        })?;
        let is_one_list = self.is_one_list(&all);
        if is_one_list {
            params.add_fallbacks(&mut request, fallbacks.iter().map(SelectedModel::id));
        }
        let mut targets = Vec::new();
        for model in models {
            targets.push(match model {
                Ok(model) => {
                    let target = match is_one_list || fallbacks.is_empty() {
                        true => Target { model, around: None },
                        false => self.with_fallbacks(model, &fallbacks, params)?,
                    };
                    let target = match max_seams {
                        Some(seams) => self.continued(target, &fallbacks, params, seams)?,
                        None => target,
                    };
                    Ok(match budgets {
                        Some(budgets) => self.counted(target, &fallbacks, budgets)?,
                        None => target,
                    })
                }
                Err(error) => Err(error),
            });
        }
        Ok(Prepared { request, targets })
    }

    /// Whether OpenRouter can fall back among these models itself.
    fn is_one_list(&self, models: &[&SelectedModel]) -> bool {
        let mut instances = models.iter().map(|model| &model.reference().provider);
        let first = instances.next();
        models.iter().all(|model| model.provider().descriptor().id == openrouter_provider::ID)
            && instances.all(|other| Some(other) == first)
    }

    fn with_fallbacks(
        &self,
        model: SelectedModel,
        fallbacks: &[SelectedModel],
        params: &Params,
    ) -> Result<Target, Error> {
        let answering = Answering::default();
        let mut routes = Vec::new();
        for (number, of_route) in std::iter::once(&model).chain(fallbacks).enumerate() {
            let reference = of_route.reference();
            let provider = match number == fallbacks.len() {
                true => of_route.provider().clone(),
                false => self.asked_once(&reference.provider)?,
            };
            routes.push(self.route(reference, provider, &answering)?);
        }
        let mut settings = FallbackSettings::default();
        if params.allows_paid_fallback() {
            settings = settings.allow_paid();
        }
        let mut routes = routes.into_iter();
        let Some(first) = routes.next() else { return Ok(Target { model, around: None }) };
        for route in routes {
            let id = route.reference().model.clone();
            settings = settings.to(Arc::new(route), id);
        }
        let provider = FallbackLayer::new(settings).layer(Arc::new(first));
        Ok(Target { model, around: Some(Around { provider, answering }) })
    }

    /// Puts a continuation around a target: what breaks off is gone on with by its model, then by the others.
    fn continued(
        &self,
        target: Target,
        others: &[SelectedModel],
        params: &Params,
        max_seams: u32,
    ) -> Result<Target, Error> {
        let Target { model, around } = target;
        let answering = around.as_ref().map_or_else(Answering::default, |around| around.answering.clone());
        let mut settings = ContinueSettings::default().max_seams(max_seams);
        if params.allows_paid_fallback() {
            settings = settings.allow_paid();
        }
        for other in others {
            let route = self.route(other.reference(), other.provider().clone(), &answering)?;
            settings = settings.to(Arc::new(route), other.id());
        }
        let inner: Arc<dyn LlmProvider> = match around {
            Some(around) => around.provider,
            None => Arc::new(self.route(model.reference(), model.provider().clone(), &answering)?),
        };
        let provider = ContinueLayer::new(settings).layer(inner);
        Ok(Target { model, around: Some(Around { provider, answering }) })
    }

    /// Puts the budgets of the workspace around a target.
    fn counted(
        &self,
        target: Target,
        fallbacks: &[SelectedModel],
        budgets: &Budgets,
    ) -> Result<Target, Error> {
        let mut models = Vec::new();
        for model in fallbacks.iter().chain([&target.model]) {
            let catalogue = self.instance(&model.reference().provider)?.catalogue_cache().clone();
            models.push(Priced { catalogue, id: model.id().to_owned() });
        }
        let model = target.model.clone();
        let answering =
            target.around.as_ref().map_or_else(Answering::default, |around| around.answering.clone());
        let provider = Arc::new(Counted { target, budgets: budgets.clone(), models });
        Ok(Target { model, around: Some(Around { provider, answering }) })
    }

    fn route(
        &self,
        reference: &ModelRef,
        provider: Arc<dyn LlmProvider>,
        answering: &Answering,
    ) -> Result<Route, Error> {
        let catalogue = self.instance(&reference.provider)?.catalogue_cache().clone();
        Ok(Route::new(reference.clone(), provider, catalogue, answering.clone()))
    }
}
