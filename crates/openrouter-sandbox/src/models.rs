//! The endpoints for the model catalogue.

use std::collections::HashMap;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, Response, StatusCode, Uri};
use serde_json::{Value, json};

use crate::api_error::{ApiError, data_response, json_response};
use crate::auth::ApiKey;
use crate::catalogue::{Endpoint, Model};
use crate::cost::Usd;
use crate::model_id::{self, Target};
use crate::state::AppState;

/// `GET /models`: needs no key, and ignores an invalid one.
pub(crate) async fn list(State(state): State<Arc<AppState>>, uri: Uri) -> Result<Response<Body>, ApiError> {
    let filters = Filters::read(&uri)?;
    let rows: Vec<&Value> = filters.matching(&state).map(|model| &model.row).collect();
    let total = rows.len();
    let (offset, limit) = match (filters.number("offset")?, filters.number("limit")?) {
        (None, None) => (0, total),
        (offset, limit) => (offset.unwrap_or(0), limit.unwrap_or(500).clamp(1, 1000)),
    };
    let page: Vec<&Value> = rows.into_iter().skip(offset).take(limit).collect();
    let end = offset + page.len();
    let next = (end < total).then(|| format!("/api/v1/models?offset={end}&limit={limit}"));
    let body = json!({"data": page, "total_count": total, "links": {"next": next}});
    Ok(json_response(StatusCode::OK, &body))
}

/// `GET /models/user`: the same list; needs a key.
pub(crate) async fn list_for_user(
    state: State<Arc<AppState>>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response<Body>, ApiError> {
    ApiKey::check(&headers)?;
    list(state, uri).await
}

/// `GET /models/count`: the number of models.
pub(crate) async fn count(
    State(state): State<Arc<AppState>>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response<Body>, ApiError> {
    ApiKey::check(&headers)?;
    let count = Filters::read(&uri)?.matching(&state).count();
    Ok(data_response(json!({ "count": count })))
}

/// `GET /model/{author}/{slug}`: one model.
pub(crate) async fn show(
    State(state): State<Arc<AppState>>,
    headers: HeaderMap,
    Path((author, slug)): Path<(String, String)>,
) -> Result<Response<Body>, ApiError> {
    ApiKey::check(&headers)?;
    let id = format!("{author}/{slug}");
    Ok(data_response(find(&state, &id)?.row.clone()))
}

/// `GET /models/{author}/{slug}/endpoints`: the endpoints of a model, with their speeds if there is a key.
pub(crate) async fn endpoints(
    State(state): State<Arc<AppState>>,
    headers: HeaderMap,
    Path((author, slug)): Path<(String, String)>,
) -> Result<Response<Body>, ApiError> {
    let id = format!("{author}/{slug}");
    let model = find(&state, &id)?;
    let with_key = ApiKey::check(&headers).is_ok();
    let endpoints: Vec<Value> =
        model.endpoints.iter().map(|endpoint| endpoint_record(model, endpoint, with_key)).collect();
    let row = &model.row;
    Ok(data_response(json!({
        "id": model.id,
        "name": row["name"],
        "created": row["created"],
        "description": row["description"].as_str().unwrap_or_default(),
        "architecture": row["architecture"],
        "endpoints": endpoints,
    })))
}

/// `GET /endpoints/zdr`: the endpoints that retain no data.
pub(crate) async fn zdr_endpoints(
    State(state): State<Arc<AppState>>,
    headers: HeaderMap,
) -> Result<Response<Body>, ApiError> {
    ApiKey::check(&headers)?;
    let models = state.catalogue.models().iter();
    let all = models.flat_map(|model| model.endpoints.iter().map(move |endpoint| (model, endpoint)));
    let zdr = all.filter(|(_, endpoint)| endpoint.is_zdr());
    Ok(data_response(zdr.map(|(model, endpoint)| endpoint_record(model, endpoint, true)).collect()))
}

fn endpoint_record(model: &Model, endpoint: &Endpoint, with_key: bool) -> Value {
    let row = &model.row;
    let speed = |p50: u64| {
        with_key.then(|| json!({"p50": p50, "p75": p50 * 5 / 4, "p90": p50 * 3 / 2, "p99": p50 * 3}))
    };
    json!({
        "name": format!("{} | {}", endpoint.provider, model.canonical_slug),
        "model_id": model.id,
        "model_name": row["name"],
        "context_length": row["context_length"],
        "pricing": row["pricing"],
        "provider_name": endpoint.provider,
        "tag": endpoint.tag,
        "quantization": endpoint.quantization(),
        "max_completion_tokens": row["top_provider"]["max_completion_tokens"],
        "max_prompt_tokens": null,
        "supported_parameters": row["supported_parameters"],
        "status": 0,
        "service_tier": null,
        "supports_tool_choice": model.tool_choice_support(),
        "native_tools": native_tools(endpoint),
        "supports_diarization": false,
        "supports_implicit_caching": model.author() != "anthropic",
        "uptime_last_5m": 100,
        "uptime_last_30m": 99.7,
        "uptime_last_1d": 99.9,
        "latency_last_30m": speed(420),
        "throughput_last_30m": speed(64),
        "perf_last_30m_by_workload": with_key.then(|| json!({
            "text_generation": {"latency": speed(420), "throughput": speed(64), "request_count": 1200},
        })),
    })
}

/// The server tools that the provider runs itself.
fn native_tools(endpoint: &Endpoint) -> Value {
    match endpoint.slug() {
        "anthropic" => json!({"openrouter:web_search": {"type": "web_search_20260209"}}),
        _ => json!({}),
    }
}

/// Finds the model of an id in any spelling. The id of an alias or a router finds its own row.
fn find<'a>(state: &'a AppState, id: &str) -> Result<&'a Model, ApiError> {
    if let Some(model) = state.catalogue.row(id) {
        return Ok(model);
    }
    let models = state.catalogue.models();
    match model_id::resolve(&state.catalogue, id) {
        Ok(Target::Model(found, _)) => models.iter().find(|model| model.id == found.id),
        _ => None,
    }
    .ok_or_else(|| ApiError::not_found(format!("There is no model {id}")))
}

/// The filters in the query of a list of models.
struct Filters(HashMap<String, String>);

impl Filters {
    fn read(uri: &Uri) -> Result<Self, ApiError> {
        match Query::try_from_uri(uri) {
            Ok(Query(filters)) => Ok(Self(filters)),
            Err(_) => Err(ApiError::bad_request("The query cannot be read")),
        }
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    fn number(&self, name: &str) -> Result<Option<usize>, ApiError> {
        let parse =
            |text: &str| text.parse().map_err(|_| ApiError::bad_request(format!("{name}: must be a number")));
        self.text(name).map(parse).transpose()
    }

    fn matching<'a>(&'a self, state: &'a AppState) -> impl Iterator<Item = &'a Model> {
        state.catalogue.models().iter().filter(|model| self.matches(model))
    }

    fn matches(&self, model: &Model) -> bool {
        let words = |name: &str| self.text(name).into_iter().flat_map(|list| list.split(','));
        let named = self.text("q").is_none_or(|text| {
            let text = text.to_lowercase();
            let name = model.row["name"].as_str().unwrap_or_default().to_lowercase();
            model.id.contains(&text) || name.contains(&text)
        });
        let able = words("supported_parameters").all(|word| model.lists("supported_parameters", word));
        let affordable = self.text("max_price").and_then(Usd::parse).is_none_or(|limit| {
            model.prompt_price >= Usd::default() && model.prompt_price.times(1_000_000) <= limit
        });
        let speaks = match self.text("output_modalities").unwrap_or("text") {
            "all" => true,
            wanted => wanted.split(',').any(|word| model.lists("output_modalities", word)),
        };
        let hears = words("input_modalities").all(|word| model.lists("input_modalities", word));
        named && able && affordable && speaks && hears
    }
}
