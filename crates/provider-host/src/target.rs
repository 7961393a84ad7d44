//! The models that a command asks, each with its fallbacks: how a request reaches them.

mod route;

use std::sync::Arc;

use futures_util::future::join_all;
use provider_core::{ChatRequest, ChatResponse, ChatStream, Error, LlmProvider};
use provider_layers::{FallbackLayer, FallbackSettings, Layer};
use provider_registry::{ModelRef, SelectedModel};

use self::route::{Answering, Route};
use crate::connect::Host;
use crate::exit::Failure;
use crate::params::Params;

/// A selected model, and the models to ask when it fails.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    model: SelectedModel,
    fallback: Option<Fallback>,
}

/// The provider of a model with a fallback around it, which asks other providers as well.
#[derive(Clone, Debug)]
struct Fallback {
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

    /// The provider, with the fallback around it.
    pub(crate) fn provider(&self) -> &Arc<dyn LlmProvider> {
        self.fallback.as_ref().map_or(self.model.provider(), |fallback| &fallback.provider)
    }

    /// The model that was asked last: this one, or one of its fallbacks.
    pub(crate) fn asked(&self) -> ModelRef {
        let last = self.fallback.as_ref().and_then(|fallback| fallback.answering.get());
        last.unwrap_or_else(|| self.reference().clone())
    }

    /// Sends a request and waits for the complete answer.
    ///
    /// # Errors
    /// Those of [`SelectedModel::chat`].
    pub(crate) async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse, Error> {
        match &self.fallback {
            Some(fallback) => fallback.provider.chat(request).await,
            None => self.model.chat(request).await,
        }
    }

    /// Sends a request and returns the answer as a stream.
    ///
    /// # Errors
    /// Those of [`SelectedModel::stream`].
    pub(crate) async fn stream(&self, request: &ChatRequest) -> Result<ChatStream, Error> {
        match &self.fallback {
            Some(fallback) => fallback.provider.stream(request).await,
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
    /// # Errors
    /// When a fallback cannot be selected, or when no model is of the provider that an option is for.
    pub(crate) async fn prepare(
        &self,
        texts: &[String],
        params: &Params,
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
                Ok(model) if is_one_list || fallbacks.is_empty() => Ok(Target { model, fallback: None }),
                Ok(model) => Ok(self.with_fallbacks(model, &fallbacks, params)?),
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
            let catalogue = self.instance(&reference.provider)?.catalogue_cache().clone();
            routes.push(Route::new(reference.clone(), provider, catalogue, answering.clone()));
        }
        let mut settings = FallbackSettings::default();
        if params.allows_paid_fallback() {
            settings = settings.allow_paid();
        }
        let mut routes = routes.into_iter();
        let Some(first) = routes.next() else { return Ok(Target { model, fallback: None }) };
        for route in routes {
            let id = route.reference().model.clone();
            settings = settings.to(Arc::new(route), id);
        }
        let provider = FallbackLayer::new(settings).layer(Arc::new(first));
        Ok(Target { model, fallback: Some(Fallback { provider, answering }) })
    }
}
