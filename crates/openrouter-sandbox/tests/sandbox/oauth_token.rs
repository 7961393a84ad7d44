//! Tests of access tokens: given for a JWT that is good, and good themselves for a while.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openrouter_sandbox::Sandbox;
use serde_json::{Value, json};

use crate::support::{client, get, start};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";

/// A JWT that expires so many seconds from now.
fn jwt(seconds: i64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let claims = json!({"sub": "ci", "exp": now.checked_add_signed(seconds).unwrap()}).to_string();
    format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims))
}

async fn exchange(sandbox: &Sandbox, form: &[(&str, &str)]) -> (u16, Value) {
    let url = format!("{}/oauth/token", sandbox.base_url());
    let body: Vec<String> = form.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let request = client().post(url).header("content-type", "application/x-www-form-urlencoded");
    let response = request.body(body.join("&")).send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

#[tokio::test]
async fn jwt_is_given_for_a_token_that_is_a_key_for_a_while() {
    let sandbox = start().await;
    let (long, short) = (jwt(3600), jwt(60));
    for (token, life) in [(&long, 900..=900), (&short, 55..=60)] {
        let form = [
            ("grant_type", GRANT),
            ("subject_token_type", JWT),
            ("subject_token", token),
            ("federation_policy_id", "p-1"),
            ("scope", "inference"),
        ];
        let (status, granted) = exchange(&sandbox, &form).await;
        assert_eq!((status, &granted["token_type"]), (200, &json!("Bearer")), "{granted}");
        assert!(life.contains(&granted["expires_in"].as_u64().unwrap()), "{granted}");
        let key = granted["access_token"].as_str().unwrap();
        assert_eq!(get(&sandbox, "/key", Some(key)).await.0, 200);
    }

    let late = Sandbox::builder().access_token_life(Duration::ZERO).start().await.unwrap();
    let form = [
        ("grant_type", GRANT),
        ("subject_token_type", JWT),
        ("subject_token", &long),
        ("federation_policy_id", "p-1"),
    ];
    let (_, granted) = exchange(&late, &form).await;
    assert_eq!(get(&late, "/key", granted["access_token"].as_str()).await.0, 401);
}

#[tokio::test]
async fn exchange_with_anything_wrong_is_refused() {
    let sandbox = start().await;
    let (good, expired) = (jwt(60), jwt(-1));
    for (changed, value, code) in [
        // There are no refresh tokens, used once or twice.
        ("grant_type", "refresh_token", "unsupported_grant_type"),
        ("grant_type", "", "invalid_request"),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:id_token", "invalid_request"),
        ("requested_token_type", JWT, "invalid_request"),
        ("subject_token", "", "invalid_request"),
        ("subject_token", &expired, "invalid_grant"),
        ("subject_token", "no.jwt", "invalid_grant"),
        ("federation_policy_id", "", "invalid_request"),
        ("federation_policy_id", "unknown", "invalid_grant"),
        ("federation_policy_id", "management", "invalid_scope"),
        ("scope", "management", "invalid_scope"),
    ] {
        let mut form = vec![
            ("grant_type", GRANT),
            ("subject_token_type", JWT),
            ("subject_token", &good),
            ("federation_policy_id", "p-1"),
            ("scope", "inference"),
        ];
        form.retain(|(name, _)| *name != changed);
        form.push((changed, value));
        let (status, refusal) = exchange(&sandbox, &form).await;
        assert_eq!((status, &refusal["error"]), (400, &json!(code)), "{changed}={value}: {refusal}");
        assert!(refusal["error_description"].is_string());
    }
    let url = format!("{}/oauth/token", sandbox.base_url());
    let response = client().post(url).json(&json!({"grant_type": GRANT})).send().await.unwrap();
    assert_eq!(response.status(), 400, "the body is a form");
}
