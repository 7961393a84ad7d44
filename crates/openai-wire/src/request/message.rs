//! Messages as they are sent.

use provider_core::{AssistantMessage, Audio, InputMessage, Message, RawJson, ToolCall};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::part::{WireContent, WirePart};
use super::{List, unknown};
use crate::chunk::IN_FUNCTION;
use crate::dialect::{Dialect, WIRE};

/// A message, borrowed, the model that it goes to, and the dialect.
pub(super) struct WireMessage<'a, D>(pub(super) &'a Message, pub(super) &'a str, pub(super) &'a D);

impl<D: Dialect> Serialize for WireMessage<'_, D> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Message::System(message) => input("system", message, serializer),
            Message::Developer(message) => input("developer", message, serializer),
            Message::User(message) => input("user", message, serializer),
            Message::Assistant(message) => assistant(message, self.1, self.2, serializer),
            Message::Tool(message) => {
                let mut object = serializer.serialize_map(Some(3))?;
                object.serialize_entry("role", "tool")?;
                object.serialize_entry("tool_call_id", &message.tool_call_id)?;
                if let Some(name) = &message.name {
                    object.serialize_entry("name", name)?;
                }
                object.serialize_entry("content", &WireContent(&message.content))?;
                object.end()
            }
            Message::Other(other) => other.json().serialize(serializer),
            other => Err(unknown("message", other)),
        }
    }
}

fn input<S: Serializer>(role: &str, message: &InputMessage, serializer: S) -> Result<S::Ok, S::Error> {
    let mut object = serializer.serialize_map(None)?;
    object.serialize_entry("role", role)?;
    if let Some(name) = &message.name {
        object.serialize_entry("name", name)?;
    }
    object.serialize_entry("content", &WireContent(&message.content))?;
    object.end()
}

/// Writes an assistant's turn as it came, without the reasoning of another model and without the fields of an
/// answer that requests do not have. Chat completions have no order of blocks, and none of a provider's own.
fn assistant<S: Serializer, D: Dialect>(
    message: &AssistantMessage,
    model: &str,
    dialect: &D,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut object = serializer.serialize_map(None)?;
    object.serialize_entry("role", "assistant")?;
    for (key, value) in [("name", &message.name), ("model", &message.model)] {
        if let Some(value) = value {
            object.serialize_entry(key, value)?;
        }
    }
    if message.parts.is_empty() {
        // Some providers refuse blank text beside tool calls; `null` says "no text".
        object.serialize_entry("content", &(!has_no_text(message)).then_some(&message.text))?;
    } else {
        object.serialize_entry("content", &List(&message.parts, WirePart))?;
    }
    let is_made_by_model = is_made_by(message, model, dialect);
    if is_made_by_model {
        if let Some(reasoning) = &message.reasoning {
            object.serialize_entry(dialect.reasoning_field(), reasoning)?;
        }
        if let Some(details) = &message.reasoning_details {
            object.serialize_entry("reasoning_details", details)?;
        }
    }
    if !message.tool_calls.is_empty() {
        object.serialize_entry(
            "tool_calls",
            &List(&message.tool_calls, |call| WireCall::new(call, is_made_by_model)),
        )?;
    }
    if let Some(refusal) = &message.refusal {
        object.serialize_entry("refusal", refusal)?;
    }
    if !message.annotations.is_empty() {
        object.serialize_entry("annotations", &message.annotations)?;
    }
    if !message.images.is_empty() {
        object.serialize_entry("images", &message.images)?;
    }
    if let Some(audio) = &message.audio {
        object.serialize_entry("audio", &WireAudio(audio))?;
    }
    object.end()
}

/// Whether this model of the dialect's provider made the message, as far as the message knows. A dialect
/// without a provider of its own cannot compare providers.
fn is_made_by<D: Dialect>(message: &AssistantMessage, model: &str, dialect: &D) -> bool {
    let provider = dialect.provider();
    let is_own = |maker: &str| maker == provider || provider == WIRE;
    message.made_by.as_deref().is_none_or(|maker| dialect.is_same_model(maker, model))
        && message.made_by_provider.as_deref().is_none_or(is_own)
}

fn has_no_text(message: &AssistantMessage) -> bool {
    let AssistantMessage { text, tool_calls, refusal, images, audio, .. } = message;
    text.is_empty() && (!tool_calls.is_empty() || refusal.is_some() || !images.is_empty() || audio.is_some())
}

struct WireAudio<'a>(&'a Audio);

impl Serialize for WireAudio<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Audio { id, data, transcript, expires_at, extra, .. } = self.0;
        let mut audio = serializer.serialize_map(None)?;
        for (key, value) in [("id", id), ("data", data), ("transcript", transcript)] {
            if let Some(value) = value {
                audio.serialize_entry(key, value)?;
            }
        }
        if let Some(expires_at) = expires_at {
            audio.serialize_entry("expires_at", expires_at)?;
        }
        for (name, value) in extra.newest() {
            audio.serialize_entry(name, value)?;
        }
        audio.end()
    }
}

struct WireCall<'a> {
    call: &'a ToolCall,
    /// Whether the fields beside the call's own go out. Beside a function's they are the model's (signatures
    /// of its reasoning, for example); of a call of another type they are the call itself.
    has_extra: bool,
}

impl<'a> WireCall<'a> {
    fn new(call: &'a ToolCall, is_made_by_model: bool) -> Self {
        Self { call, has_extra: is_made_by_model || !call.is_function() }
    }

    /// The fields beside the call's own, and beside those of its function.
    fn extra(&self) -> impl Iterator<Item = (&'a str, &'a RawJson)> {
        let extra = self.has_extra.then(|| self.call.extra.newest());
        extra.into_iter().flatten()
    }
}

impl Serialize for WireCall<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let ToolCall { id, name, arguments, extra, .. } = self.call;
        let mut call = serializer.serialize_map(None)?;
        call.serialize_entry("id", id)?;
        if extra.get("type").is_none() {
            call.serialize_entry("type", "function")?;
        }
        // A call of another type has its own fields, and no function unless it came with one.
        if self.call.is_function() || !name.is_empty() || !arguments.is_empty() {
            call.serialize_entry("function", &WireFunction(self))?;
        }
        for (name, value) in self.extra() {
            if !name.starts_with(IN_FUNCTION) {
                call.serialize_entry(name, value)?;
            }
        }
        call.end()
    }
}

struct WireFunction<'a, 'c>(&'a WireCall<'c>);

impl Serialize for WireFunction<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let ToolCall { name, arguments, .. } = self.0.call;
        // A call without arguments. Providers that parse the text refuse an empty one.
        let arguments = if arguments.trim().is_empty() { "{}" } else { arguments };
        let mut function = serializer.serialize_map(None)?;
        function.serialize_entry("name", name)?;
        function.serialize_entry("arguments", arguments)?;
        for (name, value) in self.0.extra() {
            if let Some(name) = name.strip_prefix(IN_FUNCTION) {
                function.serialize_entry(name, value)?;
            }
        }
        function.end()
    }
}
