//! OpenAI's chat completions.

use serde_json::{Map, Value, json};

use super::{
    Failure, Hint, Piece, Reason, Route, SentCall, SentMessage, Spelling, Tokens, Wire, spellings_of_events,
};

/// OpenAI's chat completions: an SSE stream of chunks, ended by `[DONE]`.
#[derive(Clone, Copy, Debug, Default)]
pub struct ChatCompletions;

impl Wire for ChatCompletions {
    fn name(&self) -> &'static str {
        "chat completions"
    }

    fn content_type(&self) -> &'static str {
        "text/event-stream"
    }

    fn route(&self, method: &str, path: &str) -> Route {
        let path = path.split('?').next().unwrap_or_default();
        match method {
            "POST" if path.ends_with("/chat/completions") => Route::Chat,
            "GET" if path.ends_with("/models") || path.ends_with("/models/user") => Route::Models,
            _ => Route::Other,
        }
    }

    fn piece(&self, piece: &Piece<'_>) -> Option<String> {
        Some(match piece {
            Piece::Begin { id, model } => event(&json!({
                "id": id, "object": "chat.completion.chunk", "model": model,
                "choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": null}],
            })),
            Piece::Text(text) => delta(json!({ "content": text })),
            Piece::Thought(text) => delta(json!({ "reasoning": text })),
            Piece::Call { index, id, name, arguments } | Piece::WholeCall { index, id, name, arguments } => {
                delta(json!({"tool_calls": [
                    {"index": index, "id": id, "type": "function", "function": {"name": name, "arguments": arguments}},
                ]}))
            }
            Piece::Arguments { index, arguments } => delta(json!({"tool_calls": [
                {"index": index, "function": {"arguments": arguments}},
            ]})),
            Piece::Finish(reason, tokens) => {
                let end = event(&json!({
                    "choices": [{"index": 0, "delta": {}, "finish_reason": word(*reason)}],
                }));
                end + &tokens.map(usage_chunk).unwrap_or_default()
            }
            Piece::Usage(tokens) => usage_chunk(*tokens),
            Piece::End => "data: [DONE]\n\n".to_owned(),
            Piece::KeepAlive => ": keep-alive\n\n".to_owned(),
            Piece::Garbage(text) => format!("data: {{\"choices\": {text}\n\n"),
            Piece::Error { failure, words, code } => {
                format!("data: {}\n\n", refusal(*failure, words, code).1)
            }
        })
    }

    fn whole(&self, answer: &[Piece<'_>]) -> Option<String> {
        let (mut text, mut thought) = (String::new(), String::new());
        let mut calls: Vec<(&str, &str, String)> = Vec::new();
        let mut body = json!({"object": "chat.completion"});
        let mut choice = json!({"index": 0, "finish_reason": null});
        for piece in answer {
            match piece {
                Piece::Begin { id, model } => (body["id"], body["model"]) = (json!(id), json!(model)),
                Piece::Text(piece) => text.push_str(piece),
                Piece::Thought(piece) => thought.push_str(piece),
                Piece::Call { id, name, arguments, .. } | Piece::WholeCall { id, name, arguments, .. } => {
                    calls.push((id, name, (*arguments).to_owned()));
                }
                Piece::Arguments { index, arguments } => calls.get_mut(*index)?.2.push_str(arguments),
                Piece::Finish(reason, tokens) => {
                    choice["finish_reason"] = json!(word(*reason));
                    if let Some(tokens) = tokens {
                        body["usage"] = usage(*tokens);
                    }
                }
                Piece::Usage(tokens) => body["usage"] = usage(*tokens),
                Piece::End | Piece::KeepAlive => {}
                Piece::Error { failure, words, code } => {
                    choice["finish_reason"] = json!("error");
                    body["error"] = error(*failure, words, code).1;
                }
                Piece::Garbage(_) => return None,
            }
        }
        let mut message = Map::new();
        message.insert("role".to_owned(), json!("assistant"));
        message.insert("content".to_owned(), json!(text));
        if !thought.is_empty() {
            message.insert("reasoning".to_owned(), json!(thought));
        }
        if !calls.is_empty() {
            let calls = calls.iter().map(|(id, name, arguments)| {
                json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}})
            });
            message.insert("tool_calls".to_owned(), calls.collect());
        }
        choice["message"] = Value::Object(message);
        body["choices"] = json!([choice]);
        Some(body.to_string())
    }

    fn refusal(&self, failure: Failure, words: &str, code: &str) -> (u16, String) {
        refusal(failure, words, code)
    }

    fn models(&self, ids: &[&str]) -> String {
        let models: Vec<Value> = ids.iter().map(|id| json!({"id": id, "object": "model"})).collect();
        json!({"object": "list", "data": models}).to_string()
    }

    fn always_sent(&self) -> Option<&'static [&'static str]> {
        Some(&["model", "messages", "stream", "stream_options"])
    }

    fn carries(&self, hint: Hint) -> bool {
        matches!(hint, Hint::Name | Hint::Thoughts)
    }

    fn spellings(&self, answer: &str) -> Vec<Spelling> {
        let mut spellings = spellings_of_events(answer);
        let (name, content_type) = ("null for what is absent", self.content_type().to_owned());
        spellings.push(Spelling { name, content_type, bytes: answer.lines().map(with_nulls).collect() });
        spellings
    }

    fn places(&self, name: &str, marker: &Value) -> Vec<(String, Value)> {
        let own = (format!("/{name}"), marker.clone());
        match name {
            "reasoning" => vec![own, ("/reasoning_effort".to_owned(), marker.clone())],
            _ => vec![own],
        }
    }
}

fn event(chunk: &Value) -> String {
    format!("data: {chunk}\n\n")
}

fn delta(delta: Value) -> String {
    event(&json!({"choices": [{"index": 0, "delta": delta, "finish_reason": null}]}))
}

fn word(reason: Reason) -> &'static str {
    match reason {
        Reason::Stop => "stop",
        Reason::Length => "length",
        Reason::ToolCalls => "tool_calls",
        Reason::ContentFilter => "content_filter",
    }
}

fn usage(Tokens { prompt, completion }: Tokens) -> Value {
    json!({"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion})
}

fn usage_chunk(tokens: Tokens) -> String {
    event(&json!({"choices": [], "usage": usage(tokens)}))
}

fn refusal(failure: Failure, words: &str, code: &str) -> (u16, String) {
    let (status, error) = error(failure, words, code);
    (status, json!({ "error": error }).to_string())
}

/// The status and the object of an error.
fn error(failure: Failure, words: &str, code: &str) -> (u16, Value) {
    let (status, kind) = match failure {
        Failure::Authentication => (401, "authentication_error"),
        Failure::Payment => (402, "insufficient_quota"),
        Failure::Permission => (403, "permission_error"),
        Failure::ModelNotFound => (404, "model_not_found"),
        Failure::InvalidRequest => (400, "invalid_request_error"),
        Failure::ContextLength => (400, "context_length_exceeded"),
        Failure::RateLimited => (429, "rate_limit_error"),
        Failure::Overloaded => (503, "overloaded_error"),
        Failure::Server => (500, "server_error"),
    };
    // Services put the number or the word of the failure there; a case that looks for a code brings its own.
    let code = match code {
        "" => match failure {
            Failure::ModelNotFound | Failure::ContextLength => json!(kind),
            _ => json!(status),
        },
        code => json!(code),
    };
    (status, json!({"message": words, "type": kind, "code": code}))
}

/// A line of a stream, with null for each field of its chunk that is absent.
fn with_nulls(line: &str) -> String {
    let chunk = line.strip_prefix("data: ").and_then(|data| serde_json::from_str::<Value>(data).ok());
    let Some(Value::Object(mut chunk)) = chunk else { return format!("{line}\n") };
    chunk.entry("usage").or_insert(Value::Null);
    if let Some(Value::Object(delta)) =
        chunk.get_mut("choices").and_then(|choices| choices.pointer_mut("/0/delta"))
    {
        for name in ["content", "refusal", "tool_calls", "function_call"] {
            delta.entry(name).or_insert(Value::Null);
        }
    }
    format!("data: {}\n", Value::Object(chunk))
}

/// Reads a message of a body.
pub(super) fn message(message: &Value) -> Option<SentMessage> {
    let text = match &message["content"] {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().filter_map(|part| part["text"].as_str()).collect(),
        _ => String::new(),
    };
    let calls = message["tool_calls"].as_array().into_iter().flatten().map(|call| SentCall {
        id: call["id"].as_str().unwrap_or_default().to_owned(),
        name: call["function"]["name"].as_str().unwrap_or_default().to_owned(),
        arguments: call["function"]["arguments"].clone(),
    });
    Some(SentMessage {
        role: message["role"].as_str()?.to_owned(),
        text,
        calls: calls.collect(),
        call_id: message["tool_call_id"].as_str().map(str::to_owned),
    })
}
