//! A cell: a model to compare, and its provider.

use std::sync::Arc;

use provider_core::{Error, LlmProvider, LlmProviderExt};

/// One model of a comparison with its provider, or the error why it cannot be asked.
#[derive(Clone, Debug)]
pub struct Cell {
    pub(crate) label: String,
    /// The provider's name, if it is not its id.
    provider_name: Option<String>,
    pub(crate) target: Result<Target, Error>,
}

/// A model and the provider that serves it.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) provider: Arc<dyn LlmProvider>,
    pub(crate) model: String,
}

impl Cell {
    /// A model by its id at the provider. The report shows the label.
    pub fn new(label: impl Into<String>, provider: Arc<dyn LlmProvider>, model: impl Into<String>) -> Self {
        let target = Ok(Target { provider, model: model.into() });
        Self { label: label.into(), provider_name: None, target }
    }

    /// A model that cannot be asked, for example because it was not found. Its cell in the report has the
    /// error.
    pub fn not_asked(label: impl Into<String>, error: Error) -> Self {
        Self { label: label.into(), provider_name: None, target: Err(error) }
    }

    /// Sets the provider's name in report and errors, for hosts with several instances of a kind. Default:
    /// its [id](provider_core::ProviderDescriptor::id).
    #[must_use]
    pub fn provider_name(mut self, name: impl Into<String>) -> Self {
        self.provider_name = Some(name.into());
        self
    }

    /// The name that the caller set.
    pub(crate) fn given_name(&self) -> Option<&str> {
        self.provider_name.as_deref()
    }

    /// The name in the report.
    pub(crate) fn provider(&self) -> Option<&str> {
        self.given_name().or(match &self.target {
            Ok(target) => Some(target.provider.id()),
            Err(error) => error.provider(),
        })
    }

    /// The model's id, or the label if no model was found.
    pub(crate) fn requested(&self) -> &str {
        match &self.target {
            Ok(target) => &target.model,
            Err(error) => error.model().unwrap_or(&self.label),
        }
    }
}
