//! The check of a step from a free model to a billed one.

use provider_core::{Catalogue, LlmProviderExt, Model, Price, Prices, Usd};

use super::{FallbackSettings, Target};

/// The reason why a step from one model to another needs to be allowed; `None` if it may be made.
///
/// Prices that are in memory decide first. Price lists are fetched only where those are not enough, and none
/// is waited for longer than [`FallbackSettings::price_timeout`]: the service that has just failed may be the
/// one that does not answer.
pub(super) async fn objection(
    settings: &FallbackSettings,
    from: Target<'_>,
    to: Target<'_>,
) -> Option<String> {
    if settings.allow_paid
        || Billing::in_memory(settings, to) == Some(Billing::Free)
        || Billing::in_memory(settings, from) == Some(Billing::Billed)
    {
        return None;
    }
    // The next model first: its provider is more likely to answer than the one that has just failed.
    let next = Billing::of(settings, to).await;
    if next == Billing::Free {
        return None;
    }
    let failed = Billing::of(settings, from).await;
    if failed == Billing::Billed {
        return None;
    }
    let provider = to.0.id();
    Some(format!(
        "no fallback to {:?} of {provider}, which {}, since {:?} {}: a step from free to paid needs `FallbackSettings::allow_paid`",
        to.1,
        next.or("may be billed"),
        from.1,
        failed.or("may be free")
    ))
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
    fn in_memory(settings: &FallbackSettings, (provider, model): Target<'_>) -> Option<Self> {
        let cached = settings.catalogue_of(provider)?.usable()?;
        Self::listed(&cached.catalogue, model)
    }

    /// The answer of the list, which is fetched if need be.
    async fn of(settings: &FallbackSettings, (provider, model): Target<'_>) -> Self {
        let Some(cache) = settings.catalogue_of(provider) else {
            return Billing::Unknown("its provider has no catalogue here".to_owned());
        };
        match cache.get_within(settings.price_timeout).await {
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
