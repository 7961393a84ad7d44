//! The truth about failures: what a bad day on the wire becomes for the caller. Over real sockets, through
//! the public API.

use std::time::Duration;

use fault_server::{FaultServer, Script};
use openrouter_provider::OpenRouter;
use provider_core::{ErrorKind, RetryAdvice};

use crate::support::{chat, chunk, request, stream};

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
async fn an_error_inside_a_success_is_an_error() {
    for body in [
        r#"{"error":{"code":429,"message":"slow down"},"user_id":"u"}"#,
        r#"{"id":null,"choices":null,"error":{"code":"429","message":"slow down"}}"#,
        r#"{"id":"gen-1","choices":[{"message":{"content":""},"finish_reason":"error","error":{"code":429,"message":"slow down"}}]}"#,
    ] {
        for error in [
            chat(Script::json(200, body)).await.expect_err(body),
            stream(Script::json(200, body)).await.1.expect_err(body),
            stream(Script::events(format!("data: {body}\n\n"))).await.1.expect_err(body),
        ] {
            assert_eq!(error.kind(), ErrorKind::RateLimited, "{body}");
            assert_eq!((error.status(), error.code()), (Some(200), Some("429")), "{body}");
            assert_eq!(error.message(), "slow down");
        }
    }
}

#[tokio::test]
async fn a_success_without_an_answer_is_an_error() {
    for body in [
        r#"{"id":null,"choices":null,"created":1,"model":null,"usage":null}"#,
        r#"{"id":"gen-1"}"#,
        r#"{"choices":[]}"#,
        r#"{"choices":[{"message":{"role":"assistant","content":""},"finish_reason":null}]}"#,
    ] {
        let error = chat(Script::json(200, body)).await.expect_err(body);
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::EmptyResponse, true), "{body}");
    }
    let (_, end) = stream(Script::events("data: [DONE]\n\n")).await;
    assert_eq!(end.expect_err("nothing came").kind(), ErrorKind::EmptyResponse);
    let error = chat(Script::json(200, "<html>")).await.expect_err("no JSON");
    assert_eq!(error.kind(), ErrorKind::InvalidResponse);
    let error = chat(Script::json(200, " \n \n")).await.expect_err("only keep-alives");
    assert_eq!(error.kind(), ErrorKind::EmptyResponse);
}

#[tokio::test]
async fn a_stream_that_fails_on_the_way_keeps_what_came() {
    let usage = r#""usage":{"prompt_tokens":9,"completion_tokens":2,"total_tokens":11,"cost":0.001}"#;
    let ends = [
        format!(
            r#"{{"id":"gen-1","error":{{"code":502,"message":"lost it"}},"choices":[{{"delta":{{"content":""}},"finish_reason":"error"}}],{usage}}}"#
        ),
        format!(r#"{{"choices":[],"error":{{"code":502,"message":"lost it"}},{usage}}}"#),
        format!(r#"{{"error":{{"code":502,"message":"lost it"}},{usage}}}"#),
        format!(
            r#"{{"error":{{"code":"502","message":"lost it"}},"choices":[{{"delta":{{}},"finish_reason":null}}],{usage}}}"#
        ),
        format!(
            r#"{{"choices":[{{"delta":{{}},"finish_reason":"error","error":{{"code":502,"message":"lost it"}}}}],{usage}}}"#
        ),
    ];
    for end in ends {
        for tail in ["", "data: [DONE]\n\n"] {
            let body = format!("{}{}data: {end}\n\n{tail}", chunk("Hel"), chunk("lo"));
            let (text, outcome) = stream(Script::events(body)).await;
            let error = outcome.expect_err(&end);
            assert_eq!(
                (error.kind(), error.message(), error.code()),
                (ErrorKind::Upstream, "lost it", Some("502")),
                "{end}"
            );
            let partial = error.partial().expect("what came");
            assert_eq!((text.as_str(), partial.text()), ("Hello", "Hello"));
            assert_eq!(partial.usage.total_tokens, Some(11), "what was paid for is known: {end}");
            assert_eq!(error.generation_id(), Some("gen-1"));
        }
    }
    // Called an error by its event, whatever is in it.
    for data in [r#"{"message":"lost it"}"#, "lost it"] {
        let (_, outcome) =
            stream(Script::events(format!("{}event: error\ndata: {data}\n\n", chunk("Hi")))).await;
        assert_eq!(outcome.expect_err(data).message(), "lost it");
    }
}

#[tokio::test]
async fn a_stream_that_breaks_off_is_an_error_and_keeps_what_came() {
    let body = chunk("Hel") + &chunk("lo");
    for reply in [
        Script::events(body.clone()),
        Script::events(body.clone()).close(),
        Script::events(body.clone() + "data: {\"choices\":[{\"finish_rea"),
    ] {
        let (text, outcome) = stream(reply).await;
        let error = outcome.expect_err("no end came");
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Interrupted, true));
        assert_eq!(error.partial().expect("what came").text(), "Hello");
        assert_eq!(text, "Hello");
    }
    // With a finish reason the answer is complete, end mark or not.
    let finish = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
    let (_, outcome) = stream(Script::events(body + finish)).await;
    assert_eq!(outcome.expect("complete").text(), "Hello");
    // Cut inside a whole answer.
    let error = chat(Script::json(200, r#"{"id":"gen-1","choices":[{"mess"#)).await.expect_err("cut");
    assert_eq!(error.kind(), ErrorKind::Interrupted);
    let error =
        chat(Script::json(200, r#"{"id":"gen-1","cho"#).chunked().close()).await.expect_err("cut off");
    assert_eq!((error.kind(), error.model()), (ErrorKind::Interrupted, Some("openai/gpt-4o")));
}

#[tokio::test]
async fn a_frame_that_cannot_be_read_does_not_cost_the_answer_and_is_not_swallowed() {
    let finish = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    let (text, outcome) =
        stream(Script::events(chunk("Hel") + "data: {oops\n\n" + &chunk("lo") + finish)).await;
    let error = outcome.expect_err("one frame was unreadable");
    assert_eq!(error.kind(), ErrorKind::InvalidResponse);
    assert!(error.message().contains("event 2"), "{error}");
    assert_eq!((text.as_str(), error.partial().expect("the answer").text()), ("Hello", "Hello"));
}

#[tokio::test]
async fn odd_values_do_not_cost_the_answer() {
    let body = r#"{"id":17,"model":"m","created":"yesterday","provider":{"name":"x"},"choices":[{"index":"0",
        "message":{"content":"Hello","tool_calls":{},"reasoning":7,"annotations":3},"finish_reason":["stop"],
        "native_finish_reason":"eos","logprobs":[]}],"usage":{"prompt_tokens":"9","completion_tokens":2.0,
        "total_tokens":-1,"cost":"0.25","prompt_tokens_details":[]},"error":null}"#;
    let reply = chat(Script::json(200, body)).await.expect("an answer");
    assert_eq!((reply.text(), reply.id.as_deref()), ("Hello", Some("17")));
    assert_eq!((reply.usage.prompt_tokens, reply.usage.completion_tokens), (Some(9), Some(2)));
    assert_eq!(
        (reply.usage.total_tokens, reply.usage.cost.map(|cost| cost.to_string())),
        (None, Some("0.25".into()))
    );
    assert_eq!((reply.finish_reason, reply.native_finish_reason.as_deref()), (None, Some("eos")));
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
