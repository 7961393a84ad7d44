//! A piece of text that mostly costs no allocation.

use std::fmt;
use std::ops::Deref;

use serde::{Serialize, Serializer};
use smol_str::SmolStr;

/// A piece of text as a stream hands it out. Reads like a `&str`.
///
/// Models speak in tokens of a few letters: up to 23 bytes are kept in place, without an allocation. A longer
/// piece is one allocation, and cloning it none.
///
/// ```
/// use provider_core::TextDelta;
///
/// let pieces = ["Hel", "lo"].map(TextDelta::from);
/// assert_eq!(pieces[0], "Hel");
/// assert_eq!(pieces[1].len(), 2);
/// assert_eq!(pieces.iter().map(TextDelta::as_str).collect::<String>(), "Hello");
/// ```
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TextDelta(SmolStr);

impl TextDelta {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Deref for TextDelta {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for TextDelta {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl From<&str> for TextDelta {
    fn from(text: &str) -> Self {
        Self(SmolStr::new(text))
    }
}

impl From<String> for TextDelta {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl From<TextDelta> for String {
    fn from(text: TextDelta) -> Self {
        text.0.into()
    }
}

impl FromIterator<TextDelta> for String {
    fn from_iter<I: IntoIterator<Item = TextDelta>>(pieces: I) -> Self {
        let mut text = String::new();
        pieces.into_iter().for_each(|piece| text.push_str(&piece));
        text
    }
}

impl PartialEq<str> for TextDelta {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for TextDelta {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl PartialEq<String> for TextDelta {
    fn eq(&self, other: &String) -> bool {
        self.as_str() == other
    }
}

impl fmt::Display for TextDelta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.as_str(), f)
    }
}

impl fmt::Debug for TextDelta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl Serialize for TextDelta {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}
