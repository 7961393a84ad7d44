//! A spoken answer.

use serde::{Deserialize, Serialize};

use crate::ExtraFields;

/// The model's spoken answer, with its streamed pieces joined.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Audio {
    /// The id to refer to it by in later turns, while the service keeps it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The sound in base64, in the format that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// The spoken words as text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transcript: Option<String>,
    /// When the service forgets it, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<u64>,
    /// Everything else that came with it. It goes back with it.
    #[serde(default, skip_serializing_if = "ExtraFields::is_empty")]
    pub extra: ExtraFields,
}

impl Audio {
    /// Whether there is neither a sound nor a word, nor an id to find them by.
    pub(crate) fn is_empty(&self) -> bool {
        let blank = |text: &Option<String>| text.as_deref().unwrap_or_default().is_empty();
        blank(&self.id) && blank(&self.data) && blank(&self.transcript) && self.extra.says_nothing()
    }
}

/// A piece of a spoken answer, as a stream hands it out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AudioDelta {
    /// The next piece of the sound: base64 that continues the piece before it.
    pub data: Option<String>,
    /// The next piece of the transcript.
    pub transcript: Option<String>,
}
