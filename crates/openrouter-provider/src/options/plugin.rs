//! The work that OpenRouter does around a model: `plugins`.

use provider_core::RawJson;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::List;
use super::armor::ArmorContext;
use super::server_tool::{UserLocation, WireTool, XSearch};
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
    /// Guides `openrouter/jev-router`.
    #[serde(rename = "jev-router")]
    JevRouter(JevRouter),
    /// Guides `openrouter/switchyard-router`.
    #[serde(rename = "switchyard-router")]
    SwitchyardRouter(SwitchyardRouter),
    /// Lets several models answer and one sum up.
    #[serde(rename = "fusion")]
    Fusion(FusionPlugin),
    /// Has the prompt moderated.
    #[serde(rename = "moderation")]
    Moderation(Switch),
    /// States rules to the model, and has every turn judged by them. Beta.
    #[serde(rename = "alignment")]
    Alignment(AlignmentPlugin),
    /// Has every call of the caller's tools judged by rules, before the caller gets it. Beta.
    #[serde(rename = "armor")]
    Armor(ArmorPlugin),
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
        /// Searches X (Twitter) as well, see [`WebSearch::x_search`](super::WebSearch::x_search).
        x_search: XSearch,
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

    /// See [`Plugin::JevRouter`]. Models go by their ids, or by patterns with `*`.
    JevRouter {
        /// Only these models of its pool.
        models: List<String>,
        /// The same; both lists count together.
        allowed_models: List<String>,
        /// None of these.
        excluded_models: List<String>,
        /// The tier of the model's cost: `low`, `medium`, `high`, or one that the operator has set up.
        cost_tier: String,
    }

    /// See [`Plugin::SwitchyardRouter`].
    SwitchyardRouter {
        /// How it chooses: `capability`, `stage`, `auto`, `random`, `composite`, `passthrough`.
        algorithm: String,
        /// The model that rates the task for `capability`, `stage` and `composite`. It must support
        /// structured outputs.
        judge_model: String,
    }

    /// See [`Plugin::Alignment`]. It is refused together with `zdr`.
    AlignmentPlugin {
        /// The rules. Each is judged on its own, and at least one is needed.
        rules: List<AlignmentRule>,
        /// `audit` (the default) judges every turn and hands it out. `enforce` holds a turn back that breaks
        /// a rule, asks again, and fails in the end, with the turn in [`OpenRouterError`]: no event of a
        /// stream comes before the turn is judged.
        ///
        /// [`OpenRouterError`]: crate::OpenRouterError
        mode: String,
        /// How often to ask again after a turn that was held back, 0 to 3. Each time is billed. Default: 1.
        max_retries: u32,
        /// Whether the model is told the rules. Default: true.
        instruct: bool,
        /// The probability from which a rule counts as broken, 0.01 to 1. Default: 0.7.
        threshold: f64,
    }

    /// See [`Plugin::Armor`]. Its verdicts are in
    /// [`OpenRouterResponse::safeguard_results`](crate::OpenRouterResponse::safeguard_results).
    ArmorPlugin {
        /// Whether it is on. Default: yes, once it is named.
        enabled: bool,
        /// `enforce` (the default) withholds calls, `audit` only judges them.
        mode: String,
        /// The verdict where no judgement can be had: `block` (the default) or `log`, which lets the call
        /// pass.
        on_error: String,
        /// The rules.
        classifier_context: ArmorContext,
        /// How a withheld call is told: `text` (the default), a mark in the text. The other values are for
        /// other APIs.
        output_mode: String,
        /// Whether the tools that an upstream provider runs itself are judged, too. Default: false.
        evaluate_native_tools: bool,
        /// Whether Claude Code's rules count before these. Default: false.
        use_cc_style_default_rules: bool,
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

/// A rule of [`Plugin::Alignment`].
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct AlignmentRule {
    /// The rule in words: what a reply must do, or must not.
    pub rule: String,
    /// The fields of the reply that it is about: `content`, `tool_calls`, `refusal`, `images`, `audio`. A
    /// reply without any of them is not judged by it.
    pub watch: Vec<String>,
}

impl AlignmentRule {
    /// A rule about these fields of a reply.
    ///
    /// ```
    /// use openrouter_provider::options::{AlignmentPlugin, AlignmentRule, Plugin};
    ///
    /// let rule = AlignmentRule::new("Never name a competitor.", ["content"]);
    /// let plugin = Plugin::Alignment(AlignmentPlugin::new().rules([rule]).mode("enforce"));
    /// ```
    pub fn new<W: Into<String>>(rule: impl Into<String>, watch: impl IntoIterator<Item = W>) -> Self {
        Self { rule: rule.into(), watch: watch.into_iter().map(Into::into).collect() }
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
