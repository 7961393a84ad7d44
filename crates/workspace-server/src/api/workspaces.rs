//! Workspaces: the operator creates and lists them; their own tokens read, change, export and delete them.

use std::time::Duration;

use axum::Json;
use axum::body::Body as HttpBody;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use bytes::BytesMut;
use futures_util::future::ready;
use futures_util::{StreamExt as _, stream};
use http::{HeaderMap, StatusCode, header};
use provider_core::{FieldProblem, Secret};
use serde::{Deserialize, Serialize};
use tokio::io::AsyncReadExt as _;
use tokio_util::io::ReaderStream;
use utoipa::{IntoParams, ToSchema};
use workspace_store::{NewWorkspace, WorkspaceChange, WorkspaceRecord};

use super::extract::{Body, Page, Params, bytes, nullable, page_len};
use crate::access::{Bearer, Operator};
use crate::error::{ApiError, Envelope, Result, success};
use crate::state::App;

/// A workspace and its settings.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Workspace {
    id: String,
    /// The name to show.
    name: String,
    /// The time zone in which the days, weeks and months of budgets begin: `Europe/Berlin`.
    time_zone: String,
    /// The provider that gets model ids that no catalogue lists.
    unlisted_models: Option<String>,
    /// How long prompts and answers of runs are kept, in seconds; `null`: they are not stored.
    keep_content_seconds: Option<u64>,
    /// How long runs are kept, in seconds; `null`: without an end. The sums by day stay.
    keep_runs_seconds: Option<u64>,
    /// The number of the last change, which the next change names.
    revision: i64,
    /// RFC 3339.
    created: String,
}

impl From<WorkspaceRecord> for Workspace {
    fn from(record: WorkspaceRecord) -> Self {
        Self {
            id: record.id,
            name: record.name,
            time_zone: record.time_zone,
            unlisted_models: record.unlisted_models,
            keep_content_seconds: record.keep_content_seconds,
            keep_runs_seconds: record.keep_runs_seconds,
            revision: record.revision,
            created: record.created.to_string(),
        }
    }
}

/// A workspace to be created.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewWorkspace)]
pub(crate) struct Create {
    /// 1 to 128 characters, without white space, and neither `.` nor `..`.
    #[schema(min_length = 1, max_length = 128)]
    id: String,
    /// The name to show. Default: the id.
    name: Option<String>,
    /// Default: `UTC`.
    time_zone: Option<String>,
}

/// A change of a workspace. Fields that are not named stay as they are.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = WorkspaceChange)]
pub(crate) struct Change {
    /// The revision that was read.
    revision: i64,
    name: Option<String>,
    time_zone: Option<String>,
    /// `null`: no provider.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    unlisted_models: Option<Option<String>>,
    /// 1 at least. `null`: prompts and answers are not stored.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<u64>)]
    keep_content_seconds: Option<Option<u64>>,
    /// 1 at least. `null`: runs are kept without an end.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<u64>)]
    keep_runs_seconds: Option<Option<u64>>,
}

/// A page of workspaces.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct List {
    /// The cursor of the page before.
    after: Option<String>,
    /// Items in a page. Default: 50.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

/// Lists all workspaces of the host.
#[utoipa::path(get, path = "/api/v1/workspaces", operation_id = "list_workspaces", params(List),
    responses((status = 200, body = Envelope<Page<Workspace>>)))]
pub(crate) async fn list(
    State(app): State<App>,
    Params(list): Params<List>,
) -> Result<Json<Envelope<Page<Workspace>>>> {
    let len = page_len(list.limit)?;
    let rows = app.store.workspaces(list.after.as_deref().unwrap_or_default(), len + 1).await?;
    let rows = rows.into_iter().map(Workspace::from).collect();
    Ok(success(Page::of(rows, len, |workspace: &Workspace| workspace.id.clone())))
}

/// Creates a workspace. It has no token yet: `…/first-token` makes that of its Owner.
#[utoipa::path(post, path = "/api/v1/workspaces", operation_id = "create_workspace", request_body = Create,
    responses((status = 200, body = Envelope<Workspace>)))]
pub(crate) async fn create(
    State(app): State<App>,
    operator: Operator,
    Body(new): Body<Create>,
) -> Result<Json<Envelope<Workspace>>> {
    let mut workspace = NewWorkspace::new(new.id);
    if let Some(name) = new.name {
        workspace = workspace.name(name);
    }
    if let Some(zone) = new.time_zone {
        workspace = workspace.time_zone(zone);
    }
    Ok(success(app.store.create_workspace(workspace, &operator.actor()).await?.into()))
}

/// Shows the settings of the workspace.
#[utoipa::path(get, path = "/api/v1/workspaces/{workspace}", operation_id = "show_workspace",
    responses((status = 200, body = Envelope<Workspace>)))]
pub(crate) async fn show(State(app): State<App>, bearer: Bearer) -> Result<Json<Envelope<Workspace>>> {
    Ok(success(app.store.workspace(bearer.workspace()).await?.into()))
}

/// Changes settings of the workspace.
#[utoipa::path(patch, path = "/api/v1/workspaces/{workspace}", operation_id = "change_workspace",
    request_body = Change, responses((status = 200, body = Envelope<Workspace>)))]
pub(crate) async fn change(
    State(app): State<App>,
    bearer: Bearer,
    Body(given): Body<Change>,
) -> Result<Json<Envelope<Workspace>>> {
    let mut change = WorkspaceChange::new();
    if let Some(name) = given.name {
        change = change.name(name);
    }
    if let Some(zone) = given.time_zone {
        change = change.time_zone(zone);
    }
    if let Some(provider) = given.unlisted_models {
        change = change.unlisted_models(provider.as_deref());
    }
    if let Some(seconds) = given.keep_content_seconds {
        change = change.keep_content(seconds.map(Duration::from_secs));
    }
    if let Some(seconds) = given.keep_runs_seconds {
        change = change.keep_runs(seconds.map(Duration::from_secs));
    }
    let (id, actor) = (bearer.workspace(), bearer.actor());
    Ok(success(app.store.change_workspace(id, given.revision, change, &actor).await?.into()))
}

/// Deletes the workspace with everything in it but its audit log.
#[utoipa::path(delete, path = "/api/v1/workspaces/{workspace}", operation_id = "delete_workspace",
    responses((status = 200, body = Envelope<Option<String>>)))]
pub(crate) async fn delete(State(app): State<App>, bearer: Bearer) -> Result<Json<Envelope<()>>> {
    app.store.delete_workspace(bearer.workspace(), &bearer.actor()).await?;
    Ok(success(()))
}

/// An export to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Export {
    /// Seals secrets and tokens into the export; without one they are left out. 12 characters at least.
    #[schema(value_type = Option<String>, min_length = 12, write_only)]
    passphrase: Option<String>,
}

/// How much of an export is there before its answer begins, and how much waits for a slow reader, in bytes.
const EXPORT_BUFFER: usize = 64 * 1024;

/// Exports the workspace as JSON lines. One that fails after the first 64 KiB breaks its connection off: the
/// body has no end. What was cut off lacks its last line, and is not imported. A host makes two at a time.
#[utoipa::path(post, path = "/api/v1/workspaces/{workspace}/export", operation_id = "export_workspace",
    request_body = Export, responses((status = 200, body = String, content_type = "application/x-ndjson")))]
pub(crate) async fn export(
    State(app): State<App>,
    bearer: Bearer,
    Body(export): Body<Export>,
) -> Result<Response> {
    let passphrase = passphrase(export.passphrase)?;
    let (mut to, from) = tokio::io::duplex(EXPORT_BUFFER);
    let (store, workspace, actor) = (app.store.clone(), bearer.workspace().to_owned(), bearer.actor());
    let place = app.exports.clone().try_acquire_owned().map_err(|_| ApiError {
        retry_after_seconds: Some(5),
        should_retry: true,
        ..ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", "this host makes other exports now")
    })?;
    // The task ends with the reader: writing to a closed pipe fails.
    let writing = app.tasks.spawn(async move {
        let _place = place;
        store.export(&workspace, passphrase.as_ref(), &mut to, &actor).await
    });
    let result = async move {
        let failed =
            |_| ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "internal_error", "the export failed");
        writing.await.map_err(failed)?.map_err(ApiError::from)
    };
    let mut from = from;
    let mut begin = BytesMut::with_capacity(EXPORT_BUFFER);
    let media_type = [(header::CONTENT_TYPE, "application/x-ndjson")];
    while begin.len() < EXPORT_BUFFER {
        // A pipe within this process does not fail.
        if from.read_buf(&mut begin).await.unwrap_or(0) == 0 {
            // All of it is here: an error still has a status of its own.
            result.await?;
            return Ok((media_type, begin.freeze()).into_response());
        }
    }
    let end = async move {
        let error = result.await.err()?;
        tracing::warn!(error = error.message, "an export was cut off");
        Some(Err(std::io::Error::other("the export failed")))
    };
    let rest = ReaderStream::new(from).chain(stream::once(end).filter_map(ready));
    let body = HttpBody::from_stream(stream::iter([Ok(begin.freeze())]).chain(rest));
    Ok((media_type, body).into_response())
}

/// A workspace that was imported.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Imported {
    workspace: String,
    /// The providers that connect once their secrets are set.
    without_secrets: Vec<String>,
    runs: u64,
}

/// The header with the passphrase of an import.
const PASSPHRASE: &str = "x-passphrase";

/// Imports a workspace that was exported, all of it or nothing.
#[utoipa::path(post, path = "/api/v1/import", operation_id = "import_workspace",
    params(("x-passphrase" = Option<String>, Header, description = "Opens the secrets of the export.")),
    request_body(content = String, content_type = "application/x-ndjson"),
    responses((status = 200, body = Envelope<Imported>)))]
pub(crate) async fn import(
    State(app): State<App>,
    operator: Operator,
    headers: HeaderMap,
    request: Request,
) -> Result<Json<Envelope<Imported>>> {
    let given = headers.get(PASSPHRASE).map(|value| {
        let refused =
            || ApiError::new(StatusCode::BAD_REQUEST, "invalid_request", "the passphrase is no text");
        std::str::from_utf8(value.as_bytes()).map(str::to_owned).map_err(|_| refused())
    });
    let passphrase = passphrase(given.transpose()?)?;
    let bytes = bytes(request, &app).await?;
    let imported = app.store.import(&mut &*bytes, passphrase.as_ref(), &operator.actor()).await?;
    let without_secrets = imported.without_secrets;
    Ok(success(Imported { workspace: imported.workspace, without_secrets, runs: imported.runs }))
}

fn passphrase(given: Option<String>) -> Result<Option<Secret>> {
    match given {
        Some(text) if text.chars().count() < 12 => {
            let problem = FieldProblem::new("passphrase", "must have 12 characters at least");
            Err(ApiError::invalid(vec![problem]))
        }
        given => Ok(given.map(Secret::new)),
    }
}
