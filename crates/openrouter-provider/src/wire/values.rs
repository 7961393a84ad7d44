//! From the lenient types to values of one's own.

use super::json::{Json, Read};
use super::lenient::{Raw, Str};

/// A text that says something.
pub(crate) fn owned(text: Str<'_>) -> Option<String> {
    text.filled().map(str::to_owned)
}

/// The texts of a list that say something. A text stands for the list with it alone; what is neither has none.
#[derive(Debug, Default)]
pub(crate) struct Texts(pub(crate) Vec<String>);

impl<'a> Read<'a> for Texts {
    fn read(json: &mut Json<'a>) -> Option<Self> {
        let mut texts = Vec::new();
        match json.peek()? {
            b'[' => json.list(|json| {
                texts.extend(owned(Str::read(json)?));
                Some(())
            })?,
            b'"' => texts.extend(owned(Str::read(json)?)),
            _ => drop(json.value()?),
        }
        Some(Texts(texts))
    }
}

/// The same of a value that was not read yet.
pub(crate) fn texts(raw: Raw<'_>) -> Vec<String> {
    raw.read::<Texts>().unwrap_or_default().0
}

/// A number, or a text that spells one.
pub(crate) fn number(raw: Raw<'_>) -> Option<f64> {
    raw.text().filled()?.trim().parse().ok().filter(|number: &f64| number.is_finite())
}

/// A whole number, which can be below zero. Whole floats read as the number they are.
pub(crate) fn integer(raw: Raw<'_>) -> Option<i64> {
    let text = raw.text();
    let text = text.filled()?.trim();
    let whole = |number: &f64| number.fract() == 0.0 && number.abs() < 9e15;
    text.parse().ok().or_else(|| text.parse().ok().filter(whole).map(|number| number as i64))
}
