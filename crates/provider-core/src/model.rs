//! The models a provider has.

mod ability;
mod catalogue;
mod cost;
mod fuzzy;
mod override_price;
mod pricing;
mod problems;
mod query;
mod reasoning;
pub mod settings;
mod time_of_day;
mod time_of_week;

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

pub use self::catalogue::Catalogue;
pub use self::cost::{CostEstimate, CostPart, Unpriced};
pub use self::fuzzy::is_misspelling;
pub use self::override_price::PriceOverride;
pub use self::pricing::{Price, Prices, Pricing};
pub use self::query::{ModelQuery, ModelSort};
pub use self::reasoning::ReasoningOptions;
pub use self::time_of_day::{DailyWindow, TimeOfDay};
pub use self::time_of_week::{TimeOfWeek, Weekday};
use crate::{RawJson, ShortText, Usd, date};

/// A model in a catalogue. A field that the catalogue does not state is `None` or empty.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Model {
    /// The id to send as [`ChatRequest::model`](crate::ChatRequest::model).
    pub id: String,
    /// The name to show; the id, where the service has no name for it.
    pub name: String,
    /// The permanent, dated name, as answers report it.
    pub canonical_slug: Option<String>,
    /// The model's id at Hugging Face, if it is there.
    pub hugging_face_id: Option<String>,
    /// A description of what it is good for.
    pub description: Option<String>,
    /// When it was added, in seconds since 1970.
    pub created: Option<u64>,
    /// The day up to which it knows the world (`2024-10-01`), as the service writes it.
    pub knowledge_cutoff: Option<String>,
    /// How many tokens prompt and answer may have together.
    pub context_length: Option<u64>,
    /// The same at the provider that is asked first; can be less.
    pub top_provider_context_length: Option<u64>,
    /// How many tokens an answer may have at the provider that is asked first.
    pub max_completion_tokens: Option<u64>,
    /// Whether the provider that is asked first moderates what is sent.
    pub is_moderated: Option<bool>,
    /// How many tokens one request may have, where it is limited beyond the context.
    pub per_request_limits: Option<RequestLimits>,
    /// Its input and output modalities in one word (`text+image->text`).
    pub modality: Option<String>,
    /// The modalities it reads: `text`, `image`, `file`, `audio`, `video`.
    pub input_modalities: Vec<ShortText>,
    /// The modalities it writes: `text`, `image`, `audio`, …
    pub output_modalities: Vec<ShortText>,
    /// The family of its tokenizer (`GPT`, `Claude`, …).
    pub tokenizer: Option<String>,
    /// The format of its instructions (`chatml`, …), for open models.
    pub instruct_type: Option<String>,
    /// The request parameters that at least one of its endpoints supports.
    pub supported_parameters: Vec<ShortText>,
    /// The values of the parameters that a request does not set.
    pub default_parameters: DefaultParameters,
    /// The voices it speaks with, for models that speak.
    pub supported_voices: Vec<ShortText>,
    /// How its thinking can be steered. `None` for models that do not think, and where the catalogue does not
    /// say.
    pub reasoning: Option<ReasoningOptions>,
    /// Its prices.
    pub pricing: Pricing,
    /// The day it is taken off, as the service writes it. Can be a sentinel: see
    /// [`deprecation`](Self::deprecation).
    pub expiration_date: Option<String>,
    /// The model that this id stands for at the moment, for aliases that move
    /// (`~anthropic/claude-opus-latest`).
    pub alias_target: Option<AliasTarget>,
    /// Where its endpoints are listed, relative to the service's host.
    pub details_link: Option<String>,
    /// Whether it can only be asked in batches. It is listed, but a chat with it fails.
    pub batch_only: bool,
    /// The whole entry as it was sent.
    pub raw: Option<RawJson>,
}

/// How many tokens one request may have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct RequestLimits {
    /// In the prompt.
    pub prompt_tokens: Option<u64>,
    /// In the answer.
    pub completion_tokens: Option<u64>,
}

/// The values of the parameters that a request does not set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct DefaultParameters {
    /// Randomness.
    pub temperature: Option<f64>,
    /// Nucleus sampling.
    pub top_p: Option<f64>,
    /// How many likeliest tokens to pick from.
    pub top_k: Option<u64>,
    /// The penalty that grows with how often a token came.
    pub frequency_penalty: Option<f64>,
    /// The penalty for tokens that came.
    pub presence_penalty: Option<f64>,
    /// The multiplicative penalty.
    pub repetition_penalty: Option<f64>,
}

/// The model that an alias stands for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct AliasTarget {
    /// The model's id.
    pub slug: String,
    /// Its name to show.
    pub name: Option<String>,
}

/// That a model is going to be taken off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Deprecation {
    /// The last day it is promised for (`2026-06-19`, UTC).
    pub date: String,
    /// How many days there are until then: 0 on the day, below 0 after it.
    pub days_left: i64,
}

/// A day this far away says "never". Real ones are announced months ahead.
const SENTINEL_DAYS: i64 = 20 * 365;

impl Model {
    /// Returns the author: the part before the slash of the id (`anthropic` in
    /// `~anthropic/claude-opus-latest`).
    pub fn author(&self) -> Option<&str> {
        let (author, _) = self.id.split_once('/')?;
        Some(author.trim_start_matches('~'))
    }

    /// Whether prompt and answer cost nothing: by their prices, or since nobody bills them.
    pub fn is_free(&self) -> bool {
        let free = Some(Price::Fixed(Usd::ZERO));
        self.pricing.is_billed == Some(false)
            || (self.pricing.prompt == free && self.pricing.completion == free)
    }

    /// Whether and when the model is taken off, counted from `now`.
    ///
    /// A day more than twenty years away (`2098-12-31` occurs) is a sentinel for "not planned" and no
    /// deprecation; a text that does not begin with a date says nothing either. Both stay in
    /// [`expiration_date`](Self::expiration_date).
    ///
    /// ```
    /// use provider_core::Model;
    /// use std::time::SystemTime;
    ///
    /// let mut model = Model::default();
    /// model.expiration_date = Some("2098-12-31".to_owned());
    /// assert_eq!(model.deprecation(SystemTime::UNIX_EPOCH), None);
    /// ```
    pub fn deprecation(&self, now: SystemTime) -> Option<Deprecation> {
        let (date, day) = date::leading_date(self.expiration_date.as_deref()?)?;
        let days_left = day - date::day_of(now);
        (days_left <= SENTINEL_DAYS).then(|| Deprecation { date: date.to_owned(), days_left })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn sentinel_dates_are_no_deprecation() {
        // 2026-06-01
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(20_605 * 24 * 60 * 60);
        for (date, days) in [
            (Some("2026-06-19"), Some(18)),
            (Some("2026-06-01"), Some(0)),
            (Some("2026-05-31T12:00:00Z"), Some(-1)),
            (Some("2030-01-01"), Some(1_310)),
            (Some("2098-12-31"), None),
            (Some("9999-12-31"), None),
            (Some("soon"), None),
            (Some(""), None),
            (None, None),
        ] {
            let model = Model { expiration_date: date.map(str::to_owned), ..Model::default() };
            let deprecation = model.deprecation(now);
            assert_eq!(deprecation.as_ref().map(|deprecation| deprecation.days_left), days, "{date:?}");
            assert!(deprecation.is_none_or(|deprecation| date.unwrap().starts_with(&deprecation.date)));
        }
    }

    #[test]
    fn the_author_is_before_the_slash() {
        for (id, author) in [
            ("openai/gpt-4o:free", Some("openai")),
            ("~anthropic/claude-opus-latest", Some("anthropic")),
            ("gpt-4o", None),
        ] {
            assert_eq!(Model { id: id.to_owned(), ..Model::default() }.author(), author);
        }
    }
}
