//! A chunk of a stream, or a whole answer: the same object, with `delta` or `message` in its choice.
//!
//! One borrowed decode. Lists inside a delta are left as text here and read item by item where they are
//! collected, which costs no allocation.

use super::json::{Json, Read, read_object};
use super::lenient::{Count, Moment, Raw, Str, first, object};

object! {
    /// A chunk or an answer.
    Chunk<'a> {
        id: Str<'a> = "id",
        model: Str<'a> = "model",
        provider: Str<'a> = "provider",
        created: Moment = "created",
        service_tier: Str<'a> = "service_tier",
        system_fingerprint: Str<'a> = "system_fingerprint",
        choices: FirstChoice<'a> = "choices",
        usage: Raw<'a> = "usage",
        error: Raw<'a> = "error",
    }
    skip "object"
}

impl<'a> Chunk<'a> {
    /// Reads a chunk.
    ///
    /// # Errors
    /// When the text is no JSON object.
    pub(crate) fn from_json(json: &'a str) -> Result<Self, serde_json::Error> {
        read_object(json)
    }
}

/// Choice 0. Nobody asks for more than one.
#[derive(Debug, Default)]
pub(crate) struct FirstChoice<'a>(pub(crate) Option<Choice<'a>>);

impl<'a> Read<'a> for FirstChoice<'a> {
    fn read(json: &mut Json<'a>) -> Option<Self> {
        first(json, |choice: &Choice<'a>| choice.index.0.unwrap_or(0) == 0).map(FirstChoice)
    }
}

object! {
    /// A choice. A chunk has a `delta`, a whole answer a `message`; what they hold is the same.
    Choice<'a> {
        index: Count = "index",
        delta: Option<Piece<'a>> = "delta",
        message: Option<Box<Piece<'a>>> = "message",
        text: Raw<'a> = "text",
        finish_reason: Str<'a> = "finish_reason",
        native_finish_reason: Str<'a> = "native_finish_reason",
        logprobs: Raw<'a> = "logprobs",
        usage: Raw<'a> = "usage",
        error: Raw<'a> = "error",
    }
}

object! {
    /// A piece of a message, or a whole one.
    Piece<'a> {
        content: Raw<'a> = "content",
        reasoning: Raw<'a> = "reasoning",
        reasoning_content: Raw<'a> = "reasoning_content",
        reasoning_text: Raw<'a> = "reasoning_text",
        thinking: Raw<'a> = "thinking",
        reasoning_details: Raw<'a> = "reasoning_details",
        refusal: Raw<'a> = "refusal",
        tool_calls: Raw<'a> = "tool_calls",
        function_call: Raw<'a> = "function_call",
        annotations: Raw<'a> = "annotations",
        images: Raw<'a> = "images",
        audio: Raw<'a> = "audio",
    }
    skip "role"
}

object! {
    /// A piece of a spoken answer.
    AudioPiece<'a> {
        id: Str<'a> = "id",
        data: Raw<'a> = "data",
        transcript: Raw<'a> = "transcript",
        expires_at: Moment = "expires_at",
    }
}

object! {
    /// A tool call, or a piece of one.
    WireToolCall<'a> {
        index: Count = "index",
        id: Str<'a> = "id",
        kind: Str<'a> = "type",
        function: WireFunction<'a> = "function",
    }
}

object! {
    /// The function of a tool call.
    WireFunction<'a> {
        name: Raw<'a> = "name",
        arguments: Raw<'a> = "arguments",
    }
}

impl<'a> Piece<'a> {
    /// The names that services have for the plain text of thoughts, and what is there under each.
    pub(crate) fn thoughts(&self) -> [(&'static str, Raw<'a>); 4] {
        [
            ("reasoning", self.reasoning),
            ("reasoning_content", self.reasoning_content),
            ("reasoning_text", self.reasoning_text),
            ("thinking", self.thinking),
        ]
    }
}
