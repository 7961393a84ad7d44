//! A client for the tests.

use openrouter_sandbox::Sandbox;
use reqwest::{Client, RequestBuilder, Response};
use serde_json::{Value, json};

pub(crate) const KEY: &str = "sk-or-v1-test";

pub(crate) async fn start() -> Sandbox {
    Sandbox::start().await.unwrap()
}

/// A chat request with one user message, and more fields.
pub(crate) fn ask(model: &str, text: &str, more: Value) -> Value {
    let mut request = json!({"model": model, "messages": [{"role": "user", "content": text}]});
    request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    request
}

/// An HTTP client. In a build of the whole workspace, another crate enables reqwest's TLS without a crypto
/// provider; without one, no client can be created.
pub(crate) fn client() -> Client {
    // Fails if a provider is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::new()
}

pub(crate) fn post(sandbox: &Sandbox, request: &Value) -> RequestBuilder {
    let url = format!("{}/chat/completions", sandbox.base_url());
    client().post(url).bearer_auth(KEY).json(request)
}

pub(crate) async fn send(sandbox: &Sandbox, request: &Value) -> Response {
    post(sandbox, request).send().await.unwrap()
}

/// Status and JSON body of a chat request.
pub(crate) async fn chat(sandbox: &Sandbox, request: &Value) -> (u16, Value) {
    let response = send(sandbox, request).await;
    (response.status().as_u16(), response.json().await.unwrap())
}

/// Status and JSON body of a GET request.
pub(crate) async fn get(sandbox: &Sandbox, path: &str, key: Option<&str>) -> (u16, Value) {
    let mut request = client().get(format!("{}{path}", sandbox.base_url()));
    if let Some(key) = key {
        request = request.bearer_auth(key);
    }
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

/// A complete event stream.
pub(crate) struct Events {
    pub(crate) text: String,
    pub(crate) chunks: Vec<Value>,
    pub(crate) done: bool,
}

impl Events {
    pub(crate) fn parse(text: String) -> Self {
        let data: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
        let done = data.last() == Some(&"[DONE]");
        let chunks = data
            .iter()
            .filter(|data| **data != "[DONE]")
            .map(|data| serde_json::from_str(data).unwrap())
            .collect();
        Self { chunks, done, text }
    }

    /// The deltas of all chunks that have one.
    pub(crate) fn deltas(&self) -> impl Iterator<Item = &Value> {
        self.chunks.iter().map(|chunk| &chunk["choices"][0]["delta"]).filter(|delta| delta.is_object())
    }

    /// The pieces of a text field of the deltas, joined.
    pub(crate) fn joined(&self, field: &str) -> String {
        self.deltas().filter_map(|delta| delta[field].as_str()).collect()
    }
}

pub(crate) async fn stream(sandbox: &Sandbox, request: &Value) -> Events {
    let mut request = request.clone();
    request["stream"] = true.into();
    let response = send(sandbox, &request).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    Events::parse(response.text().await.unwrap())
}
