//! Acme in a host: found by its name, with the dialect's quirks on the wire and a key of the host's.

use acme_provider as _; // links the provider in
use fault_server::{FaultServer, Script};
use provider_core::{ChatRequest, ProviderContext};
use provider_http::KeySources;
use provider_registry::{Registry, Workspace};

const MODELS: &str = r#"{"data":[{"id":"acme-large"}]}"#;
const ANSWER: &str = r#"{"choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}]}"#;

#[tokio::test]
async fn acme_answers_in_a_workspace_with_a_key_of_the_host() {
    let server = FaultServer::start(|request| match request.path.as_str() {
        "/v1/models" => Script::json(200, MODELS),
        _ => Script::json(200, ANSWER),
    });
    let server = server.await.expect("a free port");
    let base_url = format!("{}/v1", server.url());
    let keys = KeySources::new().with_base_url("acme", &base_url, "sk-of-the-host");
    let registry = Registry::discover().expect("distinct ids").context(ProviderContext::new().with(keys));
    let mut workspace = Workspace::new("w");
    workspace.add(&registry, "Acme", [("base_url", &base_url)]).expect("good settings");

    let model = workspace.model("acme-large").await.expect("a listed model");
    let reply = model.chat(&model.request().user("Hello").max_tokens(7)).await.expect("an answer");
    assert_eq!((reply.text(), reply.message.made_by_provider.as_deref()), ("Hi", Some("acme")));

    let sent = server.requests();
    assert!(sent.iter().all(|request| request.header("authorization") == Some("Bearer sk-of-the-host")));
    let body = sent.last().expect("a chat").text();
    assert!(body.contains(r#""max_completion_tokens":7"#) && !body.contains("max_tokens\":7,"), "{body}");
}

#[tokio::test]
async fn acme_refuses_by_name_what_it_would_pass_over() {
    let acme = acme_provider::ACME.connect(&[("api_key", "acme-k-1")].into()).expect("good settings");
    let request = ChatRequest::new("acme-large").user("Hello").top_k(4).min_p(0.5);
    let error = acme.chat(&request).await.map(drop).expect_err("a refusal");
    let fields: Vec<&str> = error.fields().iter().map(|problem| &*problem.field).collect();
    assert_eq!(fields, ["top_k", "min_p"]);
}
