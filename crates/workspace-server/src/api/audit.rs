//! The audit log of a workspace.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::{Page, Params, page_len};
use crate::access::Bearer;
use crate::error::{Envelope, Result, success};
use crate::state::App;

/// A line of the audit log.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditEntry {
    /// Later lines have higher ones.
    id: i64,
    at: String,
    /// `token:…` with the id of the token, or `operator`.
    actor: String,
    /// The address that the change came from.
    origin: Option<String>,
    /// `create`, `change`, `delete`, `revoke`, `rewrap`, `export` or `import`.
    action: String,
    /// The kind of thing that was changed.
    kind: String,
    /// Its id.
    subject: String,
    /// The names of the fields that were changed. Never their values.
    detail: String,
}

/// A page of the log.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct List {
    /// The cursor of the page before.
    before: Option<i64>,
    /// Items in a page. Default: 50.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

/// Lists the audit log of the workspace, newest first.
#[utoipa::path(get, path = "/api/v1/workspaces/{workspace}/audit", operation_id = "list_audit", params(List),
    responses((status = 200, body = Envelope<Page<AuditEntry>>)))]
pub(crate) async fn list(
    State(app): State<App>,
    bearer: Bearer,
    Params(list): Params<List>,
) -> Result<Json<Envelope<Page<AuditEntry>>>> {
    let len = page_len(list.limit)?;
    let rows = app.store.audit(bearer.workspace(), list.before, len + 1).await?;
    let entry = |entry: workspace_store::AuditEntry| AuditEntry {
        id: entry.id,
        at: entry.at.to_string(),
        actor: entry.actor,
        origin: entry.origin,
        action: entry.action,
        kind: entry.kind,
        subject: entry.subject,
        detail: entry.detail,
    };
    let rows = rows.into_iter().map(entry).collect();
    Ok(success(Page::of(rows, len, |entry: &AuditEntry| entry.id.to_string())))
}
