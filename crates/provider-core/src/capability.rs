//! The capabilities of a provider, as data.

use std::fmt;

use serde::ser::SerializeSeq;
use serde::{Deserialize, Serialize, Serializer};

/// One thing a provider may be able to do.
///
/// The serialised names are the short ones hosts use in their settings (`llm`, `embedding`, `stt`, …); the
/// longer words are accepted too when reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Capability {
    /// Chat completion with a large language model.
    #[serde(rename = "llm")]
    Llm,
    /// Turning text into vectors.
    #[serde(rename = "embedding")]
    Embedding,
    /// Turning speech into text.
    #[serde(rename = "stt", alias = "speech_to_text")]
    SpeechToText,
    /// Turning text into speech.
    #[serde(rename = "tts", alias = "text_to_speech")]
    TextToSpeech,
    /// Making images from text through an endpoint of its own.
    #[serde(rename = "tti", alias = "image_generation")]
    ImageGeneration,
    /// Reading images that are sent with a chat ("vision"). A provider has it if some of its models do;
    /// [`Model::supports_input`](crate::Model::supports_input) says which.
    #[serde(rename = "image_understanding", alias = "vision")]
    ImageUnderstanding,
    /// Sorting documents by how well they fit a query.
    #[serde(rename = "reranking", alias = "rerank")]
    Reranking,
}

impl Capability {
    /// Every capability there is a word for, in the order settings pages list them.
    pub const ALL: &'static [Capability] = &[
        Capability::Llm,
        Capability::Embedding,
        Capability::SpeechToText,
        Capability::TextToSpeech,
        Capability::ImageGeneration,
        Capability::ImageUnderstanding,
        Capability::Reranking,
    ];

    /// The short name, as it is serialised.
    pub const fn name(self) -> &'static str {
        match self {
            Capability::Llm => "llm",
            Capability::Embedding => "embedding",
            Capability::SpeechToText => "stt",
            Capability::TextToSpeech => "tts",
            Capability::ImageGeneration => "tti",
            Capability::ImageUnderstanding => "image_understanding",
            Capability::Reranking => "reranking",
        }
    }

    /// The name to show to people.
    pub const fn label(self) -> &'static str {
        match self {
            Capability::Llm => "LLM",
            Capability::Embedding => "Embedding",
            Capability::SpeechToText => "Speech to Text",
            Capability::TextToSpeech => "Text to Speech",
            Capability::ImageGeneration => "Image Generation",
            Capability::ImageUnderstanding => "Image Understanding",
            Capability::Reranking => "Reranking",
        }
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A set of [`Capability`] flags.
///
/// ```
/// use provider_core::{Capabilities, Capability};
///
/// const CAN: Capabilities = Capabilities::of(&[Capability::Llm, Capability::ImageUnderstanding]);
/// assert!(CAN.has(Capability::Llm));
/// assert!(!CAN.has(Capability::Embedding));
/// assert_eq!(CAN.to_string(), "llm, image_understanding");
/// assert_eq!(serde_json::to_string(&CAN)?, r#"["llm","image_understanding"]"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Capabilities(u16);

impl Capabilities {
    /// The set of these capabilities.
    pub const fn of(capabilities: &[Capability]) -> Self {
        let mut bits = 0;
        let mut at = 0;
        while at < capabilities.len() {
            bits |= 1 << capabilities[at] as u16;
            at += 1;
        }
        Self(bits)
    }

    /// Whether the set holds `capability`.
    pub const fn has(self, capability: Capability) -> bool {
        self.0 & (1 << capability as u16) != 0
    }

    /// The capabilities in the set, in the order of [`Capability::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Capability> {
        Capability::ALL.iter().copied().filter(move |capability| self.has(*capability))
    }
}

impl fmt::Debug for Capabilities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl fmt::Display for Capabilities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, capability) in self.iter().enumerate() {
            let separator = if position == 0 { "" } else { ", " };
            write!(f, "{separator}{capability}")?;
        }
        Ok(())
    }
}

impl Serialize for Capabilities {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(None)?;
        for capability in self.iter() {
            list.serialize_element(&capability)?;
        }
        list.end()
    }
}
