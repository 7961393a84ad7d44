//! Requests that are not what was asked for.

use openai_wire::{Dialect, encode};
use provider_core::{ChatRequest, Content, Error, ErrorKind, Message, Part};
use serde_json::{Value, json};

use crate::fault::Fault;

/// Chat completions, with the name of the provider: parameters of its own are sent.
#[derive(Debug)]
struct Acmes;

impl Dialect for Acmes {
    fn provider(&self) -> &str {
        "acme"
    }
}

/// The body of a request, with the fault in it.
pub(crate) fn body(request: &ChatRequest, is_streamed: bool, fault: Fault) -> Result<Vec<u8>, Error> {
    let mut request = request.clone();
    let is_nan = request.temperature.is_some_and(|temperature| !temperature.is_finite());
    before(&mut request, fault)?;
    let body = encode(&request, is_streamed, &Acmes)?;
    if fault == Fault::Harmless {
        return Ok(body);
    }
    let mut body: Value = serde_json::from_slice(&body).map_err(unreadable)?;
    after(&mut body, &request, fault);
    if is_nan && fault == Fault::SendsNaNAsNull {
        body["temperature"] = Value::Null;
    }
    serde_json::to_vec(&body).map_err(unreadable)
}

fn unreadable(error: serde_json::Error) -> Error {
    Error::new(ErrorKind::InvalidRequest, error.to_string())
}

/// Faults of a careless encoder: parts of the request that it does not look at.
fn before(request: &mut ChatRequest, fault: Fault) -> Result<(), Error> {
    let messages = request.messages.iter().cloned();
    match fault {
        Fault::DropsSystem => {
            request.messages = messages.filter(|message| !matches!(message, Message::System(_))).collect();
        }
        Fault::DropsDeveloper => {
            request.messages = messages.filter(|message| !matches!(message, Message::Developer(_))).collect();
        }
        Fault::DropsAssistant => {
            request.messages = messages.filter(|message| !matches!(message, Message::Assistant(_))).collect();
        }
        Fault::DropsToolResults => {
            request.messages = messages.filter(|message| !matches!(message, Message::Tool(_))).collect();
        }
        Fault::DropsImages => {
            let texts = messages.map(|message| match message {
                Message::User(mut user) => {
                    if let Content::Parts(parts) = &mut user.content {
                        parts.retain(|part| matches!(part, Part::Text(_)));
                    }
                    Message::User(user)
                }
                message => message,
            });
            request.messages = texts.collect();
        }
        Fault::SendsForeignThoughts => {
            let model = request.model.clone();
            let own = messages.map(|message| match message {
                Message::Assistant(mut message) => {
                    message.model = Some(model.clone());
                    message.made_by = Some(model.clone());
                    Message::Assistant(message)
                }
                message => message,
            });
            request.messages = own.collect();
        }
        Fault::DropsExtra => request.extra.clear(),
        Fault::SendsNaNAsNull => {
            request.temperature = request.temperature.filter(|number| number.is_finite())
        }
        Fault::RefusesTopANamelessly if request.top_a.is_some() => {
            return Err(Error::new(ErrorKind::InvalidRequest, "not with me"));
        }
        _ => {}
    }
    Ok(())
}

/// Faults that show in the body.
fn after(body: &mut Value, request: &ChatRequest, fault: Fault) {
    let Some(fields) = body.as_object_mut() else { return };
    match fault {
        Fault::ClampsTemperature => {
            if let Some(temperature) = fields.get_mut("temperature") {
                *temperature = json!(0.3);
            }
        }
        Fault::RoundsSeeds => {
            if let Some(seed) = fields.get_mut("seed") {
                *seed = json!(seed.as_f64());
            }
        }
        Fault::RenamesMaxTokens => {
            if let Some(tokens) = fields.remove("max_tokens") {
                fields.insert("max_completion_tokens".to_owned(), tokens);
            }
        }
        Fault::LowersTheModel => {
            fields.insert("model".to_owned(), json!(request.model.to_lowercase()));
        }
        Fault::TrimsText => {
            for message in fields.get_mut("messages").and_then(Value::as_array_mut).into_iter().flatten() {
                if let Some(text) = message["content"].as_str().map(|text| text.trim().to_owned()) {
                    message["content"] = json!(text);
                }
            }
        }
        Fault::DropsZero => fields.retain(|_, value| value.as_f64() != Some(0.0)),
        Fault::AddsMaxTokens => {
            fields.entry("max_tokens").or_insert(json!(4096));
        }
        Fault::SendsForeignExtra => {
            for (name, value) in request.extra.values().flatten() {
                fields.insert(name.clone(), value.clone());
            }
        }
        fault => {
            // The name of the fault has that of the parameter in it: `DropsTopP`.
            let name = format!("{fault:?}");
            if let Some(name) = name.strip_prefix("Drops").map(snake_case) {
                fields.remove(&name);
            }
        }
    }
}

fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(c.to_ascii_lowercase());
    }
    snake
}
