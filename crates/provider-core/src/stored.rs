//! The form in which conversations and requests are stored: JSON objects with a tag for each kind of thing.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::{DeserializeOwned, Error as _};
use serde_json::value::RawValue;

/// Reads an enum from an object in which the field `$tag` names the variant. serde's own tagged enums buffer
/// the object, and [`RawJson`](crate::RawJson) cannot be read from that; here the object is read twice.
macro_rules! read_by_tag {
    ($type:ty, $tag:literal, $($word:literal => |$json:ident| $variant:expr),* $(,)?) => {
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let raw = Box::<serde_json::value::RawValue>::deserialize(deserializer)?;
                let read = || -> serde_json::Result<Self> {
                    let word = crate::stored::text_in(&raw, $tag)?;
                    $(if word == $word {
                        let $json = raw.get();
                        return Ok($variant);
                    })*
                    Err(crate::stored::unknown($tag, &word, &[$($word),*]))
                };
                read().map_err(serde::de::Error::custom)
            }
        }
    };
}

pub(crate) use read_by_tag;

/// Reads the fields of a variant.
pub(crate) fn read<T: DeserializeOwned>(json: &str) -> serde_json::Result<T> {
    serde_json::from_str(json)
}

/// Reads the text in a field of an object.
pub(crate) fn text_in(object: &RawValue, field: &'static str) -> serde_json::Result<String> {
    let fields: BTreeMap<String, &RawValue> = serde_json::from_str(object.get())?;
    let value = fields.get(field).ok_or_else(|| serde_json::Error::missing_field(field))?;
    String::deserialize(*value)
}

pub(crate) fn unknown(tag: &str, word: &str, known: &[&str]) -> serde_json::Error {
    serde_json::Error::custom(format!("unknown {tag} {word:?}, expected one of: {}", known.join(", ")))
}

/// Whether a flag is off, so that it is not stored.
pub(crate) fn is_off(flag: &bool) -> bool {
    !flag
}
