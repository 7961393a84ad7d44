//! The money of a call: the estimate that it reserves, and the bill that it settles with.

use provider_core::{Catalogue, ChatRequest, Error, ErrorKind, TimeOfWeek, Usage, Usd};

/// The tokens of an answer that are reserved for a request without a limit of its own. The most that the
/// model can write would fill small budgets with a few calls at a time; by what a longer answer costs above
/// it, a budget may be overspent.
pub const ASSUMED_ANSWER_TOKENS: u32 = 4096;

/// The most that a request is expected to cost with this model of a provider's catalogue: what a call
/// reserves. An answer without a limit counts as [`ASSUMED_ANSWER_TOKENS`] long. Where the catalogue or the
/// model in it is missing, or not everything has a price, it is at least `unlisted`; where nobody bills
/// requests, it is nothing.
#[must_use]
pub fn estimate(catalogue: Option<&Catalogue>, model: &str, request: &ChatRequest, unlisted: Usd) -> Usd {
    if catalogue.is_some_and(|catalogue| catalogue.is_billed == Some(false)) {
        return Usd::ZERO;
    }
    let Some(model) = catalogue.and_then(|catalogue| catalogue.find(model)) else { return unlisted };
    let estimate = model.estimate_assuming(ASSUMED_ANSWER_TOKENS, request, TimeOfWeek::now());
    if estimate.is_complete() { estimate.amount } else { estimate.amount.max(unlisted) }
}

/// The bill of a call that has ended, for [`Reservation::bill`](crate::Reservation::bill).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bill {
    /// No charge: it was not served.
    None,
    /// Its estimate stands.
    Unknown,
    /// The charge in US dollars.
    Known(Usd),
}

impl Bill {
    /// The bill of an answer: the service's charge and, with a key of one's own upstream, that of the
    /// upstream provider.
    #[must_use]
    pub fn of(usage: &Usage) -> Self {
        let upstream = if usage.is_byok == Some(true) { usage.upstream_cost } else { Some(Usd::ZERO) };
        match (usage.cost, upstream) {
            (Some(cost), Some(upstream)) => Bill::Known(cost + upstream),
            _ => Bill::Unknown,
        }
    }

    /// The bill of a call that failed: that of its part of an answer, if the service charges for it. A
    /// timeout and a break may have been worked on, and nobody knows for how long.
    #[must_use]
    pub fn of_error(error: &Error) -> Self {
        match error.partial() {
            Some(partial) if error.was_paid_for() => Bill::of(&partial.usage),
            _ if matches!(error.kind(), ErrorKind::Timeout | ErrorKind::Interrupted) => Bill::Unknown,
            _ => Bill::None,
        }
    }
}

#[cfg(test)]
mod tests;
