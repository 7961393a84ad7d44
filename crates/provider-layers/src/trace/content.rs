//! Prompts and answers in the JSON of OpenTelemetry: messages of parts.

use provider_core::{AssistantMessage, ChatResponse, Content, Message, Part};
use serde_json::{Value, json};

/// Writes the messages of a request.
pub(super) fn input(messages: &[Message]) -> String {
    Value::Array(messages.iter().map(message).collect()).to_string()
}

/// Writes the message of an answer, whole or in part.
pub(super) fn output(reply: &ChatResponse) -> String {
    let mut message = json!({"role": "assistant", "parts": assistant_parts(&reply.message)});
    if let (Some(object), Some(reason)) = (message.as_object_mut(), &reply.finish_reason) {
        object.insert("finish_reason".to_owned(), reason.as_str().into());
    }
    Value::Array(vec![message]).to_string()
}

fn message(message: &Message) -> Value {
    let (role, name, parts) = match message {
        Message::System(message) => ("system", &message.name, parts(&message.content)),
        Message::Developer(message) => ("developer", &message.name, parts(&message.content)),
        Message::User(message) => ("user", &message.name, parts(&message.content)),
        Message::Assistant(message) => ("assistant", &message.name, assistant_parts(message)),
        Message::Tool(message) => {
            let response = message.content.text();
            let part =
                json!({"type": "tool_call_response", "id": message.tool_call_id, "response": response});
            ("tool", &message.name, vec![part])
        }
        Message::Other(other) => return json_or_text(other.json().get()),
        _ => ("unknown", &None, Vec::new()),
    };
    let mut message = json!({"role": role, "parts": parts});
    if let (Some(object), Some(name)) = (message.as_object_mut(), name) {
        object.insert("name".to_owned(), name.as_str().into());
    }
    message
}

fn parts(content: &Content) -> Vec<Value> {
    match content {
        Content::Text(text) => vec![piece("text", text)],
        Content::Parts(parts) => parts.iter().map(part).collect(),
    }
}

/// Writes a part of a message. Of images, sounds and files it mentions the kind, and leaves out the data.
fn part(part: &Part) -> Value {
    match part {
        Part::Text(part) => piece("text", &part.text),
        Part::Image(part) => media("image", &part.url),
        Part::Video(part) => media("video", &part.url),
        Part::Audio(part) => json!({"type": "blob", "modality": "audio", "format": part.format}),
        Part::File(part) => json!({"type": "file", "filename": part.filename, "file_id": part.id}),
        _ => json!({"type": "other"}),
    }
}

fn media(modality: &str, url: &str) -> Value {
    if url.starts_with("data:") {
        json!({"type": "blob", "modality": modality})
    } else {
        json!({"type": "uri", "modality": modality, "uri": url})
    }
}

fn assistant_parts(message: &AssistantMessage) -> Vec<Value> {
    let mut parts = Vec::new();
    let thoughts = message.reasoning_text();
    if !thoughts.is_empty() {
        parts.push(piece("reasoning", &thoughts));
    }
    if !message.parts.is_empty() {
        parts.extend(message.parts.iter().map(part));
    } else if !message.text.is_empty() {
        parts.push(piece("text", &message.text));
    }
    parts.extend(message.refusal.as_deref().map(|refusal| piece("refusal", refusal)));
    parts.extend(message.tool_calls.iter().map(|call| {
        let arguments = json_or_text(&call.arguments);
        json!({"type": "tool_call", "id": call.id, "name": call.name, "arguments": arguments})
    }));
    parts.extend(message.images.iter().map(|_| json!({"type": "blob", "modality": "image"})));
    parts.extend(message.audio.as_ref().map(|_| json!({"type": "blob", "modality": "audio"})));
    parts
}

fn piece(kind: &str, content: &str) -> Value {
    json!({"type": kind, "content": content})
}

fn json_or_text(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| text.into())
}
