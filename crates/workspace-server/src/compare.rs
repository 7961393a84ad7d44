//! `POST …/comparisons`: one prompt to several models, all of their events over one connection.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use provider_compare::{Cell, CellReport, CellStep, Comparison, Report};
use provider_core::{
    Catalogue, ChatRequest, ChatResponse, ChatStream, ConnectionReport, CowVec, Error, ErrorKind,
    FieldProblem, LlmProvider, Message, ProviderDescriptor, RawJson,
};
use provider_registry::SelectedModel;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use workspace_store::{ConnectedWorkspace, StoreError, TokenRecord};

use crate::access::Bearer;
use crate::call::{Ends, Fallback, NewCall, listed};
use crate::chat::events::{self, Names, Say, Writer};
use crate::chat::prompt::{self, Trimmed};
use crate::chat::{fallback, read_body};
use crate::error::{ApiError, Envelope, Result, code_of, success};
use crate::money;
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
    let body: Body = read_body(&app, body)?;
    if body.models.is_empty() || body.models.len() > MAX_MODELS {
        let problem = format!("has {} models, and a comparison takes 1 to {MAX_MODELS}", body.models.len());
        return Err(ApiError::invalid(vec![FieldProblem::new("models", problem)]));
    }
    if body.timeout_seconds == Some(0) {
        return Err(ApiError::invalid(vec![FieldProblem::new("timeout_seconds", "must be 1 at least")]));
    }
    let bare = || RawJson::from(json!({"type": NODE_TYPE, "config": {}}));
    let node = AgentNode::read(&body.node.clone().unwrap_or_else(bare)).map_err(ApiError::invalid)?;
    if node.extension.limits != Default::default() {
        let problem = "are those of a conversation's turns, and a comparison has no conversation";
        return Err(ApiError::invalid(vec![FieldProblem::new("node.config.x_provider.limits", problem)]));
    }
    let new = prompt::new_messages(body.message.as_ref(), &body.messages, &[])?;
    let mut request = prompt::request(&node, "", Vec::new(), &new, &body.variables)?;
    request.user.clone_from(&body.user);

    let token = Arc::new(bearer.token().clone());
    let connected = app.connections.workspace(&token.workspace).await?;
    let keeps_content = connected.record().keep_content_seconds.is_some();
    let timeout = body.timeout_seconds.map(Duration::from_secs);
    let ends = Ends { left: CancellationToken::new(), timeout };
    let (mut cells, mut shown) = (Vec::new(), Vec::new());
    for (index, name) in body.models.iter().enumerate() {
        let run = Arc::<Mutex<Option<String>>>::default();
        let fitted = match connected.model(name).await {
            Ok(model) => Fitted::new(&app, &token, &connected, &node, model, &request).await?,
            Err(error) => Err(as_provider_error(error)),
        };
        let mut begin = json!({"cell": index, "label": name, "provider": null, "model": null});
        let mut trimmed = None;
        cells.push(match fitted {
            Ok(fitted) => {
                let (provider, id) =
                    (fitted.model.reference().provider.clone(), fitted.model.id().to_owned());
                events::merge(&mut begin, json!({"provider": provider, "model": id}));
                trimmed = fitted.trimmed.as_ref().map(|trimmed| json!(trimmed));
                let metered = Metered {
                    app: app.clone(),
                    token: token.clone(),
                    node: node.id.clone(),
                    user: body.user.clone(),
                    run: run.clone(),
                    keeps_content,
                    ends: ends.clone(),
                    fitted,
                };
                Cell::new(name, Arc::new(metered), &id).provider_name(&provider)
            }
            Err(error) => Cell::not_asked(name, error),
        });
        shown.push(Shown { begin, trimmed, run });
    }
    let mut comparison = Comparison::new(request).cells(cells).concurrency(MAX_MODELS);
    if let Some(timeout) = timeout {
        comparison = comparison.cell_timeout(timeout);
    }
    let kept = Kept { app, workspace: token.workspace.clone(), title: body.title, user: body.user };
    let trimmed: Vec<Option<Value>> = shown.iter().map(|cell| cell.trimmed.clone()).collect();
    if !body.stream {
        let runs: Vec<_> = shown.iter().map(|cell| cell.run.clone()).collect();
        let (report, id) = Running::new(comparison, kept, ends.left, |_, _| {}).await;
        let runs: Vec<Option<String>> = runs.iter().map(run_of).collect();
        let report = money::exact(&report);
        let data =
            json!({"comparison_id": id?, "run_ids": runs, "context_trimmed": trimmed, "report": report});
        return Ok(success(data).into_response());
    }

    let events = Events::default();
    let pulled = events.clone();
    let writer = Writer::new(events.clone(), body.events);
    let mut writers: Vec<Writer> = (0..shown.len()).map(|cell| writer.of_cell(cell)).collect();
    let begins: Vec<Value> = shown.iter().map(|cell| cell.begin.clone()).collect();
    let mut running = Running::new(comparison, kept, ends.left, move |index, step| {
        let (Some(writer), Some(shown)) = (writers.get_mut(index), shown.get(index)) else { return };
        match step {
            CellStep::Started => {
                writer.say(Say::Start, shown.begin.clone());
                if let Some(trimmed) = &shown.trimmed {
                    writer.say(Say::Trimmed, trimmed.clone());
                }
            }
            CellStep::Event(event) => writer.piece(event),
            CellStep::Finished(cell) => finished(writer, cell, run_of(&shown.run)),
            _ => {}
        }
    });
    let make = async move {
        events.send("comparison_start", &json!({ "cells": begins }));
        events.taken().await;
        let (report, id) = events.with_pings(&mut running).await;
        let mut end = json!({ "totals": money::exact(&report.totals), "ended": report.ended });
        match id {
            Ok(id) => events::merge(&mut end, json!({ "comparison_id": id })),
            Err(error) => writer.say(Say::Error, events::host_error(&error)),
        }
        events.send("comparison_end", &end);
        writer.say(Say::Done, json!({}));
    };
    Ok(sse::answer(pulled, make))
}

/// A cell as its client is shown it.
struct Shown {
    begin: Value,
    trimmed: Option<Value>,
    /// The id of its newest run.
    run: Arc<Mutex<Option<String>>>,
}

/// The model of a cell with the node's fallback, and the request as it fits into its context.
struct Fitted {
    model: SelectedModel,
    fallback: Option<Fallback>,
    /// The conversation in place of that of the comparison, if something had to be left out.
    messages: Option<CowVec<Message>>,
    trimmed: Option<Trimmed>,
}

impl Fitted {
    /// Prepares a cell. The inner error is that of the cell alone.
    ///
    /// # Errors
    /// When a fallback of the node cannot be asked, which is wrong for all cells.
    async fn new(
        app: &App,
        token: &TokenRecord,
        connected: &ConnectedWorkspace,
        node: &AgentNode,
        model: SelectedModel,
        request: &ChatRequest,
    ) -> Result<std::result::Result<Self, Error>> {
        let fallback = fallback(connected, node, &model).await?;
        if let Err(error) = Fallback::check_reach(fallback.as_ref(), connected, &model, request) {
            return Ok(Err(as_provider_error(error)));
        }
        let (mut messages, mut trimmed) = (None, None);
        if let Some(window) = &node.context_window {
            let length = listed(app, &token.workspace, &model).await.and_then(|entry| entry.context_length);
            let mut fitted = request.clone();
            match prompt::fit(&mut fitted, window, length) {
                Ok(None) => {}
                Ok(some) => (messages, trimmed) = (Some(fitted.messages), some),
                Err(error) => return Ok(Err(cell_error(error))),
            }
        }
        Ok(Ok(Self { model, fallback, messages, trimmed }))
    }
}

/// The end of a comparison: its report, and the id under which it is kept.
type End = (Report, Result<String>);

/// A comparison that runs. It ends with the host's time to drain. Dropped in the midst of it, it stops its
/// cells, and keeps what they have.
struct Running {
    work: Option<Pin<Box<dyn Future<Output = End> + Send>>>,
    app: App,
    left: CancellationToken,
}

impl Running {
    fn new(
        comparison: Comparison,
        kept: Kept,
        left: CancellationToken,
        mut watch: impl FnMut(usize, CellStep<'_>) + Send + 'static,
    ) -> Self {
        let (app, stop) = (kept.app.clone(), left.clone());
        let work = async move {
            let drained = kept.app.drained.clone();
            let stop = async move {
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = drained.cancelled() => {}
                }
            };
            let report = comparison.run_until(stop, |progress| watch(progress.index, progress.step)).await;
            let id = kept.keep(&report).await;
            (report, id)
        };
        Self { work: Some(Box::pin(work)), app, left }
    }
}

impl Future for Running {
    type Output = End;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<End> {
        let Some(work) = &mut self.work else { return Poll::Pending };
        let end = std::task::ready!(work.as_mut().poll(cx));
        self.work = None;
        Poll::Ready(end)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let Some(work) = self.work.take() else { return };
        self.left.cancel();
        self.app.tasks.spawn(async move {
            if let (_, Err(error)) = work.await {
                tracing::error!(?error, "a comparison whose client has left is not kept");
            }
        });
    }
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
        events::merge(&mut end, json!({"error_code": code_of(error)}));
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
    fitted: Fitted,
    node: Option<String>,
    user: Option<String>,
    keeps_content: bool,
    ends: Ends,
    /// The id of the newest run.
    run: Arc<Mutex<Option<String>>>,
}

impl std::fmt::Debug for Metered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Metered").field("model", self.fitted.model.reference()).finish_non_exhaustive()
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl LlmProvider for Metered {
    fn descriptor(&self) -> &'static ProviderDescriptor {
        self.fitted.model.provider().descriptor()
    }

    async fn stream(&self, request: &ChatRequest) -> std::result::Result<ChatStream, Error> {
        let fitted = self.fitted.messages.as_ref().map(|messages| {
            let mut request = request.clone();
            request.messages = messages.clone();
            request
        });
        let call = NewCall {
            token: &self.token,
            model: &self.fitted.model,
            request: fitted.as_ref().unwrap_or(request),
            provider: self.fitted.fallback.clone(),
            node: self.node.as_deref(),
            user: self.user.as_deref(),
            conversation: None,
            keeps_content: self.keeps_content,
        };
        let (stream, run) = call.observed(&self.app, self.ends.clone()).await.map_err(as_provider_error)?;
        *self.run.lock().unwrap_or_else(PoisonError::into_inner) = Some(run);
        Ok(stream)
    }

    async fn chat(&self, request: &ChatRequest) -> std::result::Result<ChatResponse, Error> {
        let mut stream = self.stream(request).await?;
        while stream.next().await.is_some() {}
        stream.into_response()
    }

    async fn models(&self) -> std::result::Result<Catalogue, Error> {
        self.fitted.model.provider().models().await
    }

    async fn all_models(&self) -> std::result::Result<Catalogue, Error> {
        self.fitted.model.provider().all_models().await
    }

    async fn check(&self) -> std::result::Result<ConnectionReport, Error> {
        self.fitted.model.provider().check().await
    }

    async fn warm_up(&self) -> std::result::Result<(), Error> {
        self.fitted.model.provider().warm_up().await
    }

    fn extension_by_id(&self, wanted: std::any::TypeId) -> Option<&(dyn std::any::Any + Send + Sync)> {
        self.fitted.model.provider().extension_by_id(wanted)
    }
}

/// An error of the store as that of a cell.
fn as_provider_error(error: StoreError) -> Error {
    match error {
        StoreError::Provider(error) => error,
        error => cell_error(error.into()),
    }
}

/// An error of the host as that of a cell, which keeps the host's word for it as its code.
fn cell_error(error: ApiError) -> Error {
    let kind = match error.status {
        _ if error.code == ErrorKind::ContextLength.host_code() => ErrorKind::ContextLength,
        StatusCode::PAYMENT_REQUIRED => ErrorKind::PaymentRequired,
        StatusCode::FORBIDDEN => ErrorKind::PermissionDenied,
        StatusCode::NOT_FOUND => ErrorKind::NotFound,
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => ErrorKind::InvalidRequest,
        StatusCode::SERVICE_UNAVAILABLE => ErrorKind::Overloaded,
        _ => ErrorKind::Server,
    };
    Error::new(kind, error.message).with_code(error.code)
}
