//! A chunk of a stream, or a whole answer: the same object, with `delta` or `message` in its choice.
//!
//! One borrowed decode. Lists inside a delta are left as text here and read item by item where they are collected, which
//! costs no allocation.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use super::lenient::{Count, Key, Raw, Str, Unknown, absent, first, object};

/// A chunk or an answer.
#[derive(Debug, Default)]
pub(crate) struct Chunk<'a> {
    pub(crate) id: Str<'a>,
    pub(crate) model: Str<'a>,
    pub(crate) provider: Str<'a>,
    pub(crate) created: Count,
    pub(crate) service_tier: Str<'a>,
    pub(crate) system_fingerprint: Str<'a>,
    /// Choice 0. Nobody asks for more than one.
    pub(crate) choice: Option<Choice<'a>>,
    pub(crate) usage: Raw<'a>,
    pub(crate) error: Raw<'a>,
    pub(crate) unknown: Unknown<'a>,
}

impl<'a> Chunk<'a> {
    /// Reads a chunk.
    ///
    /// # Errors
    /// When the text is no JSON object.
    pub(crate) fn read(json: &'a str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(json)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Chunk<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Chunk<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut chunk = Chunk::default();
                while let Some(key) = map.next_key::<Key<'de>>()? {
                    match &*key {
                        "id" => chunk.id = map.next_value()?,
                        "model" => chunk.model = map.next_value()?,
                        "provider" => chunk.provider = map.next_value()?,
                        "created" => chunk.created = map.next_value()?,
                        "service_tier" => chunk.service_tier = map.next_value()?,
                        "system_fingerprint" => chunk.system_fingerprint = map.next_value()?,
                        "choices" => chunk.choice = map.next_value::<FirstChoice<'de>>()?.0,
                        "usage" => chunk.usage = map.next_value()?,
                        "error" => chunk.error = map.next_value()?,
                        "object" => drop(map.next_value::<Raw<'de>>()?),
                        _ => {
                            if let Some(value) = map.next_value::<Raw<'de>>()?.0 {
                                chunk.unknown.push((key, value));
                            }
                        }
                    }
                }
                Ok(chunk)
            }
        }
        deserializer.deserialize_map(Object)
    }
}

#[derive(Debug, Default)]
struct FirstChoice<'a>(Option<Choice<'a>>);

impl<'de: 'a, 'a> Deserialize<'de> for FirstChoice<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = FirstChoice<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of choices")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
                first(seq, |choice: &Choice<'de>| choice.index.0.unwrap_or(0) == 0).map(FirstChoice)
            }
            absent!(bool numbers str null map);
        }
        deserializer.deserialize_any(List)
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
        error: Raw<'a> = "error",
    }
}

object! {
    /// A piece of a message, or a whole one.
    Piece<'a> {
        content: Raw<'a> = "content",
        reasoning: Raw<'a> = "reasoning",
        reasoning_content: Raw<'a> = "reasoning_content",
        reasoning_details: Raw<'a> = "reasoning_details",
        refusal: Raw<'a> = "refusal",
        tool_calls: Raw<'a> = "tool_calls",
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
        data: Str<'a> = "data",
        transcript: Str<'a> = "transcript",
        expires_at: Count = "expires_at",
    }
}

object! {
    /// One part of a message's content.
    ContentPart<'a> {
        kind: Str<'a> = "type",
        text: Str<'a> = "text",
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
        name: Str<'a> = "name",
        arguments: Raw<'a> = "arguments",
    }
}

object! {
    /// The log probabilities of a choice.
    Logprobs<'a> {
        content: Raw<'a> = "content",
        refusal: Raw<'a> = "refusal",
    }
}
