//! The option that places a request in a trace.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

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
