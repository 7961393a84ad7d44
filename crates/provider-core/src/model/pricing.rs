//! The prices of a model.

use serde::{Deserialize, Serialize};

use super::override_price::PriceOverride;
use super::time_of_week::TimeOfWeek;
use crate::Usd;

/// A price per unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Price {
    /// This much.
    Fixed(Usd),
    /// It depends on the model that a router picks.
    Varies,
}

impl Price {
    /// The amount, if it is fixed.
    pub fn amount(self) -> Option<Usd> {
        match self {
            Price::Fixed(amount) => Some(amount),
            Price::Varies => None,
        }
    }
}

/// Declares the prices once, for the list of a model and for what comes of it. Their names are OpenRouter's
/// on the wire.
macro_rules! prices {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// The prices of a model in US dollars, as its list states them: before the discount, and under
        /// default conditions.
        ///
        /// [`in_force`](Self::in_force) gives the prices that count for one request.
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        #[serde(default)]
        #[non_exhaustive]
        pub struct Pricing {
            $($(#[$doc])* pub $name: Option<Price>,)*
            /// Whether requests are billed at all. `Some(false)`: they are not, as on a server of one's own
            /// ([`not_billed`](Self::not_billed)). `None`: as the prices say.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub is_billed: Option<bool>,
            /// The share that is taken off all prices: 0.25 makes them three quarters. 0 is none, 1 makes it
            /// free.
            pub discount: Option<f64>,
            /// Prices that count instead under a condition, in the service's order: later ones win, price by
            /// price.
            pub overrides: Vec<PriceOverride>,
        }

        /// Prices alone, in US dollars: those of an override, or those in force for one request.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(default)]
        #[non_exhaustive]
        pub struct Prices {
            $($(#[$doc])* #[serde(skip_serializing_if = "Option::is_none")] pub $name: Option<Price>,)*
        }

        impl Pricing {
            /// The prices of the list, without its conditions and discount.
            pub fn listed(&self) -> Prices {
                Prices { $($name: self.$name,)* }
            }
        }

        impl From<Prices> for Pricing {
            fn from(prices: Prices) -> Self {
                Self { $($name: prices.$name,)* is_billed: None, discount: None, overrides: Vec::new() }
            }
        }

        impl Prices {
            /// Returns the place of a price, stated or not: for those who read catalogues. `None` when there
            /// is no price of this name.
            ///
            /// ```
            /// use provider_core::{Price, Prices, Usd};
            ///
            /// let mut prices = Prices::default();
            /// for (name, amount) in [("prompt", Usd::ZERO), ("novel", Usd::ZERO)] {
            ///     if let Some(price) = prices.price_mut(name) {
            ///         *price = Some(Price::Fixed(amount));
            ///     }
            /// }
            /// assert_eq!(prices.prompt, Some(Price::Fixed(Usd::ZERO)));
            /// ```
            pub fn price_mut(&mut self, name: &str) -> Option<&mut Option<Price>> {
                Some(match name {
                    $(stringify!($name) => &mut self.$name,)*
                    _ => return None,
                })
            }

            /// These prices, and those of `base` where there are none.
            #[must_use]
            pub fn or(self, base: Prices) -> Prices {
                Prices { $($name: self.$name.or(base.$name),)* }
            }

            fn map(self, change: impl Fn(Usd) -> Usd) -> Prices {
                let change = |price: Price| match price {
                    Price::Fixed(amount) => Price::Fixed(change(amount)),
                    Price::Varies => Price::Varies,
                };
                Prices { $($name: self.$name.map(change),)* }
            }
        }
    };
}

prices! {
    /// Per token of the prompt.
    prompt,
    /// Per token of the answer.
    completion,
    /// Per request.
    request,
    /// Per image of the prompt; some catalogues list the price of a token of it.
    image,
    /// Per image of the answer; some catalogues list the price of a token of it.
    image_output,
    /// Per token of an image.
    image_token,
    /// Per token of audio in the prompt.
    audio,
    /// Per token of audio in the answer.
    audio_output,
    /// Per token of audio read from the prompt cache.
    input_audio_cache,
    /// Per token read from the prompt cache.
    input_cache_read,
    /// Per token written to the prompt cache for its usual time (five minutes, where there are several).
    input_cache_write,
    /// Per token written to the prompt cache for an hour.
    input_cache_write_1h,
    /// Per token of thoughts. Absent or zero: they cost what the rest of the answer costs.
    internal_reasoning,
    /// Per web search.
    web_search,
}

impl Pricing {
    /// The pricing of a model that nobody bills: one on a server of one's own. Unlike the prices of a free
    /// model at a service, which are zero today, it is a fact that holds for every request.
    ///
    /// ```
    /// use provider_core::{Model, Pricing};
    ///
    /// let mut model = Model::default();
    /// model.pricing = Pricing::not_billed();
    /// assert!(model.is_free() && model.pricing.is_billed == Some(false));
    /// ```
    pub fn not_billed() -> Self {
        let nothing = Some(Price::Fixed(Usd::ZERO));
        Self {
            prompt: nothing,
            completion: nothing,
            request: nothing,
            is_billed: Some(false),
            ..Self::default()
        }
    }

    /// The prices that count for a request with a prompt of this size, at this time: those of the
    /// list, with the overrides whose conditions hold, after the discount.
    ///
    /// ```
    /// use provider_core::{Price, PriceOverride, Prices, Pricing, TimeOfDay};
    ///
    /// let price = |text: &str| text.parse().ok().map(Price::Fixed);
    /// let mut pricing = Pricing::default();
    /// pricing.prompt = price("0.000003");
    /// let mut long = Prices::default();
    /// long.prompt = price("0.000006");
    /// pricing.overrides = vec![PriceOverride::new(long).above_prompt_tokens(200_000)];
    ///
    /// let noon = TimeOfDay::NOON;
    /// assert_eq!(pricing.in_force(200_000, noon).prompt, price("0.000003"));
    /// assert_eq!(pricing.in_force(200_001, noon).prompt, price("0.000006"));
    /// ```
    pub fn in_force(&self, prompt_tokens: u64, at: impl Into<TimeOfWeek>) -> Prices {
        let at = at.into();
        let holding = self.overrides.iter().filter(|entry| entry.applies(prompt_tokens, at));
        let prices = holding.fold(self.listed(), |base, entry| entry.prices.or(base));
        match self.discount.filter(|discount| discount.is_finite() && *discount != 0.0) {
            Some(discount) => prices.map(|amount| amount.share(1.0 - discount)),
            None => prices,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::time_of_day::TimeOfDay;
    use super::super::time_of_week::Weekday;
    use super::*;

    fn price(text: &str) -> Option<Price> {
        Some(Price::Fixed(text.parse().unwrap()))
    }

    fn at(hhmm: u16) -> TimeOfDay {
        TimeOfDay::from_hhmm(hhmm).unwrap()
    }

    fn override_of(prompt: &str) -> PriceOverride {
        PriceOverride::new(Prices { prompt: price(prompt), ..Prices::default() })
    }

    #[test]
    fn later_overrides_win_price_by_price() {
        let mut pricing = Pricing { prompt: price("1"), completion: price("10"), ..Pricing::default() };
        let mut medium = override_of("2").above_prompt_tokens(100);
        medium.prices.completion = price("20");
        pricing.overrides = vec![medium, override_of("3").above_prompt_tokens(200)];
        for (tokens, prompt, completion) in
            [(0, "1", "10"), (100, "1", "10"), (101, "2", "20"), (200, "2", "20"), (201, "3", "20")]
        {
            let prices = pricing.in_force(tokens, TimeOfDay::NOON);
            assert_eq!((prices.prompt, prices.completion), (price(prompt), price(completion)), "{tokens}");
        }
        pricing.overrides.reverse();
        assert_eq!(pricing.in_force(201, TimeOfDay::NOON).prompt, price("2"), "the order counts");
    }

    #[test]
    fn windows_are_half_open_and_wrap() {
        let mut pricing = Pricing { prompt: price("4"), ..Pricing::default() };
        let night = override_of("1").between(at(1630), at(30));
        let morning = override_of("2").between(at(100), at(400)).above_prompt_tokens(10);
        pricing.overrides = vec![night, morning];
        for (time, tokens, prompt) in [
            (1629, 0, "4"),
            (1630, 0, "1"),
            (2359, 0, "1"),
            (0, 0, "1"),
            (29, 0, "1"),
            (30, 0, "4"),
            (100, 10, "4"),
            (100, 11, "2"),
            (359, 11, "2"),
            (400, 11, "4"),
        ] {
            assert_eq!(pricing.in_force(tokens, at(time)).prompt, price(prompt), "{time} {tokens}");
        }
    }

    #[test]
    fn days_limit_overrides_to_themselves() {
        let mut pricing = Pricing { prompt: price("4"), ..Pricing::default() };
        let weekend = override_of("2").on([Weekday::Saturday, Weekday::Sunday]);
        let night = override_of("1").on([Weekday::Monday]).between(at(2300), at(100));
        pricing.overrides = vec![weekend, night];
        for (day, time, prompt) in [
            (Weekday::Friday, 1200, "4"),
            (Weekday::Sunday, 1200, "2"),
            (Weekday::Sunday, 2330, "2"),
            (Weekday::Monday, 30, "1"),
            (Weekday::Monday, 1200, "4"),
            (Weekday::Monday, 2330, "1"),
            (Weekday::Tuesday, 30, "4"),
        ] {
            let prices = pricing.in_force(0, TimeOfWeek::new(day, at(time)));
            assert_eq!(prices.prompt, price(prompt), "{day} {time}");
        }
        assert_eq!(pricing.in_force(0, at(1200)).prompt, price("4"), "a day that is not known");
    }

    #[test]
    fn a_discount_is_taken_off_last_and_exactly() {
        let mut pricing =
            Pricing { prompt: price("0.0000025"), completion: Some(Price::Varies), ..Pricing::default() };
        pricing.overrides = vec![override_of("0.000005").above_prompt_tokens(10)];
        for (discount, short, long) in [
            (None, "0.0000025", "0.000005"),
            (Some(0.0), "0.0000025", "0.000005"),
            (Some(0.1), "0.00000225", "0.0000045"),
            (Some(0.333), "0.0000016675", "0.000003335"),
            (Some(1.0), "0", "0"),
            (Some(1.5), "0", "0"),
            (Some(-0.5), "0.00000375", "0.0000075"),
            (Some(f64::NAN), "0.0000025", "0.000005"),
        ] {
            pricing.discount = discount;
            let prices = [1, 11].map(|tokens| pricing.in_force(tokens, TimeOfDay::NOON));
            assert_eq!(prices.map(|prices| prices.prompt), [price(short), price(long)], "{discount:?}");
            assert_eq!(prices[0].completion, Some(Price::Varies));
        }
    }
}
