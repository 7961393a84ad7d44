//! The list of a provider's models.

use serde::{Deserialize, Serialize};

use super::pricing::Pricing;
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
    /// Whether models that the list lacks may be asked for as well, where this instance of a provider knows
    /// better than its [descriptor](crate::ProviderDescriptor::accepts_unlisted_models): one without a list
    /// of its own, for example. `None`: as the descriptor says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepts_unlisted_models: Option<bool>,
    /// Whether requests are billed at all, to models of the list and to others. `Some(false)`: they are not
    /// ([`not_billed`](Self::not_billed)). `None`: as the prices of each model say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_billed: Option<bool>,
}

impl Catalogue {
    /// A catalogue of these models.
    pub fn new(models: Vec<Model>, total_count: Option<u64>) -> Self {
        Self { models, total_count, ..Self::default() }
    }

    /// Says whether models that the list lacks may be asked for as well.
    #[must_use]
    pub fn with_unlisted_models(mut self, accepts: bool) -> Self {
        self.accepts_unlisted_models = Some(accepts);
        self
    }

    /// Says that nobody bills requests to this instance: a server of one's own.
    #[must_use]
    pub fn not_billed(mut self) -> Self {
        self.models.iter_mut().for_each(|model| model.pricing = Pricing::not_billed());
        self.is_billed = Some(false);
        self
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
