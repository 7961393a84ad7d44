//! The truth about failures: what a bad day on the wire becomes for the caller. Over real sockets, through
//! the public API.

use std::time::Duration;

use fault_server::{FaultServer, Script};
use openrouter_provider::OpenRouter;
use provider_core::{ErrorKind, RetryAdvice};

use crate::support::{chat, request, stream};

#[tokio::test]
async fn statuses_become_kinds() {
    use ErrorKind::*;
    let cases = [
        (
            400,
            r#"{"error":{"code":400,"message":"temperature is too high"}}"#,
            InvalidRequest,
            RetryAdvice::Never,
        ),
        (
            400,
            r#"{"error":{"code":400,"message":"acme/nope is not a valid model ID"}}"#,
            ModelNotFound,
            RetryAdvice::Never,
        ),
        (
            400,
            r#"{"error":{"code":400,"message":"This endpoint's maximum context length is 10 tokens"}}"#,
            ContextLength,
            RetryAdvice::Never,
        ),
        (
            400,
            r#"{"error":{"code":400,"message":"too long","metadata":{"error_type":"context_length_exceeded"}}}"#,
            ContextLength,
            RetryAdvice::Never,
        ),
        (
            401,
            r#"{"error":{"code":401,"message":"No auth credentials found"}}"#,
            Authentication,
            RetryAdvice::Never,
        ),
        (
            402,
            r#"{"error":{"code":402,"message":"more credits, or fewer max_tokens"}}"#,
            PaymentRequired,
            RetryAdvice::Never,
        ),
        (403, r#"{"error":{"code":403,"message":"not allowed here"}}"#, PermissionDenied, RetryAdvice::Never),
        (
            403,
            r#"{"error":{"code":403,"message":"flagged","metadata":{"reasons":["violence"],"flagged_input":"…"}}}"#,
            ContentPolicy,
            RetryAdvice::Never,
        ),
        (
            404,
            r#"{"error":{"code":404,"message":"No endpoints found that support tool use"}}"#,
            UnsupportedFeature,
            RetryAdvice::Never,
        ),
        (
            404,
            r#"{"error":{"code":404,"message":"No endpoints found for meta-llama/llama-3.1-405b-instruct."}}"#,
            ModelNotFound,
            RetryAdvice::Never,
        ),
        (
            404,
            r#"{"error":{"code":404,"message":"No endpoints found matching your data policy"}}"#,
            NoEndpoint,
            RetryAdvice::Never,
        ),
        (409, r#"{"error":{"code":409,"message":"conflict"}}"#, InvalidRequest, RetryAdvice::Now),
        (410, r#"{"error":{"code":410,"message":"gone"}}"#, InvalidRequest, RetryAdvice::Never),
        (408, r#"{"error":{"code":408,"message":"timed out"}}"#, Timeout, RetryAdvice::Now),
        (413, r#"{"error":{"code":413,"message":"too large"}}"#, PayloadTooLarge, RetryAdvice::Never),
        (429, r#"{"error":{"code":429,"message":"slow down"}}"#, RateLimited, RetryAdvice::Now),
        (500, r#"{"error":{"code":500,"message":"Internal Server Error"}}"#, Server, RetryAdvice::Now),
        (502, r#"{"error":{"code":502,"message":"Provider returned error"}}"#, Upstream, RetryAdvice::Now),
        (503, r#"{"error":{"message":"overloaded"}}"#, Overloaded, RetryAdvice::Now),
        (504, "", Timeout, RetryAdvice::Now),
        (524, "<html><body>A timeout occurred</body></html>", Timeout, RetryAdvice::Now),
        (529, "{}", Overloaded, RetryAdvice::Now),
        (418, r#"{"error":"short and stout"}"#, InvalidRequest, RetryAdvice::Never),
        (599, "not JSON at all", Server, RetryAdvice::Now),
        (
            404,
            r#"{"error":{"code":404,"message":"gone","availability":{"code":"model_deprecated","retryable":false}}}"#,
            ModelNotFound,
            RetryAdvice::Never,
        ),
        (
            503,
            r#"{"error":{"message":"wait","availability":{"code":"temporarily_unavailable","retryable":true,"retry_after":7}}}"#,
            Overloaded,
            RetryAdvice::After(Duration::from_secs(7)),
        ),
        (
            429,
            r#"{"error":{"message":"no use","availability":{"code":"capacity_exhausted","retryable":false}}}"#,
            RateLimited,
            RetryAdvice::Never,
        ),
    ];
    for (status, body, kind, retry) in cases {
        for streamed in [false, true] {
            let reply =
                Script::json(status, body).header("x-generation-id", "gen-7").header("cf-ray", "ray-9");
            let error = match streamed {
                true => stream(reply).await.1.expect_err(body),
                false => chat(reply).await.expect_err(body),
            };
            let context = format!("{status} {body}");
            assert_eq!((error.kind(), error.retry()), (kind, retry), "{context}");
            assert_eq!(error.status(), Some(status), "{context}");
            assert_eq!(error.provider(), Some("openrouter"), "{context}");
            assert_eq!(error.model(), Some("openai/gpt-4o"), "{context}");
            assert_eq!(error.generation_id(), Some("gen-7"), "{context}");
            assert_eq!(error.request_id(), Some("ray-9"), "{context}");
            assert!(!error.message().is_empty(), "{context}");
        }
    }
}

#[tokio::test]
async fn the_upstream_provider_is_named_and_quoted() {
    let cases = [
        (r#""raw":"{\"type\":\"error\",\"error\":{\"message\":\"bad picture\"}}""#, "bad picture"),
        (r#""raw":"temporarily out of capacity""#, "temporarily out of capacity"),
        (r#""raw":{"detail":"no such deployment"}"#, "no such deployment"),
        (r#""raw":"{\"code\":\"x\",\"error\":\"refused\"}""#, "refused"),
    ];
    for (raw, words) in cases {
        let body = format!(
            r#"{{"error":{{"code":502,"message":"Provider returned error","metadata":{{"provider_name":"Anthropic",{raw}}}}}}}"#
        );
        let error = chat(Script::json(502, body)).await.expect_err("a failure");
        let upstream = error.upstream().expect("an upstream provider");
        assert_eq!(upstream.provider.as_deref(), Some("Anthropic"));
        assert_eq!(upstream.message.as_deref(), Some(words));
        let shown = error.to_string();
        assert!(shown.contains(words) && shown.contains("Anthropic") && shown.contains("502"), "{shown}");
        assert!(error.details().is_some_and(|details| details.get().contains("provider_name")));
    }
}

#[tokio::test]
async fn what_is_shown_is_one_line() {
    let body = r#"{"error":{"code":502,"message":"first\nsecond\r\n","metadata":{"raw":"{\n  \"detail\": \"a\\tb\"\n}"}}}"#;
    let shown = chat(Script::json(502, body)).await.expect_err("a failure").to_string();
    assert!(shown.contains("first second; upstream says: a b"), "{shown}");
    assert!(!shown.contains(|c: char| c.is_control()), "{shown:?}");
}

#[tokio::test]
async fn nobody_there_is_said_so() {
    let client = OpenRouter::builder()
        .api_key("sk-or-v1-test")
        .base_url("http://127.0.0.1:9")
        .build()
        .expect("settings");
    let error = client.chat(&request()).await.expect_err("nobody listens");
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Connection, true));
    assert!(error.message().contains("http://127.0.0.1:9") && error.message().contains("refused"), "{error}");
    assert_eq!(error.model(), Some("openai/gpt-4o"));
}

#[tokio::test]
async fn a_redirect_is_refused_so_that_the_key_stays_where_it_is() {
    let other = FaultServer::always(Script::json(200, "{}")).await.expect("a free port");
    let reply = Script::json(307, "").header("location", format!("{}/chat/completions", other.url()));
    let error = chat(reply).await.expect_err("no redirects");
    assert_eq!((error.kind(), error.status()), (ErrorKind::InvalidResponse, Some(307)));
    assert!(other.requests().is_empty());
}
