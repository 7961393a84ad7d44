//! How a model's thinking can be steered.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Effort;

/// How a model's thinking can be steered, as its catalogue says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ReasoningOptions {
    /// Whether it always thinks: switching it off, and [`Effort::None`], are refused.
    pub mandatory: bool,
    /// Whether it thinks when a request does not say.
    pub default_enabled: Option<bool>,
    /// How hard it thinks when a request switches thinking on and says no more.
    #[serde(serialize_with = "option", deserialize_with = "read_option")]
    pub default_effort: Option<Effort>,
    /// The efforts it takes, the highest first. `None`: all of them.
    #[serde(serialize_with = "list", deserialize_with = "read_list")]
    pub supported_efforts: Option<Vec<Effort>>,
    /// Whether it takes a budget in tokens. Others are given the effort that comes nearest to one.
    pub supports_max_tokens: bool,
}

impl ReasoningOptions {
    /// Whether a request may ask for this effort.
    pub fn accepts(&self, effort: &Effort) -> bool {
        match effort {
            // Lists name the degrees of thinking; whether it can be off is a question of its own.
            Effort::None => !self.mandatory,
            effort => self.supported_efforts.as_ref().is_none_or(|supported| supported.contains(effort)),
        }
    }
}

fn option<S: Serializer>(effort: &Option<Effort>, serializer: S) -> Result<S::Ok, S::Error> {
    effort.as_ref().map(Effort::as_str).serialize(serializer)
}

fn list<S: Serializer>(efforts: &Option<Vec<Effort>>, serializer: S) -> Result<S::Ok, S::Error> {
    let words = efforts.as_ref().map(|efforts| efforts.iter().map(Effort::as_str).collect::<Vec<_>>());
    words.serialize(serializer)
}

fn read_option<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Effort>, D::Error> {
    let word = Option::<String>::deserialize(deserializer)?;
    Ok(word.as_deref().map(Effort::from))
}

fn read_list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<Effort>>, D::Error> {
    let words = Option::<Vec<String>>::deserialize(deserializer)?;
    Ok(words.map(|words| words.iter().map(|word| Effort::from(word.as_str())).collect()))
}
