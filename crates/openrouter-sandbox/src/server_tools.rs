//! The registry of server tools, with the schemas of their parameters.

use std::collections::HashMap;

use axum::body::Body;
use axum::extract::{Path, Query};
use axum::http::{HeaderMap, Response, StatusCode, Uri};
use serde_json::{Value, json};

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

fn tools() -> Vec<Value> {
    let chats = json!(["responses", "chat-completions", "anthropic-messages"]);
    let name = |word: &str| {
        let surfaces_as = json!([{"api_format": "chat-completions", "type": "reasoning.server_tool_call"}]);
        json!({"type": word, "api_formats": chats, "output_names": surfaces_as})
    };
    let engine = |id: Option<&str>, executed_by: &str, pricing_source: &str, pricing: Value| {
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
    };
    let price = json!([{"mode": null, "unit": "request", "price": "0.004", "max_units_per_call": 1}]);
    vec![
        json!({
            "id": "openrouter:web_search",
            "name": "Web search",
            "summary": "Searches the web and cites its sources.",
            "tool_description": "Search the web for current information.",
            "status": "active",
            "aliases": [name("openrouter:web_search"), name("web_search")],
            "supported_api_formats": chats,
            "engines": [
                engine(Some("native"), "provider", "provider", json!([])),
                engine(Some("exa"), "openrouter", "openrouter", price),
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
        }),
        json!({
            "id": "openrouter:datetime",
            "name": "Date and time",
            "summary": "Tells the date and the time.",
            "tool_description": "Get the current date and time.",
            "status": "active",
            "aliases": [name("openrouter:datetime")],
            "supported_api_formats": chats,
            "engines": [engine(None, "openrouter", "none", json!([]))],
            "default_engine": null,
            "fallback_engine": null,
            "parameters_schema": {
                "type": "object",
                "properties": {"timezone": {"type": "string"}},
                "additionalProperties": false,
            },
            "input_schema": {"type": "object", "properties": {}},
            "output_schema": {"type": "object", "properties": {"datetime": {"type": "string"}}},
            "native_support": {"endpoint_count": 0, "model_count": 0},
            "docs_url": "https://openrouter.ai/docs/guides/features/server-tools/datetime",
        }),
    ]
}
