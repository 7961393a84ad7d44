//! The prices of a model or an endpoint.

use lenient_json::{Count, FromJson as _, Raw, Reader, number, object};
use openai_wire::amount;
use provider_core::{Price, PriceOverride, Prices, Pricing, TimeOfDay};

use crate::record::Field;

object! {
    /// Prices; in the list of overrides also the conditions under which they count.
    struct WirePricing<'a> {
        prompt: Raw<'a> = "prompt",
        completion: Raw<'a> = "completion",
        request: Raw<'a> = "request",
        image: Raw<'a> = "image",
        image_output: Raw<'a> = "image_output",
        image_token: Raw<'a> = "image_token",
        audio: Raw<'a> = "audio",
        audio_output: Raw<'a> = "audio_output",
        input_audio_cache: Raw<'a> = "input_audio_cache",
        input_cache_read: Raw<'a> = "input_cache_read",
        input_cache_write: Raw<'a> = "input_cache_write",
        input_cache_write_1h: Raw<'a> = "input_cache_write_1h",
        internal_reasoning: Raw<'a> = "internal_reasoning",
        web_search: Raw<'a> = "web_search",
        discount: Raw<'a> = "discount",
        overrides: Raw<'a> = "overrides",
        min_prompt_tokens: Raw<'a> = "min_prompt_tokens",
        utc_start: Raw<'a> = "utc_start",
        utc_end: Raw<'a> = "utc_end",
    }
}

impl Field for Pricing {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        WirePricing::from_json(reader).map(|wire| pricing(&wire))
    }
}

/// Reads prices with their overrides.
fn pricing(wire: &WirePricing<'_>) -> Pricing {
    let mut pricing = Pricing::from(prices(wire));
    pricing.discount = number(wire.discount);
    wire.overrides.for_each(|entry: WirePricing<'_>| pricing.overrides.extend(price_override(&entry)));
    pricing
}

fn prices(wire: &WirePricing<'_>) -> Prices {
    let mut prices = Prices::default();
    prices.prompt = price(wire.prompt);
    prices.completion = price(wire.completion);
    prices.request = price(wire.request);
    prices.image = price(wire.image);
    prices.image_output = price(wire.image_output);
    prices.image_token = price(wire.image_token);
    prices.audio = price(wire.audio);
    prices.audio_output = price(wire.audio_output);
    prices.input_audio_cache = price(wire.input_audio_cache);
    prices.input_cache_read = price(wire.input_cache_read);
    prices.input_cache_write = price(wire.input_cache_write);
    prices.input_cache_write_1h = price(wire.input_cache_write_1h);
    prices.internal_reasoning = price(wire.internal_reasoning);
    prices.web_search = price(wire.web_search);
    prices
}

/// A price. Routers have `-1`: it depends on the model they pick.
fn price(raw: Raw<'_>) -> Option<Price> {
    amount(raw).map(|amount| if amount.is_negative() { Price::Varies } else { Price::Fixed(amount) })
}

/// Prices under a condition. When a condition cannot be understood they must not count, so then there are
/// none.
fn price_override(wire: &WirePricing<'_>) -> Option<PriceOverride> {
    let prices = prices(wire);
    // Prices are texts and conditions are something else, so this tells a new condition from a new price.
    let has_new_condition = wire.unknown.iter().any(|(_, value)| !value.starts_with('"'));
    if has_new_condition || prices == Prices::default() {
        return None;
    }
    let mut entry = PriceOverride::new(prices);
    if wire.min_prompt_tokens.0.is_some() {
        let Count(threshold) = wire.min_prompt_tokens.read()?;
        entry = entry.above_prompt_tokens(threshold?);
    }
    if wire.utc_start.0.is_some() || wire.utc_end.0.is_some() {
        let clock = |raw: Raw<'_>, absent: TimeOfDay| match raw.0 {
            None => Some(absent),
            Some(_) => {
                raw.read::<Count>()?.0.and_then(|number| TimeOfDay::from_hhmm(number.try_into().ok()?))
            }
        };
        let (start, end) = (TimeOfDay::MIDNIGHT, TimeOfDay::END_OF_DAY);
        entry = entry.between(clock(wire.utc_start, start)?, clock(wire.utc_end, end)?);
    }
    Some(entry)
}
