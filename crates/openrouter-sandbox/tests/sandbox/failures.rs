//! Tests of the failures on demand.

use std::time::Duration;

use openrouter_sandbox::{FAILURES, Sandbox};
use serde_json::{Value, json};

use crate::support::{Events, ask, chat, send, start, stream};

fn failing(name: &str, streamed: bool) -> Value {
    ask(&format!("sandbox/{name}"), "Hello", json!({ "stream": streamed }))
}

#[tokio::test]
async fn initial_errors_are_json_even_for_streams() {
    let sandbox = start().await;
    for (name, status) in [
        ("rate-limit", 429),
        ("rate-limit-minute", 429),
        ("rate-limit-free", 429),
        ("upstream-quota", 429),
        ("overload", 503),
        ("no-credits", 402),
        ("in-flight-budget", 402),
        ("too-expensive", 402),
        ("key-limit", 403),
        ("key-limit-402", 402),
        ("guardrail-budget", 403),
        ("workspace-budget", 403),
        ("moderation", 403),
        ("guardrail", 403),
        ("content-filter", 400),
        ("privacy", 404),
        ("no-endpoints", 404),
        ("context-length", 400),
        ("context-length-upstream", 400),
        ("upstream-error", 502),
        ("server-error", 500),
    ] {
        let response = send(&sandbox, &failing(name, true)).await;
        assert_eq!(response.status().as_u16(), status, "{name}");
        assert!(response.headers().contains_key("x-generation-id"));
        assert_eq!(
            response.headers().contains_key("retry-after"),
            ["rate-limit", "overload", "in-flight-budget"].contains(&name)
        );
        let body: Value = response.json().await.unwrap();
        assert_eq!(body["error"]["code"], status, "{name}");
        assert!(body["user_id"].is_string());
    }
}

#[tokio::test]
async fn exhausted_budget_names_its_limit_source() {
    let sandbox = start().await;
    for (name, limit_source) in [
        ("no-credits", "openrouter_credits"),
        ("in-flight-budget", "openrouter_in_flight_budget"),
        ("too-expensive", "openrouter_credits"),
        ("key-limit", "openrouter_key_limit"),
        ("key-limit-402", "openrouter_key_limit"),
        ("guardrail-budget", "openrouter_guardrail_budget"),
        ("workspace-budget", "openrouter_workspace_budget"),
    ] {
        let (status, body) = chat(&sandbox, &failing(name, false)).await;
        let metadata = &body["error"]["metadata"];
        assert_eq!(metadata["limit_source"], limit_source, "{name}");
        // A 402 has a hint for people, an exhausted budget the time of its reset.
        assert_eq!(metadata["remedy_hint"].is_string(), status == 402, "{name}");
        assert_eq!(metadata["resets_at"].is_string(), status == 403, "{name}");
        for field in ["scope", "limit_usd", "spend_usd"] {
            assert_eq!(metadata.get(field).is_some(), status == 403, "{name}: {field}");
        }
    }
}

#[tokio::test]
async fn free_model_limits_are_in_headers_and_metadata() {
    let sandbox = start().await;
    for (name, limit) in [("rate-limit-minute", "20"), ("rate-limit-free", "50")] {
        let response = send(&sandbox, &failing(name, false)).await;
        let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
        let told = ["limit", "remaining", "reset"].map(|what| header(&format!("x-ratelimit-{what}")));
        assert_eq!((told[0].as_str(), told[1].as_str()), (limit, "0"));
        let body: Value = response.json().await.unwrap();
        let metadata = &body["error"]["metadata"]["headers"];
        assert_eq!(metadata["X-RateLimit-Reset"], json!(told[2]));
    }
}

#[tokio::test]
async fn blocked_answer_is_billed_but_not_sent() {
    let sandbox = start().await;
    let response = send(&sandbox, &failing("alignment", false)).await;
    let id = response.headers()["x-generation-id"].to_str().unwrap().to_owned();
    assert_eq!(response.status(), 403);
    let body: Value = response.json().await.unwrap();
    assert!(body["usage"]["completion_tokens"].as_u64() > Some(0), "{body}");
    let rejected = &body["error"]["metadata"]["alignment"]["rejected"];
    assert!(rejected["content"].as_str().unwrap().contains("Hello"));
    let (_, record) =
        crate::support::get(&sandbox, &format!("/generation?id={id}"), Some(crate::support::KEY)).await;
    assert_eq!(record["data"]["total_cost"], body["usage"]["cost"]);

    let events = stream(&sandbox, &failing("alignment", true)).await;
    let [error, usage] = &events.chunks[..] else { panic!("{}", events.text) };
    assert_eq!((&error["error"]["code"], events.joined("content").as_str()), (&json!(403), ""));
    assert!(usage["usage"]["cost"].is_number() && events.done);
}

#[tokio::test]
async fn content_filter_cuts_the_answer() {
    let sandbox = start().await;
    let (_, body) = chat(&sandbox, &failing("content-filter-cut", false)).await;
    let choice = &body["choices"][0];
    assert_eq!(choice["finish_reason"], "content_filter");
    let events = stream(&sandbox, &failing("content-filter-cut", true)).await;
    assert_eq!(choice["message"]["content"], events.joined("content"));
    assert_eq!(events.chunks.last().unwrap()["choices"][0]["finish_reason"], "content_filter");
}

#[tokio::test]
async fn error_metadata_has_the_upstream_words() {
    let sandbox = start().await;
    let error = async |name| chat(&sandbox, &failing(name, false)).await.1["error"].clone();
    let headers = error("rate-limit-free").await["metadata"]["headers"].clone();
    assert!(headers["X-RateLimit-Reset"].as_str().unwrap().parse::<u64>().unwrap() > 1_700_000_000_000);
    for name in ["upstream-error", "upstream-quota", "content-filter", "context-length-upstream"] {
        let raw = error(name).await["metadata"]["raw"].clone();
        assert!(serde_json::from_str::<Value>(raw.as_str().unwrap()).unwrap()["error"].is_object(), "{name}");
    }
    let moderation = error("moderation").await["metadata"].clone();
    assert_eq!(moderation["flagged_input"], "Hello");
    assert_eq!(error("overload").await["availability"]["retryable"], true);
}

#[tokio::test]
async fn html_page_and_error_in_200_are_sent() {
    let sandbox = start().await;
    let response = send(&sandbox, &failing("html-error", false)).await;
    assert_eq!(response.status(), 524);
    assert!(response.text().await.unwrap().starts_with("<!DOCTYPE html>"));

    let response = send(&sandbox, &failing("error-200", true)).await;
    assert_eq!(
        (response.status().as_u16(), &response.headers()["content-type"] == "application/json"),
        (200, true)
    );
    let body: Value = response.json().await.unwrap();
    assert_eq!((&body["error"]["code"], body.get("choices")), (&json!(429), None));

    let (status, body) = chat(&sandbox, &failing("empty", false)).await;
    assert_eq!((status, &body["choices"], body.get("error")), (200, &Value::Null, None));
}

#[tokio::test]
async fn mid_stream_errors_follow_partial_content() {
    let sandbox = start().await;
    for (name, code) in [
        ("mid-stream-error", 502),
        ("choice-error", 502),
        ("mid-stream-rate-limit", 429),
        ("context-length-mid-stream", 400),
    ] {
        let events = stream(&sandbox, &failing(name, true)).await;
        let last = events.chunks.last().unwrap();
        assert_eq!(
            (&last["error"]["code"], &last["choices"][0]["finish_reason"]),
            (&json!(code), &json!("error"))
        );
        assert!(!events.joined("content").is_empty());
        let (_, body) = chat(&sandbox, &failing(name, false)).await;
        let choice = &body["choices"][0];
        assert!(choice["error"].is_object() && choice["finish_reason"] == "error");
        assert!(!choice["message"]["content"].as_str().unwrap().is_empty());
    }
    let events = stream(&sandbox, &failing("mid-stream-error-bare", true)).await;
    let last = events.chunks.last().unwrap();
    assert!(last["error"].is_object() && last.get("choices").is_none() && !events.done);
    let (_, body) = chat(&sandbox, &failing("mid-stream-error-bare", false)).await;
    assert!(body["error"].is_object() && body["choices"].is_null());
}

#[tokio::test]
async fn truncated_bodies_end_without_finish() {
    let sandbox = start().await;
    let events = stream(&sandbox, &failing("truncated", true)).await;
    assert!(!events.done && events.chunks.iter().all(|chunk| chunk["choices"][0]["finish_reason"].is_null()));
    let text = send(&sandbox, &failing("truncated", false)).await.text().await.unwrap();
    assert!(serde_json::from_str::<Value>(&text).is_err());

    for streamed in [true, false] {
        let mut response = send(&sandbox, &failing("reset", streamed)).await;
        assert!(response.chunk().await.unwrap().is_some(), "something arrives before the break");
        while let Ok(chunk) = response.chunk().await {
            assert!(chunk.is_some(), "the end must be an error");
        }
    }
    let events = stream(&sandbox, &failing("no-done", true)).await;
    assert!(!events.done && events.chunks.last().unwrap()["usage"].is_object());
}

#[tokio::test]
async fn stall_lasts_until_the_client_closes() {
    let sandbox = start().await;
    for name in ["stall", "stall-comments"] {
        let mut response = send(&sandbox, &failing(name, true)).await;
        let mut text = String::new();
        let wait = Duration::from_millis(250);
        while let Ok(chunk) = tokio::time::timeout(wait, response.chunk()).await {
            text.push_str(std::str::from_utf8(&chunk.unwrap().expect("no end")).unwrap());
            if text.matches(": OPENROUTER").count() > 5 {
                break;
            }
        }
        assert_eq!(text.matches(": OPENROUTER").count() > 5, name == "stall-comments");
        assert!(!Events::parse(text).joined("content").is_empty());
        assert_eq!(sandbox.open_streams(), 1);
        drop(response);
        while sandbox.open_streams() > 0 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

#[tokio::test]
async fn slow_answers_are_complete() {
    let sandbox = Sandbox::builder().slow_first_token(Duration::from_millis(80)).start().await.unwrap();
    let start = std::time::Instant::now();
    let events = stream(&sandbox, &failing("slow-first-token", true)).await;
    assert!(start.elapsed() >= Duration::from_millis(80));
    assert!(events.done && events.text.matches(": OPENROUTER").count() >= 5);

    let start = std::time::Instant::now();
    let mut request = failing("slow", true);
    request["max_tokens"] = 4.into();
    assert!(stream(&sandbox, &request).await.done);
    assert!(start.elapsed() >= Duration::from_millis(4 * 30));
}

#[tokio::test]
async fn truncated_call_flaky_and_refusal_are_played() {
    let sandbox = start().await;
    let (_, body) = chat(&sandbox, &failing("truncated-tool-call", false)).await;
    let choice = &body["choices"][0];
    assert_eq!(
        (&choice["finish_reason"], &choice["native_finish_reason"]),
        (&json!("tool_calls"), &json!("length"))
    );
    let arguments = choice["message"]["tool_calls"][0]["function"]["arguments"].as_str().unwrap();
    assert!(serde_json::from_str::<Value>(arguments).is_err());

    for status in [503, 200, 503, 200] {
        assert_eq!(chat(&sandbox, &failing("flaky", false)).await.0, status);
    }

    let (_, body) = chat(&sandbox, &failing("refusal", false)).await;
    let message = &body["choices"][0]["message"];
    assert!(message["content"].is_null() && message["refusal"].is_string());
    assert!(!stream(&sandbox, &failing("refusal", true)).await.joined("refusal").is_empty());
}

#[tokio::test]
async fn catalogue_does_not_list_failures() {
    let sandbox = start().await;
    let (_, models) = crate::support::get(&sandbox, "/models?output_modalities=all", None).await;
    let ids: Vec<&Value> = models["data"].as_array().unwrap().iter().map(|model| &model["id"]).collect();
    assert!(FAILURES.iter().all(|(id, _)| !ids.contains(&&json!(id))));
}
