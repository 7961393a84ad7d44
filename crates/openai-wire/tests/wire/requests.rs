//! The body of a request, and an answer that goes back in the next one.

use openai_wire::{Plain, WIRE, encode};
use provider_core::{
    ChatRequest, ErrorKind, FunctionTool, JsonSchema, LlmProvider as _, Message, Part, ProviderJson, RawJson,
    Reasoning, ResponseFormat, Tool, ToolChoice,
};
use serde_json::{Value, json};

use crate::support::{Reply, Server, request, stream};

/// The body that a request is sent as.
fn sent(request: &ChatRequest) -> Value {
    serde_json::from_slice(&encode(request, false, &Plain).expect("a good request")).expect("JSON")
}

#[test]
fn absent_fields_stay_absent() {
    let body = sent(&ChatRequest::new("openai/gpt-4o").user("Hello"));
    assert_eq!(body, json!({"model": "openai/gpt-4o", "messages": [{"role": "user", "content": "Hello"}]}));
    let streamed = encode(&ChatRequest::new("m").user("Hello"), true, &Plain).expect("a good request");
    let streamed: Value = serde_json::from_slice(&streamed).expect("JSON");
    assert_eq!(
        (&streamed["stream"], &streamed["stream_options"]),
        (&json!(true), &json!({"include_usage": true})),
        "only a stream says that it is one, and asks for its usage"
    );
}

#[test]
fn the_other_forms_of_choices_and_formats() {
    for (choice, wire) in [
        (ToolChoice::Auto, json!("auto")),
        (ToolChoice::None, json!("none")),
        (ToolChoice::Required, json!("required")),
        (
            ToolChoice::Other(ProviderJson::new(WIRE, json!({"type": "web_search"}))),
            json!({"type": "web_search"}),
        ),
    ] {
        assert_eq!(sent(&ChatRequest::new("a/b").user("Hi").tool_choice(choice))["tool_choice"], wire);
    }
    for (format, wire) in [
        (ResponseFormat::Text, json!({"type": "text"})),
        (ResponseFormat::JsonObject, json!({"type": "json_object"})),
        (
            ResponseFormat::Other(ProviderJson::new(WIRE, json!({"type": "grammar", "grammar": "x"}))),
            json!({"type": "grammar", "grammar": "x"}),
        ),
    ] {
        assert_eq!(
            sent(&ChatRequest::new("a/b").user("Hi").response_format(format))["response_format"],
            wire
        );
    }
    let schema = JsonSchema::new("s", json!({})).strict(true).description("d");
    assert_eq!(
        sent(&ChatRequest::new("a/b").user("Hi").response_format(schema))["response_format"]["json_schema"],
        json!({"name": "s", "description": "d", "schema": {}, "strict": true})
    );
    let tool = FunctionTool::new("now", "the time").strict(false);
    assert_eq!(
        sent(&ChatRequest::new("a/b").user("Hi").tool(tool))["tools"][0]["function"],
        json!({"name": "now", "description": "the time", "strict": false})
    );
    for (reasoning, wire) in [
        (Reasoning::max_tokens(2_000), json!({"max_tokens": 2_000})),
        (Reasoning::enabled(true).summary("concise"), json!({"enabled": true, "summary": "concise"})),
        (Reasoning::effort("ultra"), json!({"effort": "ultra"})),
    ] {
        assert_eq!(sent(&ChatRequest::new("a/b").user("Hi").reasoning(reasoning))["reasoning"], wire);
    }
}

#[tokio::test]
async fn a_turn_with_reasoning_and_tool_calls_goes_back_as_it_came() {
    let details = r#"[{"type":"reasoning.text","text":"hm","signature":"c2ln","format":"anthropic-claude-v1","index":0,"id":null},{"type":"reasoning.encrypted","data":"AAA=","id":"rs_1","index":0,"novel":{"b":1,"a":[2.50]}}]"#;
    let arguments = r#"{ \"b\": 1,\"a\":\"é\" }"#;
    let answer = format!(
        r#"{{"id":"gen-1","choices":[{{"message":{{"role":"assistant","content":null,"reasoning":"hm","reasoning_details":{details},"tool_calls":[{{"index":0,"id":"call_1","type":"function","function":{{"name":"f","arguments":"{arguments}"}},"extra_content":{{"novel":1}}}},{{"id":"","function":{{"name":"g"}}}}]}},"finish_reason":"tool_calls"}}]}}"#
    );
    let server = Server::always(Reply::json(200, answer));
    let mut request = ChatRequest::new("a/b").user("Go");
    let reply = server.chat(&request).await.expect("an answer");
    let ids: Vec<String> = reply.tool_calls().iter().map(|call| call.id.clone()).collect();
    assert_eq!(ids[0], "call_1");
    assert!(!ids[1].is_empty(), "a call without an id gets one");
    assert_eq!(reply.tool_calls()[1].arguments_json().expect("no arguments"), json!({}));
    request = request.message(reply.message).tool_result(&ids[0], "18").tool_result(&ids[1], "ok");
    let second = encode(&request, false, &Plain).expect("a good request");
    let second = String::from_utf8(second).expect("UTF-8");
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
async fn streamed_reasoning_goes_back_joined_and_with_its_signature() {
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
    let reply = stream(Reply::events(body)).await.1.expect("an answer");
    let request = request();
    assert_eq!(reply.reasoning(), "I think");
    let body = sent(&request.message(reply.message).user("On"));
    assert_eq!(
        body["messages"][1]["reasoning_details"],
        json!([
            {"type": "reasoning.text", "text": "I think", "format": "anthropic-claude-v1", "index": 0, "signature": "c2ln"},
            {"type": "reasoning.encrypted", "data": "AAA=", "id": "rs_1", "index": 0},
        ])
    );
}

#[test]
fn parameters_are_sent_as_they_are_zero_included() {
    let schema: RawJson =
        r#"{"type":"object","properties":{"z":{"type":"string"},"a":{}}}"#.parse().expect("JSON");
    let request = ChatRequest::new("acme-large")
        .system("Be terse.")
        .message(Message::developer("Really.").named("dev"))
        .user(vec![
            Part::text("Look:"),
            Part::Other(ProviderJson::new(
                WIRE,
                json!({"type": "image_url", "image_url": {"url": "data:,"}}),
            )),
        ])
        .tool(Tool::function("f", "does it", schema))
        .tool(Tool::Other(ProviderJson::new(WIRE, json!({"type": "custom"}))))
        .tool_choice(ToolChoice::Function("f".to_owned()))
        .parallel_tool_calls(false)
        .response_format(ResponseFormat::json_schema("answer", json!({"type": "object"})))
        .temperature(0.0)
        .top_p(0.7)
        .frequency_penalty(-2.0)
        .presence_penalty(0.5)
        .seed(-1)
        .stop(["END", "\n\n"])
        .max_tokens(16)
        .logit_bias("50256", -100.0)
        .logprobs(true)
        .top_logprobs(0)
        .metadata("team", "a")
        .extra(WIRE, "transforms", json!([]));
    let body = encode(&request, false, &Plain).expect("a good request");
    let text = String::from_utf8(body).expect("UTF-8");
    assert!(
        text.contains(r#"{"type":"object","properties":{"z":{"type":"string"},"a":{}}}"#),
        "key order stays: {text}"
    );
    assert_eq!(
        serde_json::from_str::<Value>(&text).expect("JSON"),
        json!({
            "model": "acme-large",
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
                {"type": "custom"},
            ],
            "tool_choice": {"type": "function", "function": {"name": "f"}},
            "parallel_tool_calls": false,
            "response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": {"type": "object"}}},
            "temperature": 0.0, "top_p": 0.7, "frequency_penalty": -2.0, "presence_penalty": 0.5,
            "seed": -1, "stop": ["END", "\n\n"], "max_tokens": 16, "logit_bias": {"50256": -100.0},
            "logprobs": true, "top_logprobs": 0, "metadata": {"team": "a"}, "transforms": [],
        })
    );
}

#[test]
fn requests_that_cannot_be_sent_are_refused_by_name() {
    let good = || ChatRequest::new("a/b").user("Hi");
    let function = |name: &str| FunctionTool::new(name, "");
    let labels = |count: usize, key: usize, value: usize| {
        (0..count).fold(good(), |request, n| request.metadata(format!("{n:0key$}"), "v".repeat(value)))
    };
    for (request, field) in [
        (ChatRequest::new("").user("Hi"), "model"),
        (ChatRequest::new("a b").user("Hi"), "model"),
        (ChatRequest::new("a/b"), "messages"),
        (good().temperature(f64::NAN), "temperature"),
        (good().top_p(f64::INFINITY), "top_p"),
        (good().logit_bias("1", f64::NEG_INFINITY), "logit_bias.1"),
        (good().max_tokens(1).max_completion_tokens(1), "max_completion_tokens"),
        (good().extra(WIRE, "stream", true), "extra.openai-chat.stream"),
        (good().extra(WIRE, "messages", json!([])), "extra.openai-chat.messages"),
        (good().stop(["a", "b", "c", "d", "e"]), "stop"),
        (good().tool(function("f")).tool(function("f")), "tools[1].function.name"),
        (good().tool(function(&"f".repeat(65))), "tools[0].function.name"),
        (good().tool(function("a b")), "tools[0].function.name"),
        (good().response_format(JsonSchema::new("", json!({}))), "response_format.json_schema.name"),
        (good().temperature(2.1), "temperature"),
        (good().top_p(-0.1), "top_p"),
        (good().frequency_penalty(2.1), "frequency_penalty"),
        (good().presence_penalty(-2.1), "presence_penalty"),
        (good().logit_bias("1", 100.5), "logit_bias.1"),
        (good().max_tokens(0), "max_tokens"),
        (good().max_completion_tokens(0), "max_completion_tokens"),
        (good().logprobs(true).top_logprobs(21), "top_logprobs"),
        (good().top_logprobs(1), "top_logprobs"),
        (labels(17, 1, 1), "metadata"),
        (labels(1, 65, 1), "metadata"),
        (labels(1, 1, 513), "metadata"),
    ] {
        let error = encode(&request, false, &Plain).expect_err(field);
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
        let fields: Vec<&str> = error.fields().iter().map(|problem| problem.field.as_str()).collect();
        assert_eq!(fields, [field]);
    }
    for good in [
        good().stop(["a", "b", "c", "d"]),
        good().tool(function(&"f".repeat(64))),
        good().temperature(2.0).top_p(1.0).frequency_penalty(-2.0).presence_penalty(2.0),
        good().max_tokens(1).logprobs(true).top_logprobs(20),
        labels(16, 64, 512),
    ] {
        encode(&good, false, &Plain).expect("at the limit");
    }
    let all_at_once = ChatRequest::new("").temperature(f64::NAN);
    assert_eq!(encode(&all_at_once, true, &Plain).expect_err("three problems").fields().len(), 3);
}
