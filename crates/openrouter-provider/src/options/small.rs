//! The small objects among the options.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::settings::settings;

/// Caches the prompt on its own, where the model needs to be told (Anthropic's style): OpenRouter sets the
/// marks.
// Without `deny_unknown_fields`: serde takes the tag of a struct for an unknown field. `exact`, which reads
// options, refuses unknown fields and another type on its own.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(tag = "type", rename = "ephemeral")]
#[non_exhaustive]
pub struct CacheControl {
    /// How long it is kept: `5m` (the default) or `1h`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<String>,
}

impl CacheControl {
    /// Kept for five minutes.
    pub fn ephemeral() -> Self {
        Self { ttl: None }
    }

    /// Kept for so long: `5m` or `1h`.
    #[must_use]
    pub fn ttl(mut self, ttl: impl Into<String>) -> Self {
        self.ttl = Some(ttl.into());
        self
    }
}

settings! {
    /// The inner workings to show.
    DebugOptions {
        /// Whether to hand out the body that goes to the upstream provider. Streams only; not for production.
        echo_upstream_body: bool,
    }

    /// OpenRouter's own cache of whole answers: the same request gets the same answer, free of charge. Off
    /// unless asked for.
    ResponseCache {
        /// Whether to use it.
        enabled: bool,
        /// How many seconds an answer is kept, 1 to 86,400. Default: 300.
        ttl_seconds: u32,
        /// Whether to ask anew and keep the new answer.
        clear: bool,
    }
}

/// Where the request stands in a trace, for the observability service that the account is connected to.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[non_exhaustive]
pub struct Trace {
    /// The trace's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
    /// The trace's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_name: Option<String>,
    /// The span's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span_name: Option<String>,
    /// The generation's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation_name: Option<String>,
    /// The id of the span above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_span_id: Option<String>,
    /// Anything else; it is passed on.
    #[serde(flatten)]
    pub extra: BTreeMap<String, Value>,
}

impl Trace {
    /// A trace of this id.
    pub fn id(trace_id: impl Into<String>) -> Self {
        Self { trace_id: Some(trace_id.into()), ..Self::default() }
    }

    /// Sets the trace's name.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.trace_name = Some(name.into());
        self
    }

    /// Sets the span's name.
    #[must_use]
    pub fn span(mut self, name: impl Into<String>) -> Self {
        self.span_name = Some(name.into());
        self
    }

    /// Sets the generation's name.
    #[must_use]
    pub fn generation(mut self, name: impl Into<String>) -> Self {
        self.generation_name = Some(name.into());
        self
    }

    /// Sets the id of the span above.
    #[must_use]
    pub fn parent_span(mut self, id: impl Into<String>) -> Self {
        self.parent_span_id = Some(id.into());
        self
    }

    /// Adds anything else.
    #[must_use]
    pub fn extra(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.extra.insert(name.into(), value.into());
        self
    }
}

/// When OpenRouter stops calling its own tools. The first condition that holds counts; one last turn without
/// tools follows.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum StopServerTools {
    /// After so many steps.
    StepCountIs {
        /// The number of steps.
        step_count: u32,
    },
    /// Once this tool was called.
    HasToolCall {
        /// The tool's name.
        tool_name: String,
    },
    /// Once so many tokens were used.
    MaxTokensUsed {
        /// The number of tokens.
        max_tokens: u64,
    },
    /// Once it cost so much.
    MaxCost {
        /// In US dollars.
        max_cost_in_dollars: f64,
    },
    /// Once a step ended like this.
    FinishReasonIs {
        /// The finish reason.
        reason: String,
    },
}
