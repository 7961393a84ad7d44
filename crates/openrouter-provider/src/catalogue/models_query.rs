//! The query by which the service searches and filters its models.

use provider_core::Usd;

use crate::path::encode_value;

/// The query for [`OpenRouter::search_models`](crate::OpenRouter::search_models). All conditions must hold;
/// without one, the service lists all models that write text.
///
/// To search a list that is there already, as a model selector does with every key that is pressed, use
/// [`provider_core::ModelQuery`].
///
/// ```
/// use openrouter_provider::{ModelsQuery, ModelsSort};
///
/// let query = ModelsQuery::new()
///     .q("claude")
///     .supported_parameters(["tools", "structured_outputs"])
///     .input_modalities(["image"])
///     .sort(ModelsSort::PricingLowToHigh)
///     .param("min_age_days", 30);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct ModelsQuery {
    params: Vec<(String, String)>,
}

impl ModelsQuery {
    /// Without conditions.
    pub fn new() -> Self {
        Self::default()
    }

    /// Only models with this in their name or id.
    pub fn q(self, text: impl ToString) -> Self {
        self.param("q", text)
    }

    /// Only models for this use: `programming`, `roleplay`, `marketing`, `marketing/seo`, `technology`,
    /// `science`, `translation`, `legal`, `finance`, `health`, `trivia`, `academia`.
    pub fn category(self, category: impl ToString) -> Self {
        self.param("category", category)
    }

    /// Only models that list these request parameters.
    pub fn supported_parameters(self, names: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        self.list("supported_parameters", names)
    }

    /// Only models that read these: `text`, `image`, `audio`, `file`.
    pub fn input_modalities(self, modalities: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        self.list("input_modalities", modalities)
    }

    /// Models that write one of these: `text` (the default), `image`, `audio`, `embeddings`; `all` for every
    /// model.
    pub fn output_modalities(self, modalities: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        self.list("output_modalities", modalities)
    }

    /// Only models with room for at least so many tokens.
    pub fn context(self, tokens: u64) -> Self {
        self.param("context", tokens)
    }

    /// Only models whose million prompt tokens cost at least this.
    pub fn min_price(self, per_million: Usd) -> Self {
        self.param("min_price", per_million)
    }

    /// Only models whose million prompt tokens cost no more than this.
    pub fn max_price(self, per_million: Usd) -> Self {
        self.param("max_price", per_million)
    }

    /// Only models whose million answer tokens cost at least this.
    pub fn min_output_price(self, per_million: Usd) -> Self {
        self.param("min_output_price", per_million)
    }

    /// Only models whose million answer tokens cost no more than this.
    pub fn max_output_price(self, per_million: Usd) -> Self {
        self.param("max_output_price", per_million)
    }

    /// Only models of this family: `GPT`, `Claude`, `Gemini`, `Llama`, …
    pub fn arch(self, family: impl ToString) -> Self {
        self.param("arch", family)
    }

    /// Only models of these authors, by their slugs.
    pub fn model_authors(self, authors: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        self.list("model_authors", authors)
    }

    /// Only models that these providers serve, by their names.
    pub fn providers(self, names: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        self.list("providers", names)
    }

    /// Only models whose answers may (or may not) be used to train others.
    pub fn distillable(self, distillable: bool) -> Self {
        self.param("distillable", distillable)
    }

    /// Only models with endpoints that keep no data ("zero data retention").
    pub fn zdr(self) -> Self {
        self.param("zdr", true)
    }

    /// Only models with endpoints in this region: `eu` or `us`.
    pub fn region(self, region: impl ToString) -> Self {
        self.param("region", region)
    }

    /// Sets the order of the models.
    pub fn sort(self, sort: ModelsSort) -> Self {
        self.param("sort", sort.as_str())
    }

    /// Sets a parameter by its name on the wire, for those that have no method here. One that is set already
    /// is replaced.
    ///
    /// `limit` is the size of a page: all pages are fetched whatever it is.
    pub fn param(mut self, name: impl Into<String>, value: impl ToString) -> Self {
        let name = name.into();
        self.params.retain(|(known, _)| *known != name);
        self.params.push((name, value.to_string()));
        self
    }

    fn list(self, name: &str, items: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let items: Vec<String> = items.into_iter().map(|item| item.as_ref().to_owned()).collect();
        self.param(name, items.join(","))
    }

    /// The query of the URL.
    pub(crate) fn to_query(&self) -> String {
        let pairs = self.params.iter().map(|(name, value)| (encode_value(name), encode_value(value)));
        pairs.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
    }
}

/// The order in which the service lists models.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ModelsSort {
    /// The most used.
    MostPopular,
    /// The newest.
    Newest,
    /// The most used of this week.
    TopWeekly,
    /// The cheapest.
    PricingLowToHigh,
    /// The dearest.
    PricingHighToLow,
    /// The roomiest.
    ContextHighToLow,
    /// The quickest to write.
    ThroughputHighToLow,
    /// The quickest to begin.
    LatencyLowToHigh,
    /// The cleverest, by Artificial Analysis.
    IntelligenceHighToLow,
    /// The best at code, by Artificial Analysis.
    CodingHighToLow,
    /// The best at acting, by Artificial Analysis.
    AgenticHighToLow,
    /// The best by the ratings of Design Arena.
    DesignArenaEloHighToLow,
}

impl ModelsSort {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            ModelsSort::MostPopular => "most-popular",
            ModelsSort::Newest => "newest",
            ModelsSort::TopWeekly => "top-weekly",
            ModelsSort::PricingLowToHigh => "pricing-low-to-high",
            ModelsSort::PricingHighToLow => "pricing-high-to-low",
            ModelsSort::ContextHighToLow => "context-high-to-low",
            ModelsSort::ThroughputHighToLow => "throughput-high-to-low",
            ModelsSort::LatencyLowToHigh => "latency-low-to-high",
            ModelsSort::IntelligenceHighToLow => "intelligence-high-to-low",
            ModelsSort::CodingHighToLow => "coding-high-to-low",
            ModelsSort::AgenticHighToLow => "agentic-high-to-low",
            ModelsSort::DesignArenaEloHighToLow => "design-arena-elo-high-to-low",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_become_a_query() {
        let query = ModelsQuery::new()
            .q("a b&c")
            .supported_parameters(["tools", "seed"])
            .max_price("0.5".parse().unwrap())
            .zdr()
            .sort(ModelsSort::Newest)
            .q("東")
            .param("min_age_days", 3);
        assert_eq!(
            query.to_query(),
            "supported_parameters=tools,seed&max_price=0.5&zdr=true&sort=newest&q=%E6%9D%B1&min_age_days=3"
        );
        assert_eq!(ModelsQuery::new().to_query(), "");
        assert_eq!(ModelsQuery::new().param("a=b&c", "d/e").to_query(), "a%3Db%26c=d/e");
    }
}
