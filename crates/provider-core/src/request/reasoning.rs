//! How much a model thinks.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// How much a model thinks before it answers, and whether it shows its thoughts.
///
/// ```
/// use provider_core::{ChatRequest, Effort, Reasoning};
///
/// let request = ChatRequest::new("openai/o4-mini").user("Why?").reasoning(Reasoning::effort(Effort::High));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Reasoning {
    /// How much: an effort or a number of tokens. The two exclude each other.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget: Option<ReasoningBudget>,
    /// Whether to think at all, where nothing more is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Whether to keep the thoughts back. They are billed all the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclude: Option<bool>,
    /// How to sum the thoughts up: `auto`, `concise`, `detailed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// Which earlier thoughts the model sees again: `auto`, `all_turns`, `current_turn`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// `standard`, or `pro` for the model's slower and better form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
}

/// How much a model may think.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ReasoningBudget {
    /// In words.
    Effort(Effort),
    /// In tokens.
    MaxTokens(u32),
}

/// How hard to think.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Effort {
    /// Not at all. Models that always think refuse this.
    None,
    /// As little as can be.
    Minimal,
    /// A little.
    Low,
    /// Moderately.
    Medium,
    /// A lot.
    High,
    /// More than a lot.
    XHigh,
    /// As much as can be.
    Max,
    /// A word that is newer than this list.
    Other(String),
}

impl Effort {
    /// The word on the wire.
    pub fn as_str(&self) -> &str {
        match self {
            Effort::None => "none",
            Effort::Minimal => "minimal",
            Effort::Low => "low",
            Effort::Medium => "medium",
            Effort::High => "high",
            Effort::XHigh => "xhigh",
            Effort::Max => "max",
            Effort::Other(word) => word,
        }
    }
}

impl From<&str> for Effort {
    fn from(word: &str) -> Self {
        match word {
            "none" => Effort::None,
            "minimal" => Effort::Minimal,
            "low" => Effort::Low,
            "medium" => Effort::Medium,
            "high" => Effort::High,
            "xhigh" => Effort::XHigh,
            "max" => Effort::Max,
            other => Effort::Other(other.to_owned()),
        }
    }
}

impl Serialize for Effort {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Effort {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|word| Self::from(&*word))
    }
}

impl Reasoning {
    /// Think this hard.
    pub fn effort(effort: impl Into<Effort>) -> Self {
        Self { budget: Some(ReasoningBudget::Effort(effort.into())), ..Self::default() }
    }

    /// Think with at most this many tokens.
    pub fn max_tokens(tokens: u32) -> Self {
        Self { budget: Some(ReasoningBudget::MaxTokens(tokens)), ..Self::default() }
    }

    /// Think, or do not, and leave the rest to the model.
    pub fn enabled(enabled: bool) -> Self {
        Self { enabled: Some(enabled), ..Self::default() }
    }

    /// Sets how to sum the thoughts up: `auto`, `concise` or `detailed`.
    #[must_use]
    pub fn summary(mut self, summary: impl Into<String>) -> Self {
        self.summary = Some(summary.into());
        self
    }

    /// Sets which earlier thoughts the model sees again: `auto`, `all_turns` or `current_turn`.
    #[must_use]
    pub fn context(mut self, context: impl Into<String>) -> Self {
        self.context = Some(context.into());
        self
    }

    /// Sets the mode: `standard` or `pro`.
    #[must_use]
    pub fn mode(mut self, mode: impl Into<String>) -> Self {
        self.mode = Some(mode.into());
        self
    }

    /// Keeps the thoughts back.
    #[must_use]
    pub fn exclude(mut self) -> Self {
        self.exclude = Some(true);
        self
    }
}
