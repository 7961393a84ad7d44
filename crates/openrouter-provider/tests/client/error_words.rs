//! The meaning of the words that errors of OpenRouter alone have: those of upstream, and why no endpoint is
//! left.

use fault_server::{FaultServer, Script};
use openrouter_provider::{Limits, OpenRouter};
use provider_core::{Error, ErrorKind, RetryAdvice};
use serde_json::{Value, json};

use crate::support::{self, chunk, request};

async fn chat(script: Script) -> Error {
    support::chat(script).await.expect_err("an error")
}

async fn stream(script: Script) -> Error {
    support::stream(script).await.1.expect_err("an error")
}

/// An error as a refusal, as the whole of a success, and in a chunk of a stream that had begun.
async fn each_way(status: u16, error: &Value) -> [Error; 4] {
    let body = json!({ "error": error }).to_string();
    let begun = format!("{}data: {body}\n\n", chunk("Hel"));
    [
        chat(Script::json(status, body.clone())).await,
        stream(Script::json(status, body.clone())).await,
        chat(Script::json(200, body)).await,
        stream(Script::events(begun)).await,
    ]
}

fn passed_on(raw: &str) -> Value {
    json!({ "code": 400, "message": "Provider returned error", "metadata": { "provider_name": "Probe", "raw": raw } })
}

#[tokio::test]
async fn the_most_telling_word_of_upstream_decides() {
    use ErrorKind::*;
    for (error, kind) in [
        // The words of upstream, in its JSON, in a list, in JSON that was cut off, and as they are.
        (
            passed_on(
                r#"{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 9 tokens"}}"#,
            ),
            ContextLength,
        ),
        (
            passed_on(
                r#"[{"error":{"code":400,"message":"The input token count exceeds the maximum number of tokens allowed (8).","status":"INVALID_ARGUMENT"}}]"#,
            ),
            ContextLength,
        ),
        (
            passed_on(r#"{"object":"error","message":"This model's maximum context length is 8 tok"#),
            ContextLength,
        ),
        (passed_on("Input length 9 exceeds the maximum allowed input length of 8 tokens."), ContextLength),
        // The code of upstream.
        (
            passed_on(
                r#"{"error":{"message":"Filtered.","code":"content_filter","innererror":{"code":"ResponsibleAIPolicyViolation"}}}"#,
            ),
            ContentPolicy,
        ),
        (
            passed_on(
                r#"{"error":{"message":"It was filtered by our content management policy.","type":null}}"#,
            ),
            ContentPolicy,
        ),
        (passed_on(r#"{"code":"DataInspectionFailed","message":"Unsuitable."}"#), ContentPolicy),
    ] {
        for failure in each_way(400, &error).await {
            assert_eq!((failure.kind(), failure.retry()), (kind, RetryAdvice::Never), "{error}: {failure}");
        }
    }
}

#[tokio::test]
async fn what_left_no_endpoint_over_is_told_with_what_to_do() {
    use ErrorKind::*;
    for (message, kind, step) in [
        (
            "No endpoints found that can handle the requested parameters.",
            UnsupportedFeature,
            "require_parameters",
        ),
        ("No endpoints found that support image input", UnsupportedFeature, "leave it out"),
        ("No allowed providers are available for the selected model.", NoEndpoint, "allow more providers"),
        ("All providers have been ignored. Change your settings", NoEndpoint, "allow more providers"),
        ("No endpoints found for acme/one that fit the price limit", NoEndpoint, "max_price"),
        ("No endpoints found matching your data policy", NoEndpoint, "privacy"),
        ("No endpoints available that support Zero Data Retention", NoEndpoint, "privacy"),
    ] {
        for failure in each_way(404, &json!({ "code": 404, "message": message })).await {
            assert_eq!((failure.kind(), failure.retry()), (kind, RetryAdvice::Never), "{failure}");
            assert!(failure.next_step().is_some_and(|what| what.contains(step)), "{failure}");
        }
    }
}

#[tokio::test]
async fn what_was_used_is_kept_beside_the_error() {
    let usage = json!({ "prompt_tokens": 40, "completion_tokens": 0, "total_tokens": 40, "cost": 0.002 });
    let error = json!({
        "code": 403, "message": "The answer was blocked",
        "metadata": { "alignment": { "mode": "enforce", "rejected": { "content": "no" } } }
    });
    let body = json!({ "error": error, "usage": usage }).to_string();
    let events = format!(
        "data: {}\n\ndata: {}\n\ndata: [DONE]\n\n",
        json!({ "error": error }),
        json!({ "choices": [], "usage": usage })
    );
    for failure in [
        chat(Script::json(403, body.clone())).await,
        stream(Script::json(403, body.clone())).await,
        chat(Script::json(200, body.clone())).await,
        stream(Script::events(format!("data: {body}\n\n"))).await,
        stream(Script::events(events.clone())).await,
        chat(Script::json(200, events)).await,
    ] {
        assert_eq!(
            (failure.kind(), failure.retry()),
            (ErrorKind::ContentPolicy, RetryAdvice::Never),
            "{failure}"
        );
        let partial = failure.partial().expect("what was used");
        assert_eq!((partial.usage.prompt_tokens, partial.usage.cost), (Some(40), "0.002".parse().ok()));
        assert!(failure.was_paid_for() && partial.text().is_empty());
        assert_eq!(partial.requested, "openai/gpt-4o");
        assert!(failure.details().is_some_and(|json| json.get().contains("rejected")));
    }
    // Without usage there is nothing of an answer.
    let failure = chat(Script::json(403, json!({ "error": error, "user_id": "u" }).to_string())).await;
    assert!(failure.partial().is_none() && !failure.was_paid_for());
    // The check was not to be had: not to be tried again blindly.
    let error = json!({ "code": 503, "message": "Not available", "metadata": { "alignment": { "mode": "enforce" } } });
    for failure in each_way(503, &error).await {
        assert_eq!((failure.kind(), failure.retry()), (ErrorKind::Overloaded, RetryAdvice::Never));
    }
}

#[tokio::test]
async fn an_error_wrapped_as_deep_as_one_likes_is_an_error_and_no_more() {
    for depth in [2, 50_000] {
        let raw = format!("{}1{}", r#"{"error":"#.repeat(depth), "}".repeat(depth));
        let body = format!(r#"{{"error":{{"code":400,"message":"m","metadata":{{"raw":{raw}}}}}}}"#);
        let server = FaultServer::always(Script::json(400, body)).await.expect("a free port");
        let limits = Limits::default().max_error_bytes(4 << 20);
        let client = OpenRouter::builder().api_key("k").base_url(server.url()).limits(limits).build();
        let failure = client.expect("good settings").chat(&request()).await.expect_err("an error");
        assert_eq!(failure.message(), "m");
        assert!(format!("{failure:?}").len() < 40_000, "bounded");
    }
}

#[tokio::test]
async fn error_type_decides_where_the_number_is_missing() {
    for (error, kind) in [
        (json!({"message": "m", "metadata": {"error_type": "not_found"}}), ErrorKind::NoEndpoint),
        (json!({"message": "m", "error_type": "permission_denied"}), ErrorKind::PermissionDenied),
    ] {
        let failure = chat(Script::json(200, json!({ "error": error }).to_string())).await;
        assert_eq!((failure.kind(), failure.retry()), (kind, RetryAdvice::Never), "{error}");
    }
}
