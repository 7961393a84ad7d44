//! The endpoints about keys, money, served generations and providers.

use std::collections::HashMap;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Query, State as Shared};
use axum::http::{HeaderMap, Response, Uri};
use serde_json::{Value, json};

use crate::auth::Key;
use crate::catalogue::Endpoint;
use crate::errors::{ApiError, data_response};
use crate::money::Usd;
use crate::state::State;

/// What the account once paid in.
const CREDITS: &str = "100";

fn credits() -> Usd {
    Usd::parse(CREDITS).unwrap_or_default()
}

/// `GET /key`: what the key is and has left.
pub(crate) async fn key(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
) -> Result<Response<Body>, ApiError> {
    let key = Key::check(&headers)?;
    let spent = state.spent();
    let usage = spent.to_json();
    let left = if key.is_poor() { Usd::default() } else { credits().minus(spent) };
    Ok(data_response(json!({
        "label": key.label(),
        "limit": credits().to_json(),
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
        "is_free_tier": key.is_poor(),
        "is_management_key": key.is_management(),
        "is_provisioning_key": key.is_management(),
        "creator_user_id": key.user_id(),
        "expires_at": null,
        "rate_limit": {"requests": -1, "interval": "10s", "note": "Not in use any more."},
    })))
}

/// `GET /credits`: for management keys only.
pub(crate) async fn account_credits(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
) -> Result<Response<Body>, ApiError> {
    let key = Key::check(&headers)?;
    if !key.is_management() {
        let error = ApiError::new(403, "Only management keys can perform this operation");
        return Err(error.for_user(&key.user_id()));
    }
    Ok(data_response(json!({
        "total_credits": credits().to_json(),
        "total_usage": state.spent().to_json(),
    })))
}

/// `GET /generation?id=…`.
pub(crate) async fn generation(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response<Body>, ApiError> {
    Key::check(&headers)?;
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

/// `GET /providers`: open to everybody.
pub(crate) async fn providers(Shared(state): Shared<Arc<State>>) -> Response<Body> {
    let providers: Vec<Value> = state.catalogue.providers().into_iter().map(provider).collect();
    data_response(providers.into())
}

fn provider(endpoint: &Endpoint) -> Value {
    let slug = endpoint.slug();
    let mut provider = json!({"name": endpoint.provider, "slug": slug, "privacy_policy_url": null});
    // Big houses have everything in order, small ones leave things out.
    if ["openai", "anthropic", "google-vertex"].contains(&slug) {
        provider["privacy_policy_url"] = format!("https://{slug}.example/privacy").into();
        provider["terms_of_service_url"] = format!("https://{slug}.example/terms").into();
        provider["status_page_url"] = Value::Null;
        provider["headquarters"] = "US".into();
    }
    provider
}
