//! The endpoints for keys, credits, generations and providers.

use std::collections::HashMap;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, Response, Uri};
use serde_json::{Value, json};

use crate::api_error::{ApiError, data_response};
use crate::auth::ApiKey;
use crate::catalogue::Endpoint;
use crate::cost::Usd;
use crate::state::AppState;

/// The credits that the account has bought, in dollars.
const CREDITS: &str = "100";

fn credit_limit() -> Usd {
    Usd::parse(CREDITS).unwrap_or_default()
}

/// `GET /key`: the kind of the key, its limit and its usage.
pub(crate) async fn key(
    State(state): State<Arc<AppState>>,
    headers: HeaderMap,
) -> Result<Response<Body>, ApiError> {
    let key = ApiKey::check(&headers)?;
    let spent = state.total_cost();
    let usage = spent.to_json();
    let left = if key.has_no_credits() { Usd::default() } else { credit_limit().minus(spent) };
    Ok(data_response(json!({
        "label": key.label(),
        "limit": credit_limit().to_json(),
        "limit_remaining": left.to_json(),
        "limit_reset": null,
        "include_byok_in_limit": false,
        "usage": usage,
        "usage_daily": usage,
        "usage_weekly": usage,
        "usage_monthly": usage,
        "byok_usage": 0,
        "byok_usage_daily": 0,
        "byok_usage_weekly": 0,
        "byok_usage_monthly": 0,
        "is_free_tier": key.has_no_credits(),
        "is_management_key": key.is_management(),
        "is_provisioning_key": key.is_management(),
        "creator_user_id": key.user_id(),
        "expires_at": null,
        "rate_limit": {"requests": -1, "interval": "10s", "note": "Not in use any more."},
    })))
}

/// `GET /credits`: for management keys only.
pub(crate) async fn credits(
    State(state): State<Arc<AppState>>,
    headers: HeaderMap,
) -> Result<Response<Body>, ApiError> {
    let key = ApiKey::check(&headers)?;
    if !key.is_management() {
        let error = ApiError::new(403, "Only management keys can perform this operation");
        return Err(error.with_user_id(&key.user_id()));
    }
    Ok(data_response(json!({
        "total_credits": credit_limit().to_json(),
        "total_usage": state.total_cost().to_json(),
    })))
}

/// `GET /generation?id=…`: the record of one generation.
pub(crate) async fn generation(
    State(state): State<Arc<AppState>>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response<Body>, ApiError> {
    ApiKey::check(&headers)?;
    let query: HashMap<String, String> =
        Query::try_from_uri(&uri).map(|Query(query)| query).unwrap_or_default();
    let Some(id) = query.get("id") else {
        return Err(ApiError::bad_request("id: is missing"));
    };
    match state.generation(id) {
        Some(record) => Ok(data_response(record)),
        None => Err(ApiError::not_found(format!("Generation {id} not found"))),
    }
}

/// `GET /providers`: needs no key.
pub(crate) async fn providers(State(state): State<Arc<AppState>>) -> Response<Body> {
    let providers: Vec<Value> = state.catalogue.providers().into_iter().map(provider).collect();
    data_response(providers.into())
}

fn provider(endpoint: &Endpoint) -> Value {
    let slug = endpoint.slug();
    let mut provider = json!({"name": endpoint.provider, "slug": slug, "privacy_policy_url": null});
    // As on the service, large providers have all fields and small ones leave some out.
    if ["openai", "anthropic", "google-vertex"].contains(&slug) {
        provider["privacy_policy_url"] = format!("https://{slug}.example/privacy").into();
        provider["terms_of_service_url"] = format!("https://{slug}.example/terms").into();
        provider["status_page_url"] = Value::Null;
        provider["headquarters"] = "US".into();
    }
    provider
}
