//! What a message says: text, or parts of several kinds.

use crate::RawJson;

/// The content of a message: plain text, or a list of parts.
///
/// Text alone goes out as a plain string; parts only when parts were given.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// Plain text.
    Text(String),
    /// Text, images, files, … in order.
    Parts(Vec<Part>),
}

/// One part of a message.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Part {
    /// A piece of text.
    Text(TextPart),
    /// Any other part, as the JSON object the wire expects.
    Other(RawJson),
}

/// A piece of text inside a list of parts.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TextPart {
    /// The text.
    pub text: String,
}

impl Part {
    /// A piece of text.
    pub fn text(text: impl Into<String>) -> Self {
        Part::Text(TextPart { text: text.into() })
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
