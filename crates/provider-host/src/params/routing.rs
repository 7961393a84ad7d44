//! Flags for fallbacks, and for the options of OpenRouter alone: routing, prices, caching.

use clap::Args;
use openrouter_provider::OpenRouterOptions;
use openrouter_provider::options::{List, MaxPrice, ProviderPreferences, ResponseCache};
use provider_core::Usd;

use super::fill;
use crate::value_parsers::{dollars, pair};

/// Fallbacks, and the options of OpenRouter.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Fallback, and routing at OpenRouter (left to the service unless given)")]
pub(crate) struct Routing {
    /// A model to try when the others failed, of any provider; repeatable, in this order
    #[arg(long, value_name = "MODEL")]
    fallback: Vec<String>,

    /// Let a free model fall back to one that is billed
    #[arg(long, requires = "fallback")]
    allow_paid_fallback: bool,

    /// Upstream providers to try first, in this order: openai,azure
    #[arg(long, value_name = "SLUGS", value_delimiter = ',')]
    provider_order: Vec<String>,

    /// Only these upstream providers
    #[arg(long, value_name = "SLUGS", value_delimiter = ',')]
    provider_only: Vec<String>,

    /// None of these upstream providers
    #[arg(long, value_name = "SLUGS", value_delimiter = ',')]
    provider_ignore: Vec<String>,

    /// Which upstream provider comes first: price, throughput, latency, exacto
    #[arg(long, value_name = "MEASURE")]
    provider_sort: Option<String>,

    /// Try no other upstream provider when the first one fails
    #[arg(long)]
    no_provider_fallbacks: bool,

    /// Only upstream providers that support every parameter of the request
    #[arg(long)]
    require_parameters: bool,

    /// Whether upstream providers may keep or train on prompts: allow, deny
    #[arg(long, value_name = "WORD", value_parser = ["allow", "deny"])]
    data_collection: Option<String>,

    /// Only endpoints that retain nothing
    #[arg(long)]
    zdr: bool,

    /// Only these precisions: fp8,bf16
    #[arg(long, value_name = "WORDS", value_delimiter = ',')]
    quantization: Vec<String>,

    /// The most that a million tokens of the prompt may cost, in US dollars
    #[arg(long, value_name = "USD", value_parser = dollars, allow_negative_numbers = true)]
    max_price_in: Option<Usd>,

    /// The most that a million tokens of the answer may cost, in US dollars
    #[arg(long, value_name = "USD", value_parser = dollars, allow_negative_numbers = true)]
    max_price_out: Option<Usd>,

    /// Keeps a conversation on one upstream provider
    #[arg(long, value_name = "ID")]
    session_id: Option<String>,

    /// Take an answer that the service has given before, if it has, for free
    #[arg(long)]
    response_cache: bool,

    /// Have the service tell how it routed the request
    #[arg(long)]
    show_routing: bool,

    /// A header of your own, such as x-anthropic-beta=...; repeatable
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    header: Vec<(String, String)>,
}

impl Routing {
    /// Adds the given options to `options`. The fallback models are added once they are selected.
    pub(super) fn add_to(&self, mut options: OpenRouterOptions) -> OpenRouterOptions {
        options.allow_paid_fallback = self.allow_paid_fallback;
        let preferences = self.preferences();
        options.provider = (preferences != ProviderPreferences::new()).then_some(preferences);
        options.session_id = self.session_id.clone();
        options.response_cache = self.response_cache.then(|| ResponseCache::new().enabled(true));
        options.metadata = self.show_routing.then_some(true);
        options.headers = self.header.iter().cloned().collect();
        options
    }

    /// Fills what is not given with what `others` have.
    pub(super) fn fill(&mut self, others: Self) {
        let Self {
            fallback,
            allow_paid_fallback,
            provider_order,
            provider_only,
            provider_ignore,
            provider_sort,
            no_provider_fallbacks,
            require_parameters,
            data_collection,
            zdr,
            quantization,
            max_price_in,
            max_price_out,
            session_id,
            response_cache,
            show_routing,
            header,
        } = others;
        fill!(self: fallback allow_paid_fallback provider_order provider_only provider_ignore provider_sort
            no_provider_fallbacks require_parameters data_collection zdr quantization max_price_in max_price_out
            session_id response_cache show_routing header);
    }

    /// Puts the models that short names mean in their places.
    pub(super) fn expand_fallbacks(&mut self, expand: impl Fn(&str) -> String) {
        for model in &mut self.fallback {
            *model = expand(model);
        }
    }

    /// The fallback models.
    pub(crate) fn fallbacks(&self) -> &[String] {
        &self.fallback
    }

    /// Whether a free model may fall back to one that is billed.
    pub(super) fn allows_paid_fallback(&self) -> bool {
        self.allow_paid_fallback
    }

    /// The first given flag of an option that OpenRouter alone has.
    pub(super) fn first_given(&self) -> Option<&'static str> {
        let Self {
            // Any provider's models can be fallbacks.
            fallback: _,
            allow_paid_fallback: _,
            provider_order,
            provider_only,
            provider_ignore,
            provider_sort,
            no_provider_fallbacks,
            require_parameters,
            data_collection,
            zdr,
            quantization,
            max_price_in,
            max_price_out,
            session_id,
            response_cache,
            show_routing,
            header,
        } = self;
        let flags = [
            ("--provider-order", !provider_order.is_empty()),
            ("--provider-only", !provider_only.is_empty()),
            ("--provider-ignore", !provider_ignore.is_empty()),
            ("--provider-sort", provider_sort.is_some()),
            ("--no-provider-fallbacks", *no_provider_fallbacks),
            ("--require-parameters", *require_parameters),
            ("--data-collection", data_collection.is_some()),
            ("--zdr", *zdr),
            ("--quantization", !quantization.is_empty()),
            ("--max-price-in", max_price_in.is_some()),
            ("--max-price-out", max_price_out.is_some()),
            ("--session-id", session_id.is_some()),
            ("--response-cache", *response_cache),
            ("--show-routing", *show_routing),
            ("--header", !header.is_empty()),
        ];
        flags.into_iter().find(|(_, is_given)| *is_given).map(|(flag, _)| flag)
    }

    fn preferences(&self) -> ProviderPreferences {
        let mut preferences = ProviderPreferences::new();
        preferences.order = filled(&self.provider_order);
        preferences.only = filled(&self.provider_only);
        preferences.ignore = filled(&self.provider_ignore);
        preferences.quantizations = filled(&self.quantization);
        preferences.sort = self.provider_sort.as_deref().map(Into::into);
        preferences.allow_fallbacks = self.no_provider_fallbacks.then_some(false);
        preferences.require_parameters = self.require_parameters.then_some(true);
        preferences.data_collection = self.data_collection.as_deref().map(Into::into);
        preferences.zdr = self.zdr.then_some(true);
        if self.max_price_in.is_some() || self.max_price_out.is_some() {
            let mut most = MaxPrice::new();
            most.prompt = self.max_price_in.map(Into::into);
            most.completion = self.max_price_out.map(Into::into);
            preferences.max_price = Some(most);
        }
        preferences
    }
}

fn filled(words: &[String]) -> Option<List<String>> {
    (!words.is_empty()).then(|| words.to_vec().into())
}
