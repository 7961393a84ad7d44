//! Ollama's own chat: one JSON object in a line.

use serde_json::{Map, Value, json};

use super::{Failure, Piece, Reason, Route, Spelling, Tokens, Wire};

/// JSON lines, as the native chat of Ollama has them (`POST /api/chat`): an object in each line, of which the
/// last has `"done": true`, the reason and the usage. Models are at `GET /api/tags`.
#[derive(Clone, Copy, Debug, Default)]
pub struct JsonLines;

impl Wire for JsonLines {
    fn name(&self) -> &'static str {
        "JSON lines"
    }

    fn content_type(&self) -> &'static str {
        "application/x-ndjson"
    }

    fn route(&self, method: &str, path: &str) -> Route {
        let path = path.split('?').next().unwrap_or_default();
        match method {
            "POST" if path.ends_with("/chat") => Route::Chat,
            "GET" if path.ends_with("/tags") => Route::Models,
            _ => Route::Other,
        }
    }

    /// A stream is what comes unless the request declines it.
    fn is_streamed(&self, body: &Value) -> bool {
        body.get("stream") != Some(&Value::Bool(false))
    }

    fn piece(&self, piece: &Piece<'_>) -> Option<String> {
        let message = |message: Value| Some(format!("{}\n", json!({"message": message, "done": false})));
        match piece {
            Piece::Begin { model, .. } => {
                let first =
                    json!({"model": model, "message": {"role": "assistant", "content": ""}, "done": false});
                Some(format!("{first}\n"))
            }
            Piece::Text(text) => message(json!({"role": "assistant", "content": text})),
            Piece::Thought(text) => message(json!({"role": "assistant", "content": "", "thinking": text})),
            Piece::WholeCall { name, arguments, .. } => {
                let arguments: Value = serde_json::from_str(arguments).ok()?;
                let call = json!({"function": {"name": name, "arguments": arguments}});
                message(json!({"role": "assistant", "content": "", "tool_calls": [call]}))
            }
            Piece::Finish(Reason::ContentFilter, _) => None,
            Piece::Finish(reason, tokens) => {
                let mut last = json!({"message": {"role": "assistant", "content": ""}});
                finish(&mut last, *reason, *tokens);
                Some(format!("{last}\n"))
            }
            Piece::End => Some(String::new()),
            Piece::KeepAlive => Some("\n".to_owned()),
            Piece::Garbage(text) => Some(format!("{{\"message\": {text}\n")),
            Piece::Error { failure, words, code } => Some(self.refusal(*failure, words, code).1 + "\n"),
            // Calls come whole, without ids, and the usage comes with the end alone.
            Piece::Call { .. } | Piece::Arguments { .. } | Piece::Usage(_) => None,
        }
    }

    fn whole(&self, answer: &[Piece<'_>]) -> Option<String> {
        let (mut text, mut thought) = (String::new(), String::new());
        let mut body = json!({"done": true});
        for piece in answer {
            match piece {
                Piece::Begin { model, .. } => body["model"] = json!(model),
                Piece::Text(piece) => text.push_str(piece),
                Piece::Thought(piece) => thought.push_str(piece),
                Piece::Finish(reason, tokens) => finish(&mut body, *reason, *tokens),
                Piece::End | Piece::KeepAlive => {}
                Piece::Call { .. }
                | Piece::WholeCall { .. }
                | Piece::Arguments { .. }
                | Piece::Usage(_)
                | Piece::Garbage(_)
                | Piece::Error { .. } => return None,
            }
        }
        let mut message = Map::new();
        message.insert("role".to_owned(), json!("assistant"));
        message.insert("content".to_owned(), json!(text));
        if !thought.is_empty() {
            message.insert("thinking".to_owned(), json!(thought));
        }
        body["message"] = Value::Object(message);
        Some(body.to_string())
    }

    fn refusal(&self, failure: Failure, words: &str, _code: &str) -> (u16, String) {
        let status = match failure {
            Failure::Authentication => 401,
            Failure::Payment => 402,
            Failure::Permission => 403,
            Failure::ModelNotFound => 404,
            Failure::InvalidRequest | Failure::ContextLength => 400,
            Failure::RateLimited => 429,
            Failure::Overloaded => 503,
            Failure::Server => 500,
        };
        (status, json!({ "error": words }).to_string())
    }

    fn models(&self, ids: &[&str]) -> String {
        let models: Vec<Value> = ids.iter().map(|id| json!({"name": id, "model": id})).collect();
        json!({ "models": models }).to_string()
    }

    fn always_sent(&self) -> Option<&'static [&'static str]> {
        Some(&["model", "messages", "stream"])
    }

    fn spellings(&self, answer: &str) -> Vec<Spelling> {
        let spelling =
            |name, bytes| Spelling { name, content_type: "application/x-ndjson".to_owned(), bytes };
        let loading = answer.replacen("\"done\":false", "\"done\":false,\"done_reason\":\"load\"", 1);
        vec![
            spelling("CRLF", answer.replace('\n', "\r\n")),
            spelling("no line break at the end", answer.trim_end().to_owned()),
            spelling("a reason before the end", loading),
        ]
    }

    fn places(&self, name: &str, marker: &Value) -> Vec<(String, Value)> {
        let option = |name: &str| vec![(format!("/options/{name}"), marker.clone())];
        match name {
            "max_tokens" | "max_completion_tokens" => option("num_predict"),
            "repetition_penalty" => option("repeat_penalty"),
            "response_format" => {
                vec![("/format".to_owned(), json!("json")), ("/format".to_owned(), marker.clone())]
            }
            "reasoning" => vec![("/think".to_owned(), json!(true)), ("/think".to_owned(), marker.clone())],
            "model" | "messages" | "tools" => vec![(format!("/{name}"), marker.clone())],
            name => option(name),
        }
    }
}

fn finish(last: &mut Value, reason: Reason, tokens: Option<Tokens>) {
    last["done"] = json!(true);
    last["done_reason"] = json!(match reason {
        Reason::Length => "length",
        Reason::Stop | Reason::ToolCalls | Reason::ContentFilter => "stop",
    });
    if let Some(Tokens { prompt, completion }) = tokens {
        (last["prompt_eval_count"], last["eval_count"]) = (json!(prompt), json!(completion));
    }
}
