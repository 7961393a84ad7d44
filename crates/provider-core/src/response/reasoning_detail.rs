//! A model's thoughts in the service's own structure, to be sent back unchanged.

use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::RawJson;

/// One item of a model's structured thoughts: readable text, a summary, an encrypted block, or a type that is
/// newer than this.
///
/// An ordered object. All its fields are kept in the order they came, `null`s and unknown ones included,
/// because models check what they get back (a thinking block's signature covers its text).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReasoningDetail(Vec<(String, DetailValue)>);

/// The value of a [`ReasoningDetail`]'s field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum DetailValue {
    /// A text; streamed pieces have been joined.
    Text(String),
    /// Anything else, as it came.
    Json(RawJson),
}

impl DetailValue {
    fn is_null(&self) -> bool {
        matches!(self, DetailValue::Json(raw) if raw.get() == "null")
    }
}

impl ReasoningDetail {
    /// An item without fields.
    pub fn new() -> Self {
        Self::default()
    }

    /// A field's value.
    pub fn get(&self, name: &str) -> Option<&DetailValue> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// A field's value, if it is text.
    pub fn text_of(&self, name: &str) -> Option<&str> {
        match self.get(name)? {
            DetailValue::Text(text) => Some(text),
            DetailValue::Json(_) => None,
        }
    }

    /// Returns the type of the item: `reasoning.text`, `reasoning.summary`, `reasoning.encrypted`, ….
    pub fn kind(&self) -> Option<&str> {
        self.text_of("type")
    }

    /// The item's id.
    pub fn id(&self) -> Option<&str> {
        self.text_of("id")
    }

    /// The item's position, where the service numbers them.
    pub fn index(&self) -> Option<u64> {
        match self.get("index")? {
            DetailValue::Json(raw) => raw.get().parse().ok(),
            DetailValue::Text(_) => None,
        }
    }

    /// Returns what a person may read of the item: its text or its summary. Encrypted items have none.
    pub fn visible_text(&self) -> Option<&str> {
        if self.kind() == Some("reasoning.encrypted") {
            return None;
        }
        self.text_of("text").or_else(|| self.text_of("summary"))
    }

    /// Whether the item is only for who made it: it is encrypted, or has a signature. Only the upstream
    /// provider that made it can read or check it, so that another one refuses it.
    pub fn is_signed(&self) -> bool {
        let has = |name: &str| match self.get(name) {
            Some(DetailValue::Text(text)) => !text.is_empty(),
            Some(value) => !value.is_null(),
            None => false,
        };
        let kind = self.kind().unwrap_or_default();
        kind.contains("encrypted")
            || kind.contains("redacted")
            || ["signature", "data", "encrypted_content"].into_iter().any(has)
    }

    /// All fields in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &DetailValue)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// All fields, to be changed.
    pub(crate) fn fields_mut(&mut self) -> &mut Vec<(String, DetailValue)> {
        &mut self.0
    }

    /// Sets a field. A `null` does not replace a value.
    pub fn set(&mut self, name: &str, value: DetailValue) {
        match self.0.iter_mut().find(|(key, _)| key == name) {
            Some((_, old)) if value.is_null() && !old.is_null() => {}
            Some((_, old)) => *old = value,
            None => self.0.push((name.to_owned(), value)),
        }
    }

    /// Appends to a text field, which begins empty.
    pub fn append(&mut self, name: &str, piece: &str) {
        match self.0.iter_mut().find(|(key, _)| key == name) {
            Some((_, DetailValue::Text(text))) => text.push_str(piece),
            Some((_, old)) => *old = DetailValue::Text(piece.to_owned()),
            None => self.0.push((name.to_owned(), DetailValue::Text(piece.to_owned()))),
        }
    }
}

impl Serialize for ReasoningDetail {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in self.iter() {
            object.serialize_entry(name, value)?;
        }
        object.end()
    }
}

impl<'de> Deserialize<'de> for ReasoningDetail {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = ReasoningDetail;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ReasoningDetail, A::Error> {
                let mut detail = ReasoningDetail::new();
                while let Some((name, value)) = map.next_entry::<String, DetailValue>()? {
                    detail.set(&name, value);
                }
                Ok(detail)
            }
        }
        deserializer.deserialize_map(Object)
    }
}

impl<'de> Deserialize<'de> for DetailValue {
    /// Reads a text as [`Text`](Self::Text); one that Rust cannot hold (half a character) stays JSON.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = RawJson::deserialize(deserializer)?;
        Ok(json.read().map_or_else(|_| DetailValue::Json(json.clone()), DetailValue::Text))
    }
}
