//! The form of an answer.

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
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct JsonSchema {
    /// A name for the schema: up to 64 letters, digits, `_` and `-`.
    pub name: String,
    /// The JSON Schema, sent with its keys in the order they have here. `None`: the name says it all.
    pub schema: Option<RawJson>,
    /// Whether the answer must match exactly. Some models are not available with `true`, so it is left to
    /// you.
    pub strict: Option<bool>,
    /// A description of the data, for the model to read.
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
