//! A client of the OpenAI-compatible API, and the chunks that its upstreams send.

use std::collections::BTreeMap;
use std::time::Duration;

use fault_server::Script;
use provider_http::AddressPolicy;
use provider_registry::Registry;
use serde_json::{Value, json};
use tokio::time::timeout;
use workspace_store::{Actor, NewProvider, Role};

use crate::support::Host;

/// A host, and the token of a member of its workspace.
pub(crate) struct Door {
    pub(crate) host: Host,
    pub(crate) token: String,
}

/// The answer to a request, read to its end.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
}

impl Door {
    pub(crate) async fn open() -> Self {
        let loopback = "127.0.0.0/8".parse().expect("a network");
        let addresses = AddressPolicy::public().allow(loopback);
        let host = Host::start_with(|settings| settings.addresses(addresses)).await;
        let token = host.token("acme", Role::Member).await;
        Self { host, token }
    }

    /// Adds a provider that asks this server, once and for a second at most.
    pub(crate) async fn add(&self, kind: &str, id: &str, url: String) {
        let registry = Registry::discover().expect("providers");
        let settings = [("api_key", "sk-upstream-key".to_owned()), ("base_url", url)];
        let limits = [("read_timeout", "1".to_owned()), ("max_attempts", "1".to_owned())];
        let settings: BTreeMap<_, _> = match kind {
            "Anthropic" => settings.into_iter().collect(),
            _ => settings.into_iter().chain(limits).collect(),
        };
        let provider = NewProvider::new(kind, settings).id(id);
        let added = self.host.store.add_provider("acme", &registry, provider, &Actor::new("tests")).await;
        added.expect("a provider");
    }

    /// Adds a server of chat completions with these settings.
    pub(crate) async fn add_compatible(&self, id: &str, url: String, more: &[(&str, &str)]) {
        let registry = Registry::discover().expect("providers");
        let settings = [("api_key", "sk-upstream-key"), ("base_url", &*url)];
        let settings: BTreeMap<&str, &str> = settings.into_iter().chain(more.iter().copied()).collect();
        let provider = NewProvider::new("OpenAI-Compatible", settings).id(id);
        let added = self.host.store.add_provider("acme", &registry, provider, &Actor::new("tests")).await;
        added.expect("a provider");
    }

    /// Adds an OpenRouter that is the sandbox, with these settings as well.
    pub(crate) async fn add_sandbox(
        &self,
        id: &str,
        more: &[(&str, &str)],
        change: impl FnOnce(NewProvider) -> NewProvider,
    ) {
        let registry = Registry::discover().expect("providers");
        let settings = [("api_key", "sk-or-v1-sandbox"), ("base_url", self.host.sandbox.base_url())];
        let settings: BTreeMap<&str, &str> = settings.into_iter().chain(more.iter().copied()).collect();
        let provider = change(NewProvider::new("OpenRouter", settings).id(id));
        let added = self.host.store.add_provider("acme", &registry, provider, &Actor::new("tests")).await;
        added.expect("a provider");
    }

    /// Runs an agent node with this model, and more keys of the request.
    pub(crate) async fn chat(&self, model: &str, more: Value) -> Answer {
        let mut body = json!({"message": "Hello",
            "node": {"type": "ai-agent-node", "config": {"model": model, "max_tokens": 100}}});
        for (key, value) in more.as_object().into_iter().flatten() {
            body[key] = value.clone();
        }
        let url = format!("{}/api/v1/workspaces/acme/chat", self.host.url);
        Answer::of(self.host.http.post(url).bearer_auth(&self.token).json(&body)).await
    }

    pub(crate) fn post(&self, body: &Value) -> reqwest::RequestBuilder {
        let url = format!("{}/w/acme/v1/chat/completions", self.host.url);
        self.host.http.post(url).bearer_auth(&self.token).json(body)
    }

    pub(crate) async fn ask(&self, body: &Value) -> Answer {
        Answer::of(self.post(body)).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        let url = format!("{}/w/acme/v1/{path}", self.host.url);
        let answer = self.host.http.get(url).bearer_auth(&self.token).send().await.expect("an answer");
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        Answer { status, headers, text: answer.text().await.expect("a whole body") }
    }
}

impl Answer {
    async fn of(request: reqwest::RequestBuilder) -> Self {
        let sent = timeout(Duration::from_secs(25), async {
            let answer = request.send().await.expect("an answer");
            let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
            Answer { status, headers, text: answer.text().await.expect("a whole body") }
        });
        sent.await.expect("a request that does not hang")
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {:?}", self.text))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }

    /// The data of the events.
    pub(crate) fn data(&self) -> Vec<&str> {
        self.text.split("\n\n").filter_map(|event| event.strip_prefix("data: ")).collect()
    }

    /// The chunks before the end mark.
    pub(crate) fn chunks(&self) -> Vec<Value> {
        let (end, chunks) = self.data().split_last().map(|(end, all)| (*end, all.to_vec())).expect("events");
        assert_eq!(end, "[DONE]", "{}", self.text);
        chunks.iter().map(|chunk| serde_json::from_str(chunk).expect("JSON")).collect()
    }

    /// The error, wherever it is: none of them may look like a success.
    pub(crate) fn error(&self) -> Option<Value> {
        match self.status {
            200 if self.header("content-type").starts_with("text/event-stream") => {
                let last: Option<Value> = self.data().last().and_then(|data| serde_json::from_str(data).ok());
                last.map(|last| last["error"].clone())
            }
            200 => self.json().get("error").cloned(),
            _ => Some(self.json()["error"].clone()),
        }
    }
}

pub(crate) fn hello(model: &str, stream: bool) -> Value {
    json!({"model": model, "stream": stream, "messages": [{"role": "user", "content": "Hello"}]})
}

pub(crate) fn stream_of(chunks: &[&str]) -> Script {
    let events = chunks.iter().map(|chunk| format!("data: {chunk}\n\n")).collect::<String>();
    Script::events(events)
}

pub(crate) const ROLE: &str = r#"{"id":"c-1","object":"chat.completion.chunk","created":7,"model":"m-2","choices":[{"index":0,"delta":{"role":"assistant","content":""}}],"acme_shard":{"n":1.50}}"#;
pub(crate) const TEXT: &str = r#"{"id":"c-1","object":"chat.completion.chunk","created":7,"model":"m-2","choices":[{"index":0,"delta":{"content":"Hi \"error\""},"logprobs":{"content":[]}}]}"#;
pub(crate) const STOP: &str = r#"{"id":"c-1","object":"chat.completion.chunk","created":7,"model":"m-2","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;
pub(crate) const USAGE: &str = r#"{"id":"c-1","object":"chat.completion.chunk","created":7,"model":"m-2","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}"#;
