//! Conversations of a workspace: trees of messages.

use axum::Json;
use axum::extract::State;
use provider_core::{FieldProblem, Message as Stored};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use workspace_store::{ConversationRecord, StoredMessage};

use super::extract::{Body, Ids, Page, Params, page_len};
use crate::access::Bearer;
use crate::error::{ApiError, Envelope, Result, success};
use crate::state::App;

/// A conversation.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Conversation {
    id: String,
    title: String,
    user: Option<String>,
    created: String,
    /// The moment of its last message.
    updated: String,
}

impl From<ConversationRecord> for Conversation {
    fn from(record: ConversationRecord) -> Self {
        Self {
            id: record.id,
            title: record.title,
            user: record.user,
            created: record.created.to_string(),
            updated: record.updated.to_string(),
        }
    }
}

/// A message of a conversation.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Message {
    id: String,
    /// The message before it; `null` for the first.
    parent: Option<String>,
    /// The run that it is the answer of.
    run: Option<String>,
    created: String,
    /// The message, exactly as it was given.
    #[schema(value_type = Object)]
    message: Value,
}

impl From<StoredMessage> for Message {
    fn from(stored: StoredMessage) -> Self {
        Self {
            id: stored.id,
            parent: stored.parent,
            run: stored.run,
            created: stored.created.to_string(),
            // It was read from JSON.
            message: serde_json::to_value(&stored.message).unwrap_or_default(),
        }
    }
}

/// A conversation to be created.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewConversation)]
pub(crate) struct Create {
    /// At most 200 characters: longer ones are cut.
    title: String,
    user: Option<String>,
}

/// Another title.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ConversationChange)]
pub(crate) struct Rename {
    /// At most 200 characters: longer ones are cut.
    title: String,
}

/// Messages to be added, the first behind `parent`, each behind the one before.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewMessages)]
pub(crate) struct Append {
    /// The message that they follow. One that has a message behind it already gets a second branch.
    parent: Option<String>,
    #[schema(value_type = Vec<Object>, min_items = 1)]
    messages: Vec<Value>,
    /// The run that they are the answer of.
    run: Option<String>,
}

/// The ids of the messages that were added.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Appended {
    ids: Vec<String>,
}

/// Which conversations to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Filter {
    user: Option<String>,
    /// The cursor of the page before.
    before: Option<String>,
    /// Items in a page. Default: 50.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

/// Which branch to show.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Branch {
    /// The id of its last message.
    last: String,
}

/// Lists conversations, newest first.
#[utoipa::path(get, path = "/api/v1/workspaces/{workspace}/conversations", operation_id = "list_conversations",
    params(Filter), responses((status = 200, body = Envelope<Page<Conversation>>)))]
pub(crate) async fn list(
    State(app): State<App>,
    bearer: Bearer,
    Params(filter): Params<Filter>,
) -> Result<Json<Envelope<Page<Conversation>>>> {
    let (len, before) = (page_len(filter.limit)?, filter.before.as_deref());
    let rows = app.store.conversations(bearer.workspace(), filter.user.as_deref(), before, len + 1).await?;
    let rows = rows.into_iter().map(Conversation::from).collect();
    Ok(success(Page::of(rows, len, |conversation: &Conversation| conversation.id.clone())))
}

/// Creates a conversation without messages.
#[utoipa::path(post, path = "/api/v1/workspaces/{workspace}/conversations",
    operation_id = "create_conversation", request_body = Create,
    responses((status = 200, body = Envelope<Conversation>)))]
pub(crate) async fn create(
    State(app): State<App>,
    bearer: Bearer,
    Body(new): Body<Create>,
) -> Result<Json<Envelope<Conversation>>> {
    let created = app.store.create_conversation(bearer.workspace(), &new.title, new.user.as_deref()).await?;
    Ok(success(created.into()))
}

/// Shows a conversation. Its messages are those of its branches.
#[utoipa::path(get, path = "/api/v1/workspaces/{workspace}/conversations/{conversation}",
    operation_id = "show_conversation", responses((status = 200, body = Envelope<Conversation>)))]
pub(crate) async fn show(
    State(app): State<App>,
    bearer: Bearer,
    ids: Ids,
) -> Result<Json<Envelope<Conversation>>> {
    Ok(success(app.store.conversation(bearer.workspace(), ids.get("conversation")).await?.into()))
}

/// Gives a conversation another title.
#[utoipa::path(patch, path = "/api/v1/workspaces/{workspace}/conversations/{conversation}",
    operation_id = "rename_conversation", request_body = Rename,
    responses((status = 200, body = Envelope<Conversation>)))]
pub(crate) async fn rename(
    State(app): State<App>,
    bearer: Bearer,
    ids: Ids,
    Body(change): Body<Rename>,
) -> Result<Json<Envelope<Conversation>>> {
    let (workspace, id) = (bearer.workspace(), ids.get("conversation"));
    app.store.rename_conversation(workspace, id, &change.title).await?;
    Ok(success(app.store.conversation(workspace, id).await?.into()))
}

/// Deletes a conversation with its messages.
#[utoipa::path(delete, path = "/api/v1/workspaces/{workspace}/conversations/{conversation}",
    operation_id = "delete_conversation", responses((status = 200, body = Envelope<Option<String>>)))]
pub(crate) async fn delete(State(app): State<App>, bearer: Bearer, ids: Ids) -> Result<Json<Envelope<()>>> {
    app.store.delete_conversation(bearer.workspace(), ids.get("conversation")).await?;
    Ok(success(()))
}

/// Shows the messages of a branch, from the first to `last`.
#[utoipa::path(get, path = "/api/v1/workspaces/{workspace}/conversations/{conversation}/messages",
    operation_id = "show_branch", params(Branch), responses((status = 200, body = Envelope<Vec<Message>>)))]
pub(crate) async fn branch(
    State(app): State<App>,
    bearer: Bearer,
    ids: Ids,
    Params(branch): Params<Branch>,
) -> Result<Json<Envelope<Vec<Message>>>> {
    let (workspace, id) = (bearer.workspace(), ids.get("conversation"));
    let messages = app.store.branch(workspace, id, &branch.last).await?;
    Ok(success(messages.into_iter().map(Message::from).collect()))
}

/// Adds messages.
#[utoipa::path(post, path = "/api/v1/workspaces/{workspace}/conversations/{conversation}/messages",
    operation_id = "append_messages", request_body = Append,
    responses((status = 200, body = Envelope<Appended>)))]
pub(crate) async fn append(
    State(app): State<App>,
    bearer: Bearer,
    ids: Ids,
    Body(given): Body<Append>,
) -> Result<Json<Envelope<Appended>>> {
    if given.messages.is_empty() {
        return Err(ApiError::invalid(vec![FieldProblem::new("messages", "must not be empty")]));
    }
    let mut messages = Vec::with_capacity(given.messages.len());
    for (position, message) in given.messages.into_iter().enumerate() {
        let message: Stored = serde_json::from_value(message).map_err(|error| {
            ApiError::invalid(vec![FieldProblem::new(format!("messages[{position}]"), error.to_string())])
        })?;
        messages.push(message);
    }
    let (workspace, id, parent) = (bearer.workspace(), ids.get("conversation"), given.parent.as_deref());
    let ids = app.store.append(workspace, id, parent, &messages, given.run.as_deref()).await?;
    Ok(success(Appended { ids }))
}

/// Shows the last messages of all branches, oldest first.
#[utoipa::path(get, path = "/api/v1/workspaces/{workspace}/conversations/{conversation}/branches",
    operation_id = "list_branches", responses((status = 200, body = Envelope<Vec<Message>>)))]
pub(crate) async fn branches(
    State(app): State<App>,
    bearer: Bearer,
    ids: Ids,
) -> Result<Json<Envelope<Vec<Message>>>> {
    let messages = app.store.branches(bearer.workspace(), ids.get("conversation")).await?;
    Ok(success(messages.into_iter().map(Message::from).collect()))
}
