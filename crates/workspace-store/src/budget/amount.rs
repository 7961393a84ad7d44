//! Amounts of budgets: money in integers of a fixed unit, or requests.

use std::fmt;

use provider_core::Usd;
use serde::Serialize;

/// An amount of a budget.
///
/// Money is counted in billionths of a US dollar, so that databases compare and add it exactly; a bill or an
/// estimate with more digits is rounded up, call by call. Runs keep every digit. An amount has at most a
/// billion dollars, or 10^18 requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Amount {
    /// US dollars.
    Usd(Usd),
    /// Requests.
    Requests(u64),
}

/// The most units that an amount has: a billion dollars. Sums of a few of them are still in range.
pub(crate) const MAX_UNITS: i64 = 1_000_000_000_000_000_000;

/// Billionths in one.
const PER_DOLLAR: i64 = 1_000_000_000;

impl Amount {
    pub(crate) const fn unit(self) -> &'static str {
        match self {
            Amount::Usd(_) => "usd",
            Amount::Requests(_) => "requests",
        }
    }

    pub(crate) fn units(self) -> i64 {
        match self {
            Amount::Usd(amount) => units_of(amount),
            Amount::Requests(count) => i64::try_from(count).unwrap_or(MAX_UNITS).min(MAX_UNITS),
        }
    }

    pub(crate) fn of(unit: &str, units: i64) -> Self {
        match unit {
            "usd" => Amount::Usd(usd_of(units)),
            _ => Amount::Requests(u64::try_from(units).unwrap_or_default()),
        }
    }

    /// Another amount in this unit.
    pub(crate) fn with_units(self, units: i64) -> Self {
        Self::of(self.unit(), units)
    }
}

impl fmt::Display for Amount {
    /// `2.5 USD`, `100 requests`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Amount::Usd(amount) => write!(f, "{amount} USD"),
            Amount::Requests(count) => write!(f, "{count} requests"),
        }
    }
}

/// The billionths of an amount, rounded up. Amounts below zero cost nothing.
pub(crate) fn units_of(amount: Usd) -> i64 {
    if amount.is_negative() {
        return 0;
    }
    let text = amount.to_string();
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let (kept, rest) = fraction.split_at(fraction.len().min(9));
    let kept = format!("{kept:0<9}").parse::<i64>().unwrap_or(0);
    let up = i64::from(rest.bytes().any(|digit| digit != b'0'));
    let whole = whole.parse::<i64>().unwrap_or(i64::MAX);
    whole.saturating_mul(PER_DOLLAR).saturating_add(kept + up).min(MAX_UNITS)
}

fn usd_of(units: i64) -> Usd {
    let sign = if units < 0 { "-" } else { "" };
    let (whole, rest) = (units.unsigned_abs() / 1_000_000_000, units.unsigned_abs() % 1_000_000_000);
    // Digits with a point are always an amount.
    format!("{sign}{whole}.{rest:09}").parse().unwrap_or(Usd::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_rounded_up_to_billionths() {
        for (text, units) in [
            ("0", 0),
            ("-1", 0),
            ("1", 1_000_000_000),
            ("0.000000001", 1),
            ("0.0000000001", 1),
            ("0.00011915000000000001", 119_151),
            ("2.5", 2_500_000_000),
            ("999999999.999999999", MAX_UNITS - 1),
            ("1e12", MAX_UNITS),
        ] {
            assert_eq!(units_of(text.parse().unwrap()), units, "{text}");
        }
        for units in [0, 1, 999_999_999, 1_000_000_000, MAX_UNITS] {
            assert_eq!(units_of(usd_of(units)), units);
        }
        assert_eq!(usd_of(-1_500_000_000).to_string(), "-1.5");
        assert_eq!(Amount::Usd(usd_of(2_500_000_000)).to_string(), "2.5 USD");
        assert_eq!(Amount::Requests(u64::MAX).units(), MAX_UNITS);
    }
}
