//! Marks for the prompt cache.

use serde::{Deserialize, Serialize};

/// Marks where a cached prompt ends: everything up to the part or tool that carries it.
///
/// Anthropic's models take at most four in a request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CacheMark {
    /// How long it is kept: `5m` or `1h`. `None`: the service's default, five minutes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl: Option<String>,
}

impl CacheMark {
    /// A mark that is kept for so long: `5m` or `1h`.
    pub fn ttl(ttl: impl Into<String>) -> Self {
        Self { ttl: Some(ttl.into()) }
    }
}

/// How OpenAI's models cache the prompt: at the breakpoints that parts of it carry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PromptCacheOptions {
    /// The mode; `explicit` is the only one there is.
    pub mode: String,
    /// How long it is kept, in the service's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl: Option<String>,
}

impl PromptCacheOptions {
    /// Cache at the breakpoints alone, see [`TextPart::cache_breakpoint`](crate::TextPart::cache_breakpoint).
    pub fn explicit() -> Self {
        Self { mode: "explicit".to_owned(), ttl: None }
    }

    /// Sets how long it is kept.
    #[must_use]
    pub fn ttl(mut self, ttl: impl Into<String>) -> Self {
        self.ttl = Some(ttl.into());
        self
    }
}
