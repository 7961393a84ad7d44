//! What was asked, as far as it is text.

use provider_core::{AssistantMessage, ChatRequest, Content, Message, Part};
use serde::Serialize;

/// A message of the request, as far as it is text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AskedMessage {
    /// Who says it: `system`, `developer`, `user`, `assistant` or `tool`.
    pub role: &'static str,
    /// What it says.
    pub text: String,
    /// How many parts it has that are no text: images, files, ….
    #[serde(skip_serializing_if = "is_zero")]
    pub other_parts: usize,
}

/// The texts of a request.
pub(crate) struct Asked {
    pub(crate) prompt: String,
    pub(crate) messages: Vec<AskedMessage>,
}

impl Asked {
    pub(crate) fn of(request: &ChatRequest) -> Self {
        let messages: Vec<AskedMessage> = request.messages.iter().map(AskedMessage::of).collect();
        let prompt = messages.iter().rfind(|message| message.role == "user");
        Self { prompt: prompt.map(|message| message.text.clone()).unwrap_or_default(), messages }
    }
}

impl AskedMessage {
    fn of(message: &Message) -> Self {
        let from = |role, content: &Content| Self {
            role,
            text: content.text(),
            other_parts: match content {
                Content::Text(_) => 0,
                Content::Parts(parts) => others(parts),
            },
        };
        match message {
            Message::System(message) => from("system", &message.content),
            Message::Developer(message) => from("developer", &message.content),
            Message::User(message) => from("user", &message.content),
            Message::Tool(message) => from("tool", &message.content),
            Message::Assistant(message) => Self::of_assistant(message),
            _ => Self { role: "other", text: String::new(), other_parts: 0 },
        }
    }

    fn of_assistant(message: &AssistantMessage) -> Self {
        let text = match message.parts.as_slice() {
            [] => message.text.clone(),
            parts => Content::Parts(parts.to_vec()).text(),
        };
        Self { role: "assistant", text, other_parts: others(&message.parts) }
    }
}

fn others(parts: &[Part]) -> usize {
    parts.iter().filter(|part| !matches!(part, Part::Text(_))).count()
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}
