//! Tools, the choice among them, the form of the answer and the thinking, as they are sent.

use provider_core::{
    ChatRequest, FunctionTool, JsonSchema, RawJson, Reasoning, ReasoningBudget, ResponseFormat, Tool,
    ToolChoice,
};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};

use super::part::cached;
use super::unknown;
use crate::dialect::Dialect;

/// The request's own tools, then those that the service runs.
pub(super) struct WireTools<'a, D> {
    request: &'a ChatRequest,
    dialect: &'a D,
}

impl<'a, D: Dialect> WireTools<'a, D> {
    /// The tools of a request, if it has any.
    pub(super) fn of(request: &'a ChatRequest, dialect: &'a D) -> Option<Self> {
        let has_tools = !request.tools.is_empty() || dialect.tool_count(request) > 0;
        has_tools.then_some(Self { request, dialect })
    }
}

impl<D: Dialect> Serialize for WireTools<'_, D> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { request, dialect } = self;
        let count = request.tools.len() + dialect.tool_count(request);
        let mut list = serializer.serialize_seq(Some(count))?;
        for tool in &request.tools {
            list.serialize_element(&WireTool(tool))?;
        }
        dialect.write_tools(request, &mut list)?;
        list.end()
    }
}

struct WireTool<'a>(&'a Tool);

impl Serialize for WireTool<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let function = match self.0 {
            Tool::Function(function) => function,
            Tool::Other(other) => return other.json().serialize(serializer),
            other => return Err(unknown("tool", other)),
        };
        let FunctionTool {
            name,
            description,
            parameters,
            strict,
            cache,
            eager_input_streaming,
            defer_loading,
            ..
        } = function;
        #[derive(Serialize)]
        struct Function<'a> {
            name: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            description: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            parameters: Option<&'a RawJson>,
            #[serde(skip_serializing_if = "Option::is_none")]
            strict: Option<bool>,
        }
        let mut tool = serializer.serialize_map(None)?;
        tool.serialize_entry("type", "function")?;
        tool.serialize_entry(
            "function",
            &Function {
                name,
                description: description.as_deref(),
                parameters: parameters.as_ref(),
                strict: *strict,
            },
        )?;
        cached(&mut tool, cache.as_ref())?;
        for (name, flag) in
            [("eager_input_streaming", eager_input_streaming), ("defer_loading", defer_loading)]
        {
            if let Some(flag) = flag {
                tool.serialize_entry(name, flag)?;
            }
        }
        tool.end()
    }
}

/// The choice among the tools.
pub(super) struct WireChoice<'a>(pub(super) &'a ToolChoice);

impl Serialize for WireChoice<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Named<'a> {
            name: &'a str,
        }
        match self.0 {
            ToolChoice::Auto => serializer.serialize_str("auto"),
            ToolChoice::None => serializer.serialize_str("none"),
            ToolChoice::Required => serializer.serialize_str("required"),
            ToolChoice::Function(name) => {
                let mut choice = serializer.serialize_map(Some(2))?;
                choice.serialize_entry("type", "function")?;
                choice.serialize_entry("function", &Named { name })?;
                choice.end()
            }
            ToolChoice::Other(other) => other.json().serialize(serializer),
            other => Err(unknown("tool_choice", other)),
        }
    }
}

/// The form of the answer.
pub(super) struct WireFormat<'a>(pub(super) &'a ResponseFormat);

impl Serialize for WireFormat<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut format = match self.0 {
            ResponseFormat::Other(other) => return other.json().serialize(serializer),
            _ => serializer.serialize_map(None)?,
        };
        match self.0 {
            ResponseFormat::Text => format.serialize_entry("type", "text")?,
            ResponseFormat::JsonObject => format.serialize_entry("type", "json_object")?,
            ResponseFormat::JsonSchema(schema) => {
                format.serialize_entry("type", "json_schema")?;
                format.serialize_entry("json_schema", &WireSchema(schema))?;
            }
            ResponseFormat::Grammar(grammar) => {
                format.serialize_entry("type", "grammar")?;
                format.serialize_entry("grammar", grammar)?;
            }
            ResponseFormat::Python => format.serialize_entry("type", "python")?,
            other => return Err(unknown("response_format", other)),
        }
        format.end()
    }
}

struct WireSchema<'a>(&'a JsonSchema);

impl Serialize for WireSchema<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut schema = serializer.serialize_map(None)?;
        schema.serialize_entry("name", &self.0.name)?;
        if let Some(description) = &self.0.description {
            schema.serialize_entry("description", description)?;
        }
        if let Some(own) = &self.0.schema {
            schema.serialize_entry("schema", own)?;
        }
        if let Some(strict) = self.0.strict {
            schema.serialize_entry("strict", &strict)?;
        }
        schema.end()
    }
}

/// How much to think.
pub(super) struct WireReasoning<'a>(pub(super) &'a Reasoning);

impl Serialize for WireReasoning<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Reasoning { budget, enabled, exclude, summary, context, mode, .. } = self.0;
        let mut reasoning = serializer.serialize_map(None)?;
        match budget {
            Some(ReasoningBudget::Effort(effort)) => reasoning.serialize_entry("effort", effort.as_str())?,
            Some(ReasoningBudget::MaxTokens(tokens)) => reasoning.serialize_entry("max_tokens", tokens)?,
            Some(other) => return Err(unknown("reasoning", other)),
            None => {}
        }
        for (name, flag) in [("enabled", enabled), ("exclude", exclude)] {
            if let Some(flag) = flag {
                reasoning.serialize_entry(name, flag)?;
            }
        }
        for (name, word) in [("summary", summary), ("context", context), ("mode", mode)] {
            if let Some(word) = word {
                reasoning.serialize_entry(name, word)?;
            }
        }
        reasoning.end()
    }
}
