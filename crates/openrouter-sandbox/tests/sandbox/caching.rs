//! Tests of the response cache.

use std::time::Duration;

use openrouter_sandbox::Sandbox;
use reqwest::Response;
use serde_json::{Value, json};

use crate::support::{Events, KEY, ask, client, get, post, start};

async fn cached(sandbox: &Sandbox, request: &Value, headers: &[(&str, &str)]) -> Response {
    let mut request = post(sandbox, request).header("X-OpenRouter-Cache", "true");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await.unwrap()
}

fn header(response: &Response, name: &str) -> Option<String> {
    response.headers().get(name).map(|value| value.to_str().unwrap().to_owned())
}

fn status(response: &Response) -> Option<String> {
    header(response, "x-openrouter-cache-status")
}

#[tokio::test]
async fn cache_hit_repeats_the_answer_at_no_cost() {
    let sandbox = start().await;
    let request = ask("openai/gpt-4o", "Hello", json!({}));
    let miss = cached(&sandbox, &request, &[("X-OpenRouter-Cache-TTL", "60")]).await;
    assert_eq!(
        (status(&miss).as_deref(), header(&miss, "x-openrouter-cache-ttl").as_deref()),
        (Some("MISS"), Some("60"))
    );
    assert_eq!(header(&miss, "x-openrouter-cache-age"), None);
    let first: Value = miss.json().await.unwrap();

    let hit = cached(&sandbox, &request, &[]).await;
    assert_eq!(
        (status(&hit).as_deref(), header(&hit, "x-openrouter-cache-age").as_deref()),
        (Some("HIT"), Some("0"))
    );
    assert_eq!(header(&hit, "x-openrouter-cache-source-id").as_deref(), first["id"].as_str());
    let generation = header(&hit, "x-generation-id").unwrap();
    let second: Value = hit.json().await.unwrap();
    assert_eq!((&second["id"], &second["choices"]), (&json!(generation), &first["choices"]));
    assert_ne!(second["id"], first["id"]);
    assert!(second["created"].as_u64() > first["created"].as_u64());
    for name in ["prompt_tokens", "completion_tokens", "total_tokens", "cost"] {
        assert_eq!(second["usage"][name], 0, "{name}");
        assert_ne!(first["usage"][name], 0, "{name}");
    }

    let (_, record) = get(&sandbox, &format!("/generation?id={generation}"), Some(KEY)).await;
    assert_eq!(
        (&record["data"]["total_cost"], &record["data"]["response_cache_source_id"]),
        (&json!(0), &first["id"])
    );
    let (_, key) = get(&sandbox, "/key", Some(KEY)).await;
    assert_eq!(key["data"]["usage"], first["usage"]["cost"], "the first one was paid, and it alone");
}

#[tokio::test]
async fn cache_hit_replays_a_stream() {
    let sandbox = start().await;
    let request = ask("openai/gpt-4o", "Hello", json!({"stream": true}));
    let first = Events::parse(cached(&sandbox, &request, &[]).await.text().await.unwrap());
    let hit = cached(&sandbox, &request, &[]).await;
    assert_eq!(status(&hit).as_deref(), Some("HIT"));
    let second = Events::parse(hit.text().await.unwrap());
    assert_eq!(
        (first.joined("content"), first.chunks.len()),
        (second.joined("content"), second.chunks.len())
    );
    assert!(second.done && second.chunks[0]["id"] != first.chunks[0]["id"]);
    assert_eq!(second.chunks.last().unwrap()["usage"]["total_tokens"], 0);
}

#[tokio::test]
async fn different_requests_miss_the_cache() {
    let sandbox = start().await;
    let request = ask("openai/gpt-4o", "Hello", json!({}));
    cached(&sandbox, &request, &[]).await;
    for other in [
        ask("openai/gpt-4o", "Hello!", json!({})),
        ask("openai/gpt-4o", "Hello", json!({"temperature": 1})),
        ask("openai/gpt-4o", "Hello", json!({"stream": true})),
    ] {
        assert_eq!(status(&cached(&sandbox, &other, &[]).await).as_deref(), Some("MISS"), "{other}");
    }
    let url = format!("{}/chat/completions", sandbox.base_url());
    let with_another_key = client().post(url).bearer_auth("another").json(&request);
    let answer = with_another_key.header("X-OpenRouter-Cache", "true").send().await.unwrap();
    assert_eq!(status(&answer).as_deref(), Some("MISS"));
    assert_eq!(status(&post(&sandbox, &request).send().await.unwrap()), None, "off unless asked for");
}

#[tokio::test]
async fn cache_entry_is_cleared_or_expires() {
    let sandbox = start().await;
    let request = ask("openai/gpt-4o", "Hello", json!({}));
    let clear = [("X-OpenRouter-Cache-Clear", "true"), ("X-OpenRouter-Cache-TTL", "1")];
    for (headers, expected) in [(&[][..], "MISS"), (&[], "HIT"), (&clear, "MISS"), (&[], "HIT")] {
        assert_eq!(status(&cached(&sandbox, &request, headers).await).as_deref(), Some(expected));
    }
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(1)).await;
    tokio::time::resume();
    assert_eq!(status(&cached(&sandbox, &request, &[]).await).as_deref(), Some("MISS"));
}

#[tokio::test]
async fn cache_stores_complete_answers_alone() {
    let sandbox = start().await;
    for (model, expected) in [
        ("sandbox/mid-stream-error", Some("MISS")),
        ("sandbox/empty", Some("MISS")),
        ("sandbox/overload", None),
        ("sandbox/refusal", Some("HIT")),
    ] {
        let request = ask(model, "Hello", json!({}));
        cached(&sandbox, &request, &[]).await;
        assert_eq!(status(&cached(&sandbox, &request, &[]).await).as_deref(), expected, "{model}");
    }
}
