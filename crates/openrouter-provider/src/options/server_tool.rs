//! Tools that OpenRouter runs itself.

use std::collections::BTreeMap;

use provider_core::{ProviderJson, RawJson, ToolChoice};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::settings::settings;
use super::{CacheControl, List};

/// A tool that OpenRouter runs itself when the model calls it. Its cost is in the answer's.
///
/// ```
/// use openrouter_provider::options::{OpenRouterOptions, ServerTool, WebSearch};
///
/// let options = OpenRouterOptions::new()
///     .server_tools([ServerTool::web_search(WebSearch::new().max_results(3_u32)), ServerTool::datetime()]);
/// ```
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(tag = "type", content = "parameters", remote = "Self")]
#[non_exhaustive]
pub enum ServerTool {
    /// Searches the web.
    #[serde(rename = "openrouter:web_search")]
    WebSearch(WebSearch),
    /// Fetches web pages.
    #[serde(rename = "openrouter:web_fetch")]
    WebFetch(WebFetch),
    /// Knows the date and the time.
    #[serde(rename = "openrouter:datetime")]
    Datetime(Datetime),
    /// Makes images.
    #[serde(rename = "openrouter:image_generation")]
    ImageGeneration(ImageGeneration),
    /// Lets several models answer and one sum up.
    #[serde(rename = "openrouter:fusion")]
    Fusion(Fusion),
    /// Asks another model for advice.
    #[serde(rename = "openrouter:advisor")]
    Advisor(Advisor),
    /// Hands a task to another model.
    #[serde(rename = "openrouter:subagent")]
    Subagent(Subagent),
    /// Runs commands in a container.
    #[serde(rename = "openrouter:bash")]
    Bash(Bash),
    /// Works with files.
    #[serde(rename = "openrouter:files")]
    Files(Files),
    /// Searches the catalogue of models. Experimental.
    #[serde(rename = "openrouter:experimental__search_models")]
    SearchModels(SearchModels),
    /// A tool or a form of one that is newer than this list, as the JSON object the wire expects.
    #[serde(untagged, skip_deserializing)]
    Other(RawJson),
}

impl Serialize for ServerTool {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // `remote` makes a function of the derive, not an `impl`.
        Self::serialize(self, serializer)
    }
}

impl<'de> Deserialize<'de> for ServerTool {
    /// Reads an object; one that does not fit is [`Other`](Self::Other).
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = RawJson::deserialize(deserializer)?;
        let known = Self::deserialize(&mut serde_json::Deserializer::from_str(json.get()));
        Ok(known.unwrap_or(ServerTool::Other(json)))
    }
}

settings! {
    /// See [`ServerTool::WebSearch`].
    WebSearch {
        /// The search engine: `auto`, `native`, `exa`, `firecrawl`, `parallel`, `perplexity`.
        engine: String,
        /// How thoroughly: `instant`, `fast`, `auto`, `deep-lite`, `deep`, `deep-reasoning`, `turbo`,
        /// `basic`, `advanced`.
        mode: String,
        /// How many results to read of a search. Default: 5.
        max_results: u32,
        /// How many results to read in all.
        max_total_results: u32,
        /// How often to search.
        max_uses: u32,
        /// How many characters to keep of a result.
        max_characters: u32,
        /// How much of the pages to read: `low`, `medium`, `high`.
        search_context_size: String,
        /// Where the user is.
        user_location: UserLocation,
        /// Only these domains.
        allowed_domains: List<String>,
        /// None of these domains.
        excluded_domains: List<String>,
        /// Searches X (Twitter) beside the web, on xAI's endpoints with a search of their own. Billed by post
        /// and profile.
        x_search: XSearch,
    }

    /// A search of X (Twitter), for [`WebSearch::x_search`] and
    /// [`WebPlugin::x_search`](super::WebPlugin::x_search).
    XSearch {
        /// Only posts of these accounts, 20 at most. Not together with `excluded_x_handles`.
        allowed_x_handles: List<String>,
        /// No posts of these accounts, 20 at most.
        excluded_x_handles: List<String>,
        /// No post before this day, as `2026-01-31`.
        from_date: String,
        /// No post after this day.
        to_date: String,
        /// Whether to look at the images of posts.
        enable_image_understanding: bool,
        /// Whether to look at the videos of posts.
        enable_video_understanding: bool,
    }

    /// Where the user is, as closely as it may be told.
    UserLocation {
        /// The `type` on the wire: `approximate`.
        #[serde(rename = "type")]
        kind: String,
        /// The city.
        city: String,
        /// The country, as two letters.
        country: String,
        /// The region.
        region: String,
        /// The time zone, as `Europe/Paris`.
        timezone: String,
    }

    /// See [`ServerTool::WebFetch`].
    WebFetch {
        /// The engine that fetches: `auto`, `native`, `openrouter`, `exa`, `parallel`, `firecrawl`.
        engine: String,
        /// How many pages to fetch.
        max_uses: u32,
        /// How many tokens to keep of a page.
        max_content_tokens: u32,
        /// Only these domains.
        allowed_domains: List<String>,
        /// None of these domains.
        blocked_domains: List<String>,
    }

    /// See [`ServerTool::Datetime`].
    Datetime {
        /// The time zone, as `Europe/Paris`. Default: UTC.
        timezone: String,
    }

    /// See [`ServerTool::Fusion`].
    Fusion {
        /// The models that answer, one to eight.
        analysis_models: List<String>,
        /// The model that sums up.
        model: String,
        /// How many tools they may call, 1 to 16.
        max_tool_calls: u32,
        /// The most tokens to generate.
        max_completion_tokens: u32,
        /// Randomness, 0 to 2.
        temperature: f64,
        /// How hard they think.
        reasoning: NestedReasoning,
        /// The mark for the prompt cache.
        cache_control: CacheControl,
        /// The tools they may call, eight at most.
        tools: List<WireTool>,
    }

    /// See [`ServerTool::Advisor`].
    Advisor {
        /// The model to ask.
        model: String,
        /// Its name.
        name: String,
        /// Its instructions.
        instructions: String,
        /// Whether it sees the conversation.
        forward_transcript: bool,
        /// The most tokens to generate.
        max_completion_tokens: u32,
        /// Randomness, 0 to 2.
        temperature: f64,
        /// How hard it thinks.
        reasoning: NestedReasoning,
        /// Whether its words are streamed.
        stream: bool,
    }

    /// See [`ServerTool::Subagent`].
    Subagent {
        /// The model that does the task.
        model: String,
        /// Its name.
        name: String,
        /// Its instructions.
        instructions: String,
        /// Whether it may call the request's functions.
        inherit_functions: bool,
        /// Which of them.
        inherited_function_names: List<String>,
        /// How many tools it may call, 1 to 25.
        max_tool_calls: u32,
        /// The most tokens to generate.
        max_completion_tokens: u32,
        /// Randomness, 0 to 2.
        temperature: f64,
        /// How hard it thinks.
        reasoning: NestedReasoning,
        /// The tools it may call.
        tools: List<WireTool>,
    }

    /// How hard a model inside a tool thinks: an effort or a number of tokens.
    NestedReasoning {
        /// In words: `none` to `max`.
        effort: String,
        /// In tokens.
        max_tokens: u32,
    }

    /// See [`ServerTool::Bash`].
    Bash {
        /// Whose container: `auto`, `native`, `openrouter`.
        engine: String,
        /// Which container.
        environment: Container,
        /// After how many idle seconds it sleeps. OpenRouter's types of October 2026 no longer have it.
        sleep_after_seconds: u32,
    }

    /// See [`ServerTool::Files`].
    Files {}

    /// See [`ServerTool::SearchModels`].
    SearchModels {
        /// How many models to list.
        max_results: u32,
    }
}

/// See [`ServerTool::ImageGeneration`].
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[non_exhaustive]
pub struct ImageGeneration {
    /// The model that makes them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// How they are made (`aspect_ratio`, `quality`, `size`, …); models differ.
    #[serde(flatten)]
    pub config: BTreeMap<String, Value>,
}

impl ImageGeneration {
    /// Images by this model.
    pub fn model(model: impl Into<String>) -> Self {
        Self { model: Some(model.into()), ..Self::default() }
    }

    /// Sets how they are made (`aspect_ratio`, `quality`, `size`, …).
    #[must_use]
    pub fn config(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.config.insert(name.into(), value.into());
        self
    }
}

/// The container in which commands run.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(tag = "type", deny_unknown_fields)]
#[non_exhaustive]
pub enum Container {
    /// A new one.
    #[serde(rename = "container_auto")]
    Auto {},
    /// One that is there already.
    #[serde(rename = "container_reference")]
    Reference {
        /// Its id.
        container_id: String,
    },
}

/// A tool as the JSON object of the wire, for the models inside a tool.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(transparent)]
pub struct WireTool(pub Value);

impl From<Value> for WireTool {
    fn from(json: Value) -> Self {
        Self(json)
    }
}

impl ServerTool {
    /// Searches the web.
    pub fn web_search(parameters: WebSearch) -> Self {
        ServerTool::WebSearch(parameters)
    }

    /// Fetches web pages.
    pub fn web_fetch(parameters: WebFetch) -> Self {
        ServerTool::WebFetch(parameters)
    }

    /// Knows the date and the time, in UTC.
    pub fn datetime() -> Self {
        ServerTool::Datetime(Datetime::new())
    }

    /// The choice that forces the model to call this tool.
    pub fn choice(&self) -> Option<ToolChoice> {
        let tool = serde_json::to_value(self).ok()?;
        let kind = tool.get("type")?.clone();
        let choice = serde_json::json!({ "type": kind });
        Some(ToolChoice::Other(ProviderJson::new(crate::ID, choice)))
    }
}
