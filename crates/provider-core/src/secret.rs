//! Values that must never be seen: API keys.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

/// A secret value such as an API key.
///
/// `Debug` and `Display` print `***`, it does not serialise, and the memory is wiped when the last copy is
/// dropped. Reading it takes an explicit [`expose`](Secret::expose), which is easy to search for in a review.
///
/// ```
/// use provider_core::Secret;
///
/// let key = Secret::new("sk-or-v1-abc");
/// assert_eq!(format!("{key} {key:?}"), "*** ***");
/// assert_eq!(key.expose(), "sk-or-v1-abc");
/// ```
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Takes ownership of a secret value.
    pub fn new(value: impl Into<String>) -> Self {
        Self(SecretString::from(value.into()))
    }

    /// The value itself. Hand it to the transport and to nothing else.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// `text` with every occurrence of this secret replaced by `***`.
    ///
    /// For text that came from outside (a server may echo a key in its error message) before it is stored in
    /// an error or a log line. Secrets shorter than four bytes are left alone: replacing them would garble
    /// ordinary words, and no real key is that short.
    ///
    /// ```
    /// # use provider_core::Secret;
    /// let key = Secret::new("sk-or-v1-abc");
    /// assert_eq!(key.redact("no such key: sk-or-v1-abc"), "no such key: ***");
    /// ```
    pub fn redact(&self, text: &str) -> String {
        let value = self.expose();
        if value.len() < 4 { text.to_owned() } else { text.replace(value, "***") }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl From<&str> for Secret {
    fn from(value: &str) -> Self {
        Self::new(value)
    }
}

impl From<String> for Secret {
    fn from(value: String) -> Self {
        Self::new(value)
    }
}
