//! Tests of keys by one click: a code works once, in time, with the verifier of its challenge.

use std::time::Duration;

use openrouter_sandbox::Sandbox;
use reqwest::redirect::Policy;
use serde_json::{Value, json};

use crate::support::{client, get, start};

/// The verifier of RFC 7636, appendix B, and its challenge.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// Approves, and returns the code in the address that the browser is sent back to.
async fn code(sandbox: &Sandbox, query: &str) -> String {
    client();
    let browser = reqwest::Client::builder().redirect(Policy::none()).build().unwrap();
    let response = browser.get(format!("http://{}/auth?{query}", sandbox.address())).send().await.unwrap();
    assert_eq!(response.status(), 302);
    let location = response.headers()["location"].to_str().unwrap();
    location.strip_prefix("http://localhost:1/back?state=s&code=").unwrap().to_owned()
}

async fn exchange(sandbox: &Sandbox, body: Value) -> (u16, Value) {
    let url = format!("{}/auth/keys", sandbox.base_url());
    let response = client().post(url).json(&body).send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

fn query() -> String {
    let callback = "http%3A%2F%2Flocalhost%3A1%2Fback%3Fstate%3Ds";
    format!("callback_url={callback}&code_challenge={CHALLENGE}&code_challenge_method=S256")
}

#[tokio::test]
async fn code_is_given_for_a_key_once() {
    let sandbox = start().await;
    let code = code(&sandbox, &query()).await;
    let body = json!({"code": code, "code_verifier": VERIFIER, "code_challenge_method": "S256"});
    let (status, granted) = exchange(&sandbox, body.clone()).await;
    assert_eq!(status, 200, "{granted}");
    let key = granted["key"].as_str().unwrap();
    assert!(key.starts_with("sk-or-v1-") && granted["user_id"].is_string(), "{granted}");
    assert_eq!(get(&sandbox, "/key", Some(key)).await.0, 200);
    let (status, refused) = exchange(&sandbox, body).await;
    assert_eq!((status, &refused["error"]["message"]), (403, &json!("Invalid code or code_verifier")));
}

#[tokio::test]
async fn code_with_anything_wrong_is_refused() {
    let sandbox = start().await;
    for (verifier, method) in [
        (json!("another-verifier-that-is-as-long-as-it-must"), json!("S256")),
        (json!(null), json!("S256")),
        (json!(CHALLENGE), json!("plain")),
    ] {
        let code = code(&sandbox, &query()).await;
        let body = json!({"code": code, "code_verifier": verifier, "code_challenge_method": method});
        assert_eq!(exchange(&sandbox, body).await.0, 403);
        let right = json!({"code": code, "code_verifier": VERIFIER, "code_challenge_method": "S256"});
        assert_eq!(exchange(&sandbox, right).await.0, 403, "a wrong guess uses the code up");
    }
    assert_eq!(exchange(&sandbox, json!({"code": "made up"})).await.0, 403);
    assert_eq!(exchange(&sandbox, json!({})).await.0, 400);
    assert_eq!(exchange(&sandbox, json!({"code": "c", "code_challenge_method": "MD5"})).await.0, 400);

    let late = Sandbox::builder().auth_code_life(Duration::ZERO).start().await.unwrap();
    let code = code(&late, &query()).await;
    let body = json!({"code": code, "code_verifier": VERIFIER, "code_challenge_method": "S256"});
    assert_eq!(exchange(&late, body).await.0, 403);
}

#[tokio::test]
async fn browser_is_sent_to_https_or_this_machine_alone() {
    let sandbox = start().await;
    for callback in ["", "http://evil.example/", "http://localhost.evil.example/", "javascript:alert(1)"] {
        let url = format!("http://{}/auth?callback_url={callback}", sandbox.address());
        assert_eq!(client().get(url).send().await.unwrap().status(), 400, "{callback}");
    }
}
