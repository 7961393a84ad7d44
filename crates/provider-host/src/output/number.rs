//! Formats prices for people. Amounts of money are never rounded.

use provider_core::{Price, Usd};

pub(crate) use provider_compare::display::{UNKNOWN, dollars, duration, grouped, or_unknown};

/// Formats a price per token as one per million tokens, with at least two digits after the point: `2.50`.
pub(crate) fn per_million(price: Option<Price>) -> String {
    match price {
        None => UNKNOWN.to_owned(),
        Some(Price::Fixed(Usd::ZERO)) => "free".to_owned(),
        Some(Price::Fixed(per_token)) => {
            let amount = (per_token * 1_000_000).to_string();
            match amount.split_once('.') {
                None => format!("{amount}.00"),
                Some((_, digits)) if digits.len() < 2 => format!("{amount}0"),
                Some(_) => amount,
            }
        }
        Some(_) => "varies".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use provider_core::{Price, Usd};

    use super::per_million;

    #[test]
    fn prices_per_million_are_exact() {
        let price = |text: &str| per_million(Some(Price::Fixed(text.parse::<Usd>().unwrap())));
        assert_eq!(price("0.0000025"), "2.50");
        assert_eq!(price("0.000015"), "15.00");
        assert_eq!(price("0.0000000375"), "0.0375");
        assert_eq!(price("0"), "free");
        assert_eq!(per_million(Some(Price::Varies)), "varies");
        assert_eq!(per_million(None), "-");
    }
}
