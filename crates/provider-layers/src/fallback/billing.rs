//! What a model costs, as far as it matters: nothing, or something.

use std::sync::Arc;

use provider_core::{LlmProvider, LlmProviderExt, Model, Price, Prices, Usd};

use super::Fallback;

/// A provider's model.
pub(super) type Place<'a> = (&'a Arc<dyn LlmProvider>, &'a str);

/// Why the step from one model to another is not to be made without being allowed; `None` if it may be.
///
/// Prices that are known already decide. Only where that is not enough are price lists fetched, and none is
/// waited for longer than [`Fallback::price_wait`]: the service that has just failed may be the one that does
/// not answer.
pub(super) async fn objection(fallback: &Fallback, from: Place<'_>, to: Place<'_>) -> Option<String> {
    if Billing::known(fallback, to) == Some(Billing::Free)
        || Billing::known(fallback, from) == Some(Billing::Billed)
    {
        return None;
    }
    // The next one first: its provider is more likely to answer than the one that has just failed.
    let next = Billing::of(fallback, to).await;
    if next == Billing::Free {
        return None;
    }
    let failed = Billing::of(fallback, from).await;
    if failed == Billing::Billed {
        return None;
    }
    let provider = to.0.id();
    Some(format!(
        "no fallback to {:?} of {provider}, which {}, since {:?} {}: a step from free to paid needs `Fallback::allow_paid`",
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
    /// Nobody knows, for this reason.
    Unknown(String),
}

impl Billing {
    /// The answer of the list in memory, if it is not too old to be used and says anything. Nobody is
    /// asked.
    fn known(fallback: &Fallback, (provider, model): Place<'_>) -> Option<Self> {
        let known = fallback.catalogue_of(provider)?.usable()?;
        known.catalogue.find(model).map(Self::of_model)
    }

    async fn of(fallback: &Fallback, (provider, model): Place<'_>) -> Self {
        let Some(cache) = fallback.catalogue_of(provider) else {
            return Billing::Unknown("nobody knows its catalogue".to_owned());
        };
        match cache.get_within(fallback.price_wait).await {
            Ok(cached) => cached
                .catalogue
                .find(model)
                .map_or_else(|| Billing::Unknown("it is not in the catalogue".to_owned()), Billing::of_model),
            Err(error) => Billing::Unknown(format!("the catalogue cannot be had: {}", error.message())),
        }
    }

    fn of_model(model: &Model) -> Self {
        let pricing = &model.pricing;
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

    /// In words; `guess` is what it may be if nobody knows.
    fn or(&self, guess: &str) -> String {
        match self {
            Billing::Free => "is free".to_owned(),
            Billing::Billed => "is billed".to_owned(),
            Billing::Unknown(reason) => format!("{guess} ({reason})"),
        }
    }
}
