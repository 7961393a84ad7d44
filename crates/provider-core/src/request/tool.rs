//! Tools a model may call.

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};

use super::CacheMark;
use crate::stored::{read, read_by_tag};
use crate::{ProviderJson, RawJson};

/// A tool the model may call.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Tool {
    /// A function that the caller runs.
    Function(FunctionTool),
    /// Any other tool (one that the service runs itself, for example), as the JSON object that the wire of
    /// its provider has. Other providers refuse it.
    Other(ProviderJson),
}

/// A function that the model may ask the caller to run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FunctionTool {
    /// The name: up to 64 letters, digits, `_` and `-`.
    pub name: String,
    /// A description of what the function does and when to use it, for the model to read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// JSON Schema of the arguments, sent with its keys in the order they have here. None: no arguments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameters: Option<RawJson>,
    /// Whether the arguments must match the schema exactly. Only where the model supports it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strict: Option<bool>,
    /// Whether the prompt up to this tool is to be cached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache: Option<CacheMark>,
    /// Whether the arguments are to be streamed as the model writes them, without being checked first, where
    /// the model has that choice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eager_input_streaming: Option<bool>,
    /// Whether the model gets this tool only when a search for tools finds it, where the service has such a
    /// search.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub defer_loading: Option<bool>,
}

read_by_tag! {
    Tool, "type",
    "function" => |json| Tool::Function(read(json)?),
    "other" => |json| Tool::Other(read(json)?),
}

impl Tool {
    /// A function with a description and a JSON Schema for its arguments.
    ///
    /// A `serde_json::Value` sorts its keys unless the feature `preserve_order` is on; models see properties
    /// in the order they are sent, so parse the schema from text as [`RawJson`] where that order matters.
    pub fn function(
        name: impl Into<String>,
        description: impl Into<String>,
        parameters: impl Into<RawJson>,
    ) -> Self {
        FunctionTool::new(name, description).parameters(parameters).into()
    }
}

impl FunctionTool {
    /// A function without arguments.
    pub fn new(name: impl Into<String>, description: impl Into<String>) -> Self {
        Self { name: name.into(), description: Some(description.into()), ..Self::default() }
    }

    /// Sets the JSON Schema of the arguments.
    #[must_use]
    pub fn parameters(mut self, schema: impl Into<RawJson>) -> Self {
        self.parameters = Some(schema.into());
        self
    }

    /// Sets whether the arguments must match the schema exactly.
    #[must_use]
    pub fn strict(mut self, strict: bool) -> Self {
        self.strict = Some(strict);
        self
    }

    /// Marks the prompt up to this tool for the prompt cache.
    #[must_use]
    pub fn cached(mut self, mark: CacheMark) -> Self {
        self.cache = Some(mark);
        self
    }

    /// Sets whether the arguments are streamed as the model writes them.
    #[must_use]
    pub fn eager_input_streaming(mut self, eager: bool) -> Self {
        self.eager_input_streaming = Some(eager);
        self
    }

    /// Sets whether the model gets this tool only when a search for tools finds it.
    #[must_use]
    pub fn defer_loading(mut self, defer: bool) -> Self {
        self.defer_loading = Some(defer);
        self
    }
}

impl From<FunctionTool> for Tool {
    fn from(tool: FunctionTool) -> Self {
        Tool::Function(tool)
    }
}

/// Whether and which tool the model must call.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ToolChoice {
    /// The model decides.
    Auto,
    /// No tool.
    None,
    /// At least one tool.
    Required,
    /// This function.
    Function(String),
    /// Anything else, as the JSON that the wire of its provider has. Other providers refuse it.
    Other(ProviderJson),
}

impl Serialize for ToolChoice {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(None)?;
        match self {
            ToolChoice::Auto => object.serialize_entry("type", "auto")?,
            ToolChoice::None => object.serialize_entry("type", "none")?,
            ToolChoice::Required => object.serialize_entry("type", "required")?,
            ToolChoice::Function(name) => {
                object.serialize_entry("type", "function")?;
                object.serialize_entry("name", name)?;
            }
            ToolChoice::Other(other) => {
                object.serialize_entry("type", "other")?;
                object.serialize_entry("provider", other.provider())?;
                object.serialize_entry("json", other.json())?;
            }
        }
        object.end()
    }
}

/// The fields of [`ToolChoice::Function`].
#[derive(Deserialize)]
struct ChosenFunction {
    name: String,
}

read_by_tag! {
    ToolChoice, "type",
    "auto" => |_json| ToolChoice::Auto,
    "none" => |_json| ToolChoice::None,
    "required" => |_json| ToolChoice::Required,
    "function" => |json| ToolChoice::Function(read::<ChosenFunction>(json)?.name),
    "other" => |json| ToolChoice::Other(read(json)?),
}
