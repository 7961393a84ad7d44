//! Tests of completions that are not streamed: content, finish reason, cost, routing.

use serde_json::{Value, json};

use crate::support::{ask, chat, send, start, stream};

#[tokio::test]
async fn completion_has_the_shape_of_the_service() {
    let sandbox = start().await;
    let response = send(&sandbox, &ask("openai/gpt-4o", "Grüße aus 東京", json!({}))).await;
    let id = response.headers()["x-generation-id"].to_str().unwrap().to_owned();
    let text = response.text().await.unwrap();
    assert!(text.starts_with('\n'), "white space keeps the connection alive");

    let body: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(body["id"], id.as_str());
    let parts: Vec<&str> = id.split('-').collect();
    assert_eq!((parts[0], parts[2].len()), ("gen", 20));
    assert_eq!(body["object"], "chat.completion");
    assert_eq!(body["model"], "openai/gpt-4o-2024-11-20");
    assert_eq!(body["provider"], "OpenAI");
    assert_eq!(body["choices"][0]["finish_reason"], "stop");
    assert!(body["choices"][0]["message"]["content"].as_str().unwrap().contains("Grüße aus 東京"));
}

#[tokio::test]
async fn costs_are_exact() {
    let sandbox = start().await;
    let (_, body) = chat(&sandbox, &ask("openai/gpt-4o", "Hello", json!({"max_tokens": 7}))).await;
    let usage = &body["usage"];
    assert_eq!((&usage["prompt_tokens"], &usage["completion_tokens"]), (&json!(4), &json!(7)));
    assert_eq!(usage["total_tokens"], 11);
    assert_eq!(usage["cost"].to_string(), "0.00008");

    let free = ask("meta-llama/llama-3.2-3b-instruct:free", "Hello", json!({}));
    let (_, body) = chat(&sandbox, &free).await;
    assert_eq!(body["usage"]["cost"].to_string(), "0");
    assert_eq!(body["model"], "meta-llama/llama-3.2-3b-instruct:free");
}

#[tokio::test]
async fn equal_requests_get_equal_answers() {
    let request = ask("openai/gpt-4o", "Tell me something", json!({}));
    let (first, second) = (start().await, start().await);
    let (_, one) = chat(&first, &request).await;
    let (_, other) = chat(&second, &request).await;
    assert_eq!(one, other);
    let events = stream(&first, &request).await;
    assert_eq!(one["choices"][0]["message"]["content"], events.joined("content"));
}

#[tokio::test]
async fn token_limit_and_stop_sequence_end_answers() {
    let sandbox = start().await;
    let (_, body) = chat(&sandbox, &ask("google/gemini-2.5-flash", "Hi", json!({"max_tokens": 3}))).await;
    assert_eq!(body["choices"][0]["finish_reason"], "length");
    assert_eq!(body["choices"][0]["native_finish_reason"], "MAX_TOKENS");
    assert_eq!(body["usage"]["completion_tokens"], 3);

    let (_, body) = chat(&sandbox, &ask("openai/gpt-4o", "Hi", json!({"stop": ["Hi", "zzz"]}))).await;
    let content = body["choices"][0]["message"]["content"].as_str().unwrap();
    assert!(content.ends_with('“'), "{content}");
    assert_eq!(body["choices"][0]["finish_reason"], "stop");
}

#[tokio::test]
async fn prefill_is_continued_and_tool_result_quoted() {
    let sandbox = start().await;
    let mut request = ask("openai/gpt-4o", "Go on", json!({}));
    request["messages"].as_array_mut().unwrap().push(json!({"role": "assistant", "content": "First,"}));
    let (_, body) = chat(&sandbox, &request).await;
    assert!(body["choices"][0]["message"]["content"].as_str().unwrap().starts_with(' '));

    let call = json!({"id": "call_1", "type": "function", "function": {"name": "clock", "arguments": "{}"}});
    request["messages"] = json!([
        {"role": "user", "content": "clock?"},
        {"role": "assistant", "content": null, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "half past nine"},
    ]);
    request["tools"] = json!([{"type": "function", "function": {"name": "clock"}}]);
    let (_, body) = chat(&sandbox, &request).await;
    assert!(body["choices"][0]["message"]["content"].as_str().unwrap().contains("half past nine"));
}

#[tokio::test]
async fn fallback_models_are_tried_in_order() {
    let sandbox = start().await;
    let request = |models: Value| ask("sandbox/overload", "Hi", json!({ "models": models }));
    let models = json!(["sandbox/no-endpoints", "mistralai/mistral-large"]);
    let (status, body) = chat(&sandbox, &request(models)).await;
    assert_eq!((status, &body["model"]), (200, &json!("mistralai/mistral-large-2411")));
    let (status, _) = chat(&sandbox, &request(json!(["sandbox/server-error"]))).await;
    assert_eq!(status, 500, "the last error counts");
}

#[tokio::test]
async fn provider_preferences_choose_the_provider() {
    let sandbox = start().await;
    let request = |wish: Value| ask("openai/gpt-4o", "Hi", json!({ "provider": wish }));
    let (_, body) = chat(&sandbox, &request(json!({"order": ["azure"]}))).await;
    assert_eq!(body["provider"], "Azure");
    let (status, body) = chat(&sandbox, &request(json!({"only": ["groq"]}))).await;
    assert_eq!((status, &body["error"]["metadata"]["requested_providers"]), (404, &json!(["groq"])));
}

#[tokio::test]
async fn models_answer_by_any_spelling() {
    let sandbox = start().await;
    for (asked, model) in [
        ("openai/gpt-4o:nitro", "openai/gpt-4o-2024-11-20"),
        ("~anthropic/claude-opus-latest", "anthropic/claude-4.1-opus-20250805"),
        ("@preset/polite", "openai/gpt-4o-mini-2024-07-18"),
        ("openai/gpt-oss-20b:free:online", "openai/gpt-oss-20b:free"),
    ] {
        let (_, body) = chat(&sandbox, &ask(asked, "Hi", json!({}))).await;
        assert_eq!(body["model"], model, "{asked}");
    }
    let (status, body) = chat(&sandbox, &ask("openai/gpt-4o:batch", "Hi", json!({}))).await;
    assert_eq!((status, &body["error"]["code"]), (404, &json!(404)));
    let (status, body) = chat(&sandbox, &ask("nobody/nothing", "Hi", json!({}))).await;
    assert_eq!(status, 400);
    assert!(body["error"]["message"].as_str().unwrap().contains("not a valid model ID"));
}
