//! The check of a step from a free model to a billed one.

use std::sync::Arc;
use std::time::Duration;

use provider_core::{Catalogue, Error, LlmProvider, LlmProviderExt, Model, Price, Prices, Usd};

use crate::{CatalogueCache, CatalogueCacheSettings};

/// A provider's model, borrowed.
pub(crate) type Target<'a> = (&'a Arc<dyn LlmProvider>, &'a str);

/// A model of a provider, to be asked in the place of another.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    pub(crate) provider: Arc<dyn LlmProvider>,
    pub(crate) model: String,
}

/// The rule for steps from a free model to a billed one, and the price lists that it needs.
#[derive(Clone, Debug)]
pub(crate) struct PaidSteps {
    /// The setting that allows them, as messages write it.
    setting: &'static str,
    pub(crate) are_allowed: bool,
    pub(crate) price_timeout: Duration,
    catalogues: Vec<Arc<CatalogueCache>>,
}

impl PaidSteps {
    /// Refuses them, until they are allowed.
    pub(crate) fn refused(setting: &'static str) -> Self {
        Self { setting, are_allowed: false, price_timeout: Duration::from_secs(3), catalogues: Vec::new() }
    }

    /// Takes a catalogue in place of the one of its provider.
    pub(crate) fn set_catalogue(&mut self, catalogue: Arc<CatalogueCache>) {
        self.catalogues.retain(|other| !Arc::ptr_eq(other.provider(), catalogue.provider()));
        self.catalogues.push(catalogue);
    }

    /// Makes a catalogue for a provider that has none.
    pub(crate) fn add_catalogue_of(&mut self, provider: &Arc<dyn LlmProvider>) {
        if self.catalogue_of(provider).is_none() {
            let cache = CatalogueCache::new(provider.clone(), CatalogueCacheSettings::default());
            self.catalogues.push(Arc::new(cache));
        }
    }

    fn catalogue_of(&self, provider: &Arc<dyn LlmProvider>) -> Option<&Arc<CatalogueCache>> {
        // One provider with two keys is two handles, which may have different models.
        self.catalogues.iter().find(|cache| Arc::ptr_eq(cache.provider(), provider))
    }

    /// The reason why a step from one model to another needs to be allowed; `None` if it may be made. The
    /// reason begins with what is not done: `no fallback`.
    ///
    /// Prices that are in memory decide first. Price lists are fetched only where those are not enough, and
    /// none is waited for longer than the time for it: the service that has just failed may be the one that
    /// does not answer.
    pub(crate) async fn objection(&self, what: &str, from: Target<'_>, to: Target<'_>) -> Option<String> {
        if self.are_allowed
            || Billing::in_memory(self, to) == Some(Billing::Free)
            || Billing::in_memory(self, from) == Some(Billing::Billed)
        {
            return None;
        }
        // The next model first: its provider is more likely to answer than the one that has just failed.
        let next = Billing::of(self, to).await;
        if next == Billing::Free {
            return None;
        }
        let failed = Billing::of(self, from).await;
        if failed == Billing::Billed {
            return None;
        }
        let provider = to.0.id();
        Some(format!(
            "no {what} to {:?} of {provider}, which {}, since {:?} {}: a step from free to paid needs {}",
            to.1,
            next.or("may be billed"),
            from.1,
            failed.or("may be free"),
            self.setting
        ))
    }

    /// The error of a model after which the next one may not be asked.
    pub(crate) fn not_allowed(&self, error: Error, objection: &str) -> Error {
        let allow = format!("allow the step from free to paid with {}", self.setting);
        let next_step = match error.next_step() {
            Some(other) => format!("{other}; or {allow}"),
            None => allow,
        };
        error.with_note(objection).with_next_step(next_step)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Billing {
    Free,
    Billed,
    /// The catalogue does not tell, for this reason.
    Unknown(String),
}

impl Billing {
    /// The answer of the list in memory, if there is one that is not too old and lists the model.
    fn in_memory(steps: &PaidSteps, (provider, model): Target<'_>) -> Option<Self> {
        let cached = steps.catalogue_of(provider)?.usable()?;
        Self::listed(&cached.catalogue, model)
    }

    /// The answer of the list, which is fetched if need be.
    async fn of(steps: &PaidSteps, (provider, model): Target<'_>) -> Self {
        let Some(cache) = steps.catalogue_of(provider) else {
            return Billing::Unknown("its provider has no catalogue here".to_owned());
        };
        match cache.get_within(steps.price_timeout).await {
            Ok(cached) => Self::listed(&cached.catalogue, model)
                .unwrap_or_else(|| Billing::Unknown("it is not in the catalogue".to_owned())),
            Err(error) => Billing::Unknown(format!("the catalogue cannot be had: {}", error.message())),
        }
    }

    /// The answer of a list: of all models of its instance, or of the one that it lists.
    fn listed(catalogue: &Catalogue, model: &str) -> Option<Self> {
        match catalogue.is_billed {
            Some(false) => Some(Billing::Free),
            _ => catalogue.find(model).map(Self::of_model),
        }
    }

    fn of_model(model: &Model) -> Self {
        let pricing = &model.pricing;
        if pricing.is_billed == Some(false) {
            return Billing::Free;
        }
        let costs =
            |price: Option<Price>| price.and_then(Price::amount).is_some_and(|amount| amount > Usd::ZERO);
        let charges =
            |prices: Prices| [prices.prompt, prices.completion, prices.request].into_iter().any(costs);
        let is_given_away = pricing.discount.is_some_and(|discount| discount >= 1.0);
        let depends = pricing.overrides.iter().any(|entry| charges(entry.prices));
        if model.is_free() && !charges(pricing.listed()) && !depends {
            Billing::Free
        } else if charges(pricing.listed()) && !is_given_away {
            Billing::Billed
        } else {
            Billing::Unknown("the catalogue has no fixed price for it".to_owned())
        }
    }

    /// The billing in words; `guess` stands for one that is unknown.
    fn or(&self, guess: &str) -> String {
        match self {
            Billing::Free => "is free".to_owned(),
            Billing::Billed => "is billed".to_owned(),
            Billing::Unknown(reason) => format!("{guess} ({reason})"),
        }
    }
}
