//! The assistant's message, as it is answered and as it is sent back.

use std::borrow::Cow;

use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Annotation, Audio, Blocks, ReasoningDetail};
use crate::request::data_url;
use crate::{ExtraFields, Part, RawJson};

/// The assistant's message. The same type is part of an answer and of the next request, so that a
/// conversation goes on with `request.message(reply.message)`: text, thoughts with their signatures, tool
/// calls, refusal, annotations, images and audio go back as they came, byte for byte. The fields in
/// [`extra`](Self::extra) do not: a request may not know them.
///
/// Thoughts, and the fields that came beside tool calls, go back only to the model that they are of: see
/// [`made_by`](Self::made_by). Text, tool calls, refusal, annotations, images and audio go to any model. A
/// provider of another wire than the answer's writes them in its own way, as far as it has a place for them.
/// The order of [its blocks](Self::blocks) goes back to a wire that has one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AssistantMessage {
    /// The text. Empty when there is none.
    #[serde(default)]
    pub text: String,
    /// The content as parts, in a message that is built by hand and needs them (to carry a
    /// [`CacheMark`](crate::CacheMark), for example). They are sent in place of `text`. Answers have none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Part>,
    /// Thoughts as plain text, where the service sends them so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<String>,
    /// Thoughts in the service's own structure, signatures and encrypted parts included. Models that call
    /// tools want them back unchanged. `Some(vec![])` (an empty list was sent) is not the same as `None`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning_details: Option<Vec<ReasoningDetail>>,
    /// The tools the model wants called, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ToolCall>,
    /// The model's words for refusing. The finish reason usually stays `stop`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
    /// Sources of a web search, parsed files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub annotations: Vec<Annotation>,
    /// Images the model made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<Image>,
    /// The model's spoken answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audio: Option<Audio>,
    /// The speaker's name, to tell several assistants apart. Only in messages that are built by hand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The model to name in the request as the one that said this; a router may keep to it. Not set by
    /// answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The id of the model that this was asked of, among those of the request (fallbacks included) the one
    /// that answered. Never sent. A request to another model leaves `reasoning` and `reasoning_details` out,
    /// and the fields [beside function calls](ToolCall::extra): models refuse thoughts that are not their
    /// own. `None`, as in a message that is built by hand, leaves nothing out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub made_by: Option<String>,
    /// The [id](crate::ProviderDescriptor::id) of the provider that `made_by` is a model of. Never sent. A
    /// request by way of another provider leaves out the same: two providers may call two models by one id.
    /// `None` leaves nothing out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub made_by_provider: Option<String>,
    /// Everything else that came with the message. Not sent back.
    #[serde(default, skip_serializing_if = "ExtraFields::is_empty")]
    pub extra: ExtraFields,
    /// Where the blocks begin, see [`blocks`](Self::blocks).
    #[serde(default, skip_serializing_if = "Blocks::is_empty")]
    pub(crate) blocks: Blocks,
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

    /// Whether the message has [signed](ReasoningDetail::is_signed) thoughts, or a function call with a
    /// signature beside it.
    pub fn has_signed_reasoning(&self) -> bool {
        let beside_calls = self.tool_calls.iter().filter(|call| call.is_function());
        self.reasoning_details.iter().flatten().any(ReasoningDetail::is_signed)
            || beside_calls
                .flat_map(|call| call.extra.iter())
                .any(|(name, value)| name.contains("signature") || value.get().contains("signature\""))
    }

    /// Whether the message says nothing at all.
    pub fn is_empty(&self) -> bool {
        let AssistantMessage {
            text,
            parts,
            reasoning,
            reasoning_details,
            tool_calls,
            refusal,
            annotations,
            images,
            audio,
            name: _,
            model: _,
            made_by: _,
            made_by_provider: _,
            extra,
            blocks,
        } = self;
        let blank = |text: &Option<String>| text.as_deref().unwrap_or_default().is_empty();
        text.is_empty()
            && parts.is_empty()
            && blank(reasoning)
            && reasoning_details.as_deref().unwrap_or_default().is_empty()
            && tool_calls.is_empty()
            && blank(refusal)
            && annotations.is_empty()
            && images.is_empty()
            && audio.as_ref().is_none_or(Audio::is_empty)
            && extra.says_nothing()
            && blocks.says_nothing()
    }
}

/// A tool the model wants called.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ToolCall {
    /// The call's id, to answer it with [`Message::tool`](crate::Message::tool). Never empty and unique in
    /// its answer: where the service sent none, or one twice, it is made up. Where an earlier turn has it as
    /// well, a [tool loop](crate::ToolLoop) replaces it, and so does
    /// [what is sent](crate::author::unique_call_ids).
    pub id: String,
    /// The id as the service sent it, when that is not [`id`](Self::id) and not nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub received_id: Option<String>,
    /// The tool's name.
    pub name: String,
    /// The arguments: the exact text that came, which should be a JSON object but may be anything. It goes
    /// back as it is; only a blank one goes back as `{}`, since blank is no JSON.
    pub arguments: String,
    /// Everything else that came with the call; its `type`, where that is another than `function`. It goes
    /// back with the call. Beside a function's call these fields are the model's (the signature of its
    /// thoughts, for example), and another model than the one that [made](AssistantMessage::made_by) the
    /// message does not get them.
    #[serde(default, skip_serializing_if = "ExtraFields::is_empty")]
    pub extra: ExtraFields,
}

impl ToolCall {
    /// A call of a tool, for building a conversation by hand.
    pub fn new(id: impl Into<String>, name: impl Into<String>, arguments: impl Into<String>) -> Self {
        Self { id: id.into(), name: name.into(), arguments: arguments.into(), ..Self::default() }
    }

    /// Whether this is a call of a function, which the caller runs. Calls of another type (`custom`, for
    /// example) are whatever their service says that they are.
    pub fn is_function(&self) -> bool {
        self.extra.get("type").is_none_or(|kind| kind.get() == "\"function\"")
    }

    /// Whether the call can be run: it is of a function, names it, and its arguments are
    /// [JSON](Self::is_complete).
    pub fn is_runnable(&self) -> bool {
        self.is_function() && !self.name.is_empty() && self.is_complete()
    }

    /// Whether the arguments are JSON, or nothing at all. They are not where a token limit [cut them
    /// off](Self::is_cut_off), and where the model writes them wrongly.
    pub fn is_complete(&self) -> bool {
        self.check_arguments().is_ok()
    }

    /// Whether the arguments end in the middle of their JSON, which is how a call looks that was cut off by a
    /// token limit.
    pub fn is_cut_off(&self) -> bool {
        self.check_arguments().is_err_and(|error| error.is_eof())
    }

    /// Its name, or else its type, for messages to people.
    pub(crate) fn label(&self) -> &str {
        match self.extra.get("type") {
            Some(kind) if self.name.is_empty() => kind.get().trim_matches('"'),
            None if self.name.is_empty() => "a call without a name",
            _ => &self.name,
        }
    }

    /// Checks that the arguments are JSON, or blank.
    pub(crate) fn check_arguments(&self) -> Result<(), serde_json::Error> {
        match self.arguments.trim() {
            "" => Ok(()),
            text => serde_json::from_str::<IgnoredAny>(text).map(drop).map_err(|error| {
                // Reading the values says more exactly what is wrong: "trailing comma".
                let exact = serde_json::from_str::<Value>(text).err().filter(|_| !error.is_eof());
                exact.unwrap_or(error)
            }),
        }
    }

    /// The arguments as `T`. Blank ones are read as an empty object.
    ///
    /// # Errors
    /// When they are no JSON, or do not fit `T`.
    pub fn arguments_as<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        match self.arguments.trim() {
            "" | "null" => serde_json::from_str("{}"),
            text => serde_json::from_str(text),
        }
    }

    /// The arguments as JSON. Blank arguments are an empty object.
    ///
    /// # Errors
    /// When the text is no JSON: cut off by a token limit, or written wrongly.
    pub fn arguments_json(&self) -> Result<Value, serde_json::Error> {
        self.arguments_as()
    }
}

/// An image in an answer. Kept as it came; large images are not copied when this is cloned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Image(RawJson);

impl Image {
    /// Keeps an image object as chat completions have it.
    pub fn new(raw: RawJson) -> Self {
        Self(raw)
    }

    /// An image at a URL (`https:` or `data:`).
    pub fn from_url(url: impl Into<String>) -> Self {
        let object = json!({"type": "image_url", "image_url": {"url": url.into()}});
        Self(object.into())
    }

    /// An image from its bytes and its media type (`image/png`).
    pub fn from_bytes(media_type: &str, bytes: impl AsRef<[u8]>) -> Self {
        Self::from_url(data_url(media_type, bytes.as_ref()))
    }

    /// An image from its media type (`image/png`) and its data, which is in base64 already.
    pub fn from_base64(media_type: &str, data: &str) -> Self {
        Self::from_url(format!("data:{media_type};base64,{data}"))
    }

    /// The whole object.
    pub fn raw(&self) -> &RawJson {
        &self.0
    }

    /// The whole object, to be changed.
    pub(crate) fn raw_mut(&mut self) -> &mut RawJson {
        &mut self.0
    }

    /// Where the image is: an `https:` URL, or a `data:` URL with the image in it, which
    /// [`MediaSource::parse`](crate::MediaSource::parse) takes apart.
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

#[cfg(test)]
mod tests {
    use super::{AssistantMessage, Image, ReasoningDetail, ToolCall};

    #[test]
    fn signed_reasoning_is_known_by_its_fields() {
        let detail = |json: &str| serde_json::from_str::<ReasoningDetail>(json).unwrap();
        let cases = [
            (r#"{"type": "reasoning.text", "text": "Hm.", "signature": "c2ln"}"#, true),
            (r#"{"type": "reasoning.encrypted", "id": "rs_1"}"#, true),
            (r#"{"type": "reasoning.encrypted", "data": "gAAAA"}"#, true),
            (r#"{"type": "redacted_thinking", "data": "c2ln"}"#, true),
            (r#"{"type": "reasoning.text", "text": "Hm.", "signature": null}"#, false),
            (r#"{"type": "reasoning.text", "text": "Hm.", "signature": ""}"#, false),
            (r#"{"type": "reasoning.summary", "summary": "It thought."}"#, false),
        ];
        for (json, is_signed) in cases {
            let mut message = AssistantMessage::default();
            assert!(!message.has_signed_reasoning());
            message.reasoning_details = Some(vec![ReasoningDetail::new(), detail(json)]);
            assert_eq!(message.has_signed_reasoning(), is_signed, "{json}");
        }
    }

    #[test]
    fn signature_beside_a_function_call_is_one_of_reasoning() {
        let cases = [
            ("extra_content", r#"{"google": {"thought_signature": "c2ln"}}"#, true),
            ("thought_signature", r#""c2ln""#, true),
            ("caller", r#"{"type": "direct"}"#, false),
        ];
        for (name, value, is_signed) in cases {
            let mut call = ToolCall::new("1", "f", "{}");
            call.extra.insert(name, value.parse().unwrap());
            let message = AssistantMessage { tool_calls: vec![call], ..AssistantMessage::default() };
            assert_eq!(message.has_signed_reasoning(), is_signed, "{name}");
        }
    }

    #[test]
    fn image_that_is_made_tells_its_url() {
        let url = "https://example.com/\"a\".png";
        assert_eq!(Image::from_url(url).url().as_deref(), Some(url));
        let image = Image::from_bytes("image/png", b"Hi");
        assert_eq!(image.url().as_deref(), Some("data:image/png;base64,SGk="));
        assert_eq!(image, Image::from_base64("image/png", "SGk="));
    }
}
