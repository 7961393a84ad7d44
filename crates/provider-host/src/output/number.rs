//! Numbers for people: money, prices, counts and times. Money is never rounded.

use std::time::Duration;

use provider_core::{Price, Usd};

/// What stands for something that nobody told.
pub(crate) const UNKNOWN: &str = "-";

/// `$0.00251`, to the last digit.
pub(crate) fn dollars(amount: Usd) -> String {
    format!("${amount}")
}

/// A price per token as one per million tokens, with at least two digits after the point: `2.50`.
pub(crate) fn per_million(price: Option<Price>) -> String {
    match price {
        None => UNKNOWN.to_owned(),
        Some(Price::Varies) => "varies".to_owned(),
        Some(Price::Fixed(Usd::ZERO)) => "free".to_owned(),
        Some(Price::Fixed(per_token)) => {
            let amount = (per_token * 1_000_000).to_string();
            match amount.split_once('.') {
                None => format!("{amount}.00"),
                Some((_, digits)) if digits.len() < 2 => format!("{amount}0"),
                Some(_) => amount,
            }
        }
    }
}

/// `128,000`
pub(crate) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut grouped = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// The text of a value, or a dash.
pub(crate) fn or_unknown<T>(value: Option<T>, show: impl FnOnce(T) -> String) -> String {
    value.map_or_else(|| UNKNOWN.to_owned(), show)
}

/// `85 ms`, `2.41 s`
pub(crate) fn duration(time: Duration) -> String {
    if time < Duration::from_secs(1) {
        format!("{} ms", time.as_millis())
    } else {
        format!("{:.2} s", time.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use provider_core::{Price, Usd};

    use super::{duration, grouped, per_million};

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

    #[test]
    fn counts_and_times_are_readable() {
        assert_eq!([0, 999, 1_000, 1_048_576].map(grouped).join(" "), "0 999 1,000 1,048,576");
        assert_eq!(duration(Duration::from_micros(85_400)), "85 ms");
        assert_eq!(duration(Duration::from_millis(2_410)), "2.41 s");
    }
}
