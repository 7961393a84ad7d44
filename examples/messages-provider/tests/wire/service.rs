//! The provider over a socket: headers, settings, pages of the list of models.

use fault_server::{FaultServer, Script};
use messages_provider::ANTHROPIC;
use provider_core::{ChatRequest, ConfigValues};

#[tokio::test]
async fn list_of_models_is_fetched_page_by_page() {
    let server = FaultServer::start(|request| match request.path.as_str() {
        "/models?limit=1000" => Script::json(
            200,
            r#"{"data":[{"id":"claude-a","display_name":"Claude A","created_at":"2026-01-02T00:00:00Z",
                "max_input_tokens":200000,"max_tokens":64000}],"has_more":true,"last_id":"claude a"}"#,
        ),
        "/models?limit=1000&after_id=claude%20a" => Script::json(
            200,
            r#"{"data":[{"id":"claude-b"},{"name":"no id"}],"has_more":false,"last_id":"x"}"#,
        ),
        path => Script::json(404, format!("{{\"error\":\"{path}\"}}")),
    });
    let server = server.await.expect("a free port");
    let values = ConfigValues::from([("api_key", "sk-ant-1"), ("base_url", &*server.url())]);
    let claude = ANTHROPIC.connect(&values).expect("good settings");
    let models = claude.models().await.expect("a list").models;
    let [a, b] = &models[..] else { panic!("{models:?}") };
    assert_eq!((&*a.id, &*a.name, a.created), ("claude-a", "Claude A", Some(1_767_312_000)));
    assert_eq!((a.context_length, a.max_completion_tokens), (Some(200_000), Some(64_000)));
    assert_eq!((&*b.id, &*b.name), ("claude-b", "claude-b"));
    let sent = &server.requests()[0];
    assert_eq!(
        (sent.header("x-api-key"), sent.header("anthropic-version")),
        (Some("sk-ant-1"), Some("2023-06-01"))
    );
}

#[tokio::test]
async fn endless_list_of_models_is_an_error() {
    let page = r#"{"data":[{"id":"claude-a"}],"has_more":true,"last_id":"claude-a"}"#;
    let server = FaultServer::always(Script::json(200, page)).await.expect("a free port");
    let values = ConfigValues::from([("api_key", "sk-ant-1"), ("base_url", &*server.url())]);
    let claude = ANTHROPIC.connect(&values).expect("good settings");
    let error = claude.models().await.expect_err("no list");
    assert!(error.message().contains("more than 20 pages"), "{error}");
    assert_eq!(server.request_count(), 20);
}

#[tokio::test]
async fn output_cap_of_the_settings_is_sent_where_the_request_has_none() {
    let server = FaultServer::always(Script::json(529, "{}")).await.expect("a free port");
    for (setting, sent) in [("", "\"max_tokens\":4096"), ("77", "\"max_tokens\":77")] {
        let values = [("api_key", "sk-ant-1"), ("base_url", &*server.url()), ("max_tokens", setting)];
        let claude = ANTHROPIC.connect(&ConfigValues::from(values)).expect("good settings");
        claude.chat(&ChatRequest::new("claude-a").user("Hi")).await.expect_err("a failure");
        let body = server.requests().last().expect("a request").text();
        assert!(body.contains(sent), "{body}");
    }
    for bad in ["0", "-1", "1.5", "5000000000"] {
        let values = ConfigValues::from([("api_key", "sk-ant-1"), ("max_tokens", bad)]);
        let error = ANTHROPIC.connect(&values).map(drop).expect_err(bad);
        assert_eq!(error.fields()[0].field, "max_tokens");
    }
}
