//! Bodies of requests.

use messages_provider::MessagesCodec;
use provider_core::author::ChatCodec;
use provider_core::{
    AssistantMessage, CacheBreakpoint, CacheMark, ChatRequest, FunctionTool, JsonSchema, Message, Part,
    ProviderJson, RawJson, Reasoning, ResponseFormat, TextPart, Tool, ToolCall, ToolChoice,
};
use serde_json::{Value, json};

fn body(request: &ChatRequest) -> Value {
    let body = MessagesCodec::default().encode(request, false).expect("a good request");
    serde_json::from_slice(&body).expect("JSON")
}

fn refused(request: &ChatRequest) -> Vec<String> {
    let error = MessagesCodec::default().encode(request, false).expect_err("a refusal");
    error.fields().iter().map(|problem| problem.field.clone()).collect()
}

fn request() -> ChatRequest {
    ChatRequest::new("claude-a").user("Hi")
}

#[test]
fn plain_request_has_the_cap_of_the_settings_and_no_more() {
    let sent = |request: &ChatRequest, stream| {
        let body = MessagesCodec::new(99).encode(request, stream).expect("a good request");
        String::from_utf8(body).expect("UTF-8")
    };
    let start = r#"{"model":"claude-a","max_tokens":"#;
    let messages = r#","messages":[{"role":"user","content":[{"type":"text","text":"Hi"}]}]"#;
    assert_eq!(sent(&request(), false), format!("{start}99{messages}}}"));
    assert_eq!(sent(&request().max_tokens(7), true), format!("{start}7{messages},\"stream\":true}}"));
}

#[test]
fn messages_of_one_role_are_one_turn_and_the_system_prompt_stands_apart() {
    let mut calls = AssistantMessage::default();
    calls.tool_calls.push(ToolCall::new("call_a", "time", "{\"zone\": 1.0,\"a\":2}"));
    calls.tool_calls.push(ToolCall::new("call_b", "time", ""));
    let request = ChatRequest::new("claude-a")
        .system("Be terse.")
        .message(Message::developer("Be kind."))
        .user("What time is it?")
        .message(calls)
        .tool_result("call_a", "noon")
        .tool_error("call_b", "no clock")
        .user("Go on");
    let text = |text: &str| json!({"type": "text", "text": text});
    let body = body(&request);
    assert_eq!(body["system"], json!([text("Be terse."), text("Be kind.")]));
    let result =
        |id: &str, words: &str| json!({"type": "tool_result", "tool_use_id": id, "content": [text(words)]});
    let mut failed = result("call_b", "no clock");
    failed["is_error"] = json!(true);
    assert_eq!(
        body["messages"],
        json!([
            {"role": "user", "content": [text("What time is it?")]},
            {"role": "assistant", "content": [
                {"type": "tool_use", "id": "call_a", "name": "time", "input": {"zone": 1.0, "a": 2}},
                {"type": "tool_use", "id": "call_b", "name": "time", "input": {}},
            ]},
            {"role": "user", "content": [result("call_a", "noon"), failed, text("Go on")]},
        ])
    );
    assert_eq!(refused(&super::requests::request().system("late")), ["messages[1]"]);
    assert_eq!(refused(&ChatRequest::new("claude-a").system("alone")), ["messages"]);
}

#[test]
fn arguments_of_calls_keep_their_spelling() {
    let mut calls = AssistantMessage::default();
    calls.tool_calls.push(ToolCall::new("a", "f", "{\"z\": 1.0,\"a\":2}"));
    calls.tool_calls.push(ToolCall::new("b", "f", "{\"cut\": \"o"));
    let sent = MessagesCodec::default().encode(&request().message(calls), false).expect("a good request");
    let sent = String::from_utf8(sent).expect("UTF-8");
    assert!(sent.contains(r#""input":{"z": 1.0,"a":2}}"#), "{sent}");
    assert!(sent.contains(r#""input":{"INVALID_JSON":"{\"cut\": \"o"}}"#), "{sent}");
}

#[test]
fn parts_are_blocks_with_their_source() {
    let png = b"\x89PNG\r\n\x1a\n0000";
    let parts = vec![
        Part::text("Look").cached(CacheMark::ttl("1h")),
        Part::image(png).expect("a png"),
        Part::image_url("https://a.example/b.png"),
        Part::file("a.pdf", b"%PDF-1.7").expect("a pdf"),
        Part::file_id("file_1"),
    ];
    let body = body(&ChatRequest::new("claude-a").user(parts));
    let content = body["messages"][0]["content"].as_array().expect("blocks").clone();
    assert_eq!(content[0]["cache_control"], json!({"type": "ephemeral", "ttl": "1h"}));
    let data = json!({"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgowMDAw"});
    assert_eq!(content[1], json!({"type": "image", "source": data}));
    assert_eq!(content[2]["source"], json!({"type": "url", "url": "https://a.example/b.png"}));
    assert_eq!((&content[3]["type"], &content[3]["title"]), (&json!("document"), &json!("a.pdf")));
    assert_eq!(content[3]["source"]["media_type"], "application/pdf");
    assert_eq!(content[4]["source"], json!({"type": "file", "file_id": "file_1"}));

    let unread = vec![
        Part::audio_as("pcm16", b"00").expect("a sound"),
        Part::file("a.txt", b"text").expect("a text"),
        Part::image_url("https://a.example/b.png").detail("low"),
    ];
    let fields = ["messages[0].content[0]", "messages[0].content[1]", "messages[0].content[2].detail"];
    assert_eq!(refused(&ChatRequest::new("claude-a").user(unread)), fields);
}

#[test]
fn breakpoint_of_a_text_is_a_mark_with_a_lifetime_of_this_service() {
    let text = |ttl: Option<&str>| {
        let breakpoint = ttl.map_or_else(CacheBreakpoint::default, CacheBreakpoint::ttl);
        TextPart::new("A manual").cache_breakpoint(breakpoint)
    };
    let asked = |text: TextPart| ChatRequest::new("claude-a").system([text.clone()]).user([text]);
    for (ttl, mark) in [
        (None, json!({"type": "ephemeral"})),
        (Some("1h"), json!({"type": "ephemeral", "ttl": "1h"})),
        (Some("5m"), json!({"type": "ephemeral", "ttl": "5m"})),
    ] {
        let body = body(&asked(text(ttl)));
        assert_eq!(body["system"][0]["cache_control"], mark);
        assert_eq!(body["messages"][0]["content"][0]["cache_control"], mark);
    }
    let places =
        |end: &str| [0, 1].map(|place| format!("messages[{place}].content[0].cache_breakpoint{end}"));
    assert_eq!(refused(&asked(text(Some("12h")))), places(".ttl"));
    let mut twice = text(None);
    twice.cache = Some(CacheMark::default());
    assert_eq!(refused(&asked(twice)), places(""));
}

#[test]
fn fields_of_openrouter_are_refused_by_name_or_written() {
    let update = json!({"role": "system", "content": "",
        "configuration_update": {"reasoning": {"effort": "high"}}});
    let x_search = json!({"type": "openrouter:web_search", "parameters": {"x_search": {}}});
    let request = ChatRequest::new("claude-a")
        .message(Message::Other(ProviderJson::new("openrouter", update)))
        .user(vec![Part::video_url("https://a.example/b.mp4").processing("agentic")])
        .tool(FunctionTool::new("time", "The time").defer_loading(true))
        .tool(Tool::Other(ProviderJson::new("openrouter", x_search)));
    let fields = refused(&request);
    assert_eq!(fields, ["messages[0]", "tools[1]", "messages[1].content[0]"]);
    let deferred = self::request().tool(FunctionTool::new("time", "The time").defer_loading(true));
    assert_eq!(body(&deferred)["tools"][0]["defer_loading"], true);
}

#[test]
fn tools_and_their_choice_are_in_the_words_of_the_service() {
    let schema: RawJson = r#"{"type":"object","properties":{"z":{},"a":{}}}"#.parse().expect("JSON");
    let time = FunctionTool::new("time", "The time").parameters(schema).strict(true);
    let own = ProviderJson::new("anthropic", json!({"type": "web_search_20250305", "name": "web_search"}));
    let with = request().tool(time).tool(FunctionTool::new("now", "Now")).tool(Tool::Other(own));
    let sent = MessagesCodec::default().encode(&with, false).expect("a good request");
    let sent = String::from_utf8(sent).expect("UTF-8");
    let tools = concat!(
        r#""tools":[{"name":"time","description":"The time","input_schema":{"type":"object","#,
        r#""properties":{"z":{},"a":{}}},"strict":true},{"name":"now","description":"Now","#,
        r#""input_schema":{"type":"object"}},{"#,
    );
    assert!(sent.contains(tools), "{sent}");
    for (choice, parallel, expected) in [
        (Some(ToolChoice::Auto), None, json!({"type": "auto"})),
        (Some(ToolChoice::Required), Some(false), json!({"type": "any", "disable_parallel_tool_use": true})),
        (Some(ToolChoice::Function("time".into())), None, json!({"type": "tool", "name": "time"})),
        (Some(ToolChoice::None), Some(true), json!({"type": "none"})),
        (None, Some(true), json!({"type": "auto", "disable_parallel_tool_use": false})),
        (None, None, Value::Null),
    ] {
        let mut request = with.clone();
        (request.tool_choice, request.parallel_tool_calls) = (choice, parallel);
        assert_eq!(body(&request)["tool_choice"], expected);
    }
}

#[test]
fn budgets_of_thoughts_are_sent_and_come_on_top_of_the_default_cap() {
    let sent = |request: ChatRequest| {
        let body = body(&request);
        (body["thinking"].clone(), body["output_config"].clone(), body["max_tokens"].clone())
    };
    let budget = request().reasoning(Reasoning::max_tokens(2000));
    let enabled = json!({"type": "enabled", "budget_tokens": 2000});
    assert_eq!(sent(budget.clone()), (enabled.clone(), Value::Null, json!(6096)));
    assert_eq!(sent(budget.max_tokens(3000)), (enabled, Value::Null, json!(3000)));
    let effort = sent(request().reasoning(Reasoning::effort("high")));
    assert_eq!(effort, (json!({"type": "adaptive"}), json!({"effort": "high"}), json!(4096)));
    for off in [Reasoning::effort("none"), Reasoning::enabled(false)] {
        let (thinking, config, _) = sent(request().reasoning(off));
        assert_eq!((thinking, config), (json!({"type": "disabled"}), Value::Null));
    }
    let shown = Reasoning::enabled(true).summary("auto").exclude();
    assert_eq!(refused(&request().reasoning(shown)), ["reasoning.exclude", "reasoning.summary"]);
}

#[test]
fn schema_of_an_answer_has_its_description_and_other_formats_are_refused() {
    let schema: RawJson = r#"{"type":"object","properties":{}}"#.parse().expect("JSON");
    let format = JsonSchema::new("order", schema.clone()).description("An \"order\"");
    let sent = body(&request().response_format(ResponseFormat::from(format)));
    let described = json!({"description": "An \"order\"", "type": "object", "properties": {}});
    assert_eq!(sent["output_config"]["format"], json!({"type": "json_schema", "schema": described}));
    let loose = JsonSchema::new("order", schema).strict(false);
    for format in [ResponseFormat::JsonObject, ResponseFormat::from(loose)] {
        assert_eq!(refused(&request().response_format(format)), ["response_format"]);
    }
}

#[test]
fn what_the_wire_lacks_is_refused_by_name_all_at_once() {
    let request = request().temperature(1.5).top_p(7.0).seed(1).metadata("a", "b");
    let request = request.extra("anthropic", "max_tokens", 1).extra("anthropic", "inference_geo", "us");
    let fields = ["seed", "metadata", "top_p", "temperature", "extra.anthropic.max_tokens"];
    assert_eq!(refused(&request), fields);
}
