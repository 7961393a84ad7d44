//! The form of an answer.

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};

use crate::stored::{read, read_by_tag};
use crate::{ProviderJson, RawJson};

/// The form an answer must have.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ResponseFormat {
    /// Plain text.
    Text,
    /// Some JSON object. Ask for JSON in the prompt as well.
    JsonObject,
    /// JSON that fits a schema.
    JsonSchema(JsonSchema),
    /// Text that fits a grammar.
    Grammar(String),
    /// Python code.
    Python,
    /// Anything else, as the JSON object that the wire of its provider has. Other providers refuse it.
    Other(ProviderJson),
}

/// A schema for [`ResponseFormat::JsonSchema`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct JsonSchema {
    /// A name for the schema: up to 64 letters, digits, `_` and `-`.
    pub name: String,
    /// The JSON Schema, sent with its keys in the order they have here. `None`: the name says it all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<RawJson>,
    /// Whether the answer must match exactly. Some models are not available with `true`, so it is left to
    /// you.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strict: Option<bool>,
    /// A description of the data, for the model to read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

impl ResponseFormat {
    /// JSON that fits a schema.
    pub fn json_schema(name: impl Into<String>, schema: impl Into<RawJson>) -> Self {
        JsonSchema::new(name, schema).into()
    }
}

impl JsonSchema {
    /// A named schema.
    pub fn new(name: impl Into<String>, schema: impl Into<RawJson>) -> Self {
        Self { name: name.into(), schema: Some(schema.into()), strict: None, description: None }
    }

    /// A name without a schema.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), schema: None, strict: None, description: None }
    }

    /// Sets whether the answer must match exactly.
    #[must_use]
    pub fn strict(mut self, strict: bool) -> Self {
        self.strict = Some(strict);
        self
    }

    /// Says what the data is.
    #[must_use]
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }
}

impl From<JsonSchema> for ResponseFormat {
    fn from(schema: JsonSchema) -> Self {
        ResponseFormat::JsonSchema(schema)
    }
}

impl Serialize for ResponseFormat {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        /// The schema's fields beside the tag.
        #[derive(Serialize)]
        #[serde(tag = "type", rename_all = "snake_case")]
        enum Tagged<'a> {
            JsonSchema(&'a JsonSchema),
            Other(&'a ProviderJson),
        }
        let word = match self {
            ResponseFormat::JsonSchema(schema) => return Tagged::JsonSchema(schema).serialize(serializer),
            ResponseFormat::Other(other) => return Tagged::Other(other).serialize(serializer),
            ResponseFormat::Text => "text",
            ResponseFormat::JsonObject => "json_object",
            ResponseFormat::Grammar(_) => "grammar",
            ResponseFormat::Python => "python",
        };
        let mut object = serializer.serialize_map(None)?;
        object.serialize_entry("type", word)?;
        if let ResponseFormat::Grammar(grammar) = self {
            object.serialize_entry("grammar", grammar)?;
        }
        object.end()
    }
}

/// The fields of [`ResponseFormat::Grammar`].
#[derive(Deserialize)]
struct StoredGrammar {
    grammar: String,
}

read_by_tag! {
    ResponseFormat, "type",
    "text" => |_json| ResponseFormat::Text,
    "json_object" => |_json| ResponseFormat::JsonObject,
    "json_schema" => |json| ResponseFormat::JsonSchema(read(json)?),
    "grammar" => |json| ResponseFormat::Grammar(read::<StoredGrammar>(json)?.grammar),
    "python" => |_json| ResponseFormat::Python,
    "other" => |json| ResponseFormat::Other(read(json)?),
}
