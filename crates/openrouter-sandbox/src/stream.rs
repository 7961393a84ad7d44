//! The answer as an event stream: comments, chunks, `[DONE]`, and the ways a stream can end badly.

use serde_json::{Map, Value, json};

use crate::answer::Finish;
use crate::completion::images;
use crate::exchange::{Exchange, empty_body};
use crate::playback::{FLUSH, HEARTBEAT, Step, split_pause};
use crate::tokens;

const COMMENT: &str = ": OPENROUTER PROCESSING\n\n";
const DONE: &str = "data: [DONE]\n\n";

/// The steps of a stream.
pub(crate) fn script(exchange: &Exchange) -> Vec<Step> {
    let failure = exchange.failure_name();
    let mut dice = exchange.dice.clone();
    let mut steps = vec![Step::send(COMMENT)];
    if dice.one_in(3) {
        steps.push(Step::send(COMMENT));
    }
    if failure == "slow-first-token" {
        steps.extend(split_pause(exchange.slow_first_token, COMMENT));
    }
    steps.extend(exchange.echo.as_ref().map(|echo| event(&echo_chunk(exchange, echo))));
    if failure == "empty" {
        steps.extend([event(&empty_body(exchange.created)), Step::send(DONE)]);
        return steps;
    }
    if failure == "alignment" {
        // The answer was checked as a whole, and not a word of it is sent.
        let error = exchange.alignment_error().into_error();
        steps.extend([event(&error_chunk(exchange, error)), event(&usage_chunk(exchange)), Step::send(DONE)]);
        return steps;
    }

    let mut chunks = deltas(exchange);
    if ends_early(failure) {
        chunks.truncate((chunks.len() / 2).max(1));
    }
    for (count, chunk) in chunks.iter().enumerate() {
        if !exchange.token_delay.is_zero() {
            steps.push(Step::Pause(exchange.token_delay));
        }
        if count > 0 && dice.one_in(16) {
            steps.push(Step::send(COMMENT));
        }
        steps.push(event(chunk));
    }
    match failure {
        "choice-error" | "mid-stream-error" | "mid-stream-rate-limit" | "context-length-mid-stream" => {
            steps.extend([event(&error_chunk(exchange, exchange.midway_error())), Step::send(DONE)]);
        }
        "mid-stream-error-bare" => {
            steps.push(event(&json!({"error": exchange.midway_error(), "user_id": exchange.user_id})));
        }
        "truncated" => {}
        "reset" => steps.extend([Step::Pause(FLUSH), Step::Abort]),
        "stall" => steps.push(Step::Hang),
        "stall-comments" => steps.push(Step::Repeat(COMMENT.into(), HEARTBEAT)),
        _ => {
            steps.extend([event(&finish_chunk(exchange, false)), event(&finish_chunk(exchange, true))]);
            if failure != "no-done" {
                steps.push(Step::send(DONE));
            }
        }
    }
    steps
}

fn ends_early(failure: &str) -> bool {
    matches!(
        failure,
        "choice-error"
            | "mid-stream-error"
            | "mid-stream-error-bare"
            | "mid-stream-rate-limit"
            | "context-length-mid-stream"
            | "truncated"
            | "reset"
            | "stall"
            | "stall-comments"
    )
}

fn event(chunk: &Value) -> Step {
    Step::send(format!("data: {chunk}\n\n"))
}

/// A chunk with one choice.
fn chunk(exchange: &Exchange, delta: Value, logprobs: Value, finish: Option<Finish>) -> Map<String, Value> {
    let mut chunk = exchange.head("chat.completion.chunk");
    if let Some(Value::String(fingerprint)) = &exchange.fingerprint {
        chunk.insert("system_fingerprint".into(), fingerprint.clone().into());
    }
    let choice = json!({
        "index": 0,
        "delta": delta,
        "finish_reason": finish.map(Finish::normalized),
        "native_finish_reason": finish.map(|finish| exchange.native_finish(finish)),
        "logprobs": logprobs,
    });
    chunk.insert("choices".into(), json!([choice]));
    chunk
}

/// One chunk per token, in the order of the real thing: thoughts, citations, text, pictures, tool calls.
fn deltas(exchange: &Exchange) -> Vec<Value> {
    let answer = &exchange.answer;
    let mut chunks = Vec::new();
    let mut push = |delta: Value, logprobs: Value| {
        chunks.push(Value::Object(chunk(exchange, delta, logprobs, None)));
    };
    for (text, detail) in answer.thought.iter().flat_map(|thought| thought.deltas()) {
        let mut delta = json!({"role": "assistant", "content": "", "reasoning_details": [detail]});
        if let Some(text) = text {
            delta["reasoning"] = text.into();
        }
        push(delta, Value::Null);
    }
    for annotation in &answer.annotations {
        push(json!({"role": "assistant", "content": "", "annotations": [annotation]}), Value::Null);
    }
    let mut logprobs = exchange.logprobs.clone();
    for token in answer.content.iter().flat_map(|text| tokens::pieces(text)) {
        let logprobs = logprobs.as_mut().map_or(Value::Null, |logprobs| logprobs.of(&[token]));
        push(json!({"role": "assistant", "content": token}), logprobs);
    }
    for token in answer.refusal.iter().flat_map(|text| tokens::pieces(text)) {
        push(json!({"role": "assistant", "content": "", "refusal": token}), Value::Null);
    }
    for image in &answer.images {
        let images = images(std::slice::from_ref(image));
        push(json!({"role": "assistant", "content": "", "images": images}), Value::Null);
    }
    for (index, call) in answer.tool_calls.iter().enumerate() {
        let mut fragment = |part: Value| {
            push(json!({"role": "assistant", "content": null, "tool_calls": [part]}), Value::Null);
        };
        fragment(json!({
            "index": index,
            "id": call.id,
            "type": "function",
            "function": {"name": call.name, "arguments": ""},
        }));
        for piece in tokens::pieces(&call.arguments) {
            fragment(json!({"index": index, "function": {"arguments": piece}}));
        }
    }
    chunks
}

/// The finish reason, which arrives twice: alone, and again with the usage.
fn finish_chunk(exchange: &Exchange, last: bool) -> Value {
    let delta = json!({"role": "assistant", "content": ""});
    let mut chunk = chunk(exchange, delta, Value::Null, Some(exchange.answer.finish));
    if last {
        chunk.insert("service_tier".into(), exchange.service_tier.clone());
        chunk.insert("usage".into(), exchange.usage.to_json());
        chunk.extend(exchange.metadata.clone().map(|value| ("openrouter_metadata".to_owned(), value)));
    }
    Value::Object(chunk)
}

fn error_chunk(exchange: &Exchange, error: Value) -> Value {
    let delta = json!({"role": "assistant", "content": ""});
    let mut chunk = chunk(exchange, delta, Value::Null, Some(Finish::Error));
    chunk.insert("error".into(), error);
    Value::Object(chunk)
}

fn usage_chunk(exchange: &Exchange) -> Value {
    let mut chunk = exchange.head("chat.completion.chunk");
    chunk.insert("choices".into(), json!([]));
    chunk.insert("usage".into(), exchange.usage.to_json());
    Value::Object(chunk)
}

fn echo_chunk(exchange: &Exchange, upstream: &Value) -> Value {
    let mut chunk = exchange.head("chat.completion.chunk");
    chunk.insert("choices".into(), json!([]));
    chunk.insert("debug".into(), json!({"echo_upstream_body": upstream}));
    Value::Object(chunk)
}
