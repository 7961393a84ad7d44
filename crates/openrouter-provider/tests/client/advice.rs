//! The advice in an error: when to come back, what to do, what was tried before.

use std::time::Duration;

use fault_server::Script;
use provider_core::{ErrorKind, RetryAdvice};

use crate::support::chat;

#[tokio::test]
async fn waits_are_taken_from_wherever_the_service_puts_them() {
    let body = r#"{"error":{"code":429,"message":"slow down"}}"#;
    let seconds = |seconds| RetryAdvice::After(Duration::from_secs(seconds));
    for (name, value, retry) in [
        ("retry-after", "3", seconds(3)),
        ("retry-after-ms", "1500", RetryAdvice::After(Duration::from_millis(1500))),
        ("retry-after", "Thu, 01 Jan 1970 00:00:00 GMT", RetryAdvice::Now),
        ("retry-after", "soon", RetryAdvice::Now),
    ] {
        let error = chat(Script::json(429, body).header(name, value)).await.expect_err("a failure");
        assert_eq!(error.retry(), retry, "{name}: {value}");
    }
    for (name, value, retry) in [
        ("Retry-After", "3", seconds(3)),
        ("retry-after-ms", "250", RetryAdvice::After(Duration::from_millis(250))),
    ] {
        let body = format!(
            r#"{{"error":{{"code":429,"message":"slow","metadata":{{"headers":{{"{name}":"{value}"}}}}}}}}"#
        );
        assert_eq!(chat(Script::json(429, body)).await.expect_err("a failure").retry(), retry, "{name}");
    }
    let reset = std::time::SystemTime::now() + Duration::from_secs(100);
    let reset = reset.duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_millis();
    let body = format!(
        r#"{{"error":{{"code":429,"message":"free quota","metadata":{{"headers":{{"X-RateLimit-Reset":"{reset}"}}}}}}}}"#
    );
    let in_body = Script::json(429, body);
    let in_headers = Script::json(429, "{}").header("X-RateLimit-Reset", reset.to_string());
    for reply in [in_body, in_headers] {
        match chat(reply).await.expect_err("a failure").retry() {
            RetryAdvice::After(wait) => assert!((90..=100).contains(&wait.as_secs()), "{wait:?}"),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn what_to_do_is_said_where_it_is_known() {
    for (status, body, words) in [
        (
            402,
            r#"{"error":{"code":402,"message":"more credits, or fewer max_tokens"}}"#,
            "lower `max_tokens`",
        ),
        (
            404,
            r#"{"error":{"code":404,"message":"No endpoints found matching your data policy"}}"#,
            "privacy settings",
        ),
        (
            404,
            r#"{"error":{"message":"filtered","availability":{"code":"privacy_restricted","excluded_by":["data_policy:zdr"]}}}"#,
            "privacy settings",
        ),
        (
            404,
            r#"{"error":{"message":"filtered","availability":{"code":"constraint_filtered","excluded_by":["max_price"]}}}"#,
            "raise `max_price`",
        ),
        (
            400,
            r#"{"error":{"code":400,"message":"x is not a valid model ID","availability":{"code":"model_not_found","fallback_models":["a/b","c/d"]}}}"#,
            "ask another model: a/b, c/d",
        ),
        (
            404,
            r#"{"error":{"code":404,"message":"No endpoints found that support tool use"}}"#,
            "leave it out",
        ),
    ] {
        let error = chat(Script::json(status, body)).await.expect_err(body);
        assert!(error.next_step().is_some_and(|step| step.contains(words)), "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
    let error = chat(Script::json(500, "{}")).await.expect_err("a failure");
    assert_eq!(error.next_step(), None);
}

#[tokio::test]
async fn what_the_service_tried_before_is_told() {
    let body = r#"{"error":{"code":502,"message":"all failed","metadata":{"previous_errors":[
        {"provider":"Azure","code":"rate_limit_exceeded","status":429},{"provider":"OpenAI","code":503},7]}}}"#;
    let error = chat(Script::json(502, body)).await.expect_err("a failure");
    let told: Vec<_> = error
        .attempts()
        .iter()
        .map(|attempt| (attempt.upstream().and_then(|upstream| upstream.provider.as_deref()), attempt.kind()))
        .collect();
    assert_eq!(told[..2], [(Some("Azure"), ErrorKind::RateLimited), (Some("OpenAI"), ErrorKind::Overloaded)]);
}
