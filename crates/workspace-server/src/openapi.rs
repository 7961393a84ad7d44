//! The OpenAPI document: operations and types from the handlers, access from the table of routes.

pub(crate) mod bodies;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use axum::response::IntoResponse;
use http::header;
use serde_json::{Map, Value, json};
use utoipa::OpenApi;

use crate::access::Access;
use crate::routes::ROUTES;
use crate::{api, chat, compare, openai};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Workspaces",
        description = "The workspaces of this host: settings, models, runs. Answers come in the envelope \
                       {data, status, code, message}.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
    ),
    // One block for each part of the API, by path.
    paths(
        // Management.
        show,
        api::workspaces::import,
        api::registry::list,
        api::registry::show,
        api::tokens::own,
        api::workspaces::list,
        api::workspaces::create,
        api::workspaces::show,
        api::workspaces::change,
        api::workspaces::delete,
        api::audit::list,
        api::budgets::list,
        api::budgets::add,
        api::budgets::show,
        api::budgets::shares,
        api::budgets::change,
        api::budgets::remove,
        api::comparisons::list,
        api::comparisons::show,
        api::comparisons::export,
        api::conversations::list,
        api::conversations::create,
        api::conversations::show,
        api::conversations::rename,
        api::conversations::delete,
        api::conversations::branches,
        api::conversations::branch,
        api::conversations::append,
        api::workspaces::export,
        api::models::show,
        api::models::search,
        api::models::endpoints,
        api::models::problems,
        api::connect::start,
        api::connect::finish,
        api::providers::test_settings,
        api::providers::list,
        api::providers::add,
        api::providers::show,
        api::providers::change,
        api::providers::remove,
        api::providers::presets,
        api::providers::test,
        api::runs::days,
        api::runs::totals,
        api::runs::list,
        api::runs::show,
        api::runs::content,
        api::tokens::list,
        api::tokens::create,
        api::tokens::create_first,
        api::tokens::revoke,
        // Running.
        chat::run,
        compare::run,
        // Operation.
        api::health::alive,
        api::health::metrics,
        api::health::ready,
        // OpenAI's clients.
        openai::chat::complete,
        openai::models::list,
        openai::models::show,
    )
)]
struct Document;

/// The OpenAPI 3.1 document of the server, as JSON with its keys in order.
pub fn openapi() -> String {
    let mut document = serde_json::to_value(Document::openapi()).unwrap_or_default();
    // A wildcard is a parameter like any other in OpenAPI.
    if let Some(paths) = document["paths"].as_object_mut() {
        let wild: Vec<String> = paths.keys().filter(|path| path.contains("{*")).cloned().collect();
        for path in wild {
            let operations = paths.remove(&path).unwrap_or_default();
            paths.insert(document_path(&path), operations);
        }
    }
    for route in ROUTES {
        let method = route.method.as_str().to_ascii_lowercase();
        // The files of the page are no part of the API.
        if let Some(operation) =
            document["paths"].get_mut(document_path(route.path)).and_then(|path| path.get_mut(&method))
        {
            complete(operation, route.path, route.access);
        }
    }
    document["components"]["securitySchemes"] = json!({
        "token": {"type": "http", "scheme": "bearer", "description": "An API token of a workspace: wst_…"},
        "operator": {"type": "http", "scheme": "bearer", "description": "The operator's key."},
    });
    document["components"]["schemas"]["ErrorEnvelope"] = json!({
        "type": "object",
        "required": ["data", "status", "code", "message"],
        "properties": {
            "data": {
                "type": ["object", "null"],
                "properties": {
                    "problems": {"type": "array", "items": {
                        "type": "object",
                        "required": ["field", "problem"],
                        "properties": {"field": {"type": "string"}, "problem": {"type": "string"}},
                    }},
                    "kind": {"type": ["string", "null"],
                        "description": "The kind of a provider's error."},
                    "next_step": {"type": ["string", "null"], "description": "The step that helps."},
                    "provider": {"type": ["string", "null"]},
                    "model": {"type": ["string", "null"]},
                    "upstream": {"type": ["object", "null"]},
                    "attempts": {"type": ["array", "null"], "items": {"type": "object"}},
                    "retry_after_seconds": {"type": ["integer", "null"]},
                },
            },
            "status": {"type": "string", "enum": ["error"]},
            "code": {"type": "string", "description": "A word for programs."},
            "message": {"type": "string", "description": "A sentence for people."},
        },
    });
    // Whether a map keeps its order depends on what else is built: here it is always sorted.
    let mut text = serde_json::to_string_pretty(&sorted(document)).unwrap_or_default();
    text.push('\n');
    text
}

fn document_path(path: &str) -> String {
    path.replace("{*", "{")
}

/// Adds what the table of routes says: path parameters, access, and the errors that come of it.
fn complete(operation: &mut Value, path: &str, access: Access) {
    let names = path.split('{').skip(1).filter_map(|rest| rest.split('}').next());
    let in_path = names.map(|name| {
        json!({"name": name.trim_start_matches('*'), "in": "path", "required": true,
            "schema": {"type": "string"}})
    });
    let mut parameters: Vec<Value> = in_path.collect();
    parameters.extend(operation["parameters"].as_array().cloned().unwrap_or_default());
    if !parameters.is_empty() {
        operation["parameters"] = parameters.into();
    }
    let mut tags = path.trim_start_matches("/api/v1/").split('/').filter(|part| !part.starts_with('{'));
    let first = tags.next().unwrap_or_default();
    operation["tags"] = json!([tags.next().filter(|_| path.starts_with("/api/v1/")).unwrap_or(first)]);
    let (scheme, role) = match access {
        Access::Open => (None, "anyone".to_owned()),
        Access::Bearer => (Some("token"), "any token".to_owned()),
        Access::Role(role) => (Some("token"), role.to_string()),
        Access::Operator => (Some("operator"), "operator".to_owned()),
    };
    operation["x-role"] = role.into();
    operation["security"] = match scheme {
        Some(scheme) => json!([{scheme: []}]),
        None => json!([]),
    };
    let is_enveloped = !path.starts_with("/w/");
    if is_enveloped && operation["responses"]["default"].is_null() {
        operation["responses"]["default"] = json!({
            "description": "An error.",
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorEnvelope"}}},
        });
    }
    if let Some(responses) = operation["responses"].as_object_mut() {
        for (status, response) in responses {
            if response["description"].as_str().unwrap_or_default().is_empty() {
                response["description"] = if status.starts_with('2') { "Done." } else { "An error." }.into();
            }
        }
    }
}

fn sorted(value: Value) -> Value {
    match value {
        Value::Object(mut map) => {
            // Counts go beyond the signed integers that this format stands for.
            if map.get("format") == Some(&json!("int64")) && map.contains_key("minimum") {
                map.remove("format");
            }
            let ordered: BTreeMap<String, Value> =
                map.into_iter().map(|(key, value)| (key, sorted(value))).collect();
            Value::Object(ordered.into_iter().collect::<Map<_, _>>())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        other => other,
    }
}

/// Shows this document.
#[utoipa::path(get, path = "/api/v1/openapi.json", operation_id = "show_openapi",
    responses((status = 200, body = Object)))]
pub(crate) async fn show() -> impl IntoResponse {
    static TEXT: LazyLock<String> = LazyLock::new(openapi);
    ([(header::CONTENT_TYPE, "application/json")], TEXT.as_str())
}
