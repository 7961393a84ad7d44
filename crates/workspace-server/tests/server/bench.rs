//! A host with the token of a member, and what its tests of running share.

use std::time::{Duration, Instant};

use reqwest::Response;
use serde_json::{Value, json};
use workspace_store::{Amount, BudgetRecord, Role, Run, RunFilter};

use crate::support::Host;

/// A host with the token of a member.
pub(crate) struct Bench {
    pub(crate) host: Host,
    pub(crate) token: String,
}

impl Bench {
    pub(crate) async fn start() -> Self {
        Self::on(Host::start().await).await
    }

    pub(crate) async fn on(host: Host) -> Self {
        let token = host.token("acme", Role::Member).await;
        Self { host, token }
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Response {
        let url = format!("{}/api/v1/workspaces/acme/{path}", self.host.url);
        self.host.http.post(url).bearer_auth(&self.token).json(&body).send().await.expect("an answer")
    }

    /// The status and the envelope of a request.
    pub(crate) async fn json(&self, path: &str, body: Value) -> (u16, Value) {
        let answer = self.post(path, body).await;
        (answer.status().as_u16(), answer.json().await.expect("JSON"))
    }

    pub(crate) async fn events(&self, path: &str, body: Value) -> Vec<(String, Value)> {
        let answer = self.post(path, body).await;
        assert_eq!(answer.status(), 200);
        events(&answer.text().await.expect("a body"))
    }

    pub(crate) async fn runs(&self) -> Vec<Run> {
        self.host.store.runs("acme", &RunFilter::new(), None, 100).await.expect("runs")
    }

    /// Waits until so many runs are recorded.
    pub(crate) async fn recorded(&self, count: usize) -> Vec<Run> {
        let begun = Instant::now();
        loop {
            let runs = self.runs().await;
            if runs.len() >= count {
                return runs;
            }
            assert!(begun.elapsed() < Duration::from_secs(10), "{} of {count} runs", runs.len());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until a budget has nothing reserved.
    pub(crate) async fn settled(&self, budget: &str) -> BudgetRecord {
        let begun = Instant::now();
        loop {
            let budget = self.host.store.budget("acme", budget).await.expect("a budget");
            if budget.reserved == Amount::Usd(provider_core::Usd::ZERO) {
                return budget;
            }
            assert!(begun.elapsed() < Duration::from_secs(10), "still reserved: {budget:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub(crate) async fn no_open_streams(&self) {
        let begun = Instant::now();
        while self.host.sandbox.open_streams() > 0 {
            assert!(begun.elapsed() < Duration::from_secs(10), "the stream upstream stays open");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

pub(crate) fn events(text: &str) -> Vec<(String, Value)> {
    let event = |block: &str| {
        let (name, data) = block.strip_prefix("event: ")?.split_once("\ndata: ")?;
        Some((name.to_owned(), serde_json::from_str(data).expect("JSON")))
    };
    text.split("\n\n").filter_map(event).collect()
}

pub(crate) fn names(events: &[(String, Value)]) -> Vec<&str> {
    let mut names: Vec<&str> = events.iter().map(|(name, _)| name.as_str()).collect();
    names.dedup();
    names
}

pub(crate) fn data<'a>(events: &'a [(String, Value)], name: &str) -> &'a Value {
    &events.iter().find(|(known, _)| known == name).unwrap_or_else(|| panic!("no {name} in {events:?}")).1
}

pub(crate) fn node(config: Value) -> Value {
    json!({"id": "n1", "type": "ai-agent-node", "config": config})
}

pub(crate) fn plain(model: &str) -> Value {
    node(json!({"model": model, "max_tokens": 200}))
}

pub(crate) fn weather(model: &str, more: Value) -> Value {
    let mut config = json!({
        "model": model,
        "agent_mode": "function_calling",
        "function_calling_config": {"tools": [{
            "name": "get_weather",
            "description": "The weather of a city",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
        }]},
    });
    for (key, value) in more.as_object().into_iter().flatten() {
        config[key] = value.clone();
    }
    node(config)
}
