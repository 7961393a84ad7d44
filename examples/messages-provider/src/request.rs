//! Writes the body of a request.

mod conversation;

use std::borrow::Cow;
use std::collections::BTreeMap;

use provider_core::author::{range_problems, refuse_all_but, unique_call_ids};
use provider_core::{
    CacheMark, ChatRequest, Effort, Error, ErrorKind, FieldProblem, JsonSchema, RawJson, Reasoning,
    ReasoningBudget, ResponseFormat, Tool, ToolChoice,
};
use serde::Serialize;
use serde_json::Value;

use self::conversation::{Block, Turn};
use crate::ID;

/// All that the wire has a place for. Roles and parts are looked at where they are written.
const CARRIED: &[&str] = &[
    "messages",
    "tools",
    "extra",
    "tool_choice",
    "parallel_tool_calls",
    "response_format",
    "reasoning",
    "temperature",
    "top_p",
    "top_k",
    "stop",
    "max_tokens",
    "service_tier",
    "user",
];

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    max_tokens: u32,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    system: Vec<Block<'a>>,
    messages: Vec<Turn<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<WireTool<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<WireToolChoice<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_k: Option<u32>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    stop_sequences: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking: Option<Thinking>,
    #[serde(skip_serializing_if = "OutputConfig::is_empty")]
    output_config: OutputConfig<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Metadata<'a>>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stream: bool,
    #[serde(flatten)]
    extra: Option<&'a BTreeMap<String, Value>>,
}

#[derive(Serialize)]
struct Metadata<'a> {
    user_id: &'a str,
}

/// How much to think, where the request says.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Thinking {
    Enabled { budget_tokens: u32 },
    Adaptive,
    Disabled,
}

#[derive(Default, Serialize)]
struct OutputConfig<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    effort: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<Format<'a>>,
}

impl OutputConfig<'_> {
    fn is_empty(&self) -> bool {
        self.effort.is_none() && self.format.is_none()
    }
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Format<'a> {
    JsonSchema {
        schema: Cow<'a, RawJson>,
    },
    #[serde(untagged)]
    Own(&'a RawJson),
}

#[derive(Serialize)]
#[serde(untagged)]
enum WireTool<'a> {
    Function {
        name: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        description: Option<&'a str>,
        input_schema: Cow<'a, RawJson>,
        #[serde(skip_serializing_if = "Option::is_none")]
        strict: Option<bool>,
        #[serde(skip_serializing_if = "Option::is_none")]
        eager_input_streaming: Option<bool>,
        #[serde(skip_serializing_if = "Option::is_none")]
        defer_loading: Option<bool>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<CacheControl<'a>>,
    },
    Own(&'a RawJson),
}

#[derive(Serialize)]
#[serde(untagged)]
enum WireToolChoice<'a> {
    Own(&'a RawJson),
    Choice {
        #[serde(rename = "type")]
        kind: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        name: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        disable_parallel_tool_use: Option<bool>,
    },
}

/// A mark for the prompt cache.
#[derive(Serialize)]
struct CacheControl<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl: Option<&'a str>,
}

impl<'a> CacheControl<'a> {
    fn of(mark: Option<&'a CacheMark>) -> Option<Self> {
        mark.map(|mark| Self::ephemeral(mark.ttl.as_deref()))
    }

    fn ephemeral(ttl: Option<&'a str>) -> Self {
        Self { kind: "ephemeral", ttl }
    }
}

/// The problems of a request that were found so far.
#[derive(Default)]
struct Problems(Vec<FieldProblem>);

impl Problems {
    fn add(&mut self, field: impl Into<String>, what: impl Into<String>) {
        self.0.push(FieldProblem::new(field, what));
    }
}

/// Writes a body. `max_tokens`: the output cap of a request that has none, on top of its budget of thoughts.
///
/// # Errors
/// [`ErrorKind::InvalidRequest`] with every field that cannot be sent.
pub(crate) fn encode(request: &ChatRequest, stream: bool, max_tokens: u32) -> Result<Vec<u8>, Error> {
    let mut problems = Problems::default();
    if let Err(refused) = refuse_all_but(request, ID, CARRIED) {
        problems.0.extend_from_slice(refused.fields());
    }
    problems.0.extend(range_problems(request));
    let messages = unique_call_ids(&request.messages);
    let (system, messages) = conversation::turns(request, &messages, &mut problems);
    let body = body(request, stream, max_tokens, (system, messages), &mut problems);
    if !problems.0.is_empty() {
        return Err(Error::invalid_request(problems.0));
    }
    serde_json::to_vec(&body).map_err(|cause| {
        Error::new(ErrorKind::InvalidRequest, "the request cannot be written as JSON").with_source(cause)
    })
}

fn body<'a>(
    request: &'a ChatRequest,
    stream: bool,
    max_tokens: u32,
    (system, messages): (Vec<Block<'a>>, Vec<Turn<'a>>),
    problems: &mut Problems,
) -> Body<'a> {
    if request.model.is_empty() {
        problems.add("model", "must be the id of a model");
    }
    // The range of other services goes to 2.
    if request.temperature.is_some_and(|temperature| temperature > 1.0) {
        problems.add("temperature", "must be at most 1 for this service");
    }
    let (thinking, effort) = thinking(request.reasoning.as_ref(), problems);
    let budget = match thinking {
        Some(Thinking::Enabled { budget_tokens }) => budget_tokens,
        _ => 0,
    };
    let body = Body {
        model: &request.model,
        max_tokens: request.max_tokens.unwrap_or(max_tokens.saturating_add(budget)),
        system,
        messages,
        tools: request.tools.iter().filter_map(tool).collect(),
        tool_choice: tool_choice(request, problems),
        temperature: request.temperature,
        top_p: request.top_p,
        top_k: request.top_k,
        stop_sequences: &request.stop,
        thinking,
        output_config: OutputConfig { effort, format: format(request, problems) },
        service_tier: request.service_tier.as_deref(),
        metadata: request.user.as_deref().map(|user_id| Metadata { user_id }),
        stream,
        extra: request.extra.get(ID),
    };
    for name in body.extra.into_iter().flat_map(BTreeMap::keys).filter(|name| body.has(name)) {
        problems
            .add(format!("extra.{ID}.{name}"), "is set in its own place as well; set it in one of the two");
    }
    body
}

impl Body<'_> {
    /// Whether a field is written from a place of its own.
    fn has(&self, name: &str) -> bool {
        match name {
            "model" | "max_tokens" | "messages" | "stream" => true,
            "system" => !self.system.is_empty(),
            "tools" => !self.tools.is_empty(),
            "tool_choice" => self.tool_choice.is_some(),
            "temperature" => self.temperature.is_some(),
            "top_p" => self.top_p.is_some(),
            "top_k" => self.top_k.is_some(),
            "stop_sequences" => !self.stop_sequences.is_empty(),
            "thinking" => self.thinking.is_some(),
            "output_config" => !self.output_config.is_empty(),
            "service_tier" => self.service_tier.is_some(),
            "metadata" => self.metadata.is_some(),
            _ => false,
        }
    }
}

/// Writes how much to think: a budget of tokens, or an effort with which the model finds its own.
fn thinking<'a>(
    reasoning: Option<&'a Reasoning>,
    problems: &mut Problems,
) -> (Option<Thinking>, Option<&'a str>) {
    let Some(reasoning) = reasoning else { return (None, None) };
    for (name, is_set) in [
        ("exclude", reasoning.exclude == Some(true)),
        ("summary", reasoning.summary.is_some()),
        ("context", reasoning.context.is_some()),
        ("mode", reasoning.mode.is_some()),
    ] {
        if is_set {
            problems.add(format!("reasoning.{name}"), "cannot be sent by this provider; leave it out");
        }
    }
    match &reasoning.budget {
        Some(ReasoningBudget::MaxTokens(tokens)) => {
            (Some(Thinking::Enabled { budget_tokens: *tokens }), None)
        }
        Some(ReasoningBudget::Effort(Effort::None)) => (Some(Thinking::Disabled), None),
        Some(ReasoningBudget::Effort(effort)) => (Some(Thinking::Adaptive), Some(effort.as_str())),
        Some(_) => {
            problems.add("reasoning", "has a budget of a kind that this provider does not know");
            (None, None)
        }
        None => {
            let thinking = |enabled| if enabled { Thinking::Adaptive } else { Thinking::Disabled };
            (reasoning.enabled.map(thinking), None)
        }
    }
}

/// Writes a tool. JSON of another provider is refused elsewhere.
fn tool(tool: &Tool) -> Option<WireTool<'_>> {
    match tool {
        Tool::Function(function) => Some(WireTool::Function {
            name: &function.name,
            description: function.description.as_deref(),
            // The service takes no function without a schema.
            input_schema: match &function.parameters {
                Some(schema) => Cow::Borrowed(schema),
                None => Cow::Owned(RawJson::from_checked(r#"{"type":"object"}"#)),
            },
            strict: function.strict,
            eager_input_streaming: function.eager_input_streaming,
            defer_loading: function.defer_loading,
            cache_control: CacheControl::of(function.cache.as_ref()),
        }),
        Tool::Other(json) => Some(WireTool::Own(json.json())),
        _ => None,
    }
}

fn tool_choice<'a>(request: &'a ChatRequest, problems: &mut Problems) -> Option<WireToolChoice<'a>> {
    let (kind, name) = match (&request.tool_choice, request.parallel_tool_calls) {
        (None, None) => return None,
        (None | Some(ToolChoice::Auto), _) => ("auto", None),
        (Some(ToolChoice::None), _) => ("none", None),
        (Some(ToolChoice::Required), _) => ("any", None),
        (Some(ToolChoice::Function(name)), _) => ("tool", Some(name.as_str())),
        (Some(ToolChoice::Other(json)), None) => return Some(WireToolChoice::Own(json.json())),
        (Some(_), _) => {
            problems.add(
                "tool_choice",
                "cannot be sent by this provider in this form beside parallel_tool_calls",
            );
            return None;
        }
    };
    // Where no tool may be called, there is no place for it, and no need.
    let parallel = request.parallel_tool_calls.filter(|_| kind != "none");
    Some(WireToolChoice::Choice { kind, name, disable_parallel_tool_use: parallel.map(|parallel| !parallel) })
}

fn format<'a>(request: &'a ChatRequest, problems: &mut Problems) -> Option<Format<'a>> {
    match request.response_format.as_ref()? {
        ResponseFormat::Text => None,
        ResponseFormat::JsonSchema(JsonSchema { schema: Some(schema), description, strict, .. })
            if *strict != Some(false) =>
        {
            Some(Format::JsonSchema { schema: described(schema, description.as_deref()) })
        }
        ResponseFormat::Other(json) => Some(Format::Own(json.json())),
        _ => {
            let what = "must be text or a JSON Schema for this service, which it always keeps to";
            problems.add("response_format", what);
            None
        }
    }
}

/// A schema with a description, which on this wire is a word of the schema. One that it has already stays.
fn described<'a>(schema: &'a RawJson, description: Option<&str>) -> Cow<'a, RawJson> {
    let is_described = |schema: &RawJson| {
        schema
            .read::<BTreeMap<String, serde::de::IgnoredAny>>()
            .map_or(true, |words| words.contains_key("description"))
    };
    let (Some(text), Some(rest)) = (description, schema.get().strip_prefix('{')) else {
        return Cow::Borrowed(schema);
    };
    if is_described(schema) {
        return Cow::Borrowed(schema);
    }
    let comma = if rest.trim_start().starts_with('}') { "" } else { "," };
    let text = Value::from(text);
    Cow::Owned(RawJson::from_checked(&format!("{{\"description\":{text}{comma}{rest}")))
}
