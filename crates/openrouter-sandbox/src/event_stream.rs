//! Writes a completion as an event stream: comments, chunks, `[DONE]`, and the failures of streams.

use serde_json::{Map, Value, json};

use crate::answer::FinishReason;
use crate::completion::{Completion, empty_body};
use crate::json_body::images;
use crate::scripted_body::{COMMENT_INTERVAL, FLUSH_DELAY, Step, pause_with};
use crate::tokens;

const COMMENT: &str = ": OPENROUTER PROCESSING\n\n";
const DONE: &str = "data: [DONE]\n\n";

/// The script of a stream.
pub(crate) fn script(completion: &Completion) -> Vec<Step> {
    let failure = completion.failure_name();
    let mut rng = completion.rng.clone();
    let mut steps = vec![Step::send(COMMENT)];
    if rng.one_in(3) {
        steps.push(Step::send(COMMENT));
    }
    if failure == "slow-first-token" {
        steps.extend(pause_with(completion.slow_first_token, COMMENT));
    }
    steps.extend(completion.echo.as_ref().map(|echo| event(&echo_chunk(completion, echo))));
    if failure == "empty" {
        steps.extend([event(&empty_body(completion.created)), Step::send(DONE)]);
        return steps;
    }
    if completion.is_held_back() {
        // The plugin checks whole answers: no token is sent before.
        let error = completion.alignment_error().into_error();
        steps.extend([
            event(&error_chunk(completion, error)),
            event(&usage_chunk(completion)),
            Step::send(DONE),
        ]);
        return steps;
    }

    let mut chunks = deltas(completion);
    if ends_early(failure) {
        chunks.truncate((chunks.len() / 2).max(1));
    }
    for (count, chunk) in chunks.iter().enumerate() {
        if !completion.token_delay.is_zero() {
            steps.push(Step::Pause(completion.token_delay));
        }
        if count > 0 && rng.one_in(16) {
            steps.push(Step::send(COMMENT));
        }
        steps.push(event(chunk));
    }
    match failure {
        "choice-error" | "mid-stream-error" | "mid-stream-rate-limit" | "context-length-mid-stream" => {
            steps.extend([event(&error_chunk(completion, completion.mid_stream_error())), Step::send(DONE)]);
        }
        "mid-stream-error-bare" => {
            steps
                .push(event(&json!({"error": completion.mid_stream_error(), "user_id": completion.user_id})));
        }
        "truncated" => {}
        "reset" => steps.extend([Step::Pause(FLUSH_DELAY), Step::Abort]),
        "stall" => steps.push(Step::Hang),
        "stall-comments" => steps.push(Step::Repeat(COMMENT.into(), COMMENT_INTERVAL)),
        _ => {
            steps.extend([event(&finish_chunk(completion, false)), event(&finish_chunk(completion, true))]);
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
fn chunk(
    completion: &Completion,
    delta: Value,
    logprobs: Value,
    finish: Option<FinishReason>,
) -> Map<String, Value> {
    let mut chunk = completion.head("chat.completion.chunk");
    if let Some(Value::String(fingerprint)) = &completion.fingerprint {
        chunk.insert("system_fingerprint".into(), fingerprint.clone().into());
    }
    let choice = json!({
        "index": 0,
        "delta": delta,
        "finish_reason": finish.map(FinishReason::normalized),
        "native_finish_reason": finish.map(|finish| completion.native_finish_reason(finish)),
        "logprobs": logprobs,
    });
    chunk.insert("choices".into(), json!([choice]));
    chunk
}

/// One chunk for each token, in the service's order: reasoning, citations, text, images, tool calls.
fn deltas(completion: &Completion) -> Vec<Value> {
    let answer = &completion.answer;
    let mut chunks = Vec::new();
    let mut push = |delta: Value, logprobs: Value| {
        chunks.push(Value::Object(chunk(completion, delta, logprobs, None)));
    };
    for (text, detail) in answer.reasoning.iter().flat_map(|reasoning| reasoning.deltas()) {
        let mut delta = json!({"role": "assistant", "content": "", "reasoning_details": [detail]});
        if let Some(text) = text {
            delta["reasoning"] = text.into();
        }
        push(delta, Value::Null);
    }
    for annotation in &answer.annotations {
        push(json!({"role": "assistant", "content": "", "annotations": [annotation]}), Value::Null);
    }
    let mut logprobs = completion.logprobs.clone();
    for token in answer.content.iter().flat_map(|text| tokens::split(text)) {
        let logprobs = logprobs.as_mut().map_or(Value::Null, |logprobs| logprobs.of(&[token]));
        push(json!({"role": "assistant", "content": token}), logprobs);
    }
    for token in answer.refusal.iter().flat_map(|text| tokens::split(text)) {
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
        for piece in tokens::split(&call.arguments) {
            fragment(json!({"index": index, "function": {"arguments": piece}}));
        }
    }
    chunks
}

/// A chunk with the finish reason. The service sends it twice: alone, and again with the usage.
fn finish_chunk(completion: &Completion, last: bool) -> Value {
    let delta = json!({"role": "assistant", "content": ""});
    let mut chunk = chunk(completion, delta, Value::Null, Some(completion.answer.finish));
    if last {
        chunk.insert("service_tier".into(), completion.service_tier.clone());
        chunk.insert("usage".into(), completion.usage.to_json());
        chunk.extend(completion.plugin_fields());
        chunk.extend(completion.metadata.clone().map(|value| ("openrouter_metadata".to_owned(), value)));
    }
    Value::Object(chunk)
}

fn error_chunk(completion: &Completion, error: Value) -> Value {
    let delta = json!({"role": "assistant", "content": ""});
    let mut chunk = chunk(completion, delta, Value::Null, Some(FinishReason::Error));
    chunk.insert("error".into(), error);
    Value::Object(chunk)
}

fn usage_chunk(completion: &Completion) -> Value {
    let mut chunk = completion.head("chat.completion.chunk");
    chunk.insert("choices".into(), json!([]));
    chunk.insert("usage".into(), completion.usage.to_json());
    Value::Object(chunk)
}

fn echo_chunk(completion: &Completion, upstream: &Value) -> Value {
    let mut chunk = completion.head("chat.completion.chunk");
    chunk.insert("choices".into(), json!([]));
    chunk.insert("debug".into(), json!({"echo_upstream_body": upstream}));
    Value::Object(chunk)
}
