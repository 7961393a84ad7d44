//! A chunk of a stream, or a whole answer: the same object, with `delta` or `message` in its choice.
//!
//! One borrowed decode reads it. It leaves lists inside a delta as text; the code that collects them reads
//! them item by item, without an allocation.

use lenient_json::{Count, FromJson, Raw, Reader, Text, UnixSeconds, first, object, object_from_str};

use crate::usage::UsageField;

object! {
    /// A chunk or an answer.
    pub(crate) struct Chunk<'a> {
        id: Text<'a> = "id",
        model: Text<'a> = "model",
        provider: Text<'a> = "provider",
        created: UnixSeconds = "created",
        service_tier: Text<'a> = "service_tier",
        system_fingerprint: Text<'a> = "system_fingerprint",
        choices: FirstChoice<'a> = "choices",
        usage: UsageField<'a> = "usage",
        error: Raw<'a> = "error",
    }
    skip "object"
}

impl<'a> Chunk<'a> {
    /// Reads a chunk.
    ///
    /// # Errors
    /// When the text is no JSON object.
    pub(crate) fn from_str(json: &'a str) -> Result<Self, serde_json::Error> {
        object_from_str(json)
    }

    /// Moves the reasoning from a service's own field to that of all services.
    pub(crate) fn name_reasoning(&mut self, field: &str) {
        if let Some(choice) = &mut self.choices.0 {
            let pieces = choice.delta.iter_mut().chain(choice.message.as_deref_mut());
            pieces.for_each(|piece| piece.name_reasoning(field));
        }
    }
}

/// Choice 0, the only one that is read.
#[derive(Debug, Default)]
pub(crate) struct FirstChoice<'a>(pub(crate) Option<Choice<'a>>);

impl<'a> FromJson<'a> for FirstChoice<'a> {
    fn from_json(reader: &mut Reader<'a>) -> Option<Self> {
        first(reader, |choice: &Choice<'a>| choice.index.0.unwrap_or(0) == 0).map(FirstChoice)
    }
}

object! {
    /// A choice. A chunk has a `delta`, a whole answer a `message`; what they hold is the same.
    pub(crate) struct Choice<'a> {
        index: Count = "index",
        delta: Option<Piece<'a>> = "delta",
        message: Option<Box<Piece<'a>>> = "message",
        text: Raw<'a> = "text",
        finish_reason: Text<'a> = "finish_reason",
        native_finish_reason: Text<'a> = "native_finish_reason",
        logprobs: Raw<'a> = "logprobs",
        usage: UsageField<'a> = "usage",
        error: Raw<'a> = "error",
    }
}

object! {
    /// A piece of a message, or a whole one.
    pub(crate) struct Piece<'a> {
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
    pub(crate) struct AudioPiece<'a> {
        id: Text<'a> = "id",
        data: Raw<'a> = "data",
        transcript: Raw<'a> = "transcript",
        expires_at: UnixSeconds = "expires_at",
    }
}

object! {
    /// A tool call, or a piece of one.
    pub(crate) struct WireToolCall<'a> {
        index: Count = "index",
        id: Text<'a> = "id",
        kind: Text<'a> = "type",
        function: WireFunction<'a> = "function",
    }
}

object! {
    /// The function of a tool call.
    pub(crate) struct WireFunction<'a> {
        name: Raw<'a> = "name",
        arguments: Raw<'a> = "arguments",
    }
}

impl<'a> Piece<'a> {
    /// Returns the names that services have for the plain text of the reasoning, and the value under each.
    pub(crate) fn reasoning_texts(&self) -> [(&'static str, Raw<'a>); 4] {
        [
            ("reasoning", self.reasoning),
            ("reasoning_content", self.reasoning_content),
            ("reasoning_text", self.reasoning_text),
            ("thinking", self.thinking),
        ]
    }

    /// Reads a text in a field of this name as `reasoning`, where no other name has one. The field is among
    /// the unknown ones, so a piece without these costs one comparison.
    fn name_reasoning(&mut self, field: &str) {
        if self.unknown.is_empty() || self.reasoning_texts().iter().any(|(_, raw)| !raw.is_blank()) {
            return;
        }
        let reasoning = &mut self.reasoning;
        self.unknown.retain(|(name, value)| {
            let raw = Raw(Some(value));
            let is_reasoning = name == field && raw.is_string();
            if is_reasoning {
                *reasoning = raw;
            }
            !is_reasoning
        });
    }
}

/// The prefix to the names of fields that came inside a tool call's `function`.
pub(crate) const IN_FUNCTION: &str = "function.";

/// The field in which Groq has the usage of a stream.
pub(crate) const GROQ_FIELD: &str = "x_groq";
