//! From the lenient types to values of one's own.

use super::lenient::{Raw, Str};

/// A text that says something.
pub(crate) fn owned(text: Str<'_>) -> Option<String> {
    text.filled().map(str::to_owned)
}

/// The texts of a list.
pub(crate) fn texts(raw: Raw<'_>) -> Vec<String> {
    let mut texts = Vec::new();
    raw.for_each(|text: Str<'_>| texts.extend(owned(text)));
    texts
}

/// A number, or a text that spells one.
pub(crate) fn number(raw: Raw<'_>) -> Option<f64> {
    raw.text().filled()?.trim().parse().ok().filter(|number: &f64| number.is_finite())
}

/// A whole number, which can be below zero.
pub(crate) fn integer(raw: Raw<'_>) -> Option<i64> {
    raw.text().filled()?.trim().parse().ok()
}
