//! Anthropic's messages.

use provider_core::{ChatRequest, RawJson};
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    Failure, Piece, Reason, Route, SentCall, SentMessage, Spelling, Tokens, Wire, spellings_of_events,
};

/// Anthropic's messages (`POST …/messages`): an SSE stream of named events, ended by `message_stop`. Every
/// request needs `max_tokens`, so the kit sets it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Messages;

/// The number of the block of text, which begins with the answer.
const TEXT: usize = 0;
/// The number of a block of thoughts. The blocks of tool calls follow it.
const THOUGHT: usize = 1;
const CALLS: usize = 2;

impl Wire for Messages {
    fn name(&self) -> &'static str {
        "messages"
    }

    fn content_type(&self) -> &'static str {
        "text/event-stream"
    }

    fn route(&self, method: &str, path: &str) -> Route {
        let path = path.split('?').next().unwrap_or_default();
        match method {
            "POST" if path.ends_with("/messages") => Route::Chat,
            "GET" if path.ends_with("/models") => Route::Models,
            _ => Route::Other,
        }
    }

    fn complete(&self, request: ChatRequest) -> ChatRequest {
        request.max_tokens(1024)
    }

    fn piece(&self, piece: &Piece<'_>) -> Option<String> {
        Some(match piece {
            Piece::Begin { id, model } => {
                let message = json!({
                    "id": id, "type": "message", "role": "assistant", "model": model, "content": [],
                    "stop_reason": null, "usage": {"output_tokens": 1},
                });
                event("message_start", json!({ "message": message }))
                    + &start(TEXT, json!({"type": "text", "text": ""}))
            }
            Piece::Text(text) => delta(TEXT, json!({"type": "text_delta", "text": text})),
            Piece::Thought(text) => {
                start(THOUGHT, json!({"type": "thinking", "thinking": ""}))
                    + &delta(THOUGHT, json!({"type": "thinking_delta", "thinking": text}))
                    + &stop(THOUGHT)
            }
            Piece::Call { index, id, name, arguments } => {
                let begin =
                    start(CALLS + index, json!({"type": "tool_use", "id": id, "name": name, "input": {}}));
                begin + &input(*index, arguments)
            }
            Piece::Arguments { index, arguments } => input(*index, arguments),
            Piece::WholeCall { index, id, name, arguments } => {
                let begin =
                    start(CALLS + index, json!({"type": "tool_use", "id": id, "name": name, "input": {}}));
                begin + &input(*index, arguments) + &stop(CALLS + index)
            }
            Piece::Finish(reason, tokens) => {
                let end = json!({"delta": {"stop_reason": word(*reason)}, "usage": tokens.map(usage)});
                stop(TEXT) + &event("message_delta", end)
            }
            Piece::End => event("message_stop", json!({})),
            Piece::KeepAlive => event("ping", json!({})),
            Piece::Garbage(text) => format!("event: content_block_delta\ndata: {{\"delta\": {text}\n\n"),
            Piece::Error { failure, words, code } => {
                format!("event: error\ndata: {}\n\n", self.refusal(*failure, words, code).1)
            }
            Piece::Usage(tokens) => {
                event("message_delta", json!({"delta": {"stop_reason": null}, "usage": usage(*tokens)}))
            }
        })
    }

    fn whole(&self, answer: &[Piece<'_>]) -> Option<String> {
        let (mut id, mut model, mut text, mut thought) = ("", "", String::new(), String::new());
        let mut calls: Vec<(&str, &str, String)> = Vec::new();
        let (mut stop_reason, mut tokens) = (None, None);
        for piece in answer {
            match piece {
                Piece::Begin { id: own, model: answering } => (id, model) = (own, answering),
                Piece::Text(piece) => text.push_str(piece),
                Piece::Thought(piece) => thought.push_str(piece),
                Piece::Call { id, name, arguments, .. } | Piece::WholeCall { id, name, arguments, .. } => {
                    calls.push((id, name, (*arguments).to_owned()));
                }
                Piece::Arguments { index, arguments } => calls.get_mut(*index)?.2.push_str(arguments),
                Piece::Finish(reason, used) => (stop_reason, tokens) = (Some(word(*reason)), *used),
                Piece::Usage(used) => tokens = Some(*used),
                Piece::End | Piece::KeepAlive => {}
                Piece::Garbage(_) | Piece::Error { .. } => return None,
            }
        }
        let mut content = Vec::new();
        if !thought.is_empty() {
            content.push(Block::Thinking { thinking: &thought, signature: "c2ln" });
        }
        content.push(Block::Text { text: &text });
        for (id, name, arguments) in &calls {
            content.push(Block::ToolUse { id, name, input: arguments.parse().ok()? });
        }
        let (kind, usage) = ("message", tokens.map(usage));
        let answer = Answer { id, kind, role: "assistant", model, content, stop_reason, usage };
        serde_json::to_string(&answer).ok()
    }

    fn refusal(&self, failure: Failure, words: &str, code: &str) -> (u16, String) {
        let (status, kind) = match failure {
            Failure::Authentication => (401, "authentication_error"),
            Failure::Payment => (402, "billing_error"),
            Failure::Permission => (403, "permission_error"),
            Failure::ModelNotFound => (404, "not_found_error"),
            Failure::InvalidRequest | Failure::ContextLength => (400, "invalid_request_error"),
            Failure::RateLimited => (429, "rate_limit_error"),
            Failure::Overloaded => (529, "overloaded_error"),
            Failure::Server => (500, "api_error"),
        };
        let kind = if code.is_empty() { kind } else { code };
        (status, json!({"type": "error", "error": {"type": kind, "message": words}}).to_string())
    }

    fn models(&self, ids: &[&str]) -> String {
        let models: Vec<Value> =
            ids.iter().map(|id| json!({"type": "model", "id": id, "display_name": id})).collect();
        json!({"data": models, "has_more": false}).to_string()
    }

    fn messages(&self, body: &Value) -> Option<Vec<SentMessage>> {
        let system = &body["system"];
        let system = (!system.is_null()).then(|| SentMessage {
            role: "system".to_owned(),
            text: text(system),
            ..SentMessage::default()
        });
        let messages = body.get("messages")?.as_array()?.iter().flat_map(|message| {
            let role = message["role"].as_str().unwrap_or_default().to_owned();
            let blocks = message["content"].as_array().map_or(&[][..], Vec::as_slice);
            let calls = blocks.iter().filter(|block| block["type"] == "tool_use").map(|block| SentCall {
                id: block["id"].as_str().unwrap_or_default().to_owned(),
                name: block["name"].as_str().unwrap_or_default().to_owned(),
                arguments: block["input"].clone(),
            });
            let results = blocks.iter().filter(|block| block["type"] == "tool_result");
            let mut sent: Vec<SentMessage> = results
                .map(|block| SentMessage {
                    role: "tool".to_owned(),
                    text: text(&block["content"]),
                    call_id: block["tool_use_id"].as_str().map(str::to_owned),
                    ..SentMessage::default()
                })
                .collect();
            let (text, calls): (_, Vec<_>) = (text(&message["content"]), calls.collect());
            if sent.is_empty() || !text.is_empty() || !calls.is_empty() {
                sent.push(SentMessage { role, text, calls, call_id: None });
            }
            sent
        });
        Some(system.into_iter().chain(messages).collect())
    }

    fn always_sent(&self) -> Option<&'static [&'static str]> {
        Some(&["model", "messages", "max_tokens", "stream"])
    }

    fn spellings(&self, answer: &str) -> Vec<Spelling> {
        spellings_of_events(answer)
    }

    fn places(&self, name: &str, marker: &Value) -> Vec<(String, Value)> {
        let at = |place: &str| (place.to_owned(), marker.clone());
        match name {
            "messages" => vec![at("/messages"), at("/system")],
            "stop" => vec![at("/stop_sequences")],
            "response_format" => vec![at("/output_config/format")],
            "user" => vec![at("/metadata/user_id")],
            "tool_choice" if marker == "required" => vec![("/tool_choice/type".to_owned(), json!("any"))],
            "reasoning" => vec![at("/thinking"), at("/output_config/effort")],
            "parallel_tool_calls" => vec![("/tool_choice/disable_parallel_tool_use".to_owned(), json!(true))],
            name => vec![at(&format!("/{name}"))],
        }
    }
}

/// The text of a content, joined if it is in blocks.
fn text(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(blocks) => blocks.iter().filter_map(|block| block["text"].as_str()).collect(),
        _ => String::new(),
    }
}

#[derive(Serialize)]
struct Answer<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    role: &'a str,
    model: &'a str,
    content: Vec<Block<'a>>,
    stop_reason: Option<&'a str>,
    usage: Option<Value>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Block<'a> {
    Thinking { thinking: &'a str, signature: &'a str },
    Text { text: &'a str },
    ToolUse { id: &'a str, name: &'a str, input: RawJson },
}

/// An event, whose data says its name as well.
fn event(name: &str, mut data: Value) -> String {
    data["type"] = json!(name);
    format!("event: {name}\ndata: {data}\n\n")
}

fn start(index: usize, block: Value) -> String {
    event("content_block_start", json!({"index": index, "content_block": block}))
}

fn delta(index: usize, delta: Value) -> String {
    event("content_block_delta", json!({"index": index, "delta": delta}))
}

fn stop(index: usize) -> String {
    event("content_block_stop", json!({ "index": index }))
}

fn input(call: usize, arguments: &str) -> String {
    delta(CALLS + call, json!({"type": "input_json_delta", "partial_json": arguments}))
}

fn word(reason: Reason) -> &'static str {
    match reason {
        Reason::Stop => "end_turn",
        Reason::Length => "max_tokens",
        Reason::ToolCalls => "tool_use",
        Reason::ContentFilter => "refusal",
    }
}

fn usage(Tokens { prompt, completion }: Tokens) -> Value {
    json!({"input_tokens": prompt, "output_tokens": completion})
}
