//! Reads back tools, the choice among them and the form of the answer.

use provider_core::{
    ChatRequest, FunctionTool, JsonSchema, ProviderJson, RawJson, ResponseFormat, Tool, ToolChoice,
};
use serde::Deserialize;

use super::exact::{Object, object};
use super::part::{Mark, cache};
use super::{fitting, value};
use crate::dialect::Dialect;

/// Reads the tools: functions are the request's, and the tools behind the last function are the service's, if
/// it runs any. A service's tool before a function stays with the functions, since it would change places
/// otherwise.
pub(super) fn read<D: Dialect>(raw: &RawJson, request: &mut ChatRequest, dialect: &D) -> bool {
    let Some(list) = fitting::<Vec<RawJson>>(raw) else { return false };
    let own = list
        .iter()
        .rposition(|raw| kind(raw).is_none_or(|kind| kind == "function"))
        .map_or(0, |last| last + 1);
    let (mut own, service) = list.split_at(own);
    if !service.is_empty() && !dialect.read_tools(service, request) {
        own = &list;
    }
    let other = |raw: &RawJson| Tool::Other(ProviderJson::new(dialect.provider(), raw.clone()));
    let tool = |raw: &RawJson| function(raw).map_or_else(|| other(raw), Tool::Function);
    request.tools = own.iter().map(tool).collect();
    true
}

/// Returns the `type` of an object.
fn kind(raw: &RawJson) -> Option<String> {
    value(raw).get("type")?.as_str().map(str::to_owned)
}

fn function(raw: &RawJson) -> Option<FunctionTool> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Wire {
        r#type: String,
        function: Object<Function>,
        cache_control: Option<Object<Mark>>,
        eager_input_streaming: Option<bool>,
        defer_loading: Option<bool>,
    }
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Function {
        name: String,
        description: Option<String>,
        parameters: Option<RawJson>,
        strict: Option<bool>,
    }
    let wire: Wire = object(raw)?;
    let Wire { r#type, function: Object(function), cache_control, .. } = wire;
    if r#type != "function" {
        return None;
    }
    let mut tool = FunctionTool::default();
    tool.name = function.name;
    tool.description = function.description;
    tool.parameters = function.parameters;
    tool.strict = function.strict;
    tool.cache = cache(cache_control)?;
    (tool.eager_input_streaming, tool.defer_loading) = (wire.eager_input_streaming, wire.defer_loading);
    Some(tool)
}

pub(super) fn choice(raw: &RawJson, provider: &str) -> ToolChoice {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Wire {
        r#type: String,
        function: Object<Named>,
    }
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Named {
        name: String,
    }
    match raw.get() {
        "\"auto\"" => ToolChoice::Auto,
        "\"none\"" => ToolChoice::None,
        "\"required\"" => ToolChoice::Required,
        _ => match object::<Wire>(raw) {
            Some(Wire { r#type, function: Object(function) }) if r#type == "function" => {
                ToolChoice::Function(function.name)
            }
            _ => ToolChoice::Other(ProviderJson::new(provider, raw.clone())),
        },
    }
}

pub(super) fn format(raw: &RawJson, provider: &str) -> ResponseFormat {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Wire {
        r#type: String,
        json_schema: Option<Object<Schema>>,
        grammar: Option<String>,
    }
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Schema {
        name: String,
        description: Option<String>,
        schema: Option<RawJson>,
        strict: Option<bool>,
    }
    let other = || ResponseFormat::Other(ProviderJson::new(provider, raw.clone()));
    let Some(Wire { r#type, json_schema, grammar }) = object(raw) else { return other() };
    match (r#type.as_str(), json_schema, grammar) {
        ("text", None, None) => ResponseFormat::Text,
        ("json_object", None, None) => ResponseFormat::JsonObject,
        ("python", None, None) => ResponseFormat::Python,
        ("grammar", None, Some(grammar)) => ResponseFormat::Grammar(grammar),
        ("json_schema", Some(Object(wire)), None) => {
            let mut schema = JsonSchema::named(wire.name);
            schema.description = wire.description;
            schema.schema = wire.schema;
            schema.strict = wire.strict;
            schema.into()
        }
        _ => other(),
    }
}
