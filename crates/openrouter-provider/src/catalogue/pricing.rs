//! The prices of a model or an endpoint.

use lenient_json::{Count, FromJson, Raw, Reader, number, texts};
use openai_wire::amount;
use provider_core::{Price, PriceOverride, Prices, Pricing, TimeOfDay, Weekday};

use crate::record::Field;

/// Prices; in the list of overrides also the conditions under which they count.
#[derive(Debug, Default)]
struct WirePricing<'a> {
    prices: Prices,
    discount: Raw<'a>,
    overrides: Raw<'a>,
    min_prompt_tokens: Raw<'a>,
    utc_start: Raw<'a>,
    utc_end: Raw<'a>,
    utc_days: Raw<'a>,
    has_new_condition: bool,
}

impl<'a> FromJson<'a> for WirePricing<'a> {
    fn from_json(reader: &mut Reader<'a>) -> Option<Self> {
        let mut wire = Self::default();
        if reader.peek()? != b'{' {
            return reader.value().map(|_| wire);
        }
        reader.object(|reader, name| {
            let value = Raw::of(reader.value()?);
            match &*name {
                "discount" => wire.discount = value,
                "overrides" => wire.overrides = value,
                "min_prompt_tokens" => wire.min_prompt_tokens = value,
                "utc_start" => wire.utc_start = value,
                "utc_end" => wire.utc_end = value,
                "utc_days" => wire.utc_days = value,
                name => match wire.prices.price_mut(name) {
                    Some(place) => *place = price(value),
                    // Prices are texts and conditions are something else, so this tells a new condition from
                    // a new price.
                    None => wire.has_new_condition |= value.get().is_some_and(|json| !json.starts_with('"')),
                },
            }
            Some(())
        })?;
        Some(wire)
    }
}

impl Field for Pricing {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        WirePricing::from_json(reader).map(|wire| pricing(&wire))
    }
}

/// Reads prices with their overrides.
fn pricing(wire: &WirePricing<'_>) -> Pricing {
    let mut pricing = Pricing::from(wire.prices);
    pricing.discount = number(wire.discount);
    wire.overrides.for_each(|entry: WirePricing<'_>| pricing.overrides.extend(price_override(&entry)));
    pricing
}

/// A price. Routers have `-1`: it depends on the model they pick.
fn price(raw: Raw<'_>) -> Option<Price> {
    amount(raw).map(|amount| if amount.is_negative() { Price::Varies } else { Price::Fixed(amount) })
}

/// Prices under a condition. When a condition cannot be understood they must not count, so then there are
/// none.
fn price_override(wire: &WirePricing<'_>) -> Option<PriceOverride> {
    if wire.has_new_condition || wire.prices == Prices::default() {
        return None;
    }
    let mut entry = PriceOverride::new(wire.prices);
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
    if wire.utc_days.get().is_some() {
        // A word that is no day holds on none. Without a day that is known the prices never count.
        let days: Vec<Weekday> =
            texts(wire.utc_days).iter().filter_map(|word| Weekday::from_word(word)).collect();
        if days.is_empty() {
            return None;
        }
        entry = entry.on(days);
    }
    Some(entry)
}
