//! Requests that are not what was asked for.

use openai_wire::{Dialect, encode};
use provider_core::{
    ChatRequest, Content, Error, ErrorKind, Message, Part, ResponseFormat, Tool, ToolChoice,
};
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
        Fault::DropsMedia | Fault::KeepsOneImage => {
            for message in request.messages.iter_mut() {
                let Message::User(user) = message else { continue };
                let Content::Parts(parts) = &mut user.content else { continue };
                let mut images = 0;
                parts.retain(|part| match part {
                    Part::Text(_) => true,
                    Part::Image(_) => {
                        images += 1;
                        fault == Fault::DropsMedia || images == 1
                    }
                    _ => fault == Fault::KeepsOneImage,
                });
            }
        }
        Fault::DropsEmptyResults => request
            .messages
            .retain(|message| !matches!(message, Message::Tool(tool) if tool.content.text().is_empty())),
        Fault::DropsNames => {
            for message in request.messages.iter_mut() {
                if let Message::User(user) = message {
                    user.name = None;
                }
            }
        }
        Fault::DropsTextBesideCalls | Fault::ForgetsItsThoughts => {
            for message in request.messages.iter_mut() {
                let Message::Assistant(answer) = message else { continue };
                if fault == Fault::ForgetsItsThoughts {
                    answer.reasoning_details = None;
                } else if !answer.tool_calls.is_empty() {
                    answer.text.clear();
                }
            }
        }
        Fault::ReversesMessages => request.messages.reverse(),
        Fault::KeepsTheLastTwo => {
            let first = request.messages.len().saturating_sub(2);
            request.messages.drain(..first);
        }
        Fault::DropsSchemas => {
            for tool in request.tools.iter_mut() {
                if let Tool::Function(tool) = tool {
                    tool.parameters = None;
                }
            }
        }
        Fault::KeepsOneTool => request.tools.truncate(1),
        Fault::KeepsOneStop => request.stop.truncate(1),
        Fault::AsksForAnyJson if request.response_format.is_some() => {
            request.response_format = Some(ResponseFormat::JsonObject);
        }
        Fault::RequiresNoTool if request.tool_choice == Some(ToolChoice::Required) => {
            request.tool_choice = Some(ToolChoice::Auto);
        }
        Fault::LimitsMaxTokens => request.max_tokens = request.max_tokens.map(|tokens| tokens.min(8192)),
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
    if fault == Fault::RoundsToF32 {
        rounded(body);
    }
    let Some(fields) = body.as_object_mut() else { return };
    if let Some(messages) = fields.get_mut("messages").and_then(Value::as_array_mut) {
        after_messages(messages, fault);
    }
    match fault {
        Fault::DropsSeedOfZero => {
            if fields.get("seed") == Some(&json!(0)) {
                fields.remove("seed");
            }
        }
        Fault::AddsStore => {
            fields.insert("store".to_owned(), json!(true));
        }
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

fn after_messages(messages: &mut Vec<Value>, fault: Fault) {
    match fault {
        Fault::CallsSystemAUser => {
            for message in messages.iter_mut().filter(|message| message["role"] == "system") {
                message["role"] = json!("user");
            }
        }
        Fault::AddsASystemPrompt => {
            messages.insert(0, json!({"role": "system", "content": "You are a helpful assistant."}));
        }
        Fault::SwapsToolResults => {
            let is_result = |message: &Value| message["role"] == "tool";
            if let [.., first, second] = &mut messages[..] {
                if is_result(first) && is_result(second) {
                    std::mem::swap(first, second);
                }
            }
        }
        Fault::RenamesCallIds => {
            for message in messages.iter_mut().filter(|message| message["role"] == "tool") {
                message["tool_call_id"] = json!("call_0");
            }
        }
        Fault::RespellsSentArguments => {
            for call in messages.iter_mut().flat_map(|message| message["tool_calls"].as_array_mut()).flatten()
            {
                let arguments = &mut call["function"]["arguments"];
                let json = arguments.as_str().and_then(|text| serde_json::from_str::<Value>(text).ok());
                *arguments = json!(json.unwrap_or_default().to_string());
            }
        }
        Fault::RewritesLineBreaks => {
            for message in messages {
                if let Some(text) = message["content"].as_str().map(|text| text.replace("\r\n", "\n")) {
                    message["content"] = json!(text);
                }
            }
        }
        _ => {}
    }
}

/// Takes every number through `f32`.
fn rounded(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(rounded),
        Value::Object(fields) => fields.values_mut().for_each(rounded),
        Value::Number(number) if number.is_f64() => {
            *value = json!(number.as_f64().unwrap_or_default() as f32);
        }
        _ => {}
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
