//! Workspaces.

use axum::Json;
use axum::extract::State;
use workspace_store::WorkspaceRecord;

use crate::access::Bearer;
use crate::error::{Envelope, Result, success};
use crate::state::App;

/// The settings of the workspace.
pub(crate) async fn show(State(app): State<App>, bearer: Bearer) -> Result<Json<Envelope<WorkspaceRecord>>> {
    Ok(success(app.store.workspace(&bearer.token().workspace).await?))
}
