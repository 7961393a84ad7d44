//! The options that OpenRouter alone understands.

mod armor;
mod cache_control;
mod configuration_update;
mod debug;
mod deferred_tools;
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

use openai_wire::{FieldWriter, exact};
use provider_core::author::ProviderOptions;
use provider_core::{Effort, RawJson};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use self::armor::{ArmorContext, ArmorFact, ArmorRule, ArmorRules, NamedArmorRule};
pub use self::cache_control::CacheControl;
pub use self::configuration_update::ConfigurationUpdate;
pub use self::debug::DebugOptions;
pub use self::deferred_tools::{DeferredTools, ToolSearch};
pub use self::list::List;
pub use self::plugin::{
    AlignmentPlugin, AlignmentRule, ArmorPlugin, AutoRouter, ContextCompression, FileParser, FusionPlugin,
    JevRouter, ParetoRouter, PdfOptions, Plugin, Switch, SwitchyardRouter, WebFetchPlugin, WebPlugin,
};
pub use self::preferences::{
    Cutoffs, DataCollection, MaxPrice, Percentiles, PriceCap, ProviderPreferences, Sort, SortBy, SortConfig,
};
pub use self::response_cache::ResponseCache;
pub use self::server_tool::{
    Advisor, Bash, Container, Datetime, Files, Fusion, ImageGeneration, NestedReasoning, SearchModels,
    ServerTool, Subagent, UserLocation, WebFetch, WebSearch, WireTool, XSearch,
};
pub use self::stop_server_tools::StopServerTools;
pub use self::trace::Trace;

/// Declares the options. A row with `=> field` is a field of the body with the option's name and value; the
/// word is the method of [`FieldWriter`] that writes it. Such fields are written in the order of the rows.
/// The dialect writes the other options, or they are headers.
macro_rules! options {
    ($($(#[$meta:meta])* $field:ident: $type:ty $(=> $write:ident)?,)*) => {
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
        ///
        /// A request is stored with them, [`headers`](Self::headers) included: a gateway's key among these is
        /// stored as well.
        #[derive(Clone, Default, PartialEq, Deserialize, Serialize)]
        #[serde(default, deny_unknown_fields)]
        #[non_exhaustive]
        pub struct OpenRouterOptions {
            $($(#[$meta])* #[serde(skip_serializing_if = "Option::is_none")] pub $field: Option<$type>,)*
            /// Headers that have no place of their own. Those that the provider writes itself are refused.
            /// `Debug` shows their names alone, since a gateway's key may be among them. They are stored with
            /// the request.
            #[serde(skip_serializing_if = "BTreeMap::is_empty")]
            pub headers: BTreeMap<String, String>,
            /// Whether a request to a free model may fall back to one that is billed.
            #[serde(skip_serializing_if = "is_off")]
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
            /// The names of all options that are a field of their own.
            #[cfg(test)]
            const NAMES: &[&str] = &[$(stringify!($field)),*];

            pub(crate) const NONE: Self =
                Self { $($field: None,)* headers: BTreeMap::new(), allow_paid_fallback: false };

            /// Writes the options that are fields of the body.
            pub(crate) fn write_fields<W: FieldWriter>(&self, body: &mut W) -> Result<(), W::Error> {
                $($(if let Some(value) = &self.$field {
                    body.$write(stringify!($field), value)?;
                })?)*
                Ok(())
            }

            /// Reads an option from its field. False when it is none of these fields, or does not fit.
            pub(crate) fn read_field(&mut self, name: &str, raw: &RawJson) -> bool {
                $($(if name == stringify!($field) {
                    let $write = &mut self.$field;
                    *$write = exact(raw);
                    return $write.is_some();
                })?)*
                false
            }

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
    models: List<String> => field,
    /// Which upstream providers may serve, and in which order. What is left open is taken from the
    /// workspace's settings.
    provider: ProviderPreferences,
    /// The work that OpenRouter does around the model.
    plugins: List<Plugin>,
    /// Tools that OpenRouter runs itself. They follow the request's own tools.
    server_tools: List<ServerTool>,
    /// Has tools found by a search, in place of sending all of them to the model.
    deferred_tools: DeferredTools => field,
    /// A text to complete, in place of messages. Old style.
    prompt: String => field,
    /// How many steps OpenRouter's own tools may take, 30 at most. `stop_server_tools_when` counts before it.
    max_tool_calls: u32 => field,
    /// When OpenRouter stops calling its own tools.
    stop_server_tools_when: List<StopServerTools> => field,
    /// Whether structured outputs are demanded of the provider.
    structured_outputs: bool => field,
    /// Whether to show thoughts. Old style: `reasoning` says it better.
    include_reasoning: bool => field,
    /// Another name of [`ChatRequest::reasoning`](provider_core::ChatRequest::reasoning)'s effort. The two
    /// must not differ.
    reasoning_effort: Effort,
    /// How images are made (`aspect_ratio`, `quality`, `size`, …); models differ.
    image_config: BTreeMap<String, Value> => field,
    /// `fast`: the same as the service tier of that name.
    speed: String => field,
    /// Caches the prompt on its own.
    cache_control: CacheControl => field,
    /// `fallback` or `sort`. Deprecated: `provider.sort.partition` says it.
    route: String => field,
    /// A preset of the account, by its slug.
    preset: String => field,
    /// The model's own web search, where it has one, as the JSON object it expects.
    web_search_options: Value => field,
    /// The filter for the finds of xAI's search, as the JSON object it expects.
    x_search_filter: Value => field,
    /// `["middle-out"]`. No longer documented: the plugin `context-compression` does it.
    transforms: List<String> => field,
    /// Keeps the requests of one conversation on one upstream provider, whose prompt cache is then warm, and
    /// groups them in the logs. At most 256 characters.
    session_id: String => field,
    /// Where the request stands in a trace.
    trace: Trace => field,
    /// The inner workings to show.
    debug: DebugOptions => field,
    /// Deprecated and without effect: usage always comes.
    stream_options: Value => field,
    /// Deprecated and without effect: usage always comes.
    usage: Value => field,
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

/// Whether a flag is off, so that it is not stored.
fn is_off(flag: &bool) -> bool {
    !flag
}

impl ProviderOptions for OpenRouterOptions {
    const PROVIDER: &'static str = crate::ID;
}

#[cfg(test)]
mod tests;
