//! Writes a completion as one JSON body, after white space that keeps the connection alive.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::answer::{Answer, FinishReason, ToolCall};
use crate::completion::{Completion, empty_body, error_envelope};
use crate::scripted_body::{COMMENT_INTERVAL, FLUSH_DELAY, Step, pause_with};
use crate::tokens;

const KEEP_ALIVE: &str = "\n         \n";

/// The script of a JSON body.
pub(crate) fn script(completion: &Completion) -> Vec<Step> {
    let mut steps = vec![Step::send(KEEP_ALIVE)];
    if completion.failure_name() == "slow-first-token" {
        steps.extend(pause_with(completion.slow_first_token, KEEP_ALIVE));
    }
    let tokens = u32::try_from(completion.usage.completion_tokens).unwrap_or(u32::MAX);
    steps.extend(pause(completion.token_delay.saturating_mul(tokens)));
    let whole = || body(completion).to_string();
    match completion.failure_name() {
        "error-200" => return vec![Step::send(error_envelope(&completion.user_id).to_string())],
        "empty" => steps.push(Step::send(empty_body(completion.created).to_string())),
        "choice-error" | "mid-stream-error" | "mid-stream-rate-limit" | "context-length-mid-stream" => {
            steps.push(Step::send(failed_choice(completion).to_string()));
        }
        "mid-stream-error-bare" => {
            let mut body = empty_body(completion.created);
            body["error"] = completion.mid_stream_error();
            steps.push(Step::send(body.to_string()));
        }
        "truncated" => steps.push(Step::send(first_half(&whole()))),
        "reset" => steps.extend([Step::send(first_half(&whole())), Step::Pause(FLUSH_DELAY), Step::Abort]),
        "stall" => steps.push(Step::Hang),
        "stall-comments" => steps.push(Step::Repeat(KEEP_ALIVE.into(), COMMENT_INTERVAL)),
        _ => steps.push(Step::send(whole())),
    }
    steps
}

fn pause(time: Duration) -> Option<Step> {
    (!time.is_zero()).then_some(Step::Pause(time))
}

fn first_half(text: &str) -> &str {
    let (middle, _) = text.char_indices().nth(text.chars().count() / 2).unwrap_or_default();
    &text[..middle]
}

fn body(completion: &Completion) -> Value {
    let mut body = completion.head("chat.completion");
    body.extend(completion.fingerprint.clone().map(|value| ("system_fingerprint".to_owned(), value)));
    body.insert("service_tier".into(), completion.service_tier.clone());
    body.insert("choices".into(), json!([choice(completion)]));
    body.insert("usage".into(), completion.usage.to_json());
    body.extend(completion.plugin_fields());
    body.extend(completion.metadata.clone().map(|value| ("openrouter_metadata".to_owned(), value)));
    Value::Object(body)
}

/// A body with half of the answer, and an error in the choice.
fn failed_choice(completion: &Completion) -> Value {
    let mut partial = completion.clone();
    partial.answer.truncate((completion.answer.token_count() / 2).max(1));
    partial.answer.finish = FinishReason::Error;
    let mut body = body(&partial);
    body["choices"][0]["error"] = completion.mid_stream_error();
    body
}

fn choice(completion: &Completion) -> Value {
    let answer = &completion.answer;
    let logprobs = match (completion.logprobs.clone(), &answer.content) {
        (Some(mut logprobs), Some(content)) => logprobs.of(&tokens::split(content)),
        _ => Value::Null,
    };
    json!({
        "index": 0,
        "logprobs": logprobs,
        "finish_reason": answer.finish.normalized(),
        "native_finish_reason": completion.native_finish_reason(answer.finish),
        "message": message(answer),
    })
}

fn message(answer: &Answer) -> Value {
    let mut message = Map::new();
    message.insert("role".into(), "assistant".into());
    message.insert("content".into(), answer.content.clone().into());
    message.insert("refusal".into(), answer.refusal.clone().into());
    match &answer.reasoning {
        None => {
            message.insert("reasoning".into(), Value::Null);
        }
        Some(reasoning) => {
            message.extend(reasoning.shown().map(|text| ("reasoning".to_owned(), text.into())));
            let details = reasoning.details();
            if !details.is_empty() {
                message.insert("reasoning_details".into(), details.into());
            }
        }
    }
    if !answer.tool_calls.is_empty() {
        let calls: Vec<Value> = answer.tool_calls.iter().enumerate().map(tool_call).collect();
        message.insert("tool_calls".into(), calls.into());
    }
    if !answer.annotations.is_empty() {
        message.insert("annotations".into(), answer.annotations.clone().into());
    }
    if !answer.images.is_empty() {
        message.insert("images".into(), images(&answer.images));
    }
    Value::Object(message)
}

fn tool_call((index, call): (usize, &ToolCall)) -> Value {
    json!({
        "type": "function",
        "index": index,
        "id": call.id,
        "function": {"name": call.name, "arguments": call.arguments},
    })
}

/// The images of a message or delta.
pub(crate) fn images(urls: &[String]) -> Value {
    urls.iter().map(|url| json!({"type": "image_url", "image_url": {"url": url}})).collect()
}
