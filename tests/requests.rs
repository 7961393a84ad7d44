//! The requests on the wire. Over real sockets, through the public API.

#![allow(clippy::expect_used, reason = "tests fail by panicking, their helpers too")]

use openrouter_provider::{OpenRouter, OpenRouterOptions};
use provider_core::{
    ChatRequest, ErrorKind, FunctionTool, JsonSchema, Message, Part, ProviderJson, RawJson, Reasoning,
    ResponseFormat, Tool, ToolChoice,
};
use provider_tests::{Reply, Request, ScriptedServer};
use serde_json::{Value, json};

const ANSWER: &str =
    r#"{"id":"gen-1","model":"m","choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}]}"#;

/// A service that answers every endpoint.
async fn service() -> ScriptedServer {
    ScriptedServer::start(|request| match request.path.split('?').next().unwrap_or_default() {
        "/api/v1/models/user" => Reply::json(200, r#"{"data":[{"id":"a/b"}]}"#),
        "/api/v1/key" => Reply::json(200, r#"{"data":{"label":"k"}}"#),
        _ => Reply::json(200, ANSWER),
    })
    .await
    .expect("a free port")
}

fn client(server: &ScriptedServer) -> OpenRouter {
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

#[tokio::test]
async fn what_is_absent_stays_absent() {
    let body = sent(&ChatRequest::new("openai/gpt-4o").user("Hello")).await;
    assert_eq!(body, json!({"model": "openai/gpt-4o", "messages": [{"role": "user", "content": "Hello"}]}));
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
async fn only_a_stream_says_that_it_is_one() {
    let server = service().await;
    let request = ChatRequest::new("a/b").user("Hello");
    client(&server).chat(&request).await.expect("an answer");
    client(&server).stream(&request).await.expect("an answer").collect().await.expect("an answer");
    let streams: Vec<Value> = server
        .requests()
        .iter()
        .map(|request| serde_json::from_slice::<Value>(&request.body).expect("JSON")["stream"].clone())
        .collect();
    assert_eq!(streams, [Value::Null, json!(true)]);
}

#[tokio::test]
async fn the_other_forms_of_choices_and_formats() {
    for (choice, wire) in [
        (ToolChoice::Auto, json!("auto")),
        (ToolChoice::None, json!("none")),
        (ToolChoice::Required, json!("required")),
        (
            ToolChoice::Other(own(json!({"type": "openrouter:web_search"}))),
            json!({"type": "openrouter:web_search"}),
        ),
    ] {
        assert_eq!(sent(&ChatRequest::new("a/b").user("Hi").tool_choice(choice)).await["tool_choice"], wire);
    }
    for (format, wire) in [
        (ResponseFormat::Text, json!({"type": "text"})),
        (ResponseFormat::JsonObject, json!({"type": "json_object"})),
        (
            ResponseFormat::Other(own(json!({"type": "grammar", "grammar": "x"}))),
            json!({"type": "grammar", "grammar": "x"}),
        ),
    ] {
        assert_eq!(
            sent(&ChatRequest::new("a/b").user("Hi").response_format(format)).await["response_format"],
            wire
        );
    }
    let schema = JsonSchema::new("s", json!({})).strict(true).description("d");
    assert_eq!(
        sent(&ChatRequest::new("a/b").user("Hi").response_format(schema)).await["response_format"]["json_schema"],
        json!({"name": "s", "description": "d", "schema": {}, "strict": true})
    );
    let tool = FunctionTool::new("now", "the time").strict(false);
    assert_eq!(
        sent(&ChatRequest::new("a/b").user("Hi").tool(tool)).await["tools"][0]["function"],
        json!({"name": "now", "description": "the time", "strict": false})
    );
    for (reasoning, wire) in [
        (Reasoning::max_tokens(2_000), json!({"max_tokens": 2_000})),
        (Reasoning::enabled(true).summary("concise"), json!({"enabled": true, "summary": "concise"})),
        (Reasoning::effort("ultra"), json!({"effort": "ultra"})),
    ] {
        assert_eq!(sent(&ChatRequest::new("a/b").user("Hi").reasoning(reasoning)).await["reasoning"], wire);
    }
}

#[tokio::test]
async fn a_turn_with_thoughts_and_tool_calls_goes_back_as_it_came() {
    let details = r#"[{"type":"reasoning.text","text":"hm","signature":"c2ln","format":"anthropic-claude-v1","index":0,"id":null},{"type":"reasoning.encrypted","data":"AAA=","id":"rs_1","index":0,"novel":{"b":1,"a":[2.50]}}]"#;
    let arguments = r#"{ \"b\": 1,\"a\":\"é\" }"#;
    let answer = format!(
        r#"{{"id":"gen-1","choices":[{{"message":{{"role":"assistant","content":null,"reasoning":"hm","reasoning_details":{details},"tool_calls":[{{"index":0,"id":"call_1","type":"function","function":{{"name":"f","arguments":"{arguments}"}},"extra_content":{{"novel":1}}}},{{"id":"","function":{{"name":"g"}}}}]}},"finish_reason":"tool_calls"}}]}}"#
    );
    let server = ScriptedServer::always(Reply::json(200, answer)).await.expect("a free port");
    let client = OpenRouter::builder().api_key("k").base_url(server.url()).build().expect("good settings");
    let mut request = ChatRequest::new("a/b").user("Go");
    let reply = client.chat(&request).await.expect("an answer");
    let ids: Vec<String> = reply.tool_calls().iter().map(|call| call.id.clone()).collect();
    assert_eq!(ids[0], "call_1");
    assert!(!ids[1].is_empty(), "a call without an id gets one");
    assert_eq!(reply.tool_calls()[1].arguments_json().expect("no arguments"), json!({}));
    request = request.message(reply.message).tool_result(&ids[0], "18").tool_result(&ids[1], "ok");
    client.chat(&request).await.expect("an answer");

    let second = String::from_utf8(server.requests().remove(1).body).expect("UTF-8");
    assert!(second.contains(&format!(r#""reasoning_details":{details}"#)), "byte for byte: {second}");
    assert!(second.contains(&format!(r#""arguments":"{arguments}""#)), "the exact text: {second}");
    let second: Value = serde_json::from_str(&second).expect("JSON");
    let turn = &second["messages"][1];
    assert_eq!(
        (&turn["role"], &turn["content"], &turn["reasoning"]),
        (&json!("assistant"), &Value::Null, &json!("hm"))
    );
    assert_eq!(turn["tool_calls"][0]["extra_content"], json!({"novel": 1}));
    assert_eq!(turn["tool_calls"][1]["function"], json!({"name": "g", "arguments": "{}"}));
    assert_eq!(second["messages"][3], json!({"role": "tool", "tool_call_id": ids[1], "content": "ok"}));
    assert_eq!(turn["tool_calls"][1]["id"], json!(ids[1]));
}

#[tokio::test]
async fn streamed_thoughts_go_back_joined_and_with_their_signature() {
    let piece = |details: &str| {
        format!("data: {{\"choices\":[{{\"delta\":{{\"reasoning_details\":[{details}]}}}}]}}\n\n")
    };
    let body = [
        piece(r#"{"type":"reasoning.text","text":"I ","format":"anthropic-claude-v1","index":0}"#),
        piece(r#"{"type":"reasoning.text","text":"think","format":"anthropic-claude-v1","index":0}"#),
        piece(r#"{"type":"reasoning.text","signature":"c2ln","format":"anthropic-claude-v1","index":0}"#),
        piece(r#"{"type":"reasoning.encrypted","data":"AAA=","id":"rs_1","index":0}"#),
        "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n".to_owned(),
    ]
    .concat();
    let server = ScriptedServer::always(Reply::events(body)).await.expect("a free port");
    let client = OpenRouter::builder().api_key("k").base_url(server.url()).build().expect("good settings");
    let request = ChatRequest::new("a/b").user("Go");
    let reply = client.stream(&request).await.expect("a stream").collect().await.expect("an answer");
    assert_eq!(reply.reasoning(), "I think");
    let body = sent(&request.message(reply.message).user("On")).await;
    assert_eq!(
        body["messages"][1]["reasoning_details"],
        json!([
            {"type": "reasoning.text", "text": "I think", "format": "anthropic-claude-v1", "index": 0, "signature": "c2ln"},
            {"type": "reasoning.encrypted", "data": "AAA=", "id": "rs_1", "index": 0},
        ])
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
    let server = ScriptedServer::always(Reply::json(200, body)).await.expect("a free port");
    let client = OpenRouter::builder().api_key("k").base_url(server.url()).build().expect("good settings");
    let report = client.check().await.expect("a report");
    assert_eq!(report.label.as_deref(), Some("sk-or-v1-abc...xyz"));
    assert_eq!(report.limit_remaining.map(|left| left.to_string()).as_deref(), Some("9.75"));
    assert_eq!((report.is_free_tier, server.requests()[0].path.as_str()), (Some(false), "/key"));
    let server = ScriptedServer::always(Reply::json(401, r#"{"error":{"code":401,"message":"no"}}"#))
        .await
        .expect("a port");
    let client = OpenRouter::builder().api_key("k").base_url(server.url()).build().expect("good settings");
    assert_eq!(client.check().await.expect_err("a bad key").kind(), ErrorKind::Authentication);
}
