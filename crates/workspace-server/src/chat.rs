//! `POST …/chat`: one turn of an agent node, as the host's events or as one answer.

pub(crate) mod events;
pub(crate) mod prompt;
mod thread;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::response::{IntoResponse, Response};
use http::HeaderValue;
use provider_core::{ChatRequest, Error, FieldProblem, LlmProvider, RawJson};
use provider_layers::{FallbackLayer, FallbackSettings, Stack};
use provider_registry::SelectedModel;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use workspace_store::{ConnectedWorkspace, TokenRecord};

use self::events::{Names, Say, Writer};
use self::prompt::{Trimmed, fit};
use self::thread::Thread;
use crate::access::Bearer;
use crate::api::extract::{cut_short, read};
use crate::call::{Fallback, NewCall, Running, cut_call, listed};
use crate::error::{ApiError, Envelope, Result, code_of, success};
use crate::node::AgentNode;
use crate::openapi::bodies;
use crate::sse::{self, Events, PING};
use crate::state::App;

/// The body of a request to run.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    /// The conversation to go on with; `new` begins one.
    conversation_id: Option<String>,
    /// The message of the conversation to go on behind. Default: the last one.
    parent_id: Option<String>,
    /// One new message of the user: a text, its parts, or a message.
    message: Option<RawJson>,
    /// New messages, in the shape of chat completions.
    #[serde(default)]
    messages: Vec<RawJson>,
    /// The results of tools that the last answer called.
    #[serde(default)]
    tool_results: Vec<ToolResult>,
    node: RawJson,
    #[serde(default)]
    variables: BTreeMap<String, Value>,
    #[serde(default)]
    stream: bool,
    user: Option<String>,
    #[serde(default)]
    events: Names,
}

/// The result of a tool.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ToolResult {
    pub(crate) tool_call_id: String,
    pub(crate) content: RawJson,
    #[serde(default)]
    pub(crate) is_error: bool,
}

/// Reads a body, and says what is wrong with it.
pub(crate) fn read_body<T: DeserializeOwned>(
    app: &App,
    body: std::result::Result<Bytes, BytesRejection>,
) -> Result<T> {
    read(&body.map_err(|refused| cut_short(refused.status(), app))?)
}

/// Runs one turn.
#[utoipa::path(post, path = "/api/v1/workspaces/{workspace}/chat", operation_id = "chat",
    request_body = bodies::Chat,
    responses((status = 200, description = "The events of the run, or without `stream` its JSON in the envelope.",
        content((Envelope<bodies::ChatAnswer> = "application/json"), (String = "text/event-stream")))))]
pub(crate) async fn run(
    State(app): State<App>,
    bearer: Bearer,
    body: std::result::Result<Bytes, BytesRejection>,
) -> Result<Response> {
    let body: Body = read_body(&app, body)?;
    let token = bearer.token();
    let node = AgentNode::read(&body.node).map_err(ApiError::invalid)?;
    let connected = app.connections.workspace(&token.workspace).await?;
    let name = node.model.as_deref().ok_or_else(|| problem("node.config.model", "must be set"))?;
    let model =
        connected.model(name).await.map_err(|error| ApiError::of_model(error, "node.config.model"))?;
    let fallback = fallback(&connected, &node, &model).await?;

    let new = prompt::new_messages(body.message.as_ref(), &body.messages, &body.tool_results)?;
    let thread = match &body.conversation_id {
        Some(id) => {
            let parent = body.parent_id.as_deref();
            let mut thread = thread::open(&app, token, id, parent, body.user.as_deref()).await?;
            thread.find_asked(&app, &new, parent).await?;
            Some(thread)
        }
        None if body.parent_id.is_some() => return Err(problem("parent_id", "needs conversation_id")),
        None => None,
    };
    if let Some(thread) = &thread {
        thread.check(&node, &new, &app).await?;
    } else if node.extension.limits != Default::default() {
        return Err(problem(
            "node.config.x_provider.limits",
            "need conversation_id, which remembers the turns",
        ));
    }
    let history = thread.as_ref().map(Thread::messages).unwrap_or_default();
    let mut request = prompt::request(&node, model.id(), history, &new, &body.variables)?;
    request.user.clone_from(&body.user);
    Fallback::check_reach(fallback.as_ref(), &connected, &model, &request)?;
    prompt::check_turns(&node, &request)?;
    let trimmed = match &node.context_window {
        None => None,
        Some(window) => {
            let entry = listed(&app, &token.workspace, &model).await;
            fit(&mut request, window, entry.and_then(|entry| entry.context_length))?
        }
    };

    // The words of the user are kept even if no model answers.
    let thread = match thread {
        Some(mut thread) => {
            thread.asked(&app, new).await?;
            Some(thread)
        }
        None => None,
    };
    let opening = Opening {
        provider: model.reference().provider.clone(),
        token: token.clone(),
        model,
        request,
        fallback,
        node: node.id.clone(),
        user: body.user.clone(),
        conversation: thread.as_ref().map(|thread| thread.conversation.clone()),
        keeps_content: connected.record().keep_content_seconds.is_some(),
    };
    let turn = Turn { app: app.clone(), thread, running: None };
    let conversation = opening.conversation.clone();
    let answer = match body.stream {
        true => stream(app, opening, turn, trimmed, body.events).await,
        false => whole(app, opening, turn, trimmed).await,
    };
    // An error has to name a conversation that begins with this request, too.
    let mut answer = answer.unwrap_or_else(IntoResponse::into_response);
    if let Some(id) = conversation.and_then(|id| HeaderValue::from_str(&id).ok()) {
        answer.headers_mut().insert("x-conversation-id", id);
    }
    Ok(answer)
}

/// The provider of a node with its fallback around it. The model itself is not asked again as its own
/// fallback.
pub(crate) async fn fallback(
    connected: &ConnectedWorkspace,
    node: &AgentNode,
    model: &SelectedModel,
) -> Result<Option<Fallback>> {
    if node.extension.fallback.is_empty() {
        return Ok(None);
    }
    let (mut settings, mut models) = (FallbackSettings::default(), Vec::new());
    if node.extension.allow_paid {
        settings = settings.allow_paid();
    }
    for (index, name) in node.extension.fallback.iter().enumerate() {
        let field = || format!("node.config.x_provider.fallback[{index}]");
        let next = connected.model(name).await.map_err(|error| ApiError::of_model(error, &field()))?;
        if next.reference() == model.reference() {
            continue;
        }
        settings = settings.to(next.provider().clone(), next.id());
        models.push(next);
    }
    if models.is_empty() {
        return Ok(None);
    }
    for model in models.iter().chain([model]) {
        if let Ok(instance) = connected.workspace().instance(&model.reference().provider) {
            settings = settings.catalogue(instance.catalogue_cache().clone());
        }
    }
    let provider: Arc<dyn LlmProvider> =
        Stack::new(model.provider().clone()).layer(FallbackLayer::new(settings)).build();
    Ok(Some(Fallback { provider, models }))
}

/// A call that owns what it needs, so that it can outlive its handler.
struct Opening {
    provider: String,
    token: TokenRecord,
    model: SelectedModel,
    request: ChatRequest,
    fallback: Option<Fallback>,
    node: Option<String>,
    user: Option<String>,
    conversation: Option<String>,
    keeps_content: bool,
}

impl Opening {
    async fn open(self, app: &App) -> Result<Running> {
        let call = NewCall {
            token: &self.token,
            model: &self.model,
            request: &self.request,
            provider: self.fallback,
            node: self.node.as_deref(),
            user: self.user.as_deref(),
            conversation: self.conversation.as_deref(),
            keeps_content: self.keeps_content,
        };
        call.stream(app).await
    }
}

/// A turn that runs. Dropped in the midst of it, it keeps in the conversation what came of the answer.
struct Turn {
    app: App,
    thread: Option<Thread>,
    running: Option<Running>,
}

impl Turn {
    fn ids(&self) -> Value {
        let thread = self.thread.as_ref();
        json!({
            "run_id": self.running.as_ref().map(|running| &running.run),
            "conversation_id": thread.map(|thread| &thread.conversation),
            "message_ids": thread.map(|thread| &thread.asked),
            "parent_id": thread.and_then(|thread| thread.last.as_ref()),
        })
    }

    /// Stores the answer, or the part of it that came, and says how the turn ended.
    async fn end(&mut self, is_whole: bool) -> Value {
        let Some(running) = &self.running else { return json!({}) };
        let response = running.so_far().clone();
        // A client shows the times of this event first and those of the record later: they are the same.
        let timings = running.timings().unwrap_or_default();
        let mut end = json!({
            "run_id": running.run,
            "latency_ms": events::milliseconds(timings.total),
            "first_output_ms": events::milliseconds(timings.first_token),
            "turn": match response.tool_calls().is_empty() {
                _ if !is_whole => "broken",
                true => "complete",
                false => "tool_calls",
            },
        });
        if let Some(thread) = self.thread.take() {
            let conversation = thread.conversation.clone();
            let kept = thread.answered(&self.app, &response, &running.run, is_whole).await;
            let kept = kept.unwrap_or_else(|error| {
                tracing::error!(?error, "an answer is not kept in its conversation");
                None
            });
            events::merge(&mut end, json!({"conversation_id": conversation, "message_id": kept}));
        }
        end
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let (Some(thread), Some(running)) = (self.thread.take(), &self.running) {
            let (app, response, run) = (self.app.clone(), running.so_far().clone(), running.run.clone());
            self.app.tasks.spawn(async move {
                if let Err(error) = thread.answered(&app, &response, &run, false).await {
                    tracing::error!(?error, "a part of an answer is not kept in its conversation");
                }
            });
        }
    }
}

/// Answers with events. What fails before the answer begins, and within [`PING`], has the status of its
/// error.
async fn stream(
    app: App,
    opening: Opening,
    mut turn: Turn,
    trimmed: Option<Trimmed>,
    names: Names,
) -> Result<Response> {
    let events = Events::default();
    let pulled = events.clone();
    let mut writer = Writer::new(events.clone(), names);
    let mut start = json!({
        "model": opening.model.id(),
        "provider": opening.provider,
        "messages": opening.request.messages.len(),
    });
    let opened = app.clone();
    let mut opening = Box::pin(async move { opening.open(&opened).await });
    let early = match tokio::time::timeout(PING, &mut opening).await {
        Ok(running) => Some(running?),
        Err(_) => None,
    };
    let make = async move {
        let opened = match early {
            Some(running) => Ok(running),
            None => {
                events.send("ping", &json!({}));
                events.with_pings(opening).await
            }
        };
        match opened {
            Ok(running) => {
                turn.running = Some(running);
                events::merge(&mut start, turn.ids());
                writer.say(Say::Start, start);
                if let Some(trimmed) = trimmed {
                    writer.say(Say::Trimmed, json!(trimmed));
                }
                relay(&events, &mut writer, &mut turn).await;
            }
            Err(error) => writer.say(Say::Error, events::host_error(&error)),
        }
        writer.say(Say::Done, json!({}));
    };
    Ok(sse::answer(pulled, make))
}

/// Writes the answer as it comes, no faster than it is read.
async fn relay(events: &Events, writer: &mut Writer, turn: &mut Turn) {
    let mut error = None;
    loop {
        events.taken().await;
        let Some(running) = &mut turn.running else { break };
        match events.with_pings(running.next()).await {
            Some(Ok(event)) => writer.piece(&event),
            Some(Err(broken)) => error = Some(broken),
            None => break,
        }
    }
    let error = error.or_else(|| turn.running.as_ref().and_then(|running| cut_call(running.so_far())));
    let mut end = turn.end(error.is_none()).await;
    let response = turn.running.as_ref().map(Running::so_far).cloned().unwrap_or_default();
    if let Some(error) = error {
        let mut data = events::provider_error(&error);
        events::merge(&mut data, json!({"run_id": end.get("run_id")}));
        writer.say(Say::Error, data);
        events::merge(&mut end, json!({"error_code": code_of(&error)}));
    }
    writer.end(&response, end);
}

/// Answers with one JSON.
async fn whole(app: App, opening: Opening, mut turn: Turn, trimmed: Option<Trimmed>) -> Result<Response> {
    let provider = opening.provider.clone();
    turn.running = Some(opening.open(&app).await?);
    let mut error: Option<Error> = None;
    while let Some(running) = &mut turn.running {
        match running.next().await {
            Some(Ok(_)) => {}
            Some(Err(broken)) => error = Some(broken),
            None => break,
        }
    }
    let error = error.or_else(|| turn.running.as_ref().and_then(|running| cut_call(running.so_far())));
    let ids = turn.ids();
    let end = turn.end(error.is_none()).await;
    if let Some(error) = error {
        return Err(error.into());
    }
    let response = turn.running.as_ref().map(Running::so_far).cloned().unwrap_or_default();
    let mut data = json!({
        "provider": provider,
        "message": response.message,
        "usage": events::tokens(&response.usage),
        "context_trimmed": trimmed,
    });
    events::merge(&mut data, ids);
    events::merge(&mut data, end);
    events::merge(&mut data, events::figures(&response));
    Ok(success(data).into_response())
}

fn problem(field: &str, problem: &str) -> ApiError {
    ApiError::invalid(vec![FieldProblem::new(field, problem)])
}
