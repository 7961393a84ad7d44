//! Reads messages back.

use provider_core::{
    Annotation, AssistantMessage, Audio, Content, DetailValue, Image, Message, ProviderJson, RawJson,
    ReasoningDetail, ToolCall,
};
use serde::Deserialize;

use super::exact::{Object, object};
use super::{Fields, fitting, part, text};
use crate::chunk::IN_FUNCTION;
use crate::dialect::Dialect;

/// Reads a message. One with an unknown field or value stays JSON, of this provider.
pub(super) fn read<D: Dialect>(raw: &RawJson, dialect: &D) -> Message {
    known(raw, dialect).unwrap_or_else(|| Message::Other(ProviderJson::new(dialect.provider(), raw.clone())))
}

fn known<D: Dialect>(raw: &RawJson, dialect: &D) -> Option<Message> {
    let provider = dialect.provider();
    #[derive(Deserialize)]
    struct Role {
        role: String,
    }
    let role: Role = object(raw)?;
    match role.role.as_str() {
        "system" => input(raw, provider).map(|(content, name)| named(Message::system(content), name)),
        "developer" => input(raw, provider).map(|(content, name)| named(Message::developer(content), name)),
        "user" => input(raw, provider).map(|(content, name)| named(Message::user(content), name)),
        "assistant" => {
            let renamed = match dialect.reasoning_field() {
                "reasoning" => None,
                field => Some(with_usual_reasoning(raw, field)?),
            };
            assistant(renamed.as_ref().unwrap_or(raw), provider).map(Message::from)
        }
        "tool" => tool(raw, provider),
        _ => None,
    }
}

fn named(message: Message, name: Option<String>) -> Message {
    match name {
        Some(name) => message.named(name),
        None => message,
    }
}

fn input(raw: &RawJson, provider: &str) -> Option<(Content, Option<String>)> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Wire {
        #[serde(rename = "role")]
        _role: String,
        content: RawJson,
        name: Option<String>,
    }
    let wire: Wire = object(raw)?;
    Some((part::content(&wire.content, provider)?, wire.name))
}

fn tool(raw: &RawJson, provider: &str) -> Option<Message> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Wire {
        #[serde(rename = "role")]
        _role: String,
        content: RawJson,
        tool_call_id: String,
        name: Option<String>,
    }
    let wire: Wire = object(raw)?;
    Some(named(Message::tool(wire.tool_call_id, part::content(&wire.content, provider)?), wire.name))
}

/// Returns a message with `reasoning` in the place of the dialect's own name for it. `None`: it has both, and
/// only one could be written again.
fn with_usual_reasoning(raw: &RawJson, field: &str) -> Option<RawJson> {
    let mut renamed = String::from("{");
    for (name, value) in fitting::<Fields>(raw)?.0 {
        if name == "reasoning" {
            return None;
        }
        let name = if name == field { "reasoning".to_owned() } else { name };
        let comma = if renamed.len() > 1 { "," } else { "" };
        renamed.push_str(&format!("{comma}{}:{}", serde_json::Value::from(name), value.get()));
    }
    renamed.push('}');
    renamed.parse().ok()
}

fn assistant(raw: &RawJson, provider: &str) -> Option<AssistantMessage> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Wire {
        #[serde(rename = "role")]
        _role: String,
        content: Option<RawJson>,
        name: Option<String>,
        model: Option<String>,
        reasoning: Option<String>,
        reasoning_details: Option<Vec<RawJson>>,
        tool_calls: Option<Vec<RawJson>>,
        refusal: Option<String>,
        annotations: Option<Vec<RawJson>>,
        images: Option<Vec<RawJson>>,
        audio: Option<Object<WireAudio>>,
    }
    let wire: Wire = object(raw)?;
    let mut message = AssistantMessage::default();
    match wire.content.as_ref().map(|raw| part::content(raw, provider)) {
        None => {}
        Some(Some(Content::Text(text))) => message.text = text,
        Some(Some(Content::Parts(parts))) if !parts.is_empty() => message.parts = parts,
        Some(_) => return None,
    }
    message.name = wire.name;
    message.model = wire.model;
    message.reasoning = wire.reasoning;
    message.reasoning_details = match wire.reasoning_details {
        Some(list) => Some(list.iter().map(detail).collect::<Option<_>>()?),
        None => None,
    };
    message.tool_calls = wire.tool_calls.unwrap_or_default().iter().map(call).collect::<Option<_>>()?;
    message.refusal = wire.refusal;
    message.annotations = wire.annotations.unwrap_or_default().into_iter().map(Annotation::new).collect();
    message.images = wire.images.unwrap_or_default().into_iter().map(Image::new).collect();
    message.audio = wire.audio.map(|Object(audio)| audio.into());
    Some(message)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireAudio {
    id: Option<String>,
    data: Option<String>,
    transcript: Option<String>,
    expires_at: Option<u64>,
}

impl From<WireAudio> for Audio {
    fn from(wire: WireAudio) -> Self {
        let mut audio = Audio::default();
        (audio.id, audio.data) = (wire.id, wire.data);
        (audio.transcript, audio.expires_at) = (wire.transcript, wire.expires_at);
        audio
    }
}

/// Reads an item of the reasoning details, field by field.
fn detail(raw: &RawJson) -> Option<ReasoningDetail> {
    let mut item = ReasoningDetail::new();
    for (name, value) in fitting::<Fields>(raw)?.0 {
        item.set(&name, text(&value).map_or_else(|| DetailValue::Json(value.clone()), DetailValue::Text));
    }
    Some(item)
}

fn call(raw: &RawJson) -> Option<ToolCall> {
    let mut call = ToolCall::default();
    for (name, value) in fitting::<Fields>(raw)?.0 {
        match name.as_str() {
            "id" => call.id = text(&value)?,
            "type" if value.get() == "\"function\"" => {}
            "function" => {
                for (name, value) in fitting::<Fields>(&value)?.0 {
                    match name.as_str() {
                        "name" => call.name = text(&value)?,
                        "arguments" => call.arguments = text(&value)?,
                        _ => call.extra.insert(&format!("{IN_FUNCTION}{name}"), value),
                    }
                }
            }
            // It would go out as a field of the function.
            _ if name.starts_with(IN_FUNCTION) => return None,
            _ => call.extra.insert(&name, value),
        }
    }
    Some(call)
}
