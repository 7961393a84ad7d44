//! The rules of the plugin `armor`.

use serde::{Deserialize, Serialize};

use super::List;
use super::settings::settings;

/// The rules by which [`Plugin::Armor`](super::Plugin::Armor) judges tool calls, in Claude Code's format.
///
/// ```
/// use openrouter_provider::options::{ArmorContext, ArmorPlugin, ArmorRule, ArmorRules, Plugin};
///
/// let rules = ArmorRules::new()
///     .hard_deny([ArmorRule::named("secrets", "The call sends a secret to another host.")])
///     .allow(["Reading files of the repository."]);
/// let plugin = Plugin::Armor(ArmorPlugin::new().classifier_context(ArmorContext::new(rules)));
/// ```
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ArmorContext {
    /// The version of the format: 1.
    pub v: u32,
    /// The rules.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_mode: Option<ArmorRules>,
}

impl ArmorContext {
    /// These rules, in version 1 of the format.
    pub fn new(rules: ArmorRules) -> Self {
        Self { v: 1, auto_mode: Some(rules) }
    }
}

settings! {
    /// The rules, by what they do.
    ArmorRules {
        /// Calls that are never let through.
        hard_deny: List<ArmorRule>,
        /// Calls that are let through only where a rule of `allow` matches them.
        soft_deny: List<ArmorRule>,
        /// The exceptions from `soft_deny`.
        allow: List<ArmorRule>,
        /// Facts for the judge, such as `Trusted repo: github.com/acme/app`.
        environment: List<ArmorFact>,
    }
}

/// A rule of the plugin `armor`.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum ArmorRule {
    /// In words.
    Text(String),
    /// In words, with an id by which a verdict names it.
    Named(NamedArmorRule),
}

/// A rule of the plugin `armor` with an id.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct NamedArmorRule {
    /// The id, which no other rule of the request has.
    pub id: String,
    /// The rule in words: which calls it matches.
    pub instructions: String,
    /// The name that verdicts show. Default: the id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The probability from which the rule matches, 0 to 1. Default: 0.6, in `allow` 0.7.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
}

impl ArmorRule {
    /// A rule with an id.
    pub fn named(id: impl Into<String>, instructions: impl Into<String>) -> Self {
        ArmorRule::Named(NamedArmorRule {
            id: id.into(),
            instructions: instructions.into(),
            ..NamedArmorRule::default()
        })
    }
}

impl From<&str> for ArmorRule {
    fn from(words: &str) -> Self {
        ArmorRule::Text(words.to_owned())
    }
}

impl From<String> for ArmorRule {
    fn from(words: String) -> Self {
        ArmorRule::Text(words)
    }
}

/// A fact for the judge of the plugin `armor`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum ArmorFact {
    /// As `Name: value`.
    Text(String),
    /// A name and a value.
    Named {
        /// The name.
        name: String,
        /// The value.
        value: String,
    },
}

impl From<&str> for ArmorFact {
    fn from(words: &str) -> Self {
        ArmorFact::Text(words.to_owned())
    }
}

impl From<String> for ArmorFact {
    fn from(words: String) -> Self {
        ArmorFact::Text(words)
    }
}
