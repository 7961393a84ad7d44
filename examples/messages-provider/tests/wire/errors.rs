//! Failures: their kinds, the advice, the service's words.

use std::time::Duration;

use messages_provider::MessagesCodec;
use provider_core::author::{ChatCodec, ResponseHead};
use provider_core::{Error, ErrorKind, RetryAdvice, Secret, TimeoutPhase};
use serde_json::json;

use crate::answers::streamed;

const KEY: &str = "sk-ant-0123456789";

fn error(status: u16, headers: &'static [(&'static str, &'static str)], body: &str) -> Error {
    MessagesCodec::default().decode_error(&ResponseHead::new(status, headers, Secret::new(KEY)), body)
}

#[test]
fn types_and_words_become_kinds() {
    for (status, own, words, kind) in [
        (401, "authentication_error", "invalid x-api-key", ErrorKind::Authentication),
        (402, "billing_error", "Check your payment details", ErrorKind::PaymentRequired),
        (400, "invalid_request_error", "Your credit balance is too low", ErrorKind::PaymentRequired),
        (403, "permission_error", "no", ErrorKind::PermissionDenied),
        (404, "not_found_error", "model: claude-x", ErrorKind::ModelNotFound),
        (404, "not_found_error", "Not found", ErrorKind::NotFound),
        (400, "invalid_request_error", "prompt is too long: 9 > 8", ErrorKind::ContextLength),
        (400, "invalid_request_error", "max_tokens: Field required", ErrorKind::InvalidRequest),
        (413, "request_too_large", "too large", ErrorKind::PayloadTooLarge),
        (429, "rate_limit_error", "slow down", ErrorKind::RateLimited),
        (500, "api_error", "Internal server error", ErrorKind::Server),
        (504, "timeout_error", "too slow", ErrorKind::Timeout),
        (529, "overloaded_error", "Overloaded", ErrorKind::Overloaded),
        (403, "news_error", "no", ErrorKind::PermissionDenied),
    ] {
        let body = json!({"type": "error", "error": {"type": own, "message": words}}).to_string();
        let error = error(status, &[], &body);
        assert_eq!((error.kind(), error.message(), error.code()), (kind, words, Some(own)), "{own}: {words}");
        assert_eq!(error.status(), Some(status));
        assert_eq!(error.timeout(), (kind == ErrorKind::Timeout).then_some(TimeoutPhase::Service));
    }
}

#[test]
fn error_has_the_wait_and_the_id_of_the_headers_and_no_key() {
    let body = json!({"error": {"type": "rate_limit_error", "message": format!("{KEY} is too quick")}});
    let error = error(429, &[("retry-after", "7"), ("request-id", "req_1")], &body.to_string());
    assert_eq!(error.retry(), RetryAdvice::After(Duration::from_secs(7)));
    assert_eq!((error.request_id(), error.message()), (Some("req_1"), "*** is too quick"));
}

#[test]
fn page_of_a_machine_on_the_way_is_read_by_its_status() {
    for body in ["<html>busy</html>", "busy", "", "{\"error\":{}}", "[]"] {
        assert_eq!(error(503, &[], body).kind(), ErrorKind::Overloaded, "{body}");
    }
}

#[test]
fn error_in_a_stream_keeps_the_answer_and_the_usage_behind_it() {
    let error = streamed(&[
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Half"}}),
        json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}),
        json!({"type": "message_delta", "delta": {"stop_reason": null}, "usage": {"output_tokens": 3}}),
    ]);
    let error = error.expect_err("an error");
    assert_eq!((error.kind(), error.message()), (ErrorKind::Overloaded, "Overloaded"));
    let partial = error.partial().expect("a part");
    assert_eq!((partial.text(), partial.usage.completion_tokens), ("Half", Some(3)));
}
