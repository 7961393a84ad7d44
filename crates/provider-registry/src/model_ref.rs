//! A model reference: a provider and a model, as two fields.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A model of a provider instance, unambiguously: the stored form of an agent node's selection.
///
/// `Display` writes `instance:model`, and [`Workspace::model`](crate::Workspace::model) reads it back. The
/// model's id is opaque: slashes and colons in it mean nothing here. Serialises as its two fields.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ModelRef {
    /// The id of the provider instance in the workspace.
    pub provider: String,
    /// The model's id as the provider knows it.
    pub model: String,
}

impl ModelRef {
    /// A model of a provider instance.
    pub fn new(provider: impl Into<String>, model: impl Into<String>) -> Self {
        Self { provider: provider.into(), model: model.into() }
    }
}

impl fmt::Display for ModelRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.provider, self.model)
    }
}
