//! How a request was routed.

use provider_core::RawJson;
use serde::Serialize;

/// How a request was routed. What the service left out is `None` or empty.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Routing {
    /// The model that was asked for.
    pub requested: Option<String>,
    /// How it was chosen: `direct`, `auto`, `free`, `latest`, `alias`, `fallback`, `pareto`, `bodybuilder`,
    /// `fusion`.
    pub strategy: Option<String>,
    /// The region it was served in.
    pub region: Option<String>,
    /// All of it in a sentence.
    pub summary: Option<String>,
    /// Which attempt this was; 0 when nothing was tried.
    pub attempt: Option<u64>,
    /// Whether a key of your own at the upstream provider was used.
    pub is_byok: Option<bool>,
    /// How many endpoints there were.
    pub endpoints_total: Option<u64>,
    /// The endpoints that could have served.
    pub endpoints: Vec<RoutedEndpoint>,
    /// What was tried, in order.
    pub attempts: Vec<RoutingAttempt>,
    /// What was done around the model: guardrails, plugins, server tools.
    pub pipeline: Vec<PipelineStage>,
    /// The whole object.
    pub raw: Option<RawJson>,
}

/// An endpoint that could have served.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RoutedEndpoint {
    /// The upstream provider.
    pub provider: Option<String>,
    /// The model.
    pub model: Option<String>,
    /// Whether it was the one.
    pub selected: bool,
}

/// An upstream provider that was tried.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RoutingAttempt {
    /// The upstream provider.
    pub provider: Option<String>,
    /// The model.
    pub model: Option<String>,
    /// The HTTP status that it answered with.
    pub status: Option<u64>,
}

/// Something that was done around the model.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct PipelineStage {
    /// What: `guardrail`, `plugin`, `server_tools`, `response_healing`, `context_compression`.
    pub kind: Option<String>,
    /// Which one.
    pub name: Option<String>,
    /// What came of it.
    pub summary: Option<String>,
    /// What it cost.
    pub cost: Option<provider_core::Usd>,
    /// The whole object.
    pub raw: Option<RawJson>,
}
