//! The requests: headers, and what the server lacks.

use fault_server::{FaultServer, Script};
use openai_compatible_provider::{OpenAiCompatible, PRESETS};
use provider_core::{
    CacheBreakpoint, ChatRequest, ErrorKind, FunctionTool, LlmProvider as _, Message, Part, ProviderContext,
    ProviderJson, TextPart, Tool,
};
use provider_http::{KeySource, KeySources};
use serde_json::{Value, json};

use crate::support::{HELLO, client, request, v1};

async fn server() -> FaultServer {
    FaultServer::always(Script::json(200, HELLO)).await.expect("a free port")
}

/// The bodies that were sent.
fn bodies(server: &FaultServer) -> Vec<Value> {
    let json = |body: &[u8]| serde_json::from_slice(body).expect("JSON");
    server.requests().iter().map(|request| json(&request.body)).collect()
}

#[tokio::test]
async fn key_goes_into_its_header() {
    let server = server().await;
    for (settings, name, value) in [
        (vec![("api_key", "sk-1")], "authorization", Some("Bearer sk-1")),
        (vec![("api_key", "sk-1"), ("key_header", "authorization")], "authorization", Some("Bearer sk-1")),
        (vec![("api_key", "sk-1"), ("key_header", "api-key")], "api-key", Some("sk-1")),
        (vec![("api_key", "sk-1"), ("key_header", "api-key")], "authorization", None),
        (vec![], "authorization", None),
        (vec![("headers", "x-team: blue")], "x-team", Some("blue")),
    ] {
        let base = v1(&server);
        let values =
            settings.iter().copied().chain([("base_url", &*base)]).collect::<provider_core::ConfigValues>();
        let client = OpenAiCompatible::from_values(values).expect("good settings");
        client.chat(&request()).await.expect("an answer");
        let sent = server.requests().pop().expect("a request");
        assert_eq!(sent.header(name), value, "{settings:?}");
    }
}

#[tokio::test]
async fn key_of_the_host_goes_to_its_own_base_url_alone() {
    let (one, other) = (server().await, server().await);
    let sources = KeySources::new().with_base_url("openai-compatible", &v1(&one), KeySource::from("sk-host"));
    let context = ProviderContext::new().with(sources);
    for (server, key) in [(&one, Some("Bearer sk-host")), (&other, None)] {
        let values = [("base_url", v1(server))].into();
        let client = OpenAiCompatible::new(&values, &context).expect("good settings");
        client.chat(&request()).await.expect("an answer");
        assert_eq!(server.requests()[0].header("authorization"), key);
    }
}

#[tokio::test]
async fn unsupported_parameter_is_refused_by_name_and_nothing_is_sent() {
    let server = server().await;
    let client =
        client(&v1(&server), [("unsupported_parameters", "top_k, tools, reasoning_effort, guided_json")]);
    let refused = request()
        .top_k(3)
        .temperature(0.0)
        .tool(FunctionTool::new("f", "A function"))
        .extra("openai-chat", "reasoning_effort", json!("low"))
        .extra("openai-compatible", "guided_json", json!({}))
        .extra("openrouter", "guided_json", json!({}));
    let error = client.chat(&refused).await.expect_err("refused");
    let names: Vec<&str> = error.fields().iter().map(|problem| &*problem.field).collect();
    let extras = ["extra.openai-chat.reasoning_effort", "extra.openai-compatible.guided_json"];
    assert_eq!(names, [&["tools", "top_k"][..], &extras].concat());
    assert_eq!((error.kind(), server.request_count()), (ErrorKind::InvalidRequest, 0));

    client.chat(&request().temperature(0.0).top_p(0.5)).await.expect("an answer");
    let preset = self::client(&v1(&server), [("preset", "ollama"), ("unsupported_parameters", "none")]);
    preset.chat(&request().top_k(3)).await.expect("the preset's list is emptied");
    assert_eq!(server.request_count(), 2);
}

#[tokio::test]
async fn output_cap_goes_out_under_the_name_of_the_setting() {
    let server = server().await;
    let (old, new) = (request().max_tokens(5), request().max_completion_tokens(5));
    for (setting, request, name) in [
        ("", &old, "max_tokens"),
        ("", &new, "max_completion_tokens"),
        ("max_tokens", &old, "max_tokens"),
        ("max_tokens", &new, "max_tokens"),
        ("max_completion_tokens", &old, "max_completion_tokens"),
        ("max_completion_tokens", &new, "max_completion_tokens"),
    ] {
        client(&v1(&server), [("output_cap", setting)]).chat(request).await.expect("an answer");
        let body = bodies(&server).pop().expect("a body");
        let caps: Vec<_> =
            body.as_object().expect("an object").iter().filter(|(key, _)| key.starts_with("max_")).collect();
        assert_eq!(caps, [(&name.to_owned(), &json!(5))], "{setting}");
    }
    let both = request().max_tokens(5).max_completion_tokens(6);
    let error = client(&v1(&server), [("output_cap", "max_tokens")]).chat(&both).await.expect_err("two caps");
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
}

#[tokio::test]
async fn stream_asks_for_its_usage_unless_the_setting_says_no() {
    let server = server().await;
    for (setting, sent) in [("", Some(json!({"include_usage": true}))), ("no", None)] {
        let client = client(&v1(&server), [("stream_options", setting)]);
        client.stream(&request()).await.expect("a stream").collect().await.expect("an answer");
        assert_eq!(bodies(&server).pop().expect("a body").get("stream_options"), sent.as_ref(), "{setting}");
    }
}

#[tokio::test]
async fn newer_field_of_chat_completions_is_sent_and_openrouters_own_refused_by_name() {
    let server = server().await;
    let client = client(&v1(&server), []);
    let parts: Vec<Part> = vec![
        TextPart::new("A manual").cache_breakpoint(CacheBreakpoint::ttl("12h")).into(),
        Part::video_url("https://a.example/b.mp4").processing("agentic"),
    ];
    let sent =
        ChatRequest::new("m").user(parts).tool(FunctionTool::new("f", "A function").defer_loading(true));
    client.chat(&sent).await.expect("an answer");
    let body = bodies(&server).pop().expect("a body");
    let parts = &body["messages"][0]["content"];
    assert_eq!(parts[0]["prompt_cache_breakpoint"], json!({"mode": "explicit", "ttl": "12h"}));
    assert_eq!(parts[1]["video_url"]["processing"], "agentic");
    assert_eq!(body["tools"][0]["defer_loading"], true);

    let update = json!({"role": "system", "content": "",
        "configuration_update": {"reasoning": {"effort": "high"}}});
    let x_search = json!({"type": "openrouter:web_search", "parameters": {"x_search": {}}});
    let refused = request()
        .message(Message::Other(ProviderJson::new("openrouter", update)))
        .tool(Tool::Other(ProviderJson::new("openrouter", x_search)));
    let error = client.chat(&refused).await.expect_err("refused");
    let names: Vec<&str> = error.fields().iter().map(|problem| &*problem.field).collect();
    assert_eq!((names, server.request_count()), (vec!["messages[1]", "tools[0]"], 1));
}

#[tokio::test]
async fn request_that_sets_what_all_presets_take_is_sent_by_each() {
    let server = server().await;
    for preset in PRESETS {
        let plain =
            ChatRequest::new("m").user("Hi").temperature(0.0).top_p(0.9).stop(["x"]).seed(1).max_tokens(9);
        client(&v1(&server), [("preset", preset.name)]).chat(&plain).await.expect(preset.name);
    }
    assert_eq!(server.request_count(), PRESETS.len());
}

#[tokio::test]
async fn reasoning_goes_back_to_a_server_that_has_a_name() {
    let answer = r#"{"id":"1","model":"m","choices":[{"message":{"content":"Hi","reasoning":"hm"},"finish_reason":"stop"}]}"#;
    let server = FaultServer::always(Script::json(200, answer)).await.expect("a free port");
    let client = client(&v1(&server), [("name", "Rack 4")]);
    let request = ChatRequest::new("m").user("Hello");
    let reply = client.chat(&request).await.expect("an answer");
    assert_eq!(reply.message.made_by_provider.as_deref(), Some("openai-compatible"));
    client.chat(&request.message(reply.message).user("On")).await.expect("an answer");
    assert_eq!(bodies(&server)[1]["messages"][1]["reasoning"], json!("hm"));
}
