//! The options that OpenRouter alone understands.

mod cache_control;
mod debug;
mod list;
mod plugin;
mod preferences;
mod response_cache;
mod server_tool;
mod settings;
mod stop_server_tools;
mod trace;

use std::collections::BTreeMap;
use std::fmt;

use provider_core::Effort;
use provider_core::author::ProviderOptions;
use serde_json::Value;

pub use self::cache_control::CacheControl;
pub use self::debug::DebugOptions;
pub use self::list::List;
pub use self::plugin::{
    AutoRouter, ContextCompression, FileParser, FusionPlugin, ParetoRouter, PdfOptions, Plugin, Switch,
    WebFetchPlugin, WebPlugin,
};
pub use self::preferences::{
    Cutoffs, DataCollection, MaxPrice, Percentiles, PriceCap, ProviderPreferences, Sort, SortBy, SortConfig,
};
pub use self::response_cache::ResponseCache;
pub use self::server_tool::{
    Advisor, Bash, Container, Datetime, Files, Fusion, ImageGeneration, NestedReasoning, SearchModels,
    ServerTool, Subagent, UserLocation, WebFetch, WebSearch, WireTool,
};
pub use self::stop_server_tools::StopServerTools;
pub use self::trace::Trace;

macro_rules! options {
    ($($(#[$meta:meta])* $field:ident: $type:ty,)*) => {
        /// The options of a request that OpenRouter alone understands. Another provider never receives them.
        ///
        /// An option is off unless it is set here, or in the workspace's settings.
        ///
        /// ```
        /// use openrouter_provider::options::{OpenRouterOptions, ProviderPreferences};
        /// use provider_core::ChatRequest;
        ///
        /// let request = ChatRequest::new("openai/gpt-4o").user("Hello").options(
        ///     OpenRouterOptions::new()
        ///         .models(["anthropic/claude-sonnet-4.5"])
        ///         .provider(ProviderPreferences::new().order(["openai", "azure"]).allow_fallbacks(false))
        ///         .session_id("conversation-7"),
        /// );
        /// ```
        #[derive(Clone, Default, PartialEq)]
        #[non_exhaustive]
        pub struct OpenRouterOptions {
            $($(#[$meta])* pub $field: Option<$type>,)*
            /// Headers that have no place of their own. Those that the provider writes itself are refused.
            /// `Debug` shows their names alone: a gateway's key may be among them.
            pub headers: BTreeMap<String, String>,
            /// Whether a request to a free model may fall back to one that is billed.
            pub allow_paid_fallback: bool,
        }

        impl fmt::Debug for OpenRouterOptions {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut shown = f.debug_struct("OpenRouterOptions");
                $(if let Some(value) = &self.$field {
                    shown.field(stringify!($field), value);
                })*
                if !self.headers.is_empty() {
                    shown.field("headers", &self.headers.keys());
                }
                shown.field("allow_paid_fallback", &self.allow_paid_fallback).finish()
            }
        }

        impl OpenRouterOptions {
            pub(crate) const NONE: Self =
                Self { $($field: None,)* headers: BTreeMap::new(), allow_paid_fallback: false };

            $(
                #[doc = concat!("Sets [`", stringify!($field), "`](Self#structfield.", stringify!($field), ").")]
                #[must_use]
                pub fn $field(mut self, $field: impl Into<$type>) -> Self {
                    self.$field = Some($field.into());
                    self
                }
            )*
        }
    };
}

options! {
    /// Models to try, in this order, when the request's own fails, whatever the reason; three at most. The
    /// answer names the model that served, and that one is billed.
    models: List<String>,
    /// Which upstream providers may serve, and in which order. What is left open is taken from the
    /// workspace's settings.
    provider: ProviderPreferences,
    /// The work that OpenRouter does around the model.
    plugins: List<Plugin>,
    /// Tools that OpenRouter runs itself. They follow the request's own tools.
    server_tools: List<ServerTool>,
    /// When OpenRouter stops calling its own tools.
    stop_server_tools_when: List<StopServerTools>,
    /// How many steps OpenRouter's own tools may take, 30 at most. `stop_server_tools_when` counts before it.
    max_tool_calls: u32,
    /// Keeps the requests of one conversation on one upstream provider, whose prompt cache is then warm, and
    /// groups them in the logs. At most 256 characters.
    session_id: String,
    /// Where the request stands in a trace.
    trace: Trace,
    /// The inner workings to show.
    debug: DebugOptions,
    /// Caches the prompt on its own.
    cache_control: CacheControl,
    /// How images are made (`aspect_ratio`, `quality`, `size`, …); models differ.
    image_config: BTreeMap<String, Value>,
    /// A preset of the account, by its slug.
    preset: String,
    /// Whether structured outputs are demanded of the provider.
    structured_outputs: bool,
    /// The model's own web search, where it has one, as the JSON object it expects.
    web_search_options: Value,
    /// The filter for the finds of xAI's search, as the JSON object it expects.
    x_search_filter: Value,
    /// `fast`: the same as the service tier of that name.
    speed: String,
    /// A text to complete, in place of messages. Old style.
    prompt: String,
    /// Another name of [`ChatRequest::reasoning`](provider_core::ChatRequest::reasoning)'s effort. The two
    /// must not differ.
    reasoning_effort: Effort,
    /// Whether to show thoughts. Old style: `reasoning` says it better.
    include_reasoning: bool,
    /// `fallback` or `sort`. Deprecated: `provider.sort.partition` says it.
    route: String,
    /// `["middle-out"]`. No longer documented: the plugin `context-compression` does it.
    transforms: List<String>,
    /// Deprecated and without effect: usage always comes.
    stream_options: Value,
    /// Deprecated and without effect: usage always comes.
    usage: Value,
    /// Whether the answer tells how it was routed, see
    /// [`OpenRouterResponse::routing`](crate::OpenRouterResponse::routing). Sent as a header.
    metadata: bool,
    /// OpenRouter's own cache of whole answers. Sent as headers.
    response_cache: ResponseCache,
    /// The categories of the app that asks (`cli-agent`, `cloud-agent`, `writing-assistant`, …), two at most.
    /// Sent as a header.
    categories: List<String>,
}

impl OpenRouterOptions {
    /// Returns options of which none is set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a header that has no place of its own.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.insert(name.into(), value.into());
        self
    }

    /// Lets a request to a free model fall back to one that is billed.
    #[must_use]
    pub fn allow_paid_fallback(mut self) -> Self {
        self.allow_paid_fallback = true;
        self
    }
}

impl ProviderOptions for OpenRouterOptions {
    const PROVIDER: &'static str = crate::ID;
}
