//! The option that has tools found by a search, in place of sending all of them to the model.

use serde::{Deserialize, Serialize};

/// Has the model search for the tools that are marked with
/// [`FunctionTool::defer_loading`](provider_core::FunctionTool::defer_loading), in place of reading all of
/// them. For agents with many tools.
///
/// OpenRouter searches, with any model. In the requests that follow, send all tools again, and the model's
/// thoughts unchanged.
///
/// ```
/// use openrouter_provider::OpenRouterOptions;
/// use openrouter_provider::options::{DeferredTools, ToolSearch};
/// use provider_core::{ChatRequest, FunctionTool};
///
/// let request = ChatRequest::new("openai/gpt-4o")
///     .user("What is the weather in Paris?")
///     .tool(FunctionTool::new("get_weather", "The weather of a city, now").defer_loading(true))
///     .options(OpenRouterOptions::new().deferred_tools(DeferredTools::new(ToolSearch::bm25())));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct DeferredTools {
    /// The version of the protocol: `v1`.
    pub protocol: String,
    /// How tools are loaded: `portable`, by OpenRouter for any model.
    pub profile: String,
    /// Where the arguments of a call are checked against the tool's schema: `runtime`, at OpenRouter.
    pub validation: String,
    /// The search.
    pub search: ToolSearch,
}

/// The search of [`DeferredTools`].
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum ToolSearch {
    /// By the words of names and descriptions.
    Bm25 {
        /// The most tools that one search finds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        max_results: Option<u32>,
    },
    /// By a regular expression that the model writes.
    Regex {
        /// The most tools that one search finds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        max_results: Option<u32>,
    },
    /// By a tool of the caller's.
    Custom {
        /// The id of that tool.
        tool_id: String,
        /// The field of its result that lists the tools that it found.
        result_key: String,
        /// The most tools that one search finds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        max_results: Option<u32>,
    },
}

impl DeferredTools {
    /// This search, in the one form that there is of the rest.
    pub fn new(search: ToolSearch) -> Self {
        Self {
            protocol: "v1".to_owned(),
            profile: "portable".to_owned(),
            validation: "runtime".to_owned(),
            search,
        }
    }
}

impl ToolSearch {
    /// By the words of names and descriptions.
    pub fn bm25() -> Self {
        ToolSearch::Bm25 { max_results: None }
    }

    /// By a regular expression that the model writes.
    pub fn regex() -> Self {
        ToolSearch::Regex { max_results: None }
    }

    /// By a tool of the caller's: its id, and the field of its result that lists what it found.
    pub fn custom(tool_id: impl Into<String>, result_key: impl Into<String>) -> Self {
        ToolSearch::Custom { tool_id: tool_id.into(), result_key: result_key.into(), max_results: None }
    }

    /// Sets the most tools that one search finds.
    #[must_use]
    pub fn max_results(mut self, most: u32) -> Self {
        match &mut self {
            ToolSearch::Bm25 { max_results }
            | ToolSearch::Regex { max_results }
            | ToolSearch::Custom { max_results, .. } => *max_results = Some(most),
        }
        self
    }
}
