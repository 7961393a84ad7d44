//! Tests of event streams without failures.

use serde_json::{Value, json};

use crate::support::{ask, post, start, stream};

#[tokio::test]
async fn stream_has_the_shape_of_the_service() {
    let sandbox = start().await;
    let events = stream(&sandbox, &ask("openai/gpt-4o", "Hello 👋", json!({}))).await;
    assert!(events.text.starts_with(": OPENROUTER PROCESSING\n\n"));
    assert!(events.done);
    assert!(events.deltas().all(|delta| delta["role"] == "assistant"));

    let [.., finish, last] = events.chunks.as_slice() else { panic!("too short") };
    for chunk in [finish, last] {
        assert_eq!(chunk["choices"][0]["finish_reason"], "stop");
        assert_eq!(chunk["choices"][0]["delta"]["content"], "");
    }
    let with_usage = events.chunks.iter().filter(|chunk| chunk["usage"].is_object()).count();
    assert_eq!((with_usage, last["usage"].is_object()), (1, true));
    assert_eq!(last["service_tier"], "default");
    assert_eq!(finish.get("service_tier"), None);
    let first = &events.chunks[0];
    assert!(events.chunks.iter().all(|chunk| chunk["id"] == first["id"] && chunk["model"] == first["model"]));
    assert!(events.joined("content").contains("Hello 👋"));
}

#[tokio::test]
async fn each_token_has_logprobs() {
    let sandbox = start().await;
    let request = ask("openai/gpt-4o", "Hi", json!({"logprobs": true, "top_logprobs": 2}));
    let events = stream(&sandbox, &request).await;
    let entries: Vec<&Value> =
        events.chunks.iter().filter_map(|chunk| chunk["choices"][0]["logprobs"]["content"].get(0)).collect();
    let tokens: String = entries.iter().filter_map(|entry| entry["token"].as_str()).collect();
    assert_eq!(tokens, events.joined("content"));
    assert!(entries.iter().all(|entry| entry["top_logprobs"].as_array().unwrap().len() == 2));
    assert!(entries.iter().any(|entry| entry["logprob"].is_i64()), "certainty is the integer 0");
}

#[tokio::test]
async fn metadata_and_debug_echo_are_opt_in() {
    let sandbox = start().await;
    let plain = stream(&sandbox, &ask("openai/gpt-4o", "Hi", json!({}))).await;
    assert!(!plain.text.contains("openrouter_metadata"));

    let request = ask("openai/gpt-4o", "Hi", json!({"stream": true, "debug": {"echo_upstream_body": true}}));
    let response = post(&sandbox, &request).header("X-OpenRouter-Metadata", "Enabled").send().await.unwrap();
    let events = crate::support::Events::parse(response.text().await.unwrap());
    assert!(events.chunks[0]["debug"]["echo_upstream_body"].is_object());
    let last = events.chunks.last().unwrap();
    assert_eq!(last["openrouter_metadata"]["requested"], "openai/gpt-4o");
}
