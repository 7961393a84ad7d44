//! Marks for the prompt cache.

use serde::{Deserialize, Deserializer, Serialize};

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

/// An explicit breakpoint of OpenAI's prompt cache, the counterpart of a [`CacheMark`]: everything up to the
/// part that carries it.
///
/// Stored, it is an object. `true` is read as well, which stood for one without a lifetime.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CacheBreakpoint {
    /// How long it is kept: `30m` or `12h`, which costs more to write. `None`: as
    /// [`PromptCacheOptions::ttl`] says, or else the service's default, 30 minutes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl: Option<String>,
}

impl CacheBreakpoint {
    /// A breakpoint that is kept for so long: `30m` or `12h`.
    pub fn ttl(ttl: impl Into<String>) -> Self {
        Self { ttl: Some(ttl.into()) }
    }

    /// Reads a breakpoint, or the flag that stood for one.
    pub(super) fn stored<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Stored {
            Flag(bool),
            Object { ttl: Option<String> },
        }
        Ok(match Option::<Stored>::deserialize(deserializer)? {
            None | Some(Stored::Flag(false)) => None,
            Some(Stored::Flag(true)) => Some(Self::default()),
            Some(Stored::Object { ttl }) => Some(Self { ttl }),
        })
    }
}

/// How OpenAI's models cache the prompt: at the breakpoints that parts of it carry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PromptCacheOptions {
    /// The mode; `explicit` is the only one there is.
    pub mode: String,
    /// How long each breakpoint of the request is kept: `30m` (the default) or `12h`, which costs more to
    /// write.
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
