//! The body of a chat request, borrowed from the [`ChatRequest`] and written once.

use bytes::Bytes;
use provider_core::{ChatRequest, Error, ErrorKind, FieldProblem, JsonSchema, Reasoning, ReasoningBudget};
use provider_core::{ResponseFormat, Tool, ToolChoice};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::message::{WireMessage, unknown};

/// Writes the body of a request.
///
/// # Errors
/// [`ErrorKind::InvalidRequest`] with every field that cannot be sent.
pub(crate) fn body(request: &ChatRequest, stream: bool) -> Result<Bytes, Error> {
    let problems = problems(request);
    if !problems.is_empty() {
        return Err(Error::invalid_request(problems));
    }
    match serde_json::to_vec(&Body { request, stream }) {
        Ok(body) => Ok(body.into()),
        Err(cause) => {
            Err(Error::new(ErrorKind::InvalidRequest, "the request cannot be written as JSON")
                .with_source(cause))
        }
    }
}

struct Body<'a> {
    request: &'a ChatRequest,
    stream: bool,
}

/// Writes the fields that are set, and knows the names of all.
macro_rules! body_fields {
    ($($name:literal => |$request:ident| $value:expr),* $(,)?) => {
        /// The fields that have a place of their own and cannot come from `extra`.
        const NAMES: &[&str] = &["stream", $($name),*];

        impl Serialize for Body<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut body = serializer.serialize_map(None)?;
                $({
                    let $request = self.request;
                    if let Some(value) = $value {
                        body.serialize_entry($name, &value)?;
                    }
                })*
                if self.stream {
                    body.serialize_entry("stream", &true)?;
                }
                for (name, value) in &self.request.extra {
                    body.serialize_entry(name, value)?;
                }
                body.end()
            }
        }
    };
}

body_fields! {
    "model" => |r| Some(&r.model),
    "models" => |r| filled(&r.fallback_models),
    "messages" => |r| Some(List(&r.messages, WireMessage)),
    "tools" => |r| (!r.tools.is_empty()).then_some(List(&r.tools, WireTool)),
    "tool_choice" => |r| r.tool_choice.as_ref().map(WireToolChoice),
    "parallel_tool_calls" => |r| r.parallel_tool_calls,
    "response_format" => |r| r.response_format.as_ref().map(WireFormat),
    "reasoning" => |r| r.reasoning.as_ref().map(WireReasoning),
    "temperature" => |r| r.temperature,
    "top_p" => |r| r.top_p,
    "top_k" => |r| r.top_k,
    "top_a" => |r| r.top_a,
    "min_p" => |r| r.min_p,
    "frequency_penalty" => |r| r.frequency_penalty,
    "presence_penalty" => |r| r.presence_penalty,
    "repetition_penalty" => |r| r.repetition_penalty,
    "seed" => |r| r.seed,
    "stop" => |r| filled(&r.stop),
    "max_tokens" => |r| r.max_tokens,
    "max_completion_tokens" => |r| r.max_completion_tokens,
    "logit_bias" => |r| (!r.logit_bias.is_empty()).then_some(&r.logit_bias),
    "logprobs" => |r| r.logprobs,
    "top_logprobs" => |r| r.top_logprobs,
    "verbosity" => |r| r.verbosity.as_ref(),
    "user" => |r| r.user.as_ref(),
    "session_id" => |r| r.session_id.as_ref(),
    "metadata" => |r| (!r.metadata.is_empty()).then_some(&r.metadata),
}

fn filled(list: &[String]) -> Option<&[String]> {
    (!list.is_empty()).then_some(list)
}

/// What cannot be sent, or would be sent as something else. Ranges are the service's business: they differ by model.
fn problems(request: &ChatRequest) -> Vec<FieldProblem> {
    let mut problems = Vec::new();
    let mut problem = |field: &str, what: &str| problems.push(FieldProblem::new(field, what));
    let unusable = |id: &str| id.is_empty() || id.chars().any(|c| c.is_whitespace() || c.is_control());
    if unusable(&request.model) {
        problem("model", "must be a model id such as openai/gpt-4o, without white space");
    }
    if request.fallback_models.iter().any(|model| unusable(model)) {
        problem("fallback_models", "must be model ids such as openai/gpt-4o, without white space");
    }
    if request.messages.is_empty() {
        problem("messages", "there must be at least one message");
    }
    if request.max_tokens.is_some() && request.max_completion_tokens.is_some() {
        problem("max_completion_tokens", "is another name of max_tokens; set one of them");
    }
    let numbers = [
        ("temperature", request.temperature),
        ("top_p", request.top_p),
        ("top_a", request.top_a),
        ("min_p", request.min_p),
        ("frequency_penalty", request.frequency_penalty),
        ("presence_penalty", request.presence_penalty),
        ("repetition_penalty", request.repetition_penalty),
    ];
    for (field, number) in numbers {
        if number.is_some_and(|number| !number.is_finite()) {
            problem(field, "must be a finite number: JSON has no NaN and no infinity");
        }
    }
    if request.logit_bias.values().any(|bias| !bias.is_finite()) {
        problem("logit_bias", "must be finite numbers: JSON has no NaN and no infinity");
    }
    for name in request.extra.keys().filter(|name| NAMES.contains(&name.as_str())) {
        problem(
            &format!("extra.{name}"),
            "is written by the provider itself; set the request's own field, or call `chat` or `stream`",
        );
    }
    problems
}

/// A list whose items are written through a wrapper.
struct List<'a, T, W>(&'a [T], fn(&'a T) -> W);

impl<T, W: Serialize> Serialize for List<'_, T, W> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(self.1))
    }
}

struct WireTool<'a>(&'a Tool);

impl Serialize for WireTool<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let function = match self.0 {
            Tool::Function(function) => function,
            Tool::Other(raw) => return raw.serialize(serializer),
            other => return Err(unknown("tool", other)),
        };
        #[derive(Serialize)]
        struct Function<'a> {
            name: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            description: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            parameters: Option<&'a provider_core::RawJson>,
            #[serde(skip_serializing_if = "Option::is_none")]
            strict: Option<bool>,
        }
        let mut tool = serializer.serialize_map(Some(2))?;
        tool.serialize_entry("type", "function")?;
        tool.serialize_entry(
            "function",
            &Function {
                name: &function.name,
                description: function.description.as_deref(),
                parameters: function.parameters.as_ref(),
                strict: function.strict,
            },
        )?;
        tool.end()
    }
}

struct WireToolChoice<'a>(&'a ToolChoice);

impl Serialize for WireToolChoice<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
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
            ToolChoice::Other(raw) => raw.serialize(serializer),
            other => Err(unknown("tool_choice", other)),
        }
    }
}

#[derive(Serialize)]
struct Named<'a> {
    name: &'a str,
}

struct WireFormat<'a>(&'a ResponseFormat);

impl Serialize for WireFormat<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut format = match self.0 {
            ResponseFormat::Other(raw) => return raw.serialize(serializer),
            _ => serializer.serialize_map(None)?,
        };
        match self.0 {
            ResponseFormat::Text => format.serialize_entry("type", "text")?,
            ResponseFormat::JsonObject => format.serialize_entry("type", "json_object")?,
            ResponseFormat::JsonSchema(schema) => {
                format.serialize_entry("type", "json_schema")?;
                format.serialize_entry("json_schema", &WireSchema(schema))?;
            }
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
        schema.serialize_entry("schema", &self.0.schema)?;
        if let Some(strict) = self.0.strict {
            schema.serialize_entry("strict", &strict)?;
        }
        schema.end()
    }
}

struct WireReasoning<'a>(&'a Reasoning);

impl Serialize for WireReasoning<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Reasoning { budget, enabled, exclude, summary, .. } = self.0;
        let mut reasoning = serializer.serialize_map(None)?;
        match budget {
            Some(ReasoningBudget::Effort(effort)) => reasoning.serialize_entry("effort", effort.as_str())?,
            Some(ReasoningBudget::MaxTokens(tokens)) => reasoning.serialize_entry("max_tokens", tokens)?,
            Some(other) => return Err(unknown("reasoning", other)),
            None => {}
        }
        if let Some(enabled) = enabled {
            reasoning.serialize_entry("enabled", enabled)?;
        }
        if let Some(exclude) = exclude {
            reasoning.serialize_entry("exclude", exclude)?;
        }
        if let Some(summary) = summary {
            reasoning.serialize_entry("summary", summary)?;
        }
        reasoning.end()
    }
}
