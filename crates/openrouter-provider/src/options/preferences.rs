//! Which upstream providers may serve, and in which order: the `provider` object.

use std::collections::BTreeMap;

use provider_core::{RawJson, Usd};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::List;
use super::settings::{settings, words};

settings! {
    /// Which upstream providers may serve a request, and in which order they are tried.
    ///
    /// Providers go by their slugs: `deepinfra` is all of its endpoints, `deepinfra/turbo` one of them. What
    /// is not set is left to OpenRouter, or to the workspace's own preferences.
    ///
    /// ```
    /// use openrouter_provider::options::{DataCollection, MaxPrice, ProviderPreferences, SortBy};
    ///
    /// let cheap_and_private = ProviderPreferences::new()
    ///     .sort(SortBy::Price)
    ///     .data_collection(DataCollection::Deny)
    ///     .max_price(MaxPrice::new().prompt("0.5".parse::<provider_core::Usd>()?));
    /// # Ok::<(), provider_core::ParseUsdError>(())
    /// ```
    ///
    /// A field that this type does not know is kept in [`extra`](Self#structfield.extra), and sent. One that
    /// is probably a field of this type, misspelt, is refused by name, since the service would not heed it.
    open ProviderPreferences {
        /// Try these first, in this order; then the others, unless `allow_fallbacks` is false. Switches load
        /// balancing and sticky routing off.
        order: List<String>,
        /// Whether others may serve when the first fail. Default: true.
        allow_fallbacks: bool,
        /// Whether only providers may serve that support every parameter of the request. Default: false, and
        /// the others ignore what they do not know.
        require_parameters: bool,
        /// Whether providers may serve that keep or train on prompts. Default: they may.
        data_collection: DataCollection,
        /// Whether only endpoints may serve that retain nothing. Cannot relax what the account demands.
        zdr: bool,
        /// Whether only models may serve whose text may be used for training others.
        enforce_distillable_text: bool,
        /// Only these may serve, among those that the account allows.
        only: List<String>,
        /// These may not.
        ignore: List<String>,
        /// Only these precisions may serve: `int4`, `int8`, `fp4`, `fp6`, `fp8`, `fp16`, `bf16`, `fp32`,
        /// `mxfp4`, `mxfp8`, `nvfp4`, `unknown`.
        quantizations: List<String>,
        /// The order of the endpoints. Setting one switches load balancing off.
        sort: Sort,
        /// Prefer providers that write at least so many tokens per second. The others come last; none is
        /// excluded.
        preferred_min_throughput: Percentiles,
        /// Prefer providers that begin to answer within so many **seconds**. (The endpoints' own figures are
        /// in milliseconds.) The others come last; none is excluded.
        preferred_max_latency: Percentiles,
        /// Exclude whoever costs more.
        max_price: MaxPrice,
        /// Options of single upstream providers, by their slugs, in the providers' own words. The service
        /// hands the one that serves its own options, and drops those of the others.
        options: BTreeMap<String, RawJson>,
    }
}

settings! {
    /// The most that a provider may charge, in US dollars.
    MaxPrice {
        /// Per million tokens of the request.
        prompt: PriceCap,
        /// Per million tokens of the answer.
        completion: PriceCap,
        /// Per request.
        request: PriceCap,
        /// Per image.
        image: PriceCap,
        /// Per unit of sound.
        audio: PriceCap,
    }

    /// The measure that orders the endpoints, and the endpoints that it orders together.
    SortConfig {
        /// The measure.
        by: SortBy,
        /// `model` sorts each model's endpoints apart, so that the first model is tried first; `none` sorts
        /// all together, so that a later model may serve.
        partition: String,
    }

    /// A bound on each percentile of what was measured of late.
    Cutoffs {
        /// The median.
        p50: f64,
        /// Three quarters are better.
        p75: f64,
        /// Nine in ten are better.
        p90: f64,
        /// Ninety-nine in a hundred are better.
        p99: f64,
    }
}

words! {
    /// Whether providers that keep or train on prompts may serve.
    DataCollection {
        /// They may.
        Allow = "allow",
        /// They may not.
        Deny = "deny",
    }

    /// The measure by which the first provider is the best.
    SortBy {
        /// The cheapest.
        Price = "price",
        /// The one that writes fastest.
        Throughput = "throughput",
        /// The one that begins soonest.
        Latency = "latency",
        /// The one that is best at calling tools.
        Exacto = "exacto",
    }
}

/// The order of the endpoints: a measure, or a measure and the endpoints that it sorts together.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum Sort {
    /// By this measure, each model's endpoints apart.
    By(SortBy),
    /// With more said.
    Config(SortConfig),
}

impl From<SortBy> for Sort {
    fn from(by: SortBy) -> Self {
        Sort::By(by)
    }
}

impl From<&str> for Sort {
    fn from(word: &str) -> Self {
        Sort::By(word.into())
    }
}

impl From<SortConfig> for Sort {
    fn from(config: SortConfig) -> Self {
        Sort::Config(config)
    }
}

/// A bound on a measure: on its median, or on several percentiles.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum Percentiles {
    /// On the median.
    Median(f64),
    /// On these.
    Cutoffs(Cutoffs),
}

impl From<f64> for Percentiles {
    fn from(median: f64) -> Self {
        Percentiles::Median(median)
    }
}

impl From<Cutoffs> for Percentiles {
    fn from(cutoffs: Cutoffs) -> Self {
        Percentiles::Cutoffs(cutoffs)
    }
}

/// A price that must not be passed, written as a text so that it stays exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PriceCap(pub Usd);

impl From<Usd> for PriceCap {
    fn from(amount: Usd) -> Self {
        Self(amount)
    }
}

impl Serialize for PriceCap {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for PriceCap {
    /// Reads a text, or a number exactly as it is spelled.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = provider_core::RawJson::deserialize(deserializer)?;
        let text = json.get().trim_matches('"');
        text.parse().map(Self).map_err(serde::de::Error::custom)
    }
}

impl ProviderPreferences {
    /// Adds the options of one upstream provider, by its slug, in the provider's own words.
    ///
    /// ```
    /// use openrouter_provider::options::ProviderPreferences;
    /// use serde_json::json;
    ///
    /// let labels = json!({"labels": {"team": "a"}});
    /// let preferences = ProviderPreferences::new().options_of("google-vertex", labels);
    /// ```
    #[must_use]
    pub fn options_of(mut self, upstream: impl Into<String>, options: impl Into<RawJson>) -> Self {
        self.options.get_or_insert_default().insert(upstream.into(), options.into());
        self
    }

    /// These preferences, and `defaults` for whatever they leave open.
    pub(crate) fn or(&self, defaults: &Self) -> Self {
        macro_rules! merged {
            ($($field:ident),*) => {
                Self {
                    $($field: self.$field.clone().or_else(|| defaults.$field.clone()),)*
                    options: joined(&self.options, &defaults.options),
                    extra: joined_maps(&self.extra, &defaults.extra),
                }
            };
        }
        merged!(
            order,
            allow_fallbacks,
            require_parameters,
            data_collection,
            zdr,
            enforce_distillable_text,
            only,
            ignore,
            quantizations,
            sort,
            preferred_min_throughput,
            preferred_max_latency,
            max_price
        )
    }

    /// The numbers that JSON cannot hold, by name.
    pub(crate) fn not_finite(&self) -> impl Iterator<Item = &'static str> {
        let bad = |bound: &Option<Percentiles>| match bound {
            None => false,
            Some(Percentiles::Median(median)) => !median.is_finite(),
            Some(Percentiles::Cutoffs(Cutoffs { p50, p75, p90, p99 })) => {
                [p50, p75, p90, p99].into_iter().flatten().any(|bound| !bound.is_finite())
            }
        };
        let throughput = bad(&self.preferred_min_throughput).then_some("preferred_min_throughput");
        let latency = bad(&self.preferred_max_latency).then_some("preferred_max_latency");
        throughput.into_iter().chain(latency)
    }
}

/// The first options, and of the second those of other upstream providers.
fn joined(
    first: &Option<BTreeMap<String, RawJson>>,
    second: &Option<BTreeMap<String, RawJson>>,
) -> Option<BTreeMap<String, RawJson>> {
    match (first, second) {
        (Some(first), Some(second)) => Some(joined_maps(first, second)),
        (one, other) => one.as_ref().or(other.as_ref()).cloned(),
    }
}

fn joined_maps(
    first: &BTreeMap<String, RawJson>,
    second: &BTreeMap<String, RawJson>,
) -> BTreeMap<String, RawJson> {
    let entries = second.iter().chain(first);
    entries.map(|(name, value)| (name.clone(), value.clone())).collect()
}
