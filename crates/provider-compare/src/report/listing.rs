//! Context and prices of a compared model.

use std::fmt;

use provider_core::{Model, Price, Usd};
use serde::Serialize;

use crate::display::{UNKNOWN, dollars, grouped, or_unknown};

/// Context and prices of a model, from the catalogue. `Display` writes them in a line.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Listing {
    /// The most tokens of prompt and answer together.
    pub context_length: Option<u64>,
    /// The price of a token of the prompt, without conditions.
    pub prompt_price: Option<Price>,
    /// The price of a token of the answer, without conditions.
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
        Some(Price::Fixed(amount)) if amount == Usd::ZERO => "$0".to_owned(),
        Some(Price::Fixed(amount)) => dollars(amount * 1_000_000),
        Some(_) => "varying".to_owned(),
    }
}
