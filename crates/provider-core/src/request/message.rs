//! The messages of a conversation.

use serde::{Deserialize, Serialize};

use super::Content;
use crate::stored::{is_off, read, read_by_tag};
use crate::{AssistantMessage, CowArc, ProviderJson};

/// One message of a conversation. The variant is the role.
///
/// Cloning is cheap, however long the message is: what it says is [`CowArc`], and copied only when it is
/// changed.
///
/// ```
/// use provider_core::Message;
///
/// let mut message = Message::user("Why is the sky blue?");
/// if let Message::User(said) = &mut message {
///     said.name = Some("Ada".to_owned());
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "role", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Message {
    /// Instructions that stand above the user's words.
    System(CowArc<InputMessage>),
    /// The same for models that call the role `developer`.
    Developer(CowArc<InputMessage>),
    /// The user's words.
    User(CowArc<InputMessage>),
    /// The model's words, thoughts and tool calls.
    Assistant(CowArc<AssistantMessage>),
    /// The result of a tool call.
    Tool(CowArc<ToolMessage>),
    /// Any other message, as the JSON object that the wire of its provider has. Other providers refuse it.
    Other(ProviderJson),
}

/// The content of a system, developer or user message, and its speaker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct InputMessage {
    /// The content.
    pub content: Content,
    /// The speaker's name, to tell speakers of one role apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// The result of a tool call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ToolMessage {
    /// The [`id`](crate::ToolCall::id) of the call that this answers.
    pub tool_call_id: String,
    /// The result of the tool, or the error in words for the model.
    pub content: Content,
    /// The tool's name. The call's id says which tool it was; some clients repeat it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether the tool failed, so that the content says why. A wire without a field for it (chat completions
    /// has none) sends the content alone.
    #[serde(default, skip_serializing_if = "is_off")]
    pub is_error: bool,
}

read_by_tag! {
    Message, "role",
    "system" => |json| Message::System(read(json)?),
    "developer" => |json| Message::Developer(read(json)?),
    "user" => |json| Message::User(read(json)?),
    "assistant" => |json| Message::Assistant(read(json)?),
    "tool" => |json| Message::Tool(read(json)?),
    "other" => |json| Message::Other(read(json)?),
}

impl Message {
    /// A system message.
    pub fn system(content: impl Into<Content>) -> Self {
        Message::System(InputMessage::from(content.into()).into())
    }

    /// A developer message.
    pub fn developer(content: impl Into<Content>) -> Self {
        Message::Developer(InputMessage::from(content.into()).into())
    }

    /// A user message.
    pub fn user(content: impl Into<Content>) -> Self {
        Message::User(InputMessage::from(content.into()).into())
    }

    /// An assistant message of plain text.
    pub fn assistant(text: impl Into<String>) -> Self {
        AssistantMessage { text: text.into(), ..AssistantMessage::default() }.into()
    }

    /// The result of the tool call with this id.
    pub fn tool(tool_call_id: impl Into<String>, content: impl Into<Content>) -> Self {
        let (tool_call_id, content) = (tool_call_id.into(), content.into());
        ToolMessage { tool_call_id, content, name: None, is_error: false }.into()
    }

    /// The error of the tool call with this id, in words for the model.
    pub fn tool_error(tool_call_id: impl Into<String>, content: impl Into<Content>) -> Self {
        let (tool_call_id, content) = (tool_call_id.into(), content.into());
        ToolMessage { tool_call_id, content, name: None, is_error: true }.into()
    }

    /// Names the speaker, or the tool. A message that is [`Other`](Message::Other) stays as it is.
    #[must_use]
    pub fn named(mut self, speaker: impl Into<String>) -> Self {
        let name = match &mut self {
            Message::System(message) | Message::Developer(message) | Message::User(message) => {
                &mut message.name
            }
            Message::Assistant(message) => &mut message.name,
            Message::Tool(message) => &mut message.name,
            Message::Other(_) => return self,
        };
        *name = Some(speaker.into());
        self
    }
}

impl From<Content> for InputMessage {
    fn from(content: Content) -> Self {
        Self { content, name: None }
    }
}

impl From<AssistantMessage> for Message {
    fn from(message: AssistantMessage) -> Self {
        Message::Assistant(message.into())
    }
}

impl From<ToolMessage> for Message {
    fn from(message: ToolMessage) -> Self {
        Message::Tool(message.into())
    }
}
