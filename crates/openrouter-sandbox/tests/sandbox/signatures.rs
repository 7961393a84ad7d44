//! Tests of signed thoughts: an upstream provider takes its own back, and refuses those of another.

use openrouter_sandbox::Sandbox;
use serde_json::{Value, json};

use crate::support::{ask, chat};

/// A request with these thoughts of an earlier answer, to one upstream provider.
fn next_turn(model: &str, details: &Value, provider: &str) -> Value {
    let messages = json!([
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello", "reasoning_details": details},
        {"role": "user", "content": "Go on"},
    ]);
    ask(model, "", json!({"messages": messages, "provider": {"order": [provider]}}))
}

#[tokio::test]
async fn thought_goes_back_to_the_provider_that_signed_it_alone() {
    let sandbox = Sandbox::builder().start().await.unwrap();
    for (model, own, other) in
        [("anthropic/claude-sonnet-4.5", "anthropic", "amazon-bedrock"), ("openai/gpt-5", "openai", "azure")]
    {
        let first = ask(model, "Hi", json!({"reasoning": {"effort": "low"}}));
        let (_, answer) = chat(&sandbox, &first).await;
        let details = &answer["choices"][0]["message"]["reasoning_details"];
        assert_eq!(chat(&sandbox, &next_turn(model, details, own)).await.0, 200, "{details}");
        let (status, refused) = chat(&sandbox, &next_turn(model, details, other)).await;
        let raw = refused["error"]["metadata"]["raw"].as_str().unwrap();
        assert!(status == 400 && raw.contains("Invalid `signature`"), "{refused}");
    }
    let unknown = json!([{"type": "reasoning.text", "text": "hm", "signature": "c2ln"}]);
    let (status, _) = chat(&sandbox, &next_turn("anthropic/claude-sonnet-4.5", &unknown, "anthropic")).await;
    assert_eq!(status, 200, "a signature that none of them made");
}

#[tokio::test]
async fn balanced_load_goes_to_the_providers_in_turn() {
    let sandbox = Sandbox::builder().balance_load(true).start().await.unwrap();
    let mut served = Vec::new();
    for more in [json!({}), json!({}), json!({"provider": {"order": ["azure"]}}), json!({})] {
        let (_, answer) = chat(&sandbox, &ask("openai/gpt-4o", "Hi", more)).await;
        served.push(answer["provider"].as_str().unwrap().to_owned());
    }
    assert_eq!(served, ["OpenAI", "Azure", "Azure", "OpenAI"]);
}
