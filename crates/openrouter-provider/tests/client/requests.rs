//! The requests on the wire. Over real sockets, through the public API.

use fault_server::{FaultServer, Request, Script};
use openrouter_provider::{OpenRouter, OpenRouterOptions};
use provider_core::{
    ChatRequest, ErrorKind, Message, Part, ProviderJson, RawJson, Reasoning, ResponseFormat, Tool, ToolChoice,
};
use serde_json::{Value, json};

const ANSWER: &str =
    r#"{"id":"gen-1","model":"m","choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}]}"#;

/// A service that answers every endpoint.
async fn service() -> FaultServer {
    FaultServer::start(|request| match request.path.split('?').next().unwrap_or_default() {
        "/api/v1/models/user" => Script::json(200, r#"{"data":[{"id":"a/b"}]}"#),
        "/api/v1/key" => Script::json(200, r#"{"data":{"label":"k"}}"#),
        _ => Script::json(200, ANSWER),
    })
    .await
    .expect("a free port")
}

fn client(server: &FaultServer) -> OpenRouter {
    OpenRouter::builder()
        .api_key("sk-or-v1-test")
        .site_url("https://example.com/app")
        .site_name("Café 東京")
        .base_url(format!("{}/api/v1/", server.url()))
        .build()
        .expect("good settings")
}

/// The body that a request is sent as.
async fn sent(request: &ChatRequest) -> Value {
    let server = service().await;
    client(&server).chat(request).await.expect("an answer");
    let requests = server.requests();
    serde_json::from_slice(&requests[0].body).expect("JSON")
}

#[tokio::test]
async fn every_request_of_every_endpoint_carries_the_same_headers() {
    let server = service().await;
    let client = client(&server);
    let request = ChatRequest::new("openai/gpt-4o").user("Hello");
    client.chat(&request).await.expect("an answer");
    client.stream(&request).await.expect("an answer").collect().await.expect("an answer");
    client.models().await.expect("models");
    client.check().await.expect("a report");
    let requests = server.requests();
    let paths: Vec<&str> = requests.iter().map(|request| request.path.as_str()).collect();
    assert_eq!(
        paths,
        ["/api/v1/chat/completions", "/api/v1/chat/completions", "/api/v1/models/user", "/api/v1/key"]
    );
    for request in &requests {
        let header = |name: &str| request.header(name).unwrap_or_default().to_owned();
        assert_eq!(header("authorization"), "Bearer sk-or-v1-test");
        assert_eq!(header("http-referer"), "https://example.com/app");
        assert_eq!(header("x-title"), "Caf%C3%A9 %E6%9D%B1%E4%BA%AC");
        assert_eq!(header("x-openrouter-title"), header("x-title"));
        assert!(header("user-agent").starts_with("openrouter-provider/"));
    }
    let accepts: Vec<_> =
        requests.iter().map(|request| request.header("accept").unwrap_or_default()).collect();
    assert_eq!(accepts, ["application/json", "text/event-stream", "application/json", "application/json"]);
    assert_eq!(requests[0].header("content-type"), Some("application/json"));
}

#[tokio::test]
async fn absent_settings_send_no_headers() {
    let server = service().await;
    let base_url = format!("{}/api/v1", server.url());
    let client = OpenRouter::from_values([("api_key", "k"), ("base_url", &base_url), ("site_name", "  ")]);
    client.expect("good settings").models().await.expect("models");
    let Request { headers, .. } = server.requests().remove(0);
    let names: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
    for name in ["http-referer", "x-title", "x-openrouter-title"] {
        assert!(!names.contains(&name), "{names:?}");
    }
}

/// JSON for OpenRouter.
fn own(json: Value) -> ProviderJson {
    ProviderJson::new("openrouter", json)
}

#[tokio::test]
async fn every_parameter_is_sent_as_it_is_zero_included() {
    let schema: RawJson =
        r#"{"type":"object","properties":{"z":{"type":"string"},"a":{}}}"#.parse().expect("JSON");
    let request = ChatRequest::new("~anthropic/claude-opus-latest")
        .system("Be terse.")
        .message(Message::developer("Really.").named("dev"))
        .user(vec![
            Part::text("Look:"),
            Part::Other(own(json!({"type": "image_url", "image_url": {"url": "data:,"}}))),
        ])
        .options(
            OpenRouterOptions::new().models(["openai/gpt-4o:nitro", "@preset/x"]).session_id("session-1"),
        )
        .tool(Tool::function("f", "does it", schema))
        .tool(Tool::Other(own(json!({"type": "openrouter:datetime"}))))
        .tool_choice(ToolChoice::Function("f".to_owned()))
        .parallel_tool_calls(false)
        .response_format(ResponseFormat::json_schema("answer", json!({"type": "object"})))
        .reasoning(Reasoning::effort("low").exclude())
        .temperature(0.0)
        .top_p(0.7)
        .top_k(0)
        .top_a(0.1)
        .min_p(0.0)
        .frequency_penalty(-2.0)
        .presence_penalty(0.5)
        .repetition_penalty(1.1)
        .seed(-1)
        .stop(["END", "\n\n"])
        .max_tokens(16)
        .logit_bias("50256", -100.0)
        .logprobs(true)
        .top_logprobs(0)
        .verbosity("low")
        .end_user("user-7")
        .metadata("team", "a")
        .extra("openrouter", "transforms", json!([]))
        .extra("openrouter", "provider", json!({"order": ["openai"], "allow_fallbacks": false}));
    let body = sent(&request).await;
    assert_eq!(
        body,
        json!({
            "model": "~anthropic/claude-opus-latest",
            "models": ["openai/gpt-4o:nitro", "@preset/x"],
            "messages": [
                {"role": "system", "content": "Be terse."},
                {"role": "developer", "name": "dev", "content": "Really."},
                {"role": "user", "content": [
                    {"type": "text", "text": "Look:"},
                    {"type": "image_url", "image_url": {"url": "data:,"}},
                ]},
            ],
            "tools": [
                {"type": "function", "function": {
                    "name": "f", "description": "does it",
                    "parameters": {"type": "object", "properties": {"z": {"type": "string"}, "a": {}}},
                }},
                {"type": "openrouter:datetime"},
            ],
            "tool_choice": {"type": "function", "function": {"name": "f"}},
            "parallel_tool_calls": false,
            "response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": {"type": "object"}}},
            "reasoning": {"effort": "low", "exclude": true},
            "temperature": 0.0, "top_p": 0.7, "top_k": 0, "top_a": 0.1, "min_p": 0.0,
            "frequency_penalty": -2.0, "presence_penalty": 0.5, "repetition_penalty": 1.1,
            "seed": -1, "stop": ["END", "\n\n"], "max_tokens": 16, "logit_bias": {"50256": -100.0},
            "logprobs": true, "top_logprobs": 0, "verbosity": "low", "user": "user-7", "session_id": "session-1",
            "metadata": {"team": "a"},
            "transforms": [], "provider": {"order": ["openai"], "allow_fallbacks": false},
        })
    );
    let server = service().await;
    client(&server).chat(&request).await.expect("an answer");
    let text = String::from_utf8(server.requests().remove(0).body).expect("UTF-8");
    assert!(
        text.contains(r#"{"type":"object","properties":{"z":{"type":"string"},"a":{}}}"#),
        "key order stays: {text}"
    );
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_by_name_and_not_sent() {
    let good = || ChatRequest::new("a/b").user("Hi");
    let cases = [
        (ChatRequest::new("").user("Hi"), "model"),
        (ChatRequest::new("a b").user("Hi"), "model"),
        (ChatRequest::new("a/b"), "messages"),
        (good().options(OpenRouterOptions::new().models(["ok/ok", ""])), "options.models"),
        (good().temperature(f64::NAN), "temperature"),
        (good().top_p(f64::INFINITY), "top_p"),
        (good().logit_bias("1", f64::NEG_INFINITY), "logit_bias.1"),
        (good().max_tokens(1).max_completion_tokens(1), "max_completion_tokens"),
        (good().extra("openrouter", "stream", true), "extra.openrouter.stream"),
        (good().extra("openrouter", "messages", json!([])), "extra.openrouter.messages"),
    ];
    let server = service().await;
    for (request, field) in cases {
        let error = client(&server).chat(&request).await.expect_err(field);
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
        let fields: Vec<&str> = error.fields().iter().map(|problem| problem.field.as_str()).collect();
        assert_eq!(fields, [field]);
        assert!(error.to_string().contains(field), "{error}");
    }
    let error = client(&server)
        .stream(&ChatRequest::new("").temperature(f64::NAN))
        .await
        .expect_err("three problems");
    assert_eq!(error.fields().len(), 3, "all at once: {error}");
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn the_connection_test_asks_for_the_key_and_believes_it() {
    let body = r#"{"data":{"label":"sk-or-v1-abc...xyz","limit":10,"limit_remaining":9.75,"usage":0.25,"is_free_tier":false}}"#;
    let server = FaultServer::always(Script::json(200, body)).await.expect("a free port");
    let client = OpenRouter::builder().api_key("k").base_url(server.url()).build().expect("good settings");
    let report = client.check().await.expect("a report");
    assert_eq!(report.label.as_deref(), Some("sk-or-v1-abc...xyz"));
    assert_eq!(report.limit_remaining.map(|left| left.to_string()).as_deref(), Some("9.75"));
    assert_eq!((report.is_free_tier, server.requests()[0].path.as_str()), (Some(false), "/key"));
    let server = FaultServer::always(Script::json(401, r#"{"error":{"code":401,"message":"no"}}"#))
        .await
        .expect("a port");
    let client = OpenRouter::builder().api_key("k").base_url(server.url()).build().expect("good settings");
    assert_eq!(client.check().await.expect_err("a bad key").kind(), ErrorKind::Authentication);
}
