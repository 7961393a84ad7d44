//! Estimates the cost of an answer at the prices of a catalogue. The actual cost is in
//! [`Usage::cost`](crate::Usage::cost).

mod before;

use std::fmt;

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use super::{Price, Pricing, TimeOfWeek};
use crate::{ChatResponse, Usage, Usd};

/// A cost as far as a catalogue tells it: an estimate, and it says so wherever it is shown.
///
/// The provider that serves may have other prices, give discounts or bill what a catalogue does not list.
///
/// ```
/// use provider_core::{Price, Pricing, TimeOfDay, Usage};
///
/// let mut pricing = Pricing::default();
/// pricing.prompt = "0.0000025".parse().ok().map(Price::Fixed);
/// let mut usage = Usage::default();
/// usage.prompt_tokens = Some(1_000);
/// usage.completion_tokens = Some(20);
/// let cost = pricing.estimate(&usage, TimeOfDay::NOON);
/// assert_eq!(cost.to_string(), "about 0.0025 USD (estimate, without completion)");
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct CostEstimate {
    /// The cost of all parts together.
    pub amount: Usd,
    /// The units counted, each with its price.
    pub parts: Vec<CostPart>,
    /// The items that the estimate cannot price. They make the cost higher by an unknown amount; a service
    /// tier may make it lower.
    pub unpriced: Vec<Unpriced>,
}

/// One line of an estimate: this many units at this price.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CostPart {
    /// The unit counted, by the name of its price (`prompt`, `completion`, `input_cache_read`, …).
    pub what: &'static str,
    /// How many: tokens, requests or searches.
    pub count: u64,
    /// The price of one.
    pub price: Usd,
    /// The price of all.
    pub amount: Usd,
}

/// Something that could not be priced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Unpriced {
    /// The item, by the name of its price or of its kind of content.
    pub what: String,
    /// The reason why the estimate cannot price it.
    pub why: &'static str,
}

const NO_COUNT: &str = "nobody says how much it is";
const NO_PRICE: &str = "the catalogue has no price";
const TIER: &str = "the tier has prices of its own, see the endpoints";
const VARIES: &str = "the price depends on the model that is picked";

impl CostEstimate {
    /// Whether everything that is known of could be priced.
    pub fn is_complete(&self) -> bool {
        self.unpriced.is_empty()
    }

    fn add(&mut self, what: &'static str, count: u64, price: Option<Price>) {
        match price {
            _ if count == 0 => {}
            Some(Price::Fixed(price)) => {
                let amount = price * count;
                self.amount = self.amount + amount;
                self.parts.push(CostPart { what, count, price, amount });
            }
            Some(Price::Varies) => self.cannot_price(what, VARIES),
            None => self.cannot_price(what, NO_PRICE),
        }
    }

    /// Says that a tier which is not the usual one has its own prices.
    fn note_tier(&mut self, tier: Option<&str>) {
        if tier.is_some_and(|tier| !matches!(tier, "" | "auto" | "default" | "standard")) {
            self.cannot_price("service_tier", TIER);
        }
    }

    fn cannot_price(&mut self, what: &str, why: &'static str) {
        if self.unpriced.iter().all(|unpriced| unpriced.what != what) {
            self.unpriced.push(Unpriced { what: what.to_owned(), why });
        }
    }
}

impl fmt::Display for CostEstimate {
    /// `about 0.0025 USD (estimate, without web_search)`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "about {} USD (estimate", self.amount)?;
        for (number, unpriced) in self.unpriced.iter().enumerate() {
            write!(f, "{}{}", if number == 0 { ", without " } else { ", " }, unpriced.what)?;
        }
        f.write_str(")")
    }
}

impl Serialize for CostEstimate {
    /// `{"is_estimate": true, "currency": "USD", "amount": …, "parts": […], "unpriced": […]}`
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("CostEstimate", 5)?;
        object.serialize_field("is_estimate", &true)?;
        object.serialize_field("currency", "USD")?;
        object.serialize_field("amount", &self.amount)?;
        object.serialize_field("parts", &self.parts)?;
        object.serialize_field("unpriced", &self.unpriced)?;
        object.end()
    }
}

impl Pricing {
    /// Estimates the cost of this answer at these prices, at this time: that of [its
    /// usage](Self::estimate). An answer of another service tier than the default one has `service_tier`
    /// among [`CostEstimate::unpriced`], since these are the prices of the default one.
    #[must_use]
    pub fn estimate_answer(&self, answer: &ChatResponse, at: impl Into<TimeOfWeek>) -> CostEstimate {
        let mut cost = self.estimate(&answer.usage, at);
        cost.note_tier(answer.service_tier.as_deref());
        cost
    }

    /// Estimates the cost of this usage at these prices, at this time. [`Usage::cost`] has the actual
    /// cost, where the service states it.
    ///
    /// The estimate takes the tokens from and to the prompt cache, and those of audio, off the prompt's;
    /// where they overlap, as some providers count them, never below zero. Where the cache has no price of
    /// its own, the prompt's counts. A usage does not say how long the cache keeps something: the price of
    /// the usual time counts.
    #[must_use]
    pub fn estimate(&self, usage: &Usage, at: impl Into<TimeOfWeek>) -> CostEstimate {
        let mut cost = CostEstimate::default();
        let prices = self.in_force(usage.prompt_tokens.unwrap_or(0), at);
        let beside = Beside::of(usage);
        match usage.prompt_tokens {
            Some(prompt) => {
                let read = usage.cached_tokens.unwrap_or(0).min(prompt);
                let written = usage.cache_write_tokens.unwrap_or(0).min(prompt);
                let audio = if prices.audio.is_some() { beside.audio_in.min(prompt) } else { 0 };
                let plain = prompt.saturating_sub(read).saturating_sub(written).saturating_sub(audio);
                cost.add("prompt", plain, prices.prompt);
                cost.add("input_cache_read", read, prices.input_cache_read.or(prices.prompt));
                cost.add("input_cache_write", written, prices.input_cache_write.or(prices.prompt));
                cost.add("audio", audio, prices.audio);
            }
            None => cost.cannot_price("prompt", NO_COUNT),
        }
        match usage.completion_tokens {
            Some(completion) => {
                // These are among the tokens of the answer; without a price of their own they cost what it
                // costs.
                let own =
                    |price: Option<Price>, count: u64| if is_own(price) { count.min(completion) } else { 0 };
                let thoughts = own(prices.internal_reasoning, usage.reasoning_tokens.unwrap_or(0));
                let images = own(prices.image_output, beside.images_out);
                let audio = own(prices.audio_output, beside.audio_out);
                let plain = completion.saturating_sub(thoughts).saturating_sub(images).saturating_sub(audio);
                cost.add("completion", plain, prices.completion);
                cost.add("internal_reasoning", thoughts, prices.internal_reasoning);
                cost.add("image_output", images, prices.image_output);
                cost.add("audio_output", audio, prices.audio_output);
            }
            None => cost.cannot_price("completion", NO_COUNT),
        }
        cost.add("request", u64::from(is_own(prices.request)), prices.request);
        cost.add("web_search", beside.web_searches, prices.web_search);
        cost
    }
}

/// Whether a price says something: many catalogues list zeros for what is not billed on its own.
fn is_own(price: Option<Price>) -> bool {
    price.is_some_and(|price| price != Price::Fixed(Usd::ZERO))
}

/// Counts that stand beside the tokens in a usage object.
#[derive(Default)]
struct Beside {
    audio_in: u64,
    audio_out: u64,
    images_out: u64,
    web_searches: u64,
}

impl Beside {
    fn of(usage: &Usage) -> Self {
        let count = |count: Option<u64>| count.unwrap_or(0);
        Self {
            audio_in: count(usage.prompt_audio_tokens),
            audio_out: count(usage.completion_audio_tokens),
            images_out: count(usage.completion_image_tokens),
            web_searches: count(usage.web_search_requests),
        }
    }
}

#[cfg(test)]
mod tests;
