//! A limit that is used up, as the service tells it.

use crate::wire::usage::amount;
use lenient_json::{Raw, Text, object};
use provider_core::{Timestamp, Usd};

/// A limit, as the metadata of an error tell it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Budget {
    /// The place where the limit is set (`openrouter_key_limit`), or else why it refuses
    /// (`in_flight_budget_exhausted`).
    pub(crate) source: Option<String>,
    pub(crate) scope: Option<String>,
    pub(crate) window: Option<String>,
    pub(crate) limit: Option<Usd>,
    pub(crate) spent: Option<Usd>,
    pub(crate) remaining: Option<Usd>,
    pub(crate) resets_at: Option<Timestamp>,
}

object! {
    pub(crate) struct BudgetObject<'a> {
        limit_source: Text<'a> = "limit_source",
        reason: Text<'a> = "reason",
        scope: Text<'a> = "scope",
        reset_interval: Text<'a> = "reset_interval",
        limit_reset: Text<'a> = "limit_reset",
        limit: Raw<'a> = "limit_usd",
        spent: Raw<'a> = "spend_usd",
        remaining: Raw<'a> = "remaining_usd",
        resets_at: Text<'a> = "resets_at",
    }
}

impl Budget {
    /// Reads the metadata; everything is `None` where they are of something else.
    pub(crate) fn read(metadata: Raw<'_>) -> Self {
        let object: BudgetObject<'_> = metadata.read().unwrap_or_default();
        let owned = |text: &Text<'_>| text.filled().map(str::to_owned);
        Self {
            source: owned(&object.limit_source).or_else(|| owned(&object.reason)),
            scope: owned(&object.scope),
            window: owned(&object.reset_interval)
                .or_else(|| owned(&object.limit_reset).filter(|word| moment(word).is_none())),
            limit: amount(object.limit),
            spent: amount(object.spent),
            remaining: amount(object.remaining),
            resets_at: moment(object.resets_at.as_str()).or_else(|| moment(object.limit_reset.as_str())),
        }
    }
}

/// A moment in any of the ways that services write one: RFC 3339, or milliseconds or seconds since 1970.
pub(crate) fn moment(text: &str) -> Option<Timestamp> {
    // The year 2001 in seconds, and 1973 in milliseconds: less is a time span.
    const SECONDS: f64 = 1e9;
    const MILLISECONDS: f64 = 1e11;
    match text.trim().parse::<f64>() {
        Ok(number) if number >= MILLISECONDS => {
            Some(Timestamp::from_unix_seconds((number / 1e3).ceil() as i64))
        }
        Ok(number) if number >= SECONDS => Some(Timestamp::from_unix_seconds(number.ceil() as i64)),
        Ok(_) => None,
        Err(_) => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_in_seconds_milliseconds_and_words() {
        let midnight = Some(Timestamp::from_unix_seconds(1_796_083_200));
        for text in
            ["1796083200", "1796083200000", " 1796083199001 ", "1796083200.0", "2026-12-01T00:00:00.000Z"]
        {
            assert_eq!(moment(text), midnight, "{text}");
        }
        for text in ["", "60", "-1796083200000", "daily", "NaN", "1000"] {
            assert_eq!(moment(text), None, "{text}");
        }
    }
}
