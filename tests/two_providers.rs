//! A workspace with two kinds of providers: OpenRouter, and a server of one's own.

#![allow(clippy::expect_used, reason = "tests fail by panicking, their helpers too")]

use std::sync::Arc;

use fault_server::{FaultServer, Script};
use openai_compatible_provider as _;
use openrouter_provider as _;
use openrouter_sandbox::Sandbox;
use provider_core::{ChatRequest, ErrorKind, LlmProvider};
use provider_layers::{FallbackLayer, FallbackSettings, Layer};
use provider_registry::{Listing, Registry, Workspace};

/// A server of one's own, with these models, that says hi.
async fn server(list: &'static str) -> FaultServer {
    let script = move |request: &fault_server::Request| match request.path.as_str() {
        "/v1/models" => Script::json(200, list),
        "/v1/chat/completions" => {
            Script::json(200, r#"{"choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}]}"#)
        }
        _ => Script::json(404, r#"{"detail":"Not Found"}"#),
    };
    FaultServer::start(script).await.expect("a free port")
}

/// OpenRouter and the server, with these settings beside its base URL.
fn workspace<const N: usize>(sandbox: &Sandbox, server: &FaultServer, more: [(&str, &str); N]) -> Workspace {
    let registry = Registry::discover().expect("good descriptors");
    let mut workspace = Workspace::new("acme");
    let settings = [("api_key", "sk-or-v1-test"), ("base_url", sandbox.base_url()), ("max_attempts", "1")];
    workspace.add(&registry, "OpenRouter", settings).expect("good settings");
    let url = server.url();
    let settings: Vec<(&str, &str)> =
        [("base_url", &*url), ("api_key", "sk-home")].into_iter().chain(more).collect();
    let values: provider_core::ConfigValues = settings.into_iter().collect();
    workspace.add_as("local", &registry, "openai-compatible", values).expect("good settings");
    workspace
}

#[tokio::test]
async fn chat_on_each_goes_to_its_own_server_with_its_own_key() {
    let (sandbox, server) =
        (Sandbox::start().await.expect("a port"), server(r#"{"data":[{"id":"qwen3"}]}"#).await);
    let workspace = workspace(&sandbox, &server, []);
    for (text, reference) in [("openai/gpt-4o", "openrouter:openai/gpt-4o"), ("qwen3", "local:qwen3")] {
        let model = workspace.model(text).await.expect(text);
        assert_eq!(model.reference().to_string(), reference);
        assert!(matches!(model.listing(), Listing::Listed(_)), "{:?}", model.listing());
        let request = model.request().user("Hello");
        let whole = model.chat(&request).await.expect(text);
        let streamed = model.stream(&request).await.expect(text).collect().await.expect(text);
        assert!(!whole.text().is_empty() && !streamed.text().is_empty(), "{text}");
    }
    assert!(server.requests().iter().all(|sent| sent.header("authorization") == Some("Bearer sk-home")));
    let error = workspace.model("no/such:model").await.expect_err("an id that none lists and none claims");
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    assert!(error.to_string().contains("write openrouter:no/such:model"), "{error}");
}

#[tokio::test]
async fn server_without_a_list_takes_any_id() {
    let (sandbox, server) = (Sandbox::start().await.expect("a port"), server("{}").await);
    let workspace = workspace(&sandbox, &server, [("models", "qwen3")]);
    let listed = workspace.model("qwen3").await.expect("a configured model");
    assert_eq!(listed.reference().provider, "local");
    let error = workspace.model("phi4").await.expect_err("both take any id");
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    assert!(error.to_string().contains("local:phi4 or openrouter:phi4"), "{error}");
    let named = workspace.model("local:phi4").await.expect("named");
    assert_eq!(named.chat(&named.request().user("Hello")).await.expect("an answer").text(), "Hi");
}

#[tokio::test]
async fn fallback_to_a_server_that_is_not_billed_needs_no_permission() {
    let (sandbox, server) =
        (Sandbox::start().await.expect("a port"), server(r#"{"data":[{"id":"qwen3"}]}"#).await);
    for (settings, may) in [([("not_billed", "yes")], true), ([("not_billed", "no")], false)] {
        let workspace = workspace(&sandbox, &server, settings);
        let provider =
            |id| -> Arc<dyn LlmProvider> { workspace.instance(id).expect("it is there").provider().clone() };
        let to_server = FallbackSettings::default().to(provider("local"), "qwen3");
        let fallback = FallbackLayer::new(to_server).layer(provider("openrouter"));
        let answer = fallback.chat(&ChatRequest::new("sandbox/overload").user("Hello")).await;
        assert_eq!(answer.is_ok(), may, "{settings:?}: {answer:?}");
    }
}
