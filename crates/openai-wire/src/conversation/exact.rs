//! Reads values more strictly than serde, which takes a list for the fields of a struct, and a number for a
//! variant of an enum.

use provider_core::{RawJson, Usd};
use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error};
use serde::ser::Serialize;
use serde_json::Value;

use super::fitting;

/// Returns the value as `T`, if it fits and says the same when it is written again.
pub fn exact<T: DeserializeOwned + Serialize>(raw: &RawJson) -> Option<T> {
    let read: T = fitting(raw)?;
    let written = serde_json::to_value(&read).ok()?;
    same(&fitting(raw)?, &written).then_some(read)
}

/// Returns the object as a struct `T`, if it fits.
pub(super) fn object<T: DeserializeOwned>(raw: &RawJson) -> Option<T> {
    if raw.get().starts_with('{') { fitting(raw) } else { None }
}

/// A struct inside another.
pub(super) struct Object<T>(pub(super) T);

impl<'de, T: DeserializeOwned> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = RawJson::deserialize(deserializer)?;
        object(&raw).map(Object).ok_or_else(|| D::Error::custom("no object of this kind"))
    }
}

fn amount(text: &str) -> Option<Usd> {
    text.parse().ok()
}

/// Whether two values say the same: `null` equals an absent field, numbers compare by value, and a price may
/// be a text.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            let names = a.keys().chain(b.keys());
            let mut pairs = names.map(|name| (a.get(name), b.get(name)));
            pairs.all(|(a, b)| same(a.unwrap_or(&Value::Null), b.unwrap_or(&Value::Null)))
        }
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Value::Number(number), Value::String(text)) => number.as_f64() == text.parse().ok(),
        (Value::String(a), Value::String(b)) => {
            a == b || amount(a).is_some_and(|price| Some(price) == amount(b))
        }
        _ => a == b,
    }
}
