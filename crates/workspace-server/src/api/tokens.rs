//! API tokens of a workspace.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use workspace_store::{NewToken, RecordKind, Role, StoreError, TokenRecord};

use super::extract::{Body, Ids};
use crate::access::{Bearer, Operator};
use crate::error::{ApiError, Envelope, Result, success};
use crate::state::App;

/// An API token, without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Token {
    id: String,
    workspace: String,
    /// The name to show.
    name: String,
    /// `viewer`, `member`, `admin` or `owner`.
    role: String,
    created: String,
    /// From this moment on it is not taken.
    expires: Option<String>,
    /// Since this moment it is not taken.
    revoked: Option<String>,
    /// To the minute.
    last_used: Option<String>,
}

impl From<&TokenRecord> for Token {
    fn from(record: &TokenRecord) -> Self {
        Self {
            id: record.id.clone(),
            workspace: record.workspace.clone(),
            name: record.name.clone(),
            role: record.role.as_str().to_owned(),
            created: record.created.to_string(),
            expires: record.expires.map(|moment| moment.to_string()),
            revoked: record.revoked.map(|moment| moment.to_string()),
            last_used: record.last_used.map(|moment| moment.to_string()),
        }
    }
}

/// A token to be created.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewToken)]
pub(crate) struct Create {
    /// The name to show.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// `viewer`, `member`, `admin` or `owner`, and no higher than that of the token that asks.
    role: String,
    /// 10 years at most. Default: it does not expire.
    #[schema(minimum = 1, maximum = 315_360_000)]
    expires_in_seconds: Option<u64>,
}

/// A token that was just created.
#[derive(Serialize, ToSchema)]
pub(crate) struct Created {
    token: Token,
    /// The text that its bearer sends. It is shown this once.
    text: String,
}

/// Shows the token that the request came with.
#[utoipa::path(get, path = "/api/v1/token", operation_id = "show_own_token",
    responses((status = 200, body = Envelope<Token>)))]
pub(crate) async fn own(bearer: Bearer) -> Json<Envelope<Token>> {
    success(bearer.token().into())
}

/// Lists the tokens of the workspace, revoked ones included.
#[utoipa::path(get, path = "/api/v1/workspaces/{workspace}/tokens", operation_id = "list_tokens",
    responses((status = 200, body = Envelope<Vec<Token>>)))]
pub(crate) async fn list(State(app): State<App>, bearer: Bearer) -> Result<Json<Envelope<Vec<Token>>>> {
    let tokens = app.store.tokens(bearer.workspace()).await?;
    Ok(success(tokens.iter().map(Token::from).collect()))
}

/// Creates a token. Its text is in this answer alone.
#[utoipa::path(post, path = "/api/v1/workspaces/{workspace}/tokens", operation_id = "create_token",
    request_body = Create, responses((status = 200, body = Envelope<Created>)))]
pub(crate) async fn create(
    State(app): State<App>,
    bearer: Bearer,
    Body(new): Body<Create>,
) -> Result<Json<Envelope<Created>>> {
    let role: Role = new.role.parse()?;
    check_role(&bearer, role)?;
    let mut token = NewToken::new(new.name, role);
    if let Some(seconds) = new.expires_in_seconds {
        token = token.expires_in(Duration::from_secs(seconds));
    }
    let created = app.store.create_token(bearer.workspace(), token, &bearer.actor()).await?;
    Ok(success(Created { token: (&created.record).into(), text: created.text.expose().to_owned() }))
}

/// The first Owner token of a workspace.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = FirstToken)]
pub(crate) struct First {
    /// The name to show. Default: `first owner`.
    #[schema(min_length = 1, max_length = 200)]
    name: Option<String>,
}

/// Creates the first Owner token of a workspace. Its text is in this answer alone. While the workspace has an
/// Owner token that is taken, the answer is 409: who has it makes others, and the operator none.
#[utoipa::path(post, path = "/api/v1/workspaces/{workspace}/first-token", operation_id = "create_first_token",
    request_body = First, responses((status = 200, body = Envelope<Created>)))]
pub(crate) async fn create_first(
    State(app): State<App>,
    operator: Operator,
    ids: Ids,
    Body(first): Body<First>,
) -> Result<Json<Envelope<Created>>> {
    let name = first.name.as_deref().unwrap_or("first owner");
    let created = app.store.create_first_token(ids.get("workspace"), name, &operator.actor()).await?;
    Ok(success(Created { token: (&created.record).into(), text: created.text.expose().to_owned() }))
}

/// Revokes a token, for good.
#[utoipa::path(delete, path = "/api/v1/workspaces/{workspace}/tokens/{token}", operation_id = "revoke_token",
    responses((status = 200, body = Envelope<Option<String>>)))]
pub(crate) async fn revoke(State(app): State<App>, bearer: Bearer, ids: Ids) -> Result<Json<Envelope<()>>> {
    let id = ids.get("token");
    let tokens = app.store.tokens(bearer.workspace()).await?;
    let missing = || StoreError::NotFound { kind: RecordKind::Token, id: id.to_owned() };
    let token = tokens.iter().find(|token| token.id == id).ok_or_else(missing)?;
    check_role(&bearer, token.role)?;
    app.store.revoke_token(bearer.workspace(), id, &bearer.actor()).await?;
    Ok(success(()))
}

/// A token makes and revokes none of a higher role than its own.
fn check_role(bearer: &Bearer, role: Role) -> Result<()> {
    let own = bearer.token().role;
    match role <= own {
        true => Ok(()),
        false => {
            Err(ApiError::forbidden(format!("a token with the role {own} has no say over the role {role}")))
        }
    }
}
