//! The fields that a dialect writes into a request's body, and the problems of a request.

use provider_core::FieldProblem;
pub use provider_core::author::NOT_FINITE;
use serde::Serialize;

use crate::dialect::WIRE;

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
#[derive(Debug, Default)]
pub struct Problems(Vec<Problem>);

#[derive(Debug)]
struct Problem {
    /// The provider that the problem is of, where it is not one of all: extra parameters of others are not
    /// sent.
    only_of: Option<String>,
    problem: FieldProblem,
}

impl Problems {
    /// Adds a problem: the field's name as the caller knows it, and what is wrong with it.
    pub fn add(&mut self, field: impl Into<String>, what: impl Into<String>) {
        self.0.push(Problem { only_of: None, problem: FieldProblem::new(field, what) });
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

    /// Adds a problem with an extra parameter. It counts where the request goes to this provider, or to any
    /// if it is for the [wire](crate::WIRE).
    pub(crate) fn add_extra(&mut self, provider: &str, name: &str, what: &str) {
        let problem = FieldProblem::new(format!("extra.{provider}.{name}"), what);
        self.0.push(Problem { only_of: Some(provider.to_owned()), problem });
    }

    pub(crate) fn extend(&mut self, problems: Vec<FieldProblem>) {
        self.0.extend(problems.into_iter().map(|problem| Problem { only_of: None, problem }));
    }

    /// The problems of a request to this provider.
    pub(crate) fn into_vec(self, provider: &str) -> Vec<FieldProblem> {
        let counts = |of: &str| of == provider || of == WIRE;
        let counted = self.0.into_iter().filter(|found| found.only_of.as_deref().is_none_or(counts));
        counted.map(|found| found.problem).collect()
    }
}
