//! The option that caches the prompt.

use serde::{Deserialize, Serialize};

/// Caches the prompt on its own, where the model needs to be told (Anthropic's style): OpenRouter sets the
/// marks.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(tag = "type", rename = "ephemeral", try_from = "ReadCacheControl")]
#[non_exhaustive]
pub struct CacheControl {
    /// How long it is kept: `5m` (the default) or `1h`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl: Option<String>,
}

/// [`CacheControl`] as it is read: serde writes the tag of a struct, and does not read it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReadCacheControl {
    r#type: String,
    ttl: Option<String>,
}

impl TryFrom<ReadCacheControl> for CacheControl {
    type Error = &'static str;

    fn try_from(read: ReadCacheControl) -> Result<Self, Self::Error> {
        if read.r#type == "ephemeral" { Ok(Self { ttl: read.ttl }) } else { Err("an unknown cache_control") }
    }
}

impl CacheControl {
    /// Kept for five minutes.
    pub fn ephemeral() -> Self {
        Self { ttl: None }
    }

    /// Kept for so long: `5m` or `1h`.
    #[must_use]
    pub fn ttl(mut self, ttl: impl Into<String>) -> Self {
        self.ttl = Some(ttl.into());
        self
    }
}
