//! Converts borrowed JSON to values of the vocabulary.

use lenient_json::Raw;
use provider_core::{RawJson, Usd};

/// Keeps a value that was read as it is.
pub trait Keep {
    /// Returns the value as JSON of its own; `None` for an absent one.
    fn keep(self) -> Option<RawJson>;
}

impl Keep for Raw<'_> {
    fn keep(self) -> Option<RawJson> {
        self.get().map(RawJson::from_checked)
    }
}

/// Reads an amount of money: a number, exactly as it is spelled, or a text with a number in it.
pub fn amount(raw: Raw<'_>) -> Option<Usd> {
    raw.text().filled()?.parse().ok()
}
