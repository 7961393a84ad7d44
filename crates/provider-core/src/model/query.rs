//! The query that a model selector makes of a catalogue.

use std::cmp::Reverse;

use super::fuzzy::Pattern;
use super::{Model, Price};
use crate::Usd;

/// Tokens that prices are compared by.
const MILLION: u64 = 1_000_000;

/// The models to show, and their order. All conditions must hold; a condition on something that the catalogue
/// does not state fails.
///
/// The text is searched in ids and names: its words can stand in any order and be incomplete, and a typo in a
/// longer word is forgiven.
///
/// ```
/// use provider_core::{ModelQuery, Usd};
///
/// let query = ModelQuery::new("sonnet antropic")
///     .supports("tools")
///     .supports_input("image")
///     .min_context(100_000)
///     .max_price("5".parse::<Usd>()?)
///     .limit(20);
/// # Ok::<(), provider_core::ParseUsdError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ModelQuery {
    /// The words to look for in ids and names. Blank: all models.
    pub text: String,
    /// Only models whose prompt and answer cost nothing.
    pub free: bool,
    /// Only models that read all of these: `text`, `image`, `file`, `audio`, `video`.
    pub input_modalities: Vec<String>,
    /// Only models that write all of these: `text`, `image`, `audio`, …
    pub output_modalities: Vec<String>,
    /// Only models that list all of these request parameters: `tools`, `structured_outputs`, `reasoning`, …
    pub parameters: Vec<String>,
    /// Only models of one of these authors: `openai`, `anthropic`, …
    pub authors: Vec<String>,
    /// Only models with room for at least so many tokens.
    pub min_context: Option<u64>,
    /// Only models whose million prompt tokens cost no more than this.
    pub max_prompt_price: Option<Usd>,
    /// Only models whose million answer tokens cost no more than this.
    pub max_completion_price: Option<Usd>,
    /// Also models that no chat can be had with (see [`Model::is_selectable`]).
    pub include_unselectable: bool,
    /// The order of the models.
    pub sort: ModelSort,
    /// How many at most.
    pub limit: Option<usize>,
}

/// The order of models. Equals are ordered by id, and what is unknown comes last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ModelSort {
    /// Best fit for the text first; the provider's order where there is no text.
    #[default]
    Relevance,
    /// By id.
    Id,
    /// Cheapest first: the prices of a prompt token and an answer token together.
    Price,
    /// Most room first.
    Context,
    /// Newest first.
    Newest,
}

impl ModelQuery {
    /// A query for a text. Blank: for all models.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// Wants only models whose prompt and answer cost nothing.
    #[must_use]
    pub fn free(mut self) -> Self {
        self.free = true;
        self
    }

    /// Wants only models that read this, too.
    #[must_use]
    pub fn supports_input(mut self, modality: impl Into<String>) -> Self {
        self.input_modalities.push(modality.into());
        self
    }

    /// Wants only models that write this, too.
    #[must_use]
    pub fn supports_output(mut self, modality: impl Into<String>) -> Self {
        self.output_modalities.push(modality.into());
        self
    }

    /// Wants only models that list this request parameter, too.
    #[must_use]
    pub fn supports(mut self, parameter: impl Into<String>) -> Self {
        self.parameters.push(parameter.into());
        self
    }

    /// Wants only models of this author, or of others that are named as well.
    #[must_use]
    pub fn author(mut self, author: impl Into<String>) -> Self {
        self.authors.push(author.into());
        self
    }

    /// Wants only models with room for at least so many tokens.
    #[must_use]
    pub fn min_context(mut self, tokens: u64) -> Self {
        self.min_context = Some(tokens);
        self
    }

    /// Wants only models of which a million tokens cost no more than this, prompt and answer alike.
    #[must_use]
    pub fn max_price(self, per_million: Usd) -> Self {
        self.max_prompt_price(per_million).max_completion_price(per_million)
    }

    /// Wants only models whose million prompt tokens cost no more than this.
    #[must_use]
    pub fn max_prompt_price(mut self, per_million: Usd) -> Self {
        self.max_prompt_price = Some(per_million);
        self
    }

    /// Wants only models whose million answer tokens cost no more than this.
    #[must_use]
    pub fn max_completion_price(mut self, per_million: Usd) -> Self {
        self.max_completion_price = Some(per_million);
        self
    }

    /// Also wants models that no chat can be had with.
    #[must_use]
    pub fn include_unselectable(mut self) -> Self {
        self.include_unselectable = true;
        self
    }

    /// Sets what comes first.
    #[must_use]
    pub fn sort(mut self, sort: ModelSort) -> Self {
        self.sort = sort;
        self
    }

    /// Sets how many to show at most.
    #[must_use]
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Whether a model meets all conditions; the text is not looked at.
    fn admits(&self, model: &Model) -> bool {
        let of_author = |author: &str| self.authors.iter().any(|wanted| wanted.eq_ignore_ascii_case(author));
        (self.include_unselectable || model.is_selectable())
            && (!self.free || model.is_free())
            && self.input_modalities.iter().all(|modality| model.supports_input(modality))
            && self.output_modalities.iter().all(|modality| model.supports_output(modality))
            && self.parameters.iter().all(|parameter| model.supports(parameter))
            && (self.authors.is_empty() || model.author().is_some_and(of_author))
            && self.min_context.is_none_or(|least| model.context_length.is_some_and(|room| room >= least))
            && is_within(self.max_prompt_price, model.pricing.prompt)
            && is_within(self.max_completion_price, model.pricing.completion)
    }
}

/// Whether a price per token is within a limit per million. One that is unknown or varies is not.
fn is_within(per_million: Option<Usd>, price: Option<Price>) -> bool {
    let amount = price.and_then(Price::amount);
    per_million.is_none_or(|limit| amount.is_some_and(|amount| amount * MILLION <= limit))
}

/// The models that a query wants, in its order.
pub(super) fn select<'a>(models: &'a [Model], query: &ModelQuery) -> Vec<&'a Model> {
    let mut pattern = Pattern::new(&query.text);
    let mut found: Vec<(u32, &Model)> = models
        .iter()
        .filter(|model| query.admits(model))
        .filter_map(|model| Some((pattern.score(&model.id, &model.name)?, model)))
        .collect();
    let as_listed = query.sort == ModelSort::Relevance && pattern.is_blank();
    if !as_listed {
        found.sort_by(|(_, a), (_, b)| a.id.cmp(&b.id));
    }
    // All sorts are stable, so equals stay ordered by id.
    match query.sort {
        _ if as_listed => {}
        ModelSort::Relevance => found.sort_by_key(|(score, model)| (Reverse(*score), model.id.len())),
        ModelSort::Id => {}
        ModelSort::Price => found.sort_by_key(|(_, model)| {
            let amount = |price: Option<Price>| price.and_then(Price::amount);
            let both = amount(model.pricing.prompt).zip(amount(model.pricing.completion));
            (both.is_none(), both.map(|(prompt, completion)| prompt + completion))
        }),
        // `None` is less than any number.
        ModelSort::Context => found.sort_by_key(|(_, model)| Reverse(model.context_length)),
        ModelSort::Newest => found.sort_by_key(|(_, model)| Reverse(model.created)),
    }
    found.truncate(query.limit.unwrap_or(usize::MAX));
    found.into_iter().map(|(_, model)| model).collect()
}

#[cfg(test)]
mod tests;
