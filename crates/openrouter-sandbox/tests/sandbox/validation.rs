//! Tests of invalid requests, and of unusual valid ones.

use serde_json::{Value, json};

use crate::support::{KEY, ask, chat, client, start};

#[tokio::test]
async fn invalid_fields_are_named() {
    let sandbox = start().await;
    let user = json!({"role": "user", "content": "Hi"});
    let tool = |name: &str| json!([{"type": "function", "function": {"name": name}}]);
    for (field, more) in [
        ("max_token", json!({"max_token": 5})),
        ("messages", json!({"messages": []})),
        ("messages", json!({"messages": null})),
        ("messages[0].role", json!({"messages": [{"role": "human", "content": "Hi"}]})),
        ("messages[0].content", json!({"messages": [{"role": "user"}]})),
        (
            "messages[0].content[0].type",
            json!({"messages": [{"role": "user", "content": [{"type": "image"}]}]}),
        ),
        (
            "messages[1].tool_call_id",
            json!({"messages": [user, {"role": "tool", "content": "", "tool_call_id": "x"}]}),
        ),
        ("temperature", json!({"temperature": 2.1})),
        ("top_p", json!({"top_p": "1"})),
        ("max_tokens", json!({"max_tokens": 0})),
        ("stop", json!({"stop": ["1", "2", "3", "4", "5"]})),
        ("models", json!({"models": ["a/a", "a/b", "a/c", "a/d"]})),
        ("stream", json!({"stream": null})),
        ("top_logprobs", json!({"top_logprobs": 2})),
        ("reasoning", json!({"reasoning": {"effort": "low", "max_tokens": 10}})),
        ("reasoning_effort", json!({"reasoning": {"effort": "low"}, "reasoning_effort": "high"})),
        ("provider.fallback", json!({"provider": {"fallback": true}})),
        ("provider.sort", json!({"provider": {"sort": "cheap"}})),
        ("tools[0].function.name", json!({"tools": tool("no spaces")})),
        ("tool_choice", json!({"tool_choice": "required"})),
        (
            "tool_choice",
            json!({"tools": tool("a"), "tool_choice": {"type": "function", "function": {"name": "b"}}}),
        ),
        ("response_format.type", json!({"response_format": {"type": "xml"}})),
        (
            "response_format.json_schema.name",
            json!({"response_format": {"type": "json_schema", "json_schema": {}}}),
        ),
        ("metadata", json!({"metadata": {"count": 1}})),
        ("logit_bias", json!({"logit_bias": {"50256": 101}})),
    ] {
        let (status, body) = chat(&sandbox, &ask("openai/gpt-4o", "Hi", more)).await;
        let message = body["error"]["message"].as_str().unwrap();
        assert_eq!((status, message.split(": ").next()), (400, Some(field)), "{message}");
    }
}

#[tokio::test]
async fn documented_fields_and_nulls_are_accepted() {
    let sandbox = start().await;
    let more = json!({
        "temperature": null, "stop": null, "seed": -1, "top_k": 0, "provider": null, "logit_bias": {"1": -100},
        "verbosity": "low", "transforms": ["middle-out"], "usage": {"include": true}, "user": "u",
        "session_id": "s", "plugins": [{"id": "response-healing"}], "stream_options": {"include_usage": true},
        "provider": {"sort": {"by": "price"}, "max_price": {"prompt": 100}, "preferred_max_latency": {"p50": 3}},
        "messages": [{"role": "developer", "content": "Be kind"}, {"role": "user", "content": [
            {"type": "text", "text": "See", "cache_control": {"type": "ephemeral"}},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
        ]}],
    });
    let (status, body) = chat(&sandbox, &ask("openai/gpt-4o", "", more)).await;
    assert_eq!(status, 200, "{body}");
}

#[tokio::test]
async fn bodies_must_be_json_objects() {
    let sandbox = start().await;
    let url = format!("{}/chat/completions", sandbox.base_url());
    for (content_type, body) in [
        ("application/json", "{"),
        ("application/json", "[]"),
        ("application/json", ""),
        ("text/plain", "{}"),
    ] {
        let request = client().post(&url).bearer_auth(KEY).header("content-type", content_type).body(body);
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 400, "{content_type} {body}");
        assert_eq!(response.json::<Value>().await.unwrap()["error"]["code"], 400);
    }
}

#[tokio::test]
async fn mandatory_reasoning_cannot_be_disabled() {
    let sandbox = start().await;
    let request = ask("deepseek/deepseek-r1", "Hi", json!({"reasoning": {"effort": "none"}}));
    assert_eq!(chat(&sandbox, &request).await.0, 400);
}

#[tokio::test]
async fn kind_of_key_decides_about_chat() {
    let sandbox = start().await;
    let request = ask("openai/gpt-4o", "Hi", json!({}));
    let url = format!("{}/chat/completions", sandbox.base_url());
    let post = || client().post(&url).json(&request);
    assert_eq!(post().send().await.unwrap().status(), 401);
    for (key, status) in [("sk-invalid", 401), ("sk-poor", 402), ("sk-management", 403), ("anything", 200)] {
        assert_eq!(post().bearer_auth(key).send().await.unwrap().status(), status, "{key}");
    }
}
