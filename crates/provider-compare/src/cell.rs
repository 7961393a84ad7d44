//! Who is asked.

use std::sync::Arc;

use provider_core::{Error, LlmProvider, LlmProviderExt};

/// A place in a comparison: a model and its provider, or why there is none.
#[derive(Clone, Debug)]
pub struct Cell {
    pub(crate) label: String,
    /// What the provider is called, if not by its id.
    provider_name: Option<String>,
    pub(crate) target: Result<Target, Error>,
}

/// A model that can be asked.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) provider: Arc<dyn LlmProvider>,
    pub(crate) model: String,
}

impl Cell {
    /// A model of a provider, by the id that the provider knows it by. The label is yours: the report shows
    /// it.
    pub fn new(label: impl Into<String>, provider: Arc<dyn LlmProvider>, model: impl Into<String>) -> Self {
        let target = Ok(Target { provider, model: model.into() });
        Self { label: label.into(), provider_name: None, target }
    }

    /// A model that cannot be asked, because it was not found for example. Its place in the report has the
    /// error.
    pub fn not_asked(label: impl Into<String>, error: Error) -> Self {
        Self { label: label.into(), provider_name: None, target: Err(error) }
    }

    /// Names the provider, where a host has several of one kind. The default is its
    /// [id](provider_core::ProviderDescriptor::id). Errors carry the name, too.
    #[must_use]
    pub fn provider_name(mut self, name: impl Into<String>) -> Self {
        self.provider_name = Some(name.into());
        self
    }

    /// The name that was given.
    pub(crate) fn given_name(&self) -> Option<&str> {
        self.provider_name.as_deref()
    }

    /// The name to show.
    pub(crate) fn provider(&self) -> Option<&str> {
        self.given_name().or(match &self.target {
            Ok(target) => Some(target.provider.id()),
            Err(error) => error.provider(),
        })
    }

    /// The model's id; the label where no model was found.
    pub(crate) fn requested(&self) -> &str {
        match &self.target {
            Ok(target) => &target.model,
            Err(error) => error.model().unwrap_or(&self.label),
        }
    }
}
