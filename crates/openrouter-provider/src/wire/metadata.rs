//! `openrouter_metadata`: how a request was routed.
use super::usage::amount;
use crate::response::routing::{PipelineStage, RoutedEndpoint, Routing, RoutingAttempt};
use crate::wire::keep::Keep as _;
use lenient_json::{Count, Flag, Raw, Text, object};

object! {
    pub(crate) struct Metadata<'a> {
        requested: Text<'a> = "requested",
        strategy: Text<'a> = "strategy",
        region: Text<'a> = "region",
        summary: Text<'a> = "summary",
        attempt: Count = "attempt",
        is_byok: Flag = "is_byok",
        endpoints: Endpoints<'a> = "endpoints",
        attempts: Raw<'a> = "attempts",
        pipeline: Raw<'a> = "pipeline",
    }
}

object! {
    pub(crate) struct Endpoints<'a> {
        total: Count = "total",
        available: Raw<'a> = "available",
    }
}

object! {
    pub(crate) struct Endpoint<'a> {
        provider: Text<'a> = "provider",
        model: Text<'a> = "model",
        selected: Flag = "selected",
        status: Count = "status",
    }
}

object! {
    pub(crate) struct Stage<'a> {
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
