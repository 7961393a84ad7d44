//! `POST …/comparisons`: one prompt to several models, all of their events over one connection.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use provider_compare::{Cell, CellReport, CellStep, Comparison, Report};
use provider_core::{
    Catalogue, ChatRequest, ChatResponse, ChatStream, ConnectionReport, Error, ErrorKind, FieldProblem,
    LlmProvider, ProviderDescriptor, RawJson,
};
use provider_registry::SelectedModel;
use serde::Deserialize;
use serde_json::{Value, json};
use workspace_store::{StoreError, TokenRecord};

use crate::access::Bearer;
use crate::call::NewCall;
use crate::chat::events::{self, Names, Say, Writer};
use crate::chat::{prompt, read_body};
use crate::error::{ApiError, Envelope, Result, success};
use crate::node::{AgentNode, NODE_TYPE};
use crate::openapi::bodies;
use crate::sse::{self, Events};
use crate::state::App;

/// The most models of a comparison.
const MAX_MODELS: usize = 8;

/// The body of a request to compare.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    models: Vec<String>,
    message: Option<RawJson>,
    #[serde(default)]
    messages: Vec<RawJson>,
    /// The node whose prompt and parameters all models get; its own model is not asked.
    node: Option<RawJson>,
    #[serde(default)]
    variables: BTreeMap<String, Value>,
    /// The title in the history. Default: the beginning of the prompt.
    title: Option<String>,
    user: Option<String>,
    /// The most seconds that a model may take.
    timeout_seconds: Option<u64>,
    #[serde(default)]
    stream: bool,
    #[serde(default)]
    events: Names,
}

/// Runs a comparison.
#[utoipa::path(post, path = "/api/v1/workspaces/{workspace}/comparisons", operation_id = "compare",
    request_body = bodies::Comparison,
    responses((status = 200, description = "The events of all cells, or without `stream` the report in the envelope.",
        content((Envelope<bodies::ComparisonAnswer> = "application/json"), (String = "text/event-stream")))))]
pub(crate) async fn run(
    State(app): State<App>,
    bearer: Bearer,
    body: std::result::Result<Bytes, BytesRejection>,
) -> Result<Response> {
    let body: Body = read_body(body)?;
    if body.models.is_empty() || body.models.len() > MAX_MODELS {
        let problem = format!("has {} models, and a comparison takes 1 to {MAX_MODELS}", body.models.len());
        return Err(ApiError::invalid(vec![FieldProblem::new("models", problem)]));
    }
    let bare = || RawJson::from(json!({"type": NODE_TYPE, "config": {}}));
    let node = AgentNode::read(&body.node.clone().unwrap_or_else(bare)).map_err(ApiError::invalid)?;
    let new = prompt::new_messages(body.message.as_ref(), &body.messages, &[])?;
    let mut request = prompt::request(&node, "", Vec::new(), &new, &body.variables)?;
    request.user.clone_from(&body.user);

    let token = Arc::new(bearer.token().clone());
    let connected = app.connections.workspace(&token.workspace).await?;
    let keeps_content = connected.record().keep_content_seconds.is_some();
    let (mut cells, mut names, mut runs) = (Vec::new(), Vec::new(), Vec::new());
    for (index, name) in body.models.iter().enumerate() {
        let run = Arc::<Mutex<Option<String>>>::default();
        let (cell, provider, id) = match connected.model(name).await {
            Ok(model) => {
                let (provider, id) = (model.reference().provider.clone(), model.id().to_owned());
                let metered = Metered {
                    app: app.clone(),
                    token: token.clone(),
                    node: node.id.clone(),
                    user: body.user.clone(),
                    run: run.clone(),
                    keeps_content,
                    model,
                };
                (Cell::new(name, Arc::new(metered), &id).provider_name(&provider), Some(provider), Some(id))
            }
            Err(error) => (Cell::not_asked(name, as_provider_error(error)), None, None),
        };
        names.push(json!({"cell": index, "label": name, "provider": provider, "model": id}));
        cells.push(cell);
        runs.push(run);
    }
    let mut comparison = Comparison::new(request).cells(cells).concurrency(MAX_MODELS);
    if let Some(seconds) = body.timeout_seconds {
        comparison = comparison.cell_timeout(Duration::from_secs(seconds));
    }
    let kept = Kept { app, workspace: token.workspace.clone(), title: body.title, user: body.user };
    if !body.stream {
        let report = comparison.run().await;
        let id = kept.keep(&report).await?;
        let runs: Vec<Option<String>> = runs.iter().map(run_of).collect();
        let data = json!({"comparison_id": id, "run_ids": runs, "report": report});
        return Ok(success(data).into_response());
    }

    let events = Events::default();
    let pulled = events.clone();
    let writer = Writer::new(events.clone(), body.events);
    let make = async move {
        events.send("comparison_start", &json!({ "cells": names }));
        events.taken().await;
        let mut writers: Vec<Writer> = (0..names.len()).map(|cell| writer.of_cell(cell)).collect();
        let watched = comparison.run_with(|progress| {
            let Some(writer) = writers.get_mut(progress.index) else { return };
            match progress.step {
                CellStep::Started => writer.say(Say::Start, names[progress.index].clone()),
                CellStep::Event(event) => writer.piece(event),
                CellStep::Finished(cell) => finished(writer, cell, run_of(&runs[progress.index])),
                _ => {}
            }
        });
        let report = events.with_pings(watched).await;
        let mut end = json!({ "totals": report.totals, "ended": report.ended });
        match kept.keep(&report).await {
            Ok(id) => events::merge(&mut end, json!({ "comparison_id": id })),
            Err(error) => writer.say(Say::Error, events::host_error(&error)),
        }
        events.send("comparison_end", &end);
        writer.say(Say::Done, json!({}));
    };
    Ok(sse::answer(pulled, make))
}

/// Writes the end of a cell: its error, and the figures of what came.
fn finished(writer: &mut Writer, cell: &CellReport, run: Option<String>) {
    let timings = &cell.timings;
    let mut end = json!({
        "run_id": run,
        "provider": cell.provider,
        "latency_ms": events::milliseconds(timings.total),
        "first_output_ms": events::milliseconds(timings.first_token),
        "tokens_per_second": timings.tokens_per_second,
    });
    if let Err(error) = &cell.result {
        let mut data = events::provider_error(error);
        events::merge(&mut data, json!({ "run_id": run }));
        writer.say(Say::Error, data);
        events::merge(&mut end, json!({"error_code": error.host_code()}));
    }
    let nothing = ChatResponse::default();
    writer.end(cell.response().unwrap_or(&nothing), end);
}

fn run_of(slot: &Arc<Mutex<Option<String>>>) -> Option<String> {
    slot.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Where a report goes.
struct Kept {
    app: App,
    workspace: String,
    title: Option<String>,
    user: Option<String>,
}

impl Kept {
    async fn keep(&self, report: &Report) -> Result<String> {
        let title = match &self.title {
            Some(title) => title.clone(),
            None => report.prompt().chars().take(80).collect(),
        };
        let store = &self.app.store;
        Ok(store.record_comparison(&self.workspace, &title, self.user.as_deref(), report).await?)
    }
}

/// The model of a cell, each call of which goes through the budgets and the records.
struct Metered {
    app: App,
    token: Arc<TokenRecord>,
    model: SelectedModel,
    node: Option<String>,
    user: Option<String>,
    keeps_content: bool,
    /// The id of the newest run.
    run: Arc<Mutex<Option<String>>>,
}

impl std::fmt::Debug for Metered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Metered").field("model", self.model.reference()).finish_non_exhaustive()
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl LlmProvider for Metered {
    fn descriptor(&self) -> &'static ProviderDescriptor {
        self.model.provider().descriptor()
    }

    async fn stream(&self, request: &ChatRequest) -> std::result::Result<ChatStream, Error> {
        let call = NewCall {
            token: &self.token,
            model: &self.model,
            request,
            provider: None,
            node: self.node.as_deref(),
            user: self.user.as_deref(),
            conversation: None,
            keeps_content: self.keeps_content,
        };
        let (stream, run) = call.observed(&self.app).await.map_err(as_provider_error)?;
        *self.run.lock().unwrap_or_else(PoisonError::into_inner) = Some(run);
        Ok(stream)
    }

    async fn chat(&self, request: &ChatRequest) -> std::result::Result<ChatResponse, Error> {
        let mut stream = self.stream(request).await?;
        while stream.next().await.is_some() {}
        stream.into_response()
    }

    async fn models(&self) -> std::result::Result<Catalogue, Error> {
        self.model.provider().models().await
    }

    async fn all_models(&self) -> std::result::Result<Catalogue, Error> {
        self.model.provider().all_models().await
    }

    async fn check(&self) -> std::result::Result<ConnectionReport, Error> {
        self.model.provider().check().await
    }

    async fn warm_up(&self) -> std::result::Result<(), Error> {
        self.model.provider().warm_up().await
    }

    fn extension_by_id(&self, wanted: std::any::TypeId) -> Option<&(dyn std::any::Any + Send + Sync)> {
        self.model.provider().extension_by_id(wanted)
    }
}

/// An error of the store as that of a cell, which keeps the host's word for it as its code.
fn as_provider_error(error: StoreError) -> Error {
    let error = match error {
        StoreError::Provider(error) => return error,
        error => ApiError::from(error),
    };
    let kind = match error.status {
        StatusCode::PAYMENT_REQUIRED => ErrorKind::PaymentRequired,
        StatusCode::FORBIDDEN => ErrorKind::PermissionDenied,
        StatusCode::NOT_FOUND => ErrorKind::NotFound,
        StatusCode::SERVICE_UNAVAILABLE => ErrorKind::Overloaded,
        _ => ErrorKind::Server,
    };
    Error::new(kind, error.message).with_code(error.code)
}
