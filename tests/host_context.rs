//! The context of a host: limits and sources of keys that providers take from it when a registry connects
//! them.

#![allow(clippy::expect_used, reason = "tests fail by panicking, their helpers too")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use fault_server::{FaultServer, Script};
use openrouter_provider::{FIELDS, OPENROUTER};
use provider_core::{
    Catalogue, ChatRequest, ChatStream, ConfigField, ConfigValues, ConnectionReport, Error, ErrorKind,
    LlmProvider, ProviderContext, ProviderDescriptor, Secret,
};
use provider_http::{Endpoint, HttpClient, HttpLimits, KeySource, KeySources, settings};
use provider_registry::Registry;
use provider_tests::{Reply, ScriptedServer, request};

const ANSWER: &str = r#"{"id":"gen-1","model":"openai/gpt-4o","choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":"Hello"}}]}"#;

/// A second provider, which takes its key as the first one does.
static ACME: ProviderDescriptor = ProviderDescriptor::new("acme", "Acme", connect_acme).fields(ACME_FIELDS);
static ACME_FIELDS: &[ConfigField] = &[
    settings::api_key().supplied_by(|values, context| acme_source(values, context).is_some()),
    settings::base_url(),
];

fn acme_source(values: &ConfigValues, context: &ProviderContext) -> Option<KeySource> {
    KeySources::of(context).get("acme", values, "https://acme.example/v1").cloned()
}

fn connect_acme(values: &ConfigValues, context: &ProviderContext) -> Result<Arc<dyn LlmProvider>, Error> {
    let key = values.get(settings::API_KEY).map(KeySource::from).or(acme_source(values, context));
    let endpoint = Endpoint::builder("https://acme.example/v1").values(values);
    Ok(Arc::new(Acme(endpoint.bearer(key.unwrap_or_default()).build(&HttpClient::of(context))?)))
}

#[derive(Debug)]
struct Acme(Endpoint);

#[async_trait]
impl LlmProvider for Acme {
    fn descriptor(&self) -> &'static ProviderDescriptor {
        &ACME
    }

    async fn stream(&self, _: &ChatRequest) -> Result<ChatStream, Error> {
        Err(Error::new(ErrorKind::Unsupported, "it only checks the key"))
    }

    async fn models(&self) -> Result<Catalogue, Error> {
        Ok(Catalogue::default())
    }

    async fn check(&self) -> Result<ConnectionReport, Error> {
        self.0.get("key").text().await.map(|_| ConnectionReport::default())
    }
}

fn registry(context: ProviderContext) -> Registry {
    let mut registry = Registry::new().context(context);
    registry.register(&OPENROUTER).expect("the first of its name");
    registry.register(&ACME).expect("the first of its name");
    registry
}

async fn answering() -> ScriptedServer {
    ScriptedServer::start(|_| Reply::json(200, ANSWER)).await.expect("a port")
}

/// The keys that came to the server, one for each request.
fn keys(server: &ScriptedServer) -> Vec<String> {
    let key =
        |request: &provider_tests::Request| request.header("authorization").unwrap_or("none").to_owned();
    server.requests().iter().map(key).collect()
}

/// A source that gives another key each time: `<name>-1`, `<name>-2`, …
fn rotating(name: &'static str) -> KeySource {
    let count = AtomicUsize::new(0);
    KeySource::from_fn(move || {
        let number = count.fetch_add(1, Ordering::Relaxed) + 1;
        async move { Ok(Secret::new(format!("{name}-{number}"))) }
    })
}

/// The fields at fault of a connection that is refused.
fn refused(registry: &Registry, provider: &str, values: ConfigValues) -> Vec<String> {
    let error = registry.connect(provider, values).expect_err("a key is missing");
    assert_eq!(error.kind(), ErrorKind::Config);
    error.fields().iter().map(|problem| problem.field.clone()).collect()
}

#[tokio::test]
async fn a_rotated_key_is_used_by_the_next_request() {
    let server = answering().await;
    let sources = KeySources::new().with_base_url("openrouter", &server.url(), rotating("sk-or"));
    let registry = registry(ProviderContext::new().with(sources));
    let provider = registry.connect("OpenRouter", [("base_url", server.url())]).expect("no key is needed");
    for _ in 0..2 {
        assert_eq!(provider.chat(&request()).await.expect("an answer").text(), "Hello");
    }
    assert_eq!(keys(&server), ["Bearer sk-or-1", "Bearer sk-or-2"]);
}

#[tokio::test]
async fn a_provider_gets_its_own_key_and_no_other() {
    let server = answering().await;
    let url = server.url();
    let both = KeySources::new().with_base_url("openrouter", &url, rotating("sk-or")).with_base_url(
        "acme",
        &url,
        rotating("sk-acme"),
    );
    let here = || ConfigValues::from([("base_url", &url)]);
    let acme = registry(ProviderContext::new().with(both)).connect("acme", here()).expect("it has a source");
    acme.check().await.expect("an answer");
    assert_eq!(keys(&server), ["Bearer sk-acme-1"]);

    let one = KeySources::new().with_base_url("openrouter", &url, rotating("sk-or"));
    let registry = registry(ProviderContext::new().with(one));
    assert_eq!(refused(&registry, "acme", here()), ["api_key"]);
}

#[tokio::test]
async fn a_key_of_the_host_goes_to_no_other_base_url() {
    let sources = KeySources::new().with("openrouter", rotating("sk-or")).with_base_url(
        "openrouter",
        "https://eu.openrouter.ai/api/v1",
        rotating("sk-or-eu"),
    );
    let registry = registry(ProviderContext::new().with(sources));
    let at = |url: &str| ConfigValues::from([("base_url", url)]);
    for url in ["", "https://openrouter.ai/api/v1", "https://eu.openrouter.ai/api/v1/"] {
        assert!(registry.connect("OpenRouter", at(url)).is_ok(), "{url}");
    }
    for url in ["https://elsewhere.example/api/v1", "https://us.openrouter.ai/api/v1"] {
        assert_eq!(refused(&registry, "OpenRouter", at(url)), ["api_key"], "{url}");
    }
    let server = answering().await;
    let values = at(&server.url()).set("api_key", "sk-or-v1-form");
    let provider = registry.connect("OpenRouter", values).expect("it has a key of its own");
    provider.chat(&request()).await.expect("an answer");
    assert_eq!(keys(&server), ["Bearer sk-or-v1-form"]);
}

#[tokio::test]
async fn a_key_of_the_form_counts_before_the_source() {
    let server = answering().await;
    let sources = KeySources::new().with_base_url("openrouter", &server.url(), rotating("sk-or"));
    let registry = registry(ProviderContext::new().with(sources));
    let values = [("base_url", &*server.url()), ("api_key", "sk-or-v1-form")];
    registry.connect("OpenRouter", values).expect("good settings").chat(&request()).await.expect("an answer");
    assert_eq!(keys(&server), ["Bearer sk-or-v1-form"]);
    // A bad one is refused, and not replaced.
    let bad = [("base_url", &*server.url()), ("api_key", "Bearer sk")];
    assert_eq!(refused(&registry, "OpenRouter", bad.into()), ["api_key"]);
}

#[test]
fn without_a_source_the_key_is_required() {
    let registry = registry(ProviderContext::new());
    assert_eq!(refused(&registry, "OpenRouter", ConfigValues::new()), ["api_key"]);
    assert!(FIELDS.iter().any(|field| field.key == "api_key" && field.required), "a form asks for it");
}

#[tokio::test]
async fn settings_count_before_the_limits_of_the_context() {
    let late = Duration::from_millis(400);
    let server = FaultServer::always(Script::json(200, ANSWER).delay(late)).await.expect("a port");
    let limits = HttpLimits::default().read_timeout(Duration::from_millis(100));
    let registry = registry(ProviderContext::new().with(limits));
    let url = server.url();
    let values = ConfigValues::from([("api_key", "sk-or-v1-abc"), ("base_url", &url), ("max_attempts", "1")]);
    let hurried = registry.connect("OpenRouter", values.clone()).expect("good settings");
    assert_eq!(hurried.chat(&request()).await.expect_err("it is late").kind(), ErrorKind::Timeout);
    let patient = registry.connect("OpenRouter", values.set("read_timeout", "30")).expect("good settings");
    assert_eq!(patient.chat(&request()).await.expect("an answer").text(), "Hello");
}
