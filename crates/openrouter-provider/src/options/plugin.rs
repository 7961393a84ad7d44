//! The work that OpenRouter does around a model: `plugins`.

use provider_core::RawJson;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::List;
use super::server_tool::{UserLocation, WireTool};
use super::settings::settings;

/// Something that OpenRouter does around a model. A plugin that the account has on is switched off by
/// `enabled(false)`.
///
/// ```
/// use openrouter_provider::options::{FileParser, OpenRouterOptions, Plugin};
///
/// let options = OpenRouterOptions::new()
///     .plugins([
///         Plugin::from(FileParser::engine("mistral-ocr")),
///         Plugin::ResponseHealing(Default::default()),
///     ]);
/// ```
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(tag = "id", remote = "Self")]
#[non_exhaustive]
pub enum Plugin {
    /// Searches the web once, always. Deprecated: the server tool lets the model decide.
    #[serde(rename = "web")]
    Web(WebPlugin),
    /// Fetches the pages that a prompt links to.
    #[serde(rename = "web-fetch")]
    WebFetch(WebFetchPlugin),
    /// Reads files for models that cannot.
    #[serde(rename = "file-parser")]
    FileParser(FileParser),
    /// Repairs JSON that does not parse. Whole answers only, and with a JSON `response_format`.
    #[serde(rename = "response-healing")]
    ResponseHealing(Switch),
    /// Shortens prompts that are too long in their middle. On by default for small contexts.
    #[serde(rename = "context-compression")]
    ContextCompression(ContextCompression),
    /// Guides `openrouter/auto`.
    #[serde(rename = "auto-router")]
    AutoRouter(AutoRouter),
    /// Guides `openrouter/auto-beta`.
    #[serde(rename = "auto-beta-router")]
    AutoBetaRouter(AutoRouter),
    /// Guides `openrouter/pareto-code`.
    #[serde(rename = "pareto-router")]
    ParetoRouter(ParetoRouter),
    /// Lets several models answer and one sum up.
    #[serde(rename = "fusion")]
    Fusion(FusionPlugin),
    /// Has the prompt moderated.
    #[serde(rename = "moderation")]
    Moderation(Switch),
    /// A plugin or a form of one that is newer than this list, as the JSON object the wire expects.
    #[serde(untagged, skip_deserializing)]
    Other(RawJson),
}

impl Serialize for Plugin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // `remote` makes a function of the derive, not an `impl`.
        Self::serialize(self, serializer)
    }
}

impl<'de> Deserialize<'de> for Plugin {
    /// Reads an object; one that does not fit is [`Other`](Self::Other).
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = RawJson::deserialize(deserializer)?;
        let known = Self::deserialize(&mut serde_json::Deserializer::from_str(json.get()));
        Ok(known.unwrap_or(Plugin::Other(json)))
    }
}

settings! {
    /// A plugin that is only on or off.
    Switch {
        /// Whether it is on. Default: yes, once it is named.
        enabled: bool,
    }

    /// See [`Plugin::Web`].
    WebPlugin {
        /// Whether it is on.
        enabled: bool,
        /// How many results to read.
        max_results: u32,
        /// How often to search.
        max_uses: u32,
        /// The text that tells the model about the results.
        search_prompt: String,
        /// The search engine: `native`, `exa`, `firecrawl`, `parallel`, `perplexity`.
        engine: String,
        /// How thoroughly: `instant`, `fast`, `auto`, `deep`, ….
        mode: String,
        /// Only these domains.
        include_domains: List<String>,
        /// None of these domains.
        exclude_domains: List<String>,
        /// Where the user is.
        user_location: UserLocation,
    }

    /// See [`Plugin::WebFetch`].
    WebFetchPlugin {
        /// How many pages to fetch.
        max_uses: u32,
        /// How many tokens to keep of a page.
        max_content_tokens: u32,
        /// Only these domains.
        allowed_domains: List<String>,
        /// None of these domains.
        blocked_domains: List<String>,
    }

    /// See [`Plugin::FileParser`].
    FileParser {
        /// Whether it is on.
        enabled: bool,
        /// How PDFs are read.
        pdf: PdfOptions,
    }

    /// How PDFs are read.
    PdfOptions {
        /// `mistral-ocr` (billed by the page), `cloudflare-ai`, or `native` where the model reads them
        /// itself.
        engine: String,
    }

    /// See [`Plugin::ContextCompression`].
    ContextCompression {
        /// Whether it is on.
        enabled: bool,
        /// How: `middle-out`.
        engine: String,
    }

    /// See [`Plugin::AutoRouter`].
    AutoRouter {
        /// Whether it is on.
        enabled: bool,
        /// The models to pick from; patterns with `*` are allowed.
        allowed_models: List<String>,
        /// The models not to pick.
        excluded_models: List<String>,
        /// The tier of the model's cost: `low`, `medium`, `high`, `xhigh`, `max`.
        cost_tier: String,
        /// The same from 0 to 10. Deprecated.
        cost_quality_tradeoff: u8,
        /// Whether to keep to the model that is named in the last assistant message. Not for the beta.
        pin_model: bool,
    }

    /// See [`Plugin::ParetoRouter`].
    ParetoRouter {
        /// Whether it is on.
        enabled: bool,
        /// How good at coding a model must be, 0 to 1.
        min_coding_score: f64,
        /// The most that it may cost, in US dollars per million tokens.
        max_price: f64,
        /// Which price that is: `prompt` or `weighted_avg`.
        price_source: String,
    }

    /// See [`Plugin::Fusion`].
    FusionPlugin {
        /// Whether it is on.
        enabled: bool,
        /// The models that answer, one to eight.
        analysis_models: List<String>,
        /// The model that sums up.
        model: String,
        /// A ready-made choice of models: `general-high`, `general-budget`, `general-fast`.
        preset: String,
        /// How many tools they may call, 1 to 16.
        max_tool_calls: u32,
        /// The tools they may call.
        tools: List<WireTool>,
    }
}

impl FileParser {
    /// Reads PDFs like this: `mistral-ocr`, `cloudflare-ai` or `native`.
    #[must_use]
    pub fn engine(engine: impl Into<String>) -> Self {
        Self::new().pdf(PdfOptions::new().engine(engine))
    }
}

impl From<FileParser> for Plugin {
    fn from(plugin: FileParser) -> Self {
        Plugin::FileParser(plugin)
    }
}
