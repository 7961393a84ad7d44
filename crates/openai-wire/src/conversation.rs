//! Reads the body of a chat request back.

mod exact;
mod message;
mod parameter;
mod part;
mod tool;

use std::fmt;

use provider_core::{ChatRequest, Error, FieldProblem, RawJson};
use serde::de::{Deserialize, DeserializeOwned, Deserializer, MapAccess, Visitor};
use serde_json::Value;

pub use self::exact::exact;
use crate::dialect::Dialect;

/// A body that was read.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ReadBody {
    /// The request in the body.
    pub request: ChatRequest,
    /// Whether it asks for a stream.
    pub stream: bool,
}

/// Reads the body of a chat request, strictly: the reverse of [`encode`](crate::encode).
///
/// A value becomes typed if every key in it is known and every value fits. Anything else stays JSON, and
/// [`encode`](crate::encode) writes it as it came: unknown fields in [`ChatRequest::extra`], unknown
/// messages, parts and tools in the `Other` of their types, under the name of the dialect's
/// [provider](Dialect::provider), or of the [wire](crate::WIRE) where the dialect has none. `null` counts as
/// absent.
///
/// To store a request, use its `Serialize`: a body has neither the options that are no fields of it, nor the
/// makers of messages, and no provider but the dialect's.
///
/// # Errors
/// [`ErrorKind::InvalidRequest`](provider_core::ErrorKind::InvalidRequest) when the text is no JSON object,
/// when `model`, `messages` or `stream` cannot be read, or when an unknown field has a value that nothing can
/// hold (`1e999`, half a character).
pub fn decode<D: Dialect>(json: &str, dialect: &D) -> Result<ReadBody, Error> {
    let fields: Fields = serde_json::from_str(json)
        .map_err(|cause| refused("body", format!("is no JSON object: {cause}")).with_source(cause))?;
    let mut body = ReadBody { request: ChatRequest::default(), stream: false };
    for (name, raw) in fields.0 {
        if raw.get() != "null" {
            body.field(name, &raw, dialect)?;
        }
    }
    Ok(body)
}

impl ReadBody {
    fn field<D: Dialect>(&mut self, name: String, raw: &RawJson, dialect: &D) -> Result<(), Error> {
        match name.as_str() {
            "model" => self.request.model = text(raw).ok_or_else(|| refused("model", "is no text"))?,
            "stream" => {
                self.stream = fitting(raw).ok_or_else(|| refused("stream", "is neither true nor false"))?;
            }
            "messages" => {
                let messages: Vec<RawJson> =
                    fitting(raw).ok_or_else(|| refused("messages", "is no list of messages"))?;
                self.request.messages = messages.iter().map(|raw| message::read(raw, dialect)).collect();
            }
            _ => {
                let request = &mut self.request;
                let is_read = (name == "tools" && tool::read(raw, request, dialect))
                    || parameter::read(&name, raw, dialect.provider(), request)
                    || dialect.read_field(&name, raw, request);
                if !is_read {
                    // JSON's grammar allows values that `Value` cannot hold.
                    let value = serde_json::from_str(raw.get()).map_err(|cause| {
                        refused(&name, format!("cannot be kept: {cause}")).with_source(cause)
                    })?;
                    let extra = self.request.extra.entry(dialect.provider().to_owned());
                    extra.or_default().insert(name, value);
                }
            }
        }
        Ok(())
    }
}

/// Returns the value as `T`, if it fits.
fn fitting<T: DeserializeOwned>(raw: &RawJson) -> Option<T> {
    serde_json::from_str(raw.get()).ok()
}

fn text(raw: &RawJson) -> Option<String> {
    fitting(raw)
}

fn refused(field: &str, what: impl Into<String>) -> Error {
    Error::invalid_request(vec![FieldProblem::new(field, what)])
}

/// The fields of an object in order, unread.
pub(crate) struct Fields(pub(crate) Vec<(String, RawJson)>);

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

/// A value, for places that keep it.
fn value(raw: &RawJson) -> Value {
    fitting(raw).unwrap_or_default()
}
