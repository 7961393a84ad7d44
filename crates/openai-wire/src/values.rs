//! Converts borrowed JSON to values of the vocabulary.

use lenient_json::{Raw, object};
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

/// Reads what an answer has cost: an [`amount`] that is not negative. A service that states another one has
/// told nothing, and it must lower no sum.
pub fn charge(raw: Raw<'_>) -> Option<Usd> {
    amount(raw).filter(|amount| !amount.is_negative())
}

object! {
    /// Any object: all of its fields but the `null`s are in `unknown`.
    struct Fields<'a> {}
}

/// Whether a value is neither absent nor `null`, `false`, 0, or an empty text, list or object; an object
/// whose values are all so is empty as well.
///
/// Some services send such an `error` beside a good answer.
pub fn is_truthy(raw: Raw<'_>) -> bool {
    let is_empty = |json: &str| matches!(json, "false" | "0" | "\"\"" | "{}" | "[]");
    match raw.get() {
        None => false,
        Some(json) if is_empty(json) => false,
        Some(_) if raw.is_object() => {
            let fields: Fields<'_> = raw.read().unwrap_or_default();
            fields.unknown.iter().any(|(_, value)| !is_empty(value))
        }
        Some(_) => true,
    }
}
