//! Access tokens for the tokens of an identity provider (RFC 8693).
//!
//! The sandbox trusts every issuer, and looks at no signature: a token is a JWT whose `exp` has not passed. A
//! federation policy whose id has `unknown` in it does not exist; one with `management` acts as a management
//! key, which grants no inference.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::body::{Body, Bytes};
use axum::extract::{Query, State};
use axum::http::{HeaderMap, Response, StatusCode, Uri, header};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::api_error::json_response;
use crate::rng::Rng;
use crate::state::AppState;

const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

/// A refusal: its code and its words (RFC 6749, section 5.2).
type Refusal = (&'static str, &'static str);

/// `POST /oauth/token`: an access token for a JWT. Needs no key.
pub(crate) async fn exchange(
    State(state): State<Arc<AppState>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let form = fields(&headers, &body);
    match form.as_ref().ok_or(("invalid_request", "The body is no form")).and_then(|form| check(form)) {
        Ok(expires) => {
            let life = state.settings.access_token_life.as_secs().min(expires.saturating_sub(now()));
            let granted = json!({
                "access_token": jwt(now() + life, &state.next_access_token()),
                "issued_token_type": ACCESS_TOKEN,
                "token_type": "Bearer",
                "expires_in": life,
                "scope": "inference",
            });
            json_response(StatusCode::OK, &granted)
        }
        Err((code, words)) => {
            let refusal = json!({"error": code, "error_description": words});
            json_response(StatusCode::BAD_REQUEST, &refusal)
        }
    }
}

/// The fields of a form, which is written as a query is; `None` for another body.
fn fields(headers: &HeaderMap, body: &[u8]) -> Option<HashMap<String, String>> {
    let content_type = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return None;
    }
    let uri: Uri = format!("/?{}", std::str::from_utf8(body).ok()?).parse().ok()?;
    Query::try_from_uri(&uri).ok().map(|Query(fields)| fields)
}

/// Checks the fields. Returns when the JWT expires, in seconds since 1970.
fn check(form: &HashMap<String, String>) -> Result<u64, Refusal> {
    let field = |name: &str| form.get(name).map(String::as_str).filter(|value| !value.is_empty());
    match field("grant_type") {
        Some(GRANT) => {}
        Some(_) => return Err(("unsupported_grant_type", "Only token exchange is supported")),
        None => return Err(("invalid_request", "grant_type is missing")),
    }
    if field("subject_token_type") != Some(JWT) {
        return Err(("invalid_request", "subject_token_type must be that of a JWT"));
    }
    if field("requested_token_type").is_some_and(|kind| kind != ACCESS_TOKEN) {
        return Err(("invalid_request", "requested_token_type must be that of an access token"));
    }
    let Some(policy) = field("federation_policy_id") else {
        return Err(("invalid_request", "federation_policy_id is missing"));
    };
    let Some(token) = field("subject_token") else {
        return Err(("invalid_request", "subject_token is missing"));
    };
    if policy.contains("unknown") {
        return Err(("invalid_grant", "No federation policy matches the token"));
    }
    let grants = if policy.contains("management") { "management" } else { "inference" };
    if field("scope").is_some_and(|scope| scope != grants) {
        return Err(("invalid_scope", "The policy's key does not grant this scope"));
    }
    match claims(token).and_then(|claims| claims["exp"].as_u64()) {
        Some(expires) if expires > now() => Ok(expires),
        Some(_) => Err(("invalid_grant", "The subject token is expired")),
        None => Err(("invalid_grant", "The subject token is no JWT with an expiry")),
    }
}

/// Whether a key is an access token that has expired.
pub(crate) fn is_expired(key: &str) -> bool {
    let expires =
        claims(key).filter(|claims| claims["iss"] == ISSUER).and_then(|claims| claims["exp"].as_u64());
    expires.is_some_and(|expires| expires <= now())
}

const ISSUER: &str = "openrouter-sandbox";

/// An access token that expires at this time, in seconds since 1970.
fn jwt(expires: u64, id: &str) -> String {
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = json!({"iss": ISSUER, "exp": expires, "jti": id});
    let signature = URL_SAFE_NO_PAD.encode(Rng::new(0, id).alphanumeric(32));
    format!("{}.{}.{signature}", part(json!({"alg": "ES256", "typ": "JWT"})), part(claims))
}

/// The claims of a JWT, whoever signed it.
fn claims(token: &str) -> Option<Value> {
    let mut parts = token.split('.');
    let (_, claims, _) = (parts.next()?, parts.next()?, parts.next()?);
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
}
