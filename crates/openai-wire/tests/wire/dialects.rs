//! A service that has other names than most: for the wait in a header, and for the reasoning.

use std::sync::Arc;
use std::time::Duration;

use openai_wire::error::{self, WireError};
use openai_wire::{ChatDecoder, Dialect, decode, encode};
use provider_core::author::{DecodeError, Frame, FrameDecoder, ResponseAccumulator, ResponseHead};
use provider_core::{ChatRequest, ChatResponse, Message, RetryAdvice, Secret};
use serde_json::{Value, json};

#[derive(Debug)]
struct Boreal;

impl Dialect for Boreal {
    fn provider(&self) -> &str {
        "boreal"
    }

    fn reasoning_field(&self) -> &'static str {
        "ponder"
    }

    fn read_error_head(&self, head: &ResponseHead, out: &mut WireError) {
        let millis = head.header("x-boreal-wait-ms").and_then(|millis| millis.parse().ok());
        out.retry_after = millis.map(Duration::from_millis).or(out.retry_after);
    }
}

const WAIT: &[(&str, &str)] = &[("x-boreal-wait-ms", "1500"), ("retry-after", "9")];

fn head(status: u16) -> ResponseHead {
    ResponseHead::new(status, WAIT, Secret::new("sk-key"))
}

fn decoder() -> ChatDecoder<Boreal> {
    ChatDecoder::new(Arc::new(Boreal), head(200))
}

fn whole(body: &str) -> ChatResponse {
    let (mut decoder, mut out) = (decoder(), ResponseAccumulator::without_events());
    decoder.decode_body(body, &mut out).expect("an answer");
    decoder.finish(&mut out).expect("an end");
    out.finish().expect("an answer")
}

/// Decodes chunks with these deltas, and returns the answer and how many bytes repeated.
fn streamed(deltas: &[Value]) -> (ChatResponse, usize) {
    let (mut decoder, mut out) = (decoder(), ResponseAccumulator::without_events());
    for delta in deltas {
        let chunk = json!({ "id": "1", "model": "m", "choices": [{ "index": 0, "delta": delta }] });
        decoder.decode(Frame::new(chunk.to_string()), &mut out).expect("a chunk");
    }
    let end = r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#;
    decoder.decode(Frame::new(end), &mut out).expect("the end");
    decoder.finish(&mut out).expect("an end");
    let repeated = decoder.repeated_bytes();
    (out.finish().expect("an answer"), repeated)
}

#[test]
fn wait_in_a_services_own_header_is_heeded_in_every_error() {
    let after = RetryAdvice::After(Duration::from_millis(1500));
    for (status, body) in [
        (429, r#"{"error":{"message":"Slow down","code":429}}"#),
        (429, r#"{"message":"Slow down"}"#),
        (503, "<html>busy</html>"),
        (503, ""),
        (529, "busy"),
    ] {
        let error = error::from_response(&head(status), body, &Boreal);
        assert_eq!(error.retry(), after, "{status} {body}");
    }
    // Inside a success, whole and streamed.
    let body = r#"{"error":{"message":"Slow down","code":429}}"#;
    let reported = |result: Result<(), DecodeError>| result.expect_err("an error").into_error().retry();
    let mut out = ResponseAccumulator::without_events();
    assert_eq!(reported(decoder().decode_body(body, &mut out)), after);
    assert_eq!(reported(decoder().decode(Frame::new(body), &mut out).map(drop)), after);
    // A failure that another try cannot mend stays one.
    let error = error::from_response(&head(401), r#"{"error":{"message":"no such key"}}"#, &Boreal);
    assert_eq!(error.retry(), RetryAdvice::Never);
}

#[test]
fn reasoning_under_a_dialects_name_is_read_whole_and_streamed() {
    let reply = whole(
        r#"{"choices":[{"message":{"ponder":"Let me s\u00e9e.","content":"Hi"},"finish_reason":"stop"}]}"#,
    );
    assert_eq!((reply.message.reasoning.as_deref(), reply.text()), (Some("Let me sée."), "Hi"));
    assert!(reply.message.extra.is_empty());

    let deltas: Vec<Value> = ["Let ", "me ", "\"see\"", ".\n"].map(|text| json!({ "ponder": text })).into();
    let (reply, repeated) = streamed(&deltas);
    assert_eq!(reply.message.reasoning.as_deref(), Some("Let me \"see\".\n"));
    assert!(reply.message.extra.is_empty());
    assert!(repeated > 0, "chunks of reasoning match the one before, as those of all names do");
}

#[test]
fn reasoning_under_the_usual_names_counts_before_a_dialects() {
    for name in ["reasoning", "reasoning_content", "reasoning_text", "thinking"] {
        let (reply, _) =
            streamed(&[json!({ (name): "a", "ponder": "b" }), json!({ (name): "", "ponder": "c" })]);
        assert_eq!(reply.message.reasoning.as_deref(), Some("ac"), "{name}");
        assert_eq!(reply.message.extra.get("ponder").map(|json| json.get()), Some(r#""b""#), "{name}");
    }
}

#[test]
fn value_that_is_no_text_stays_under_a_dialects_name() {
    let odd = json!({ "content": "Hi", "ponder": { "a": 1 } });
    let (reply, _) = streamed(&[odd, json!({ "content": "", "ponder": "Hm" })]);
    assert_eq!(reply.message.reasoning.as_deref(), Some("Hm"));
    assert_eq!(reply.message.extra.get("ponder").map(|json| json.get()), Some(r#"{"a":1}"#));
}

#[test]
fn reasoning_goes_back_and_is_read_back_under_a_dialects_name() {
    let (mut reply, _) = streamed(&[json!({ "ponder": "Hm", "content": "Hi" })]);
    reply.message.made_by = Some("m".to_owned());
    let request = ChatRequest::new("m").user("Hello").message(Message::from(reply.message)).user("And?");
    let body = encode(&request, false, &Boreal).expect("a good request");
    let sent: Value = serde_json::from_slice(&body).expect("JSON");
    assert_eq!(sent["messages"][1]["ponder"], "Hm");
    assert_eq!(sent["messages"][1].get("reasoning"), None);

    let text = String::from_utf8(body).expect("UTF-8");
    let read = decode(&text, &Boreal).expect("a body").request;
    let Message::Assistant(message) = &read.messages[1] else { panic!("no assistant: {read:?}") };
    assert_eq!(message.reasoning.as_deref(), Some("Hm"));
    assert_eq!(encode(&read, false, &Boreal).expect("a good request"), text.into_bytes());

    // With both names the message stays as it is.
    let both =
        r#"{"model":"m","messages":[{"role":"assistant","content":"Hi","ponder":"a","reasoning":"b"}]}"#;
    let read = decode(both, &Boreal).expect("a body").request;
    assert_eq!(encode(&read, false, &Boreal).expect("a good request"), both.as_bytes());
}
