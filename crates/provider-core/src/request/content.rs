//! The content of a message: text, or parts of several kinds.

use std::fmt;

use serde::de::value::SeqAccessDeserializer;
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::{AudioPart, CacheBreakpoint, CacheMark, FilePart, ImagePart, VideoPart};
use crate::ProviderJson;
use crate::stored::{read, read_by_tag};

/// The content of a message: plain text, or a list of parts.
///
/// Text alone goes out as a plain string; parts only when parts were given.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Content {
    /// Plain text.
    Text(String),
    /// Text, images, files, … in order.
    Parts(Vec<Part>),
}

/// One part of a message.
///
/// Those that hold data are made from bytes or files by the constructors in this type, which find the media
/// type out.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Part {
    /// A piece of text.
    Text(TextPart),
    /// An image. Put the text that belongs to it first.
    Image(ImagePart),
    /// A sound.
    Audio(AudioPart),
    /// A file, a PDF for example.
    File(FilePart),
    /// A video.
    Video(VideoPart),
    /// Any other part, as the JSON object that the wire of its provider has. Other providers refuse it.
    Other(ProviderJson),
}

/// A piece of text inside a list of parts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TextPart {
    /// The text.
    pub text: String,
    /// Whether the prompt up to here is to be cached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache: Option<CacheMark>,
    /// An explicit breakpoint of OpenAI's prompt cache, the counterpart of `cache`.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "CacheBreakpoint::stored")]
    pub cache_breakpoint: Option<CacheBreakpoint>,
}

impl Content {
    /// Returns the text, or the texts of the parts, joined. Parts of other kinds are passed over.
    pub fn text(&self) -> String {
        match self {
            Content::Text(text) => text.clone(),
            Content::Parts(parts) => parts
                .iter()
                .filter_map(|part| match part {
                    Part::Text(part) => Some(part.text.as_str()),
                    _ => None,
                })
                .collect(),
        }
    }
}

impl Part {
    /// Makes a part of text.
    pub fn text(text: impl Into<String>) -> Self {
        Part::Text(TextPart { text: text.into(), ..TextPart::default() })
    }

    /// Marks the prompt up to the end of this part for the prompt cache. A part that is
    /// [`Other`](Part::Other) stays as it is.
    ///
    /// ```
    /// use provider_core::{CacheMark, ChatRequest, Part};
    ///
    /// let manual = "a long text";
    /// let request = ChatRequest::new("anthropic/claude-sonnet-4.5")
    ///     .system(vec![Part::text(manual).cached(CacheMark::default())])
    ///     .user("How do I reset it?");
    /// ```
    #[must_use]
    pub fn cached(mut self, mark: CacheMark) -> Self {
        match &mut self {
            Part::Text(part) => part.cache = Some(mark),
            Part::Image(part) => part.cache = Some(mark),
            Part::Audio(part) => part.cache = Some(mark),
            Part::File(part) => part.cache = Some(mark),
            Part::Video(part) => part.cache = Some(mark),
            Part::Other(_) => {}
        }
        self
    }
}

impl TextPart {
    /// Makes a piece of text.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// Sets a breakpoint of OpenAI's prompt cache behind this text.
    ///
    /// ```
    /// use provider_core::{CacheBreakpoint, ChatRequest, TextPart};
    ///
    /// let manual = "a long text";
    /// let request = ChatRequest::new("openai/gpt-5.6")
    ///     .system([TextPart::new(manual).cache_breakpoint(CacheBreakpoint::ttl("12h"))])
    ///     .user("How do I reset it?");
    /// ```
    #[must_use]
    pub fn cache_breakpoint(mut self, breakpoint: CacheBreakpoint) -> Self {
        self.cache_breakpoint = Some(breakpoint);
        self
    }
}

read_by_tag! {
    Part, "type",
    "text" => |json| Part::Text(read(json)?),
    "image" => |json| Part::Image(read(json)?),
    "audio" => |json| Part::Audio(read(json)?),
    "file" => |json| Part::File(read(json)?),
    "video" => |json| Part::Video(read(json)?),
    "other" => |json| Part::Other(read(json)?),
}

impl<'de> Deserialize<'de> for Content {
    /// Reads a text, or a list of parts.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextOrParts;
        impl<'de> Visitor<'de> for TextOrParts {
            type Value = Content;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or a list of parts")
            }

            fn visit_str<E>(self, text: &str) -> Result<Content, E> {
                Ok(text.into())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, parts: A) -> Result<Content, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(parts)).map(Content::Parts)
            }
        }
        deserializer.deserialize_any(TextOrParts)
    }
}

impl From<&str> for Content {
    fn from(text: &str) -> Self {
        Content::Text(text.to_owned())
    }
}

impl From<String> for Content {
    fn from(text: String) -> Self {
        Content::Text(text)
    }
}

impl From<Vec<Part>> for Content {
    fn from(parts: Vec<Part>) -> Self {
        Content::Parts(parts)
    }
}

impl<P: Into<Part>, const N: usize> From<[P; N]> for Content {
    fn from(parts: [P; N]) -> Self {
        Content::Parts(parts.into_iter().map(Into::into).collect())
    }
}

impl From<TextPart> for Part {
    fn from(part: TextPart) -> Self {
        Part::Text(part)
    }
}

impl From<&str> for Part {
    fn from(text: &str) -> Self {
        Part::text(text)
    }
}

impl From<String> for Part {
    fn from(text: String) -> Self {
        Part::text(text)
    }
}
