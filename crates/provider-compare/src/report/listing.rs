//! What the catalogue says of a compared model.

use std::fmt;

use provider_core::{Catalogue, Model, Price, Usd};
use serde::Serialize;

use super::Report;
use crate::show::{UNKNOWN, dollars, grouped, or_unknown};

/// What the catalogue says of a model: its room and its prices. `Display` is a line for people.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Listing {
    /// How many tokens prompt and answer may have together.
    pub context_length: Option<u64>,
    /// What a token of the prompt costs, without conditions.
    pub prompt_price: Option<Price>,
    /// What a token of the answer costs, without conditions.
    pub completion_price: Option<Price>,
}

impl From<&Model> for Listing {
    fn from(model: &Model) -> Self {
        Self {
            context_length: model.context_length,
            prompt_price: model.pricing.prompt,
            completion_price: model.pricing.completion,
        }
    }
}

impl fmt::Display for Listing {
    /// `128,000 tokens of context, $2.5 in and $10 out per million tokens`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let context = or_unknown(self.context_length, grouped);
        let (prompt, completion) = (per_million(self.prompt_price), per_million(self.completion_price));
        write!(f, "{context} tokens of context, {prompt} in and {completion} out per million tokens")
    }
}

fn per_million(price: Option<Price>) -> String {
    match price {
        None => UNKNOWN.to_owned(),
        Some(Price::Varies) => "varying".to_owned(),
        Some(Price::Fixed(amount)) if amount == Usd::ZERO => "$0".to_owned(),
        Some(Price::Fixed(amount)) => dollars(amount * 1_000_000),
    }
}

impl Report {
    /// Adds what a catalogue says of the models, to the cells of the provider that it is from (by the name
    /// that the cells give it). Cells of other providers stay as they are.
    pub fn add_listings(&mut self, provider: &str, catalogue: &Catalogue) {
        for cell in self.cells.iter_mut().filter(|cell| cell.provider.as_deref() == Some(provider)) {
            cell.listing = catalogue.find(&cell.requested).map(Listing::from);
        }
    }
}
