//! Messages as they are sent.

use provider_core::{AssistantMessage, Content, InputMessage, Message, Part, ToolCall};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::collect::IN_FUNCTION;

/// A message, borrowed.
pub(super) struct WireMessage<'a>(pub(super) &'a Message);

impl Serialize for WireMessage<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Message::System(message) => input("system", message, serializer),
            Message::Developer(message) => input("developer", message, serializer),
            Message::User(message) => input("user", message, serializer),
            Message::Assistant(message) => assistant(message, serializer),
            Message::Tool(message) => {
                let mut object = serializer.serialize_map(Some(3))?;
                object.serialize_entry("role", "tool")?;
                object.serialize_entry("tool_call_id", &message.tool_call_id)?;
                object.serialize_entry("content", &WireContent(&message.content))?;
                object.end()
            }
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

/// An assistant's turn, sent back as it came. Fields of an answer that requests do not know stay out.
fn assistant<S: Serializer>(message: &AssistantMessage, serializer: S) -> Result<S::Ok, S::Error> {
    let AssistantMessage {
        text, reasoning, reasoning_details, tool_calls, refusal, annotations, images, ..
    } = message;
    let mut object = serializer.serialize_map(None)?;
    object.serialize_entry("role", "assistant")?;
    // Some providers refuse blank text beside tool calls; `null` is what says "no text".
    let no_text = text.is_empty() && (!tool_calls.is_empty() || refusal.is_some() || !images.is_empty());
    object.serialize_entry("content", &(!no_text).then_some(text))?;
    if let Some(reasoning) = reasoning {
        object.serialize_entry("reasoning", reasoning)?;
    }
    if let Some(details) = reasoning_details {
        object.serialize_entry("reasoning_details", details)?;
    }
    if !tool_calls.is_empty() {
        object.serialize_entry("tool_calls", &WireCalls(tool_calls))?;
    }
    if let Some(refusal) = refusal {
        object.serialize_entry("refusal", refusal)?;
    }
    if !annotations.is_empty() {
        object.serialize_entry("annotations", annotations)?;
    }
    if !images.is_empty() {
        object.serialize_entry("images", images)?;
    }
    object.end()
}

struct WireContent<'a>(&'a Content);

impl Serialize for WireContent<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Content::Text(text) => serializer.serialize_str(text),
            Content::Parts(parts) => serializer.collect_seq(parts.iter().map(WirePart)),
        }
    }
}

struct WirePart<'a>(&'a Part);

impl Serialize for WirePart<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Part::Text(part) => {
                let mut object = serializer.serialize_map(Some(2))?;
                object.serialize_entry("type", "text")?;
                object.serialize_entry("text", &part.text)?;
                object.end()
            }
            Part::Other(raw) => raw.serialize(serializer),
            other => Err(unknown("content part", other)),
        }
    }
}

struct WireCalls<'a>(&'a [ToolCall]);

impl Serialize for WireCalls<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(WireCall))
    }
}

struct WireCall<'a>(&'a ToolCall);

impl Serialize for WireCall<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let ToolCall { id, extra, .. } = self.0;
        let mut call = serializer.serialize_map(None)?;
        call.serialize_entry("id", id)?;
        if extra.get("type").is_none() {
            call.serialize_entry("type", "function")?;
        }
        call.serialize_entry("function", &WireFunction(self.0))?;
        for (name, value) in extra.newest() {
            if !name.starts_with(IN_FUNCTION) {
                call.serialize_entry(name, value)?;
            }
        }
        call.end()
    }
}

struct WireFunction<'a>(&'a ToolCall);

impl Serialize for WireFunction<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let ToolCall { name, arguments, extra, .. } = self.0;
        // A call without arguments; an empty text is refused by providers that parse it.
        let arguments = if arguments.trim().is_empty() { "{}" } else { arguments };
        let mut function = serializer.serialize_map(None)?;
        function.serialize_entry("name", name)?;
        function.serialize_entry("arguments", arguments)?;
        for (name, value) in extra.newest() {
            if let Some(name) = name.strip_prefix(IN_FUNCTION) {
                function.serialize_entry(name, value)?;
            }
        }
        function.end()
    }
}

/// For variants of the vocabulary that are newer than this provider: refused rather than dropped.
pub(super) fn unknown<E: serde::ser::Error>(what: &str, value: &impl std::fmt::Debug) -> E {
    E::custom(format!("{what}: this provider does not know how to send {value:?}"))
}
