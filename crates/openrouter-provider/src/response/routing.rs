//! How a request was routed.

use lenient_json::{Count, Flag, Raw, Text, object};
use openai_wire::{Keep as _, amount};
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
    /// How long the generation took, in milliseconds: from when the service asked the upstream provider
    /// until the answer was over. The answer's tokens divided by it are the throughput without the way to
    /// the service.
    pub generation_time_ms: Option<u64>,
    /// How many endpoints there were.
    pub endpoints_total: Option<u64>,
    /// The endpoints that could have served.
    pub endpoints: Vec<RoutedEndpoint>,
    /// The attempts, in order.
    pub attempts: Vec<RoutingAttempt>,
    /// The stages around the model: guardrails, plugins, server tools.
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
    /// Its kind: `guardrail`, `plugin`, `server_tools`, `response_healing`, `context_compression`.
    pub kind: Option<String>,
    /// Which one.
    pub name: Option<String>,
    /// Its result.
    pub summary: Option<String>,
    /// Its cost.
    pub cost: Option<provider_core::Usd>,
    /// The whole object.
    pub raw: Option<RawJson>,
}

object! {
    struct Metadata<'a> {
        requested: Text<'a> = "requested",
        strategy: Text<'a> = "strategy",
        region: Text<'a> = "region",
        summary: Text<'a> = "summary",
        attempt: Count = "attempt",
        is_byok: Flag = "is_byok",
        generation_time: Count = "generation_time",
        endpoints: Endpoints<'a> = "endpoints",
        attempts: Raw<'a> = "attempts",
        pipeline: Raw<'a> = "pipeline",
    }
}

object! {
    struct Endpoints<'a> {
        total: Count = "total",
        available: Raw<'a> = "available",
    }
}

object! {
    struct Endpoint<'a> {
        provider: Text<'a> = "provider",
        model: Text<'a> = "model",
        selected: Flag = "selected",
        status: Count = "status",
    }
}

object! {
    struct Stage<'a> {
        kind: Text<'a> = "type",
        name: Text<'a> = "name",
        summary: Text<'a> = "summary",
        cost: Raw<'a> = "cost_usd",
    }
}

fn owned(text: &Text<'_>) -> Option<String> {
    text.filled().map(str::to_owned)
}

/// Reads the object, if it is one.
pub(crate) fn read(raw: Raw<'_>) -> Option<Routing> {
    let wire = raw.is_object().then_some(raw)?.read::<Metadata<'_>>()?;
    let mut routing = Routing {
        requested: owned(&wire.requested),
        strategy: owned(&wire.strategy),
        region: owned(&wire.region),
        summary: owned(&wire.summary),
        attempt: wire.attempt.0,
        is_byok: wire.is_byok.0,
        generation_time_ms: wire.generation_time.0,
        endpoints_total: wire.endpoints.total.0,
        raw: raw.keep(),
        ..Routing::default()
    };
    wire.endpoints.available.for_each(|endpoint: Endpoint<'_>| {
        routing.endpoints.push(RoutedEndpoint {
            provider: owned(&endpoint.provider),
            model: owned(&endpoint.model),
            selected: endpoint.selected.0 == Some(true),
        });
    });
    wire.attempts.for_each(|attempt: Endpoint<'_>| {
        routing.attempts.push(RoutingAttempt {
            provider: owned(&attempt.provider),
            model: owned(&attempt.model),
            status: attempt.status.0,
        });
    });
    wire.pipeline.for_each(|raw: Raw<'_>| {
        let stage: Stage<'_> = raw.read().unwrap_or_default();
        routing.pipeline.push(PipelineStage {
            kind: owned(&stage.kind),
            name: owned(&stage.name),
            summary: owned(&stage.summary),
            cost: amount(stage.cost),
            raw: raw.keep(),
        });
    });
    Some(routing)
}

/// The upstream provider that served, by the metadata.
pub(crate) fn selected_provider(raw: Raw<'_>) -> Option<String> {
    let routing = read(raw)?;
    routing.endpoints.into_iter().find(|endpoint| endpoint.selected)?.provider
}
