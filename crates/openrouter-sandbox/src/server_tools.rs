//! The registry of server tools, with the schemas of their parameters.

use std::collections::HashMap;

use axum::body::Body;
use axum::extract::{Path, Query};
use axum::http::{HeaderMap, Response, StatusCode, Uri};
use serde_json::{Map, Value, json};

use crate::api_error::{ApiError, data_response, json_response};
use crate::auth::ApiKey;

/// `GET /tools`: all tools, or those of the API in `api_format`.
pub(crate) async fn list(headers: HeaderMap, uri: Uri) -> Result<Response<Body>, ApiError> {
    ApiKey::check(&headers)?;
    let query: HashMap<String, String> =
        Query::try_from_uri(&uri).map(|Query(query)| query).unwrap_or_default();
    let fits = |tool: &Value| {
        let format = query.get("api_format");
        format.is_none_or(|format| {
            tool["supported_api_formats"]
                .as_array()
                .is_some_and(|known| known.iter().any(|name| name == format))
        })
    };
    let tools: Vec<Value> = tools().into_iter().filter(fits).collect();
    let total = tools.len();
    let body = json!({"data": tools, "total_count": total, "links": {"next": null}});
    Ok(json_response(StatusCode::OK, &body))
}

/// `GET /tools/{name}`: one tool, by its canonical name or another one, with the models that run it
/// themselves.
pub(crate) async fn show(headers: HeaderMap, Path(id): Path<String>) -> Result<Response<Body>, ApiError> {
    ApiKey::check(&headers)?;
    let is_named = |tool: &Value| {
        tool["aliases"].as_array().is_some_and(|names| names.iter().any(|name| name["type"] == id.as_str()))
    };
    let Some(mut tool) = tools().into_iter().find(is_named) else {
        return Err(ApiError::not_found(format!("Tool {id} not found")));
    };
    tool["native_support"]["models"] = match tool["native_support"]["model_count"].as_u64() {
        Some(1..) => json!([{"slug": "anthropic/claude-sonnet-4.5", "providers": ["anthropic"]}]),
        _ => json!([]),
    };
    Ok(data_response(tool))
}

/// The APIs that the tools are for.
const API_FORMATS: [&str; 3] = ["responses", "chat-completions", "anthropic-messages"];

/// A tool: id, name, summary, and the parameters with their types.
type Row = (&'static str, &'static str, &'static str, &'static [(&'static str, &'static str)]);

/// The tools beside the search of the web.
const TOOLS: &[Row] = &[
    (
        "openrouter:web_fetch",
        "Web fetch",
        "Fetches a page of the web.",
        &[
            ("engine", "string"),
            ("max_uses", "integer"),
            ("max_content_tokens", "integer"),
            ("allowed_domains", "array"),
            ("blocked_domains", "array"),
        ],
    ),
    ("openrouter:datetime", "Date and time", "Tells the date and the time.", &[("timezone", "string")]),
    ("openrouter:image_generation", "Image generation", "Makes an image.", &[("model", "string")]),
    (
        "openrouter:fusion",
        "Fusion",
        "Asks several models, and joins what they say.",
        &[
            ("analysis_models", "array"),
            ("model", "string"),
            ("max_tool_calls", "integer"),
            ("max_completion_tokens", "integer"),
            ("temperature", "number"),
        ],
    ),
    (
        "openrouter:advisor",
        "Advisor",
        "Asks a stronger model for advice.",
        &[
            ("model", "string"),
            ("instructions", "string"),
            ("forward_transcript", "boolean"),
            ("max_completion_tokens", "integer"),
            ("temperature", "number"),
        ],
    ),
    (
        "openrouter:subagent",
        "Subagent",
        "Hands a task to another model.",
        &[
            ("model", "string"),
            ("instructions", "string"),
            ("inherit_functions", "boolean"),
            ("max_tool_calls", "integer"),
            ("max_completion_tokens", "integer"),
        ],
    ),
    (
        "openrouter:bash",
        "Bash",
        "Runs commands in a container.",
        &[("engine", "string"), ("environment", "object")],
    ),
    (
        "openrouter:shell",
        "Shell",
        "Runs commands in a container.",
        &[("engine", "string"), ("environment", "object")],
    ),
    ("openrouter:apply_patch", "Apply patch", "Changes files by a patch.", &[("engine", "string")]),
    ("openrouter:files", "Files", "Reads the files of the account.", &[]),
    (
        "openrouter:tool_search",
        "Tool search",
        "Finds tools that are deferred.",
        &[("max_results", "integer")],
    ),
    (
        "openrouter:experimental__search_models",
        "Search models",
        "Finds models of the catalogue.",
        &[("max_results", "integer")],
    ),
];

/// A name of a tool.
fn alias(word: &str) -> Value {
    let surfaces_as = json!([{"api_format": "chat-completions", "type": "reasoning.server_tool_call"}]);
    json!({"type": word, "api_formats": API_FORMATS, "output_names": surfaces_as})
}

/// Somebody who runs a tool.
fn engine(id: Option<&str>, executed_by: &str, pricing_source: &str, pricing: &Value) -> Value {
    json!({
        "id": id,
        "name": id.unwrap_or("OpenRouter"),
        "executed_by": executed_by,
        "byok": "none",
        "data_regions": ["global"],
        "default_mode": null,
        "pricing_source": pricing_source,
        "pricing": pricing,
        "pricing_doc_url": null,
    })
}

/// A tool that OpenRouter runs itself, without a price of its own.
fn simple((id, name, summary, parameters): &Row) -> Value {
    let properties = parameters.iter().map(|(name, kind)| ((*name).to_owned(), json!({"type": kind})));
    let page = id.trim_start_matches("openrouter:").replace('_', "-");
    json!({
        "id": id,
        "name": name,
        "summary": summary,
        "tool_description": summary,
        "status": "active",
        "aliases": [alias(id)],
        "supported_api_formats": API_FORMATS,
        "engines": [engine(None, "openrouter", "none", &json!([]))],
        "default_engine": null,
        "fallback_engine": null,
        "parameters_schema": {
            "type": "object",
            "properties": properties.collect::<Map<_, _>>(),
            "additionalProperties": false,
        },
        "input_schema": {"type": "object", "properties": {}},
        "output_schema": null,
        "native_support": {"endpoint_count": 0, "model_count": 0},
        "docs_url": format!("https://openrouter.ai/docs/guides/features/server-tools/{page}"),
    })
}

fn tools() -> Vec<Value> {
    let price = json!([{"mode": null, "unit": "request", "price": "0.004", "max_units_per_call": 1}]);
    vec![json!({
        "id": "openrouter:web_search",
        "name": "Web search",
        "summary": "Searches the web and cites its sources.",
        "tool_description": "Search the web for current information.",
        "status": "active",
        "aliases": [alias("openrouter:web_search"), alias("web_search")],
        "supported_api_formats": API_FORMATS,
        "engines": [
            engine(Some("native"), "provider", "provider", &json!([])),
            engine(Some("exa"), "openrouter", "openrouter", &price),
        ],
        "default_engine": "native",
        "fallback_engine": "exa",
        "parameters_schema": {
            "type": "object",
            "properties": {
                "engine": {"type": "string", "enum": ["auto", "native", "exa"]},
                "max_results": {"type": "integer", "minimum": 1, "maximum": 25, "default": 5},
            },
            "additionalProperties": false,
        },
        "input_schema": {
            "type": "object",
            "properties": {"query": {"type": "string"}},
            "required": ["query"],
        },
        "output_schema": null,
        "native_support": {"endpoint_count": 1, "model_count": 1},
        "docs_url": "https://openrouter.ai/docs/guides/features/server-tools/web-search",
    })]
    .into_iter()
    .chain(TOOLS.iter().map(simple))
    .collect()
}
