//! The models a provider has.

use serde::Serialize;

use crate::{RawJson, Usage, Usd};

/// The list of a provider's models.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
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

    /// The models that have all of these words in their id or name, in any case. Words are separated by white space.
    pub fn search<'a>(&'a self, words: &str) -> impl Iterator<Item = &'a Model> {
        let words: Vec<String> = words.split_whitespace().map(str::to_lowercase).collect();
        self.models.iter().filter(move |model| {
            let text = format!("{} {}", model.id, model.name).to_lowercase();
            words.iter().all(|word| text.contains(word))
        })
    }
}

/// A model in a catalogue. What the catalogue does not say is `None` or empty.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Model {
    /// What to send as [`ChatRequest::model`](crate::ChatRequest::model).
    pub id: String,
    /// The name to show.
    pub name: String,
    /// The permanent, dated name, as answers report it.
    pub canonical_slug: Option<String>,
    /// What it is good for.
    pub description: Option<String>,
    /// When it was added, in seconds since 1970.
    pub created: Option<u64>,
    /// How many tokens prompt and answer may have together.
    pub context_length: Option<u64>,
    /// How many tokens an answer may have.
    pub max_completion_tokens: Option<u64>,
    /// What it reads: `text`, `image`, `file`, `audio`, `video`.
    pub input_modalities: Vec<String>,
    /// What it writes: `text`, `image`, `audio`.
    pub output_modalities: Vec<String>,
    /// The request parameters that at least one of its endpoints supports.
    pub supported_parameters: Vec<String>,
    /// What it costs.
    pub pricing: Pricing,
    /// The day it is taken off, as the service writes it.
    pub expiration_date: Option<String>,
    /// The whole entry as it was sent.
    pub raw: Option<RawJson>,
}

impl Model {
    /// Whether a request parameter is supported (`tools`, `response_format`, `reasoning`, …).
    pub fn supports(&self, parameter: &str) -> bool {
        self.supported_parameters.iter().any(|supported| supported == parameter)
    }

    /// Whether prompt and answer cost nothing.
    pub fn is_free(&self) -> bool {
        let free = Some(Price::Fixed(Usd::ZERO));
        self.pricing.prompt == free && self.pricing.completion == free
    }
}

/// What a model costs, in US dollars. Conditional prices (by length, by time of day) are in [`Model::raw`] only.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Pricing {
    /// Per token of the prompt.
    pub prompt: Option<Price>,
    /// Per token of the answer.
    pub completion: Option<Price>,
    /// Per request.
    pub request: Option<Price>,
    /// Per image of the prompt.
    pub image: Option<Price>,
    /// Per token read from the prompt cache.
    pub input_cache_read: Option<Price>,
    /// Per token written to the prompt cache.
    pub input_cache_write: Option<Price>,
    /// Per token of thoughts.
    pub internal_reasoning: Option<Price>,
    /// Per web search.
    pub web_search: Option<Price>,
}

impl Pricing {
    /// What `usage` would cost at the base price per token, for an estimate before a call. What a call did cost is
    /// [`Usage::cost`], which knows discounts, caches and fees. `None` where the price or the counts are unknown.
    pub fn estimate(&self, usage: &Usage) -> Option<Usd> {
        let part = |price: Option<Price>, tokens: Option<u64>| Some(price?.amount()? * tokens?);
        let tokens =
            part(self.prompt, usage.prompt_tokens)? + part(self.completion, usage.completion_tokens)?;
        Some(tokens + self.request.and_then(Price::amount).unwrap_or_default())
    }
}

/// A price per unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Price {
    /// This much.
    Fixed(Usd),
    /// It depends on the model that a router picks.
    Varies,
}

impl Price {
    /// The amount, if it is fixed.
    pub fn amount(self) -> Option<Usd> {
        match self {
            Price::Fixed(amount) => Some(amount),
            Price::Varies => None,
        }
    }
}
