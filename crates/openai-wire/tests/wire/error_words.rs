//! The meaning of an error's words, in every place and shape in which it can come: its kind, and what to do.

use std::time::Duration;

use provider_core::{Error, ErrorKind, RetryAdvice};
use serde_json::{Value, json};

use crate::support::{self, Reply, chunk};

async fn chat(reply: Reply) -> Error {
    support::chat(reply).await.expect_err("an error")
}

async fn stream(reply: Reply) -> Error {
    support::stream(reply).await.1.expect_err("an error")
}

/// An error as a refusal, as the whole of a success, and in a chunk of a stream that had begun.
async fn each_way(status: u16, error: &Value) -> [Error; 4] {
    let body = json!({ "error": error }).to_string();
    let begun = format!("{}data: {body}\n\n", chunk("Hel"));
    [
        chat(Reply::json(status, body.clone())).await,
        stream(Reply::json(status, body.clone())).await,
        chat(Reply::json(200, body)).await,
        stream(Reply::events(begun)).await,
    ]
}

#[tokio::test]
async fn words_that_mean_something_else_decide_nothing() {
    use ErrorKind::*;
    for (message, kind) in [
        ("The file file-abc does not exist or has expired.", InvalidRequest),
        ("The tool get_weather does not exist.", InvalidRequest),
        ("`top_k` is deprecated for this model.", UnsupportedFeature),
        (
            "max_tokens is too large: 90000. This model supports at most 16384 completion tokens",
            InvalidRequest,
        ),
        ("not a number: 'tell me when a prompt is too long'", InvalidRequest),
        ("An accurate limit exceeded what is allowed", InvalidRequest),
    ] {
        for failure in each_way(400, &json!({ "code": 400, "message": message })).await {
            assert_eq!((failure.kind(), failure.retry()), (kind, RetryAdvice::Never), "{failure}");
            assert_eq!(failure.message(), message);
        }
    }
}

#[tokio::test]
async fn a_message_that_is_json_is_told_in_its_words() {
    let wrapped = json!({
        "error": { "code": 429, "message": "Slow down, please.", "status": "RESOURCE_EXHAUSTED",
            "details": [{ "@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "26s" }] }
    });
    let error = json!({ "code": 429, "message": wrapped.to_string() });
    for failure in each_way(429, &error).await {
        assert_eq!((failure.kind(), failure.message()), (ErrorKind::RateLimited, "Slow down, please."));
        assert_eq!(failure.retry(), RetryAdvice::After(Duration::from_secs(26)));
        assert!(failure.details().is_some_and(|json| json.get().contains("RetryInfo")), "nothing is lost");
    }
    let error = json!({ "message": format!("Error code: 400 - {}", json!({ "error": { "message": "prompt is too long" } })) });
    for failure in each_way(400, &error).await {
        assert_eq!(
            (failure.kind(), failure.message()),
            (ErrorKind::ContextLength, "Error code: 400 - prompt is too long")
        );
    }
}

#[tokio::test]
async fn an_error_without_an_envelope_is_the_error_that_it_is() {
    use ErrorKind::*;
    for (status, body, kind, message) in [
        (
            404,
            json!({ "object": "error", "message": "The model `acme/none` does not exist.", "type": "NotFoundError", "code": 404 }),
            ModelNotFound,
            "The model `acme/none` does not exist.",
        ),
        (
            400,
            json!({ "object": "error", "message": "This model's maximum context length is 8 tokens.", "code": 400 }),
            ContextLength,
            "This model's maximum context length is 8 tokens.",
        ),
        (429, json!({ "message": "Too many requests", "request_id": "r" }), RateLimited, "Too many requests"),
        (400, json!({ "detail": "prompt is too long" }), ContextLength, "prompt is too long"),
        (
            422,
            json!({ "detail": [{ "loc": ["body"], "msg": "Field required", "type": "missing" }], "code": 422 }),
            InvalidRequest,
            "Field required",
        ),
        (
            429,
            json!({ "errors": [{ "code": 7, "message": "rate limit exceeded" }], "success": false }),
            RateLimited,
            "rate limit exceeded",
        ),
        (
            400,
            json!([{ "error": { "code": 400, "message": "prompt is too long" } }]),
            ContextLength,
            "prompt is too long",
        ),
        (
            403,
            json!({ "code": "no right", "error": "Content violates usage guidelines." }),
            ContentPolicy,
            "Content violates usage guidelines.",
        ),
        (429, json!({ "error": "rate limit exceeded" }), RateLimited, "rate limit exceeded"),
        (
            400,
            json!({ "type": "error", "message": "prompt is too long" }),
            ContextLength,
            "prompt is too long",
        ),
    ] {
        let text = body.to_string();
        for failure in [
            chat(Reply::json(status, text.clone())).await,
            chat(Reply::new(status, "text/event-stream", format!("event: error\ndata: {text}\n\n"))).await,
            chat(Reply::json(200, text.clone())).await,
            stream(Reply::json(200, text.clone())).await,
            stream(Reply::events(format!("data: {text}\n\n"))).await,
            stream(Reply::events(format!("data: {text}\n\ndata: [DONE]\n\n"))).await,
            stream(Reply::events(format!("event: error\ndata: {text}\n\n"))).await,
        ] {
            assert_eq!((failure.kind(), failure.message()), (kind, message), "{text}");
            assert!(!failure.to_string().contains("base_url"), "{failure}");
        }
    }
    let error = chat(Reply::new(400, "text/plain", "prompt is too long")).await;
    assert_eq!((error.kind(), error.message()), (ErrorKind::ContextLength, "prompt is too long"));
}

#[tokio::test]
async fn an_answer_that_tells_how_it_went_is_an_error_if_it_went_wrong() {
    use ErrorKind::*;
    for (code, text, kind, is_retryable) in [
        (1008, "insufficient balance", PaymentRequired, false),
        (1002, "slow", RateLimited, true),
        (2049, "wrong", Authentication, false),
        (1027, "output new_sensitive", ContentPolicy, false),
        (2013, "invalid params, context window exceeds limit", ContextLength, false),
        (7, "odd", Upstream, true),
    ] {
        for choices in [json!(null), json!([])] {
            let told = json!({ "status_code": code, "status_msg": text });
            let body = json!({ "id": "x", "choices": choices, "base_resp": told }).to_string();
            let events = format!("data: {body}\n\ndata: [DONE]\n\n");
            for error in [chat(Reply::json(200, body)).await, stream(Reply::events(events)).await] {
                assert_eq!((error.kind(), error.message()), (kind, text), "{error}");
                assert_eq!(error.is_retryable(), is_retryable, "{error}");
            }
        }
    }
    let well = json!({ "status_code": 0, "status_msg": "success" });
    let answer = json!({ "choices": [{ "message": { "content": "Hi" }, "finish_reason": "stop" }], "base_resp": well });
    let answer = support::chat(Reply::json(200, answer.to_string())).await.expect("an answer");
    assert_eq!(answer.text(), "Hi");
}

#[tokio::test]
async fn what_looks_like_an_error_and_is_followed_by_an_answer_is_none() {
    let finish = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
    for odd in [
        r#"{"message":"warming up"}"#,
        r#"{"choices":[],"message":"nothing yet","detail":"x"}"#,
        r#"{"model":"m","message":{"role":"assistant","content":""}}"#,
    ] {
        let body = format!("data: {odd}\n\n{}{finish}", chunk("Hello"));
        let reply = support::stream(Reply::events(body)).await.1.expect(odd);
        assert_eq!(reply.text(), "Hello", "{odd}");
    }
}

#[tokio::test]
async fn a_wrong_address_is_told_as_one_though_it_is_said_in_json() {
    for body in [
        json!({ "error": { "message": "Invalid URL (POST /v1/v1/chat/completions)", "type": "invalid_request_error" } }),
        json!({ "detail": "Not Found" }),
        json!({ "statusCode": 404, "message": "Cannot POST /chat/completions", "error": "Not Found" }),
        json!({ "message": "no Route matched with those values" }),
    ] {
        let error = chat(Reply::json(404, body.to_string())).await;
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
        assert!(error.to_string().contains("base_url"), "{error}");
    }
}

#[tokio::test]
async fn the_most_telling_word_decides_wherever_it_stands() {
    use ErrorKind::*;
    for (error, kind) in [
        // The code, beside a type that says less.
        (
            json!({ "code": "context_length_exceeded", "type": "invalid_request_error", "message": "You passed 9 of 8." }),
            ContextLength,
        ),
        (
            json!({ "code": "model_not_found", "type": "invalid_request_error", "message": "No." }),
            ModelNotFound,
        ),
        // The words, beside a code that says less.
        (json!({ "code": 400, "message": "prompt is too long: 9 tokens > 8 maximum" }), ContextLength),
        (json!({ "code": 400, "message": "acme/one:2b does not support images" }), UnsupportedFeature),
        (
            json!({ "code": "data_inspection_failed", "message": "Input text data may contain inappropriate content." }),
            ContentPolicy,
        ),
    ] {
        for failure in each_way(400, &error).await {
            assert_eq!((failure.kind(), failure.retry()), (kind, RetryAdvice::Never), "{error}: {failure}");
        }
    }
}
