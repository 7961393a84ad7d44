//! The messages of the request, as texts.

use std::borrow::Cow;
use std::fmt;

use provider_core::{AssistantMessage, Content, CowVec, Message, Part};
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

/// A message of the request, as far as it is text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AskedMessage<'a> {
    /// The role: `system`, `developer`, `user`, `assistant` or `tool`.
    pub role: &'static str,
    /// The text; owned if it is joined from several parts.
    pub text: Cow<'a, str>,
    /// The number of parts other than text: images, files, ….
    #[serde(skip_serializing_if = "is_zero")]
    pub other_parts: usize,
}

/// The messages of a request, shared with it. Their texts are read on demand, since a prompt can be a book.
#[derive(Clone, PartialEq)]
pub(crate) struct Messages(pub(crate) CowVec<Message>);

impl Messages {
    pub(crate) fn messages(&self) -> impl Iterator<Item = AskedMessage<'_>> {
        self.0.iter().map(AskedMessage::of)
    }

    pub(crate) fn prompt(&self) -> Cow<'_, str> {
        let last = self.0.iter().rfind(|message| matches!(message, Message::User(_)));
        last.map(|message| AskedMessage::of(message).text).unwrap_or_default()
    }
}

impl Serialize for Messages {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        struct Texts<'a>(&'a Messages);
        impl Serialize for Texts<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_seq(self.0.messages())
            }
        }
        let mut object = serializer.serialize_struct("Messages", 2)?;
        object.serialize_field("prompt", &self.prompt())?;
        object.serialize_field("messages", &Texts(self))?;
        object.end()
    }
}

impl fmt::Debug for Messages {
    /// Shows the texts alone.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.messages()).finish()
    }
}

impl<'a> AskedMessage<'a> {
    fn of(message: &'a Message) -> Self {
        let from = |role, content: &'a Content| {
            let (text, other_parts) = match content {
                Content::Text(text) => (Cow::Borrowed(text.as_str()), 0),
                Content::Parts(parts) => (text_of(parts), others(parts)),
            };
            Self { role, text, other_parts }
        };
        match message {
            Message::System(message) => from("system", &message.content),
            Message::Developer(message) => from("developer", &message.content),
            Message::User(message) => from("user", &message.content),
            Message::Tool(message) => from("tool", &message.content),
            Message::Assistant(message) => Self::of_assistant(message),
            _ => Self { role: "other", text: Cow::default(), other_parts: 0 },
        }
    }

    fn of_assistant(message: &'a AssistantMessage) -> Self {
        let text = match message.parts.as_slice() {
            [] => message.text.as_str().into(),
            parts => text_of(parts),
        };
        Self { role: "assistant", text, other_parts: others(&message.parts) }
    }
}

/// The joined text of all text parts.
fn text_of(parts: &[Part]) -> Cow<'_, str> {
    let mut texts = parts.iter().filter_map(|part| match part {
        Part::Text(part) => Some(part.text.as_str()),
        _ => None,
    });
    let mut all = Cow::Borrowed(texts.next().unwrap_or_default());
    texts.for_each(|text| all += text);
    all
}

fn others(parts: &[Part]) -> usize {
    parts.iter().filter(|part| !matches!(part, Part::Text(_))).count()
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}
