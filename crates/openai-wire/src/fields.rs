//! The fields that a dialect writes into a request's body, and the problems of a request.

use provider_core::FieldProblem;
pub use provider_core::author::NOT_FINITE;
use serde::Serialize;

/// Takes the fields of a body, in the order in which they are to be written.
pub trait FieldWriter {
    /// The error of writing.
    type Error;

    /// Writes a field.
    ///
    /// # Errors
    /// When the value cannot be written as JSON.
    fn field<V: Serialize + ?Sized>(&mut self, name: &str, value: &V) -> Result<(), Self::Error>;
}

/// The problems of a request that were found so far.
#[derive(Debug)]
pub struct Problems {
    /// The provider whose extra parameters are sent.
    provider: String,
    found: Vec<FieldProblem>,
}

impl Problems {
    /// Adds a problem: the field's name as the caller knows it, and what is wrong with it.
    pub fn add(&mut self, field: impl Into<String>, what: impl Into<String>) {
        self.found.push(FieldProblem::new(field, what));
    }

    /// Adds a problem unless `id` can be the id of a model.
    pub fn model_id(&mut self, field: &str, id: &str) {
        let is_unusable = id.is_empty() || id.chars().any(|c| c.is_whitespace() || c.is_control());
        self.when(is_unusable, field, "must be a model id such as openai/gpt-4o, without white space");
    }

    /// Adds a problem if there is one.
    pub fn when(&mut self, wrong: bool, field: &str, what: &str) {
        if wrong {
            self.add(field, what);
        }
    }

    /// No problems yet, of a request to this provider.
    pub(crate) fn of(provider: &str) -> Self {
        Self { provider: provider.to_owned(), found: Vec::new() }
    }

    pub(crate) fn provider(&self) -> &str {
        &self.provider
    }

    pub(crate) fn extend(&mut self, problems: Vec<FieldProblem>) {
        self.found.extend(problems);
    }

    pub(crate) fn into_vec(self) -> Vec<FieldProblem> {
        self.found
    }
}
