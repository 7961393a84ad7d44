//! The assistant's message, as it is answered and as it is sent back.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::ReasoningDetail;
use crate::{ExtraFields, RawJson};

/// What the assistant said. The same type is part of an answer and of the next request, so that a conversation goes on
/// with `request.message(reply.message)`: text, thoughts with their signatures, tool calls, refusal, annotations and images
/// go back. What is in [`extra`](Self::extra) does not: a request may not know it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct AssistantMessage {
    /// The text. Empty when there is none.
    pub text: String,
    /// Thoughts as plain text, where the service sends them so.
    pub reasoning: Option<String>,
    /// Thoughts in the service's own structure, signatures and encrypted parts included. Models that call tools
    /// want them back unchanged. `Some(vec![])` (an empty list was sent) is not the same as `None`.
    pub reasoning_details: Option<Vec<ReasoningDetail>>,
    /// The tools the model wants called, in order.
    pub tool_calls: Vec<ToolCall>,
    /// The model's words for refusing. The finish reason usually stays `stop`.
    pub refusal: Option<String>,
    /// Sources of a web search, parsed files.
    pub annotations: Vec<Annotation>,
    /// Images the model made.
    pub images: Vec<Image>,
    /// Everything else that came with the message, audio for example. Not sent back.
    pub extra: ExtraFields,
}

impl AssistantMessage {
    /// The visible thoughts: [`reasoning`](Self::reasoning), or else the readable pieces of
    /// [`reasoning_details`](Self::reasoning_details).
    pub fn reasoning_text(&self) -> String {
        match (&self.reasoning, &self.reasoning_details) {
            (Some(text), _) if !text.is_empty() => text.clone(),
            (_, Some(details)) => details.iter().filter_map(ReasoningDetail::visible_text).collect(),
            _ => String::new(),
        }
    }

    /// Whether the message says nothing at all.
    pub fn is_empty(&self) -> bool {
        let AssistantMessage {
            text,
            reasoning,
            reasoning_details,
            tool_calls,
            refusal,
            annotations,
            images,
            extra,
        } = self;
        let blank = |text: &Option<String>| text.as_deref().unwrap_or_default().is_empty();
        text.is_empty()
            && blank(reasoning)
            && reasoning_details.as_deref().unwrap_or_default().is_empty()
            && tool_calls.is_empty()
            && blank(refusal)
            && annotations.is_empty()
            && images.is_empty()
            && extra.says_nothing()
    }
}

/// A tool the model wants called.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ToolCall {
    /// The call's id, to answer it with [`Message::tool`](crate::Message::tool). Never empty and unique in its answer:
    /// where the service sent none, or one twice, it is made up.
    pub id: String,
    /// The id as the service sent it, when that is not [`id`](Self::id) and not nothing.
    pub received_id: Option<String>,
    /// The tool's name.
    pub name: String,
    /// The arguments: the exact text that came, which should be a JSON object but may be anything. It goes back as it is;
    /// only a blank one goes back as `{}`, since blank is no JSON.
    pub arguments: String,
    /// Everything else that came with the call. It goes back with it.
    pub extra: ExtraFields,
}

impl ToolCall {
    /// A call of a tool, for building a conversation by hand.
    pub fn new(id: impl Into<String>, name: impl Into<String>, arguments: impl Into<String>) -> Self {
        Self { id: id.into(), name: name.into(), arguments: arguments.into(), ..Self::default() }
    }

    /// The arguments as JSON. Blank arguments are an empty object.
    ///
    /// # Errors
    /// When the text is no JSON, which is how a call looks that was cut off by a token limit.
    pub fn arguments_json(&self) -> Result<Value, serde_json::Error> {
        match self.arguments.trim() {
            "" | "null" => Ok(Value::Object(serde_json::Map::new())),
            text => serde_json::from_str(text),
        }
    }
}

/// A note on an answer: a source, a parsed file. Kept as it came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Annotation(RawJson);

impl Annotation {
    /// Keeps an annotation object.
    pub fn new(raw: RawJson) -> Self {
        Self(raw)
    }

    /// The whole object.
    pub fn raw(&self) -> &RawJson {
        &self.0
    }

    /// The `type` of the annotation: `url_citation`, `file`, ….
    pub fn kind(&self) -> Option<String> {
        #[derive(Deserialize)]
        struct Kind {
            r#type: String,
        }
        self.0.read::<Kind>().ok().map(|kind| kind.r#type)
    }
}

/// An image in an answer. Kept as it came; large images are not copied when this is cloned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Image(RawJson);

impl Image {
    /// Keeps an image object.
    pub fn new(raw: RawJson) -> Self {
        Self(raw)
    }

    /// The whole object.
    pub fn raw(&self) -> &RawJson {
        &self.0
    }

    /// Where the image is: an `https:` URL, or a `data:` URL with the image in it.
    pub fn url(&self) -> Option<Cow<'_, str>> {
        #[derive(Deserialize)]
        struct Part<'a> {
            #[serde(borrow)]
            image_url: Url<'a>,
        }
        #[derive(Deserialize)]
        struct Url<'a> {
            #[serde(borrow)]
            url: Cow<'a, str>,
        }
        self.0.read::<Part<'_>>().ok().map(|part| part.image_url.url)
    }
}
