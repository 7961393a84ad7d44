//! The endpoints for keys, credits, generations and providers.

use std::collections::HashMap;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, Response, StatusCode, Uri};
use serde_json::{Value, json};

use crate::api_error::{ApiError, data_response, json_response};
use crate::auth::ApiKey;
use crate::catalogue::Endpoint;
use crate::clock;
use crate::cost::Usd;
use crate::failures::{WORKSPACE_BUDGET, WORKSPACE_SPENT};
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
    let budgets = budgets(&key, spent, left);
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
        "effective_budget": budgets.first(),
        "budgets": budgets,
        "free_model_daily_requests": free_requests(&state, &key),
        "allowed_data_regions": ["global"],
        "organization_id": null,
        "workspace_id": "00000000-0000-4000-8000-000000000001",
        "is_free_tier": key.has_no_credits(),
        "is_management_key": key.is_management(),
        "is_provisioning_key": key.is_management(),
        "creator_user_id": key.user_id(),
        "expires_at": null,
        "rate_limit": {"requests": -1, "interval": "10s", "note": "Not in use any more."},
    })))
}

/// The budgets that requests with a key count against; the first one is in force.
fn budgets(key: &ApiKey, spent: Usd, left: Usd) -> Vec<Value> {
    let mut budgets = Vec::new();
    if key.is_over_budget() {
        budgets.push(json!({
            "scope": "workspace",
            "limit_usd": WORKSPACE_BUDGET,
            "spend_usd": WORKSPACE_SPENT,
            "remaining_usd": -0.13,
            "reset_interval": "daily",
            "resets_at": clock::rfc3339(clock::next_midnight()),
            "include_byok": false,
            "guardrail_id": null,
            "budget_id": "00000000-0000-4000-8000-000000000002",
        }));
    }
    budgets.push(json!({
        "scope": "key_limit",
        "limit_usd": credit_limit().to_json(),
        "spend_usd": if key.has_no_credits() { credit_limit() } else { spent }.to_json(),
        "remaining_usd": left.to_json(),
        "reset_interval": null,
        "resets_at": null,
        "include_byok": false,
        "guardrail_id": null,
        "budget_id": null,
    }));
    budgets
}

/// The requests to free models in a day: 1,000 for an account that has paid, 50 for another.
fn free_requests(state: &AppState, key: &ApiKey) -> Value {
    let limit: usize = if key.has_no_credits() { 50 } else { 1000 };
    let used = state.free_generations();
    json!({"limit": limit, "used": used, "remaining": limit.saturating_sub(used)})
}

/// `GET /presets`: two presets, of which one is disabled.
pub(crate) async fn presets(headers: HeaderMap, uri: Uri) -> Result<Response<Body>, ApiError> {
    let key = ApiKey::check(&headers)?;
    let query: HashMap<String, usize> =
        Query::try_from_uri(&uri).map(|Query(query)| query).unwrap_or_default();
    let preset = |number: u32, slug: &str, name: &str, status: &str| {
        json!({
            "id": format!("00000000-0000-4000-8000-00000000010{number}"),
            "slug": slug,
            "name": name,
            "description": null,
            "status": status,
            "status_updated_at": null,
            "designated_version_id": format!("00000000-0000-4000-8000-00000000020{number}"),
            "workspace_id": "00000000-0000-4000-8000-000000000001",
            "creator_user_id": key.user_id(),
            "created_at": clock::rfc3339(clock::START),
            "updated_at": clock::rfc3339(clock::START),
        })
    };
    let all = [
        preset(1, "email-copywriter", "Email copywriter", "active"),
        preset(2, "old-support", "Old support", "disabled"),
    ];
    let (offset, limit) = (query.get("offset").copied(), query.get("limit").copied());
    let page: Vec<&Value> =
        all.iter().skip(offset.unwrap_or(0)).take(limit.unwrap_or(50).clamp(1, 100)).collect();
    Ok(json_response(StatusCode::OK, &json!({"data": page, "total_count": all.len()})))
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
