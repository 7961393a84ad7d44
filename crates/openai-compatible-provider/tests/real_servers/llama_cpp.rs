//! llama.cpp's own server, with a model that writes noise.

use std::time::Duration;

use provider_core::{ChatRequest, ErrorKind, FinishReason, FunctionTool, LlmProvider as _, ResponseFormat};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::{both, check_tells_keys_apart, client, origin};

const LLAMA_CPP: &str = "REAL_LLAMA_CPP";

fn request() -> ChatRequest {
    ChatRequest::new("tiny").user("Hello").max_tokens(12).seed(1)
}

#[tokio::test]
async fn llama_cpp_answers_whole_and_streamed() {
    let Some(origin) = origin(LLAMA_CPP) else { return };
    let client = client(&origin, [("preset", "llama.cpp")]);
    for answer in both(&client, &request()).await {
        let answer = answer.expect("an answer");
        assert!(!answer.text().is_empty() && answer.id.is_some(), "{answer:?}");
        assert_eq!((&*answer.model, answer.finish_reason), ("tiny", Some(FinishReason::Length)));
        assert_eq!(answer.usage.completion_tokens, Some(12));
        assert!(answer.usage.prompt_tokens.is_some_and(|tokens| tokens > 5));
    }
}

#[tokio::test]
async fn llama_cpp_keeps_to_a_schema() {
    let Some(origin) = origin(LLAMA_CPP) else { return };
    let schema = json!({
        "type": "object",
        "properties": {"a": {"enum": ["x", "y"]}},
        "required": ["a"],
        "additionalProperties": false,
    });
    let request = request().max_tokens(400).response_format(ResponseFormat::json_schema("letter", schema));
    for answer in both(&client(&origin, [("preset", "llama.cpp")]), &request).await {
        let answer = answer.expect("an answer");
        let value: Value = serde_json::from_str(answer.text()).expect("JSON");
        assert!(value["a"] == "x" || value["a"] == "y", "{value}");
    }
}

#[tokio::test]
async fn llama_cpp_takes_tools_and_their_results() {
    let Some(origin) = origin(LLAMA_CPP) else { return };
    let call = provider_core::ToolCall::new("call_1", "f", r#"{"a":"x"}"#);
    let mut said = provider_core::AssistantMessage::default();
    said.tool_calls.push(call);
    let request = request()
        .tool(FunctionTool::new("f", "A function").parameters(json!({"type": "object", "properties": {}})))
        .message(said)
        .tool_result("call_1", "done");
    for answer in both(&client(&origin, [("preset", "llama.cpp")]), &request).await {
        assert_eq!(answer.expect("an answer").usage.completion_tokens, Some(12));
    }
}

#[tokio::test]
async fn llama_cpp_lists_its_model() {
    let Some(origin) = origin(LLAMA_CPP) else { return };
    let catalogue = client(&origin, []).models().await.expect("a list");
    let models: Vec<_> = catalogue.models.iter().map(|model| (&*model.id, model.context_length)).collect();
    assert_eq!(models, [("tiny", Some(4096))]);
}

#[tokio::test]
async fn check_of_llama_cpp_tells_keys_apart() {
    let Some(origin) = origin(LLAMA_CPP) else { return };
    for path in ["", "/v1"] {
        check_tells_keys_apart(&format!("{origin}{path}")).await;
    }
}

#[tokio::test]
async fn dropped_stream_frees_the_slot_of_llama_cpp() {
    let Some(origin) = origin(LLAMA_CPP) else { return };
    let client = client(&origin, [("preset", "llama.cpp")]);
    // The server has one slot, and this would take it for minutes.
    let mut stream = client.stream(&request().max_tokens(3900)).await.expect("a stream");
    stream.next().await.expect("an event").expect("a piece");
    drop(stream);
    let answer = timeout(Duration::from_secs(10), client.chat(&request())).await.expect("a free slot");
    answer.expect("an answer");
}

#[tokio::test]
async fn errors_of_llama_cpp_have_kind_and_words() {
    let Some(origin) = origin(LLAMA_CPP) else { return };
    let client = client(&origin, [("preset", "llama.cpp")]);
    for (request, kind) in [
        (request().user("Hello ".repeat(1000)), ErrorKind::ContextLength),
        (request().extra("openai-chat", "temperature", json!("hot")), ErrorKind::InvalidRequest),
        (request().extra("openai-chat", "grammar", json!("root ::= (")), ErrorKind::InvalidRequest),
    ] {
        for answer in both(&client, &request).await {
            let error = answer.expect_err("a refusal");
            assert_eq!((error.kind(), error.status()), (kind, Some(400)), "{error}");
            assert!(error.message().len() > 10, "{error}");
        }
    }
}

#[tokio::test]
async fn slow_answer_of_llama_cpp_ends_in_a_timeout() {
    let Some(origin) = origin(LLAMA_CPP) else { return };
    let client = client(&origin, [("read_timeout", "0.05")]);
    let error = client.chat(&request().max_tokens(3900)).await.expect_err("too slow");
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
}
