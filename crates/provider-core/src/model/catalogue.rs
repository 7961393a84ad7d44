//! The list of a provider's models.

use serde::{Deserialize, Serialize};

use super::query::ModelQuery;
use super::{Model, query};

/// The list of a provider's models.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Catalogue {
    /// The models, in the provider's order.
    pub models: Vec<Model>,
    /// How many there are in all, where the provider says so; more than `models` if the list is a part.
    pub total_count: Option<u64>,
}

impl Catalogue {
    /// A catalogue of these models.
    pub fn new(models: Vec<Model>, total_count: Option<u64>) -> Self {
        Self { models, total_count }
    }

    /// The model with exactly this id.
    pub fn find(&self, id: &str) -> Option<&Model> {
        self.models.iter().find(|model| model.id == id)
    }

    /// The models that a query wants, in its order: what a model selector shows.
    ///
    /// ```
    /// use provider_core::{Catalogue, ModelQuery, ModelSort};
    ///
    /// fn cheap_tool_users(catalogue: &Catalogue) -> Vec<&str> {
    ///     let query = ModelQuery::new("claude").supports("tools").sort(ModelSort::Price).limit(5);
    ///     catalogue.select(&query).iter().map(|model| model.id.as_str()).collect()
    /// }
    /// ```
    pub fn select(&self, query: &ModelQuery) -> Vec<&Model> {
        query::select(&self.models, query)
    }
}
