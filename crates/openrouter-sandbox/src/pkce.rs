//! Keys by one click: the page on which a user approves, and the exchange of its code for a key.
//!
//! The user of the sandbox approves at once.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, Uri, header};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::api_error::{ApiError, json_response, respond};
use crate::auth;
use crate::chat::parse_body;
use crate::state::AppState;

/// The methods that a challenge can be made by.
const METHODS: [&str; 2] = ["S256", "plain"];

/// A code that was handed out.
#[derive(Debug)]
pub(crate) struct Grant {
    /// The challenge and its method; `None` for a request without one.
    challenge: Option<(String, String)>,
    made: Instant,
    is_used: bool,
}

impl Grant {
    /// Uses the code up. False: it was used, is too old, or the verifier is not that of the challenge.
    pub(crate) fn redeem(&mut self, verifier: Option<&str>, method: Option<&str>, life: Duration) -> bool {
        if std::mem::replace(&mut self.is_used, true) || self.made.elapsed() >= life {
            return false;
        }
        match (&self.challenge, verifier) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some((challenge, asked)), Some(verifier)) => {
                method.unwrap_or(asked) == asked && proof(verifier, asked) == *challenge
            }
        }
    }
}

fn proof(verifier: &str, method: &str) -> String {
    match method {
        "S256" => URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)),
        _ => verifier.to_owned(),
    }
}

/// `GET /auth`, outside the API: sends the browser back to the callback URL with a code.
pub(crate) async fn approve(
    State(state): State<Arc<AppState>>,
    uri: Uri,
) -> Result<Response<Body>, ApiError> {
    let query: HashMap<String, String> =
        Query::try_from_uri(&uri).map(|Query(query)| query).unwrap_or_default();
    let Some(callback) = query.get("callback_url").filter(|url| is_callback(url)) else {
        return Err(ApiError::bad_request(
            "callback_url: must be an https URL, or an http URL of localhost or 127.0.0.1",
        ));
    };
    let method = query.get("code_challenge_method").map_or("plain", String::as_str);
    if !METHODS.contains(&method) {
        return Err(ApiError::bad_request("Invalid code_challenge_method"));
    }
    let challenge = query.get("code_challenge").map(|challenge| (challenge.clone(), method.to_owned()));
    let code = state.grant(Grant { challenge, made: Instant::now(), is_used: false });
    let separator = if callback.contains('?') { '&' } else { '?' };
    let location = HeaderValue::from_str(&format!("{callback}{separator}code={code}"));
    let location = location.map_err(|_| ApiError::bad_request("callback_url: no header can carry it"))?;
    let mut response = respond(StatusCode::FOUND, "text/plain", "");
    response.headers_mut().insert(header::LOCATION, location);
    Ok(response)
}

fn is_callback(url: &str) -> bool {
    let local = ["http://localhost", "http://127.0.0.1"].iter().any(|host| {
        url.strip_prefix(host).is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/', '?']))
    });
    local || url.starts_with("https://")
}

/// `POST /auth/keys`: a key for a code. Needs no key.
pub(crate) async fn exchange(
    State(state): State<Arc<AppState>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response<Body>, ApiError> {
    let request = parse_body(&headers, &body)?;
    let text = |name: &str| request[name].as_str();
    let Some(code) = text("code") else {
        return Err(ApiError::bad_request("code: is missing"));
    };
    if text("code_challenge_method").is_some_and(|method| !METHODS.contains(&method)) {
        return Err(ApiError::bad_request("Invalid code_challenge_method"));
    }
    match state.redeem(code, text("code_verifier"), text("code_challenge_method")) {
        Some(key) => {
            let user_id = auth::user_id(&key);
            Ok(json_response(StatusCode::OK, &json!({"key": key, "user_id": user_id})))
        }
        None => Err(ApiError::new(403, "Invalid code or code_verifier")),
    }
}
