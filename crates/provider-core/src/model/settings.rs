//! Settings about models of which a service tells too little: fields for a provider's table, and their
//! meaning.
//!
//! A server of one's own lists ids at best: no context length and no prices. A provider that has these fields
//! lets its user say them, for all models of the server.
//!
//! ```
//! use provider_core::author::model_settings::{self, ModelSettings};
//! use provider_core::{Catalogue, ConfigField, ConfigValues, Model};
//!
//! static FIELDS: &[ConfigField] = &[
//!     model_settings::models(),
//!     model_settings::context_length(),
//!     model_settings::not_billed(),
//! ];
//!
//! let values = ConfigValues::from([("models", "llama3.2"), ("context_length", "8192")]);
//! assert_eq!(values.problems(FIELDS), []);
//! let settings = ModelSettings::of(&values);
//! let listed = settings.listed().unwrap_or_else(|| Catalogue::new(vec![Model::default()], None));
//! let catalogue = settings.complete(listed);
//! assert_eq!((&*catalogue.models[0].id, catalogue.models[0].context_length), ("llama3.2", Some(8192)));
//! ```

use super::{Catalogue, Model, Price, Pricing};
use crate::{ConfigField, ConfigValues, FieldKind, Usd};

/// The key of [`models`].
pub const MODELS: &str = "models";
/// The key of [`context_length`].
pub const CONTEXT_LENGTH: &str = "context_length";
/// The key of [`prompt_price`].
pub const PROMPT_PRICE: &str = "prompt_price";
/// The key of [`completion_price`].
pub const COMPLETION_PRICE: &str = "completion_price";
/// The key of [`not_billed`].
pub const NOT_BILLED: &str = "not_billed";

/// The field for the models to offer in place of a list of the server's.
pub const fn models() -> ConfigField {
    ConfigField::new(MODELS, "Models", FieldKind::Text)
        .placeholder("llama3.2, qwen3:8b")
        .help("The ids of the models to offer, in lines or with commas between them, where the server has no list. Empty: the server's list.")
        .check(check_models)
}

/// The field for the context length of every model of which the server does not say it, in tokens.
pub const fn context_length() -> ConfigField {
    ConfigField::new(CONTEXT_LENGTH, "Context Length", FieldKind::Integer)
        .placeholder("32768")
        .help("How many tokens prompt and answer may have together, where the server does not say.")
        .check(check_length)
}

/// The field for the price of a million tokens of the prompt.
pub const fn prompt_price() -> ConfigField {
    ConfigField::new(PROMPT_PRICE, "Prompt Price", FieldKind::Number)
        .placeholder("0.15")
        .help("The price of a million tokens of the prompt, in US dollars.")
        .check_among(check_price)
}

/// The field for the price of a million tokens of the answer.
pub const fn completion_price() -> ConfigField {
    ConfigField::new(COMPLETION_PRICE, "Completion Price", FieldKind::Number)
        .placeholder("0.60")
        .help("The price of a million tokens of the answer, in US dollars.")
        .check_among(check_price)
}

/// The field for whether requests cost nothing at all. It contradicts a price.
pub const fn not_billed() -> ConfigField {
    ConfigField::new(NOT_BILLED, "Not Billed", FieldKind::Bool).help(
        "Whether no request costs anything, as on a server of your own: a fallback to it needs no permission to pay.",
    )
}

/// The values of these settings.
#[derive(Clone, Debug, Default)]
pub struct ModelSettings {
    models: Vec<String>,
    context_length: Option<u64>,
    pricing: Option<Pricing>,
    is_not_billed: bool,
}

impl ModelSettings {
    /// Reads them from settings that the fields have checked. A value that is none counts as not set.
    pub fn of(values: &ConfigValues) -> Self {
        let price = |key| values.get(key).and_then(per_token).map(Price::Fixed);
        let mut pricing = Pricing::default();
        (pricing.prompt, pricing.completion) = (price(PROMPT_PRICE), price(COMPLETION_PRICE));
        Self {
            models: values.list(MODELS).map(str::to_owned).collect(),
            context_length: values.integer(CONTEXT_LENGTH).and_then(|tokens| u64::try_from(tokens).ok()),
            pricing: Some(pricing).filter(|pricing| *pricing != Pricing::default()),
            is_not_billed: values.flag(NOT_BILLED).unwrap_or(false),
        }
    }

    /// Returns the models of the setting `models` as a catalogue, `None` where it is not set.
    pub fn listed(&self) -> Option<Catalogue> {
        let model = |id: &String| Model { id: id.clone(), ..Model::default() };
        (!self.models.is_empty()).then(|| Catalogue::new(self.models.iter().map(model).collect(), None))
    }

    /// Adds to a catalogue what the settings say: the context length where a model has none, prices in place
    /// of those of the list, and that none is billed. Ids that the catalogue lacks may be tried as well where
    /// it is that of the setting `models`.
    #[must_use]
    pub fn complete(&self, mut catalogue: Catalogue) -> Catalogue {
        for model in &mut catalogue.models {
            model.context_length = model.context_length.or(self.context_length);
            if let Some(pricing) = &self.pricing {
                model.pricing.clone_from(pricing);
            }
        }
        let catalogue = catalogue.with_unlisted_models(!self.models.is_empty());
        if self.is_not_billed { catalogue.not_billed() } else { catalogue }
    }
}

/// Reads the price of a million tokens as that of one.
fn per_token(per_million: &str) -> Option<Usd> {
    let is_plain = per_million.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if is_plain { format!("{per_million}e-6").parse().ok() } else { None }
}

fn check_models(ids: &str) -> Result<(), String> {
    let is_good = !crate::config::items(ids).any(|id| id.contains(char::is_whitespace));
    if is_good { Ok(()) } else { Err("has white space inside an id; put a comma between two ids".to_owned()) }
}

fn check_length(tokens: &str) -> Result<(), String> {
    let is_good = tokens.parse::<u64>().is_ok_and(|tokens| tokens > 0);
    if is_good { Ok(()) } else { Err("must be above 0".to_owned()) }
}

fn check_price(price: &str, all: &ConfigValues) -> Result<(), String> {
    match (per_token(price), all.flag(NOT_BILLED)) {
        (None, _) => Err("must be an amount of US dollars such as 0.15".to_owned()),
        (_, Some(true)) => Err("contradicts not_billed; set one of them".to_owned()),
        _ => Ok(()),
    }
}
