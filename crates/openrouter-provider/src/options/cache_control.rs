//! The option that caches the prompt.

use serde::{Deserialize, Serialize};

/// Caches the prompt on its own, where the model needs to be told (Anthropic's style): OpenRouter sets the
/// marks.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(tag = "type", rename = "ephemeral", deny_unknown_fields)]
#[non_exhaustive]
pub struct CacheControl {
    /// How long it is kept: `5m` (the default) or `1h`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<String>,
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
