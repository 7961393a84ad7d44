//! The access to a route. The matched route decides, never a word of a header.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{ConnectInfo, FromRequestParts, RawPathParams, Request};
use axum::middleware::Next;
use axum::response::Response;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use subtle::ConstantTimeEq as _;
use workspace_store::{Actor, Role, TokenRecord};

use crate::error::{ApiError, NO_WORKSPACE, Result};
use crate::routes::Shape;
use crate::state::App;

/// The access to a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Access {
    /// Anyone, without a token.
    Open,
    /// The bearer of a token of any workspace.
    Bearer,
    /// The bearer of a token of the path's `{workspace}` that has at least this role.
    Role(Role),
    /// The bearer of the operator's key.
    Operator,
}

/// The bearer of a token, let in for the matched route. A handler that takes it cannot run without.
#[derive(Clone, Debug)]
pub(crate) struct Bearer(Arc<TokenRecord>, Option<SocketAddr>);

impl Bearer {
    pub(crate) fn token(&self) -> &TokenRecord {
        &self.0
    }

    /// The id of the workspace that the token is for: the one in the path, where the path has one.
    pub(crate) fn workspace(&self) -> &str {
        &self.0.workspace
    }

    /// The bearer as the actor of a change.
    pub(crate) fn actor(&self) -> Actor {
        actor(format!("token:{}", self.0.id), self.1)
    }
}

/// The bearer of the operator's key, let in for the matched route.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operator(Option<SocketAddr>);

impl Operator {
    /// The operator as the actor of a change.
    pub(crate) fn actor(self) -> Actor {
        actor("operator".to_owned(), self.0)
    }
}

fn actor(name: String, origin: Option<SocketAddr>) -> Actor {
    let actor = Actor::new(name);
    match origin {
        Some(address) => actor.from_origin(address.ip().to_string()),
        None => actor,
    }
}

impl<S: Sync> FromRequestParts<S> for Bearer {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        parts.extensions.get::<Self>().cloned().ok_or_else(ApiError::unauthorised)
    }
}

impl<S: Sync> FromRequestParts<S> for Operator {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        parts.extensions.get::<Self>().copied().ok_or_else(ApiError::no_operator)
    }
}

/// The guard of one route: stands around its handler alone.
#[derive(Clone)]
pub(crate) struct Guard {
    pub(crate) app: App,
    pub(crate) access: Access,
    pub(crate) shape: Shape,
}

/// Lets a request through to the handler of its route, or refuses it.
pub(crate) async fn guard(
    axum::extract::State(guard): axum::extract::State<Guard>,
    path: std::result::Result<RawPathParams, RawPathParamsRejection>,
    mut request: Request,
    next: Next,
) -> Response {
    // A path that is no UTF-8 names no workspace, so that no token is for it.
    let path = path.ok();
    let workspace = path.iter().flatten().find(|(name, _)| *name == "workspace").map(|(_, value)| value);
    let origin = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0);
    let credential = credential(request.headers()).map(str::to_owned);
    match admit(&guard, workspace, credential.as_deref(), origin).await {
        Ok(Admitted::Anyone) => next.run(request).await,
        Ok(Admitted::Operator(operator)) => {
            request.extensions_mut().insert(operator);
            next.run(request).await
        }
        Ok(Admitted::Bearer(bearer)) => match guard.app.limits.enter(&bearer.token().id) {
            Ok(open) => {
                request.extensions_mut().insert(bearer);
                let mut response = next.run(request).await;
                // Held until the body is through.
                response.extensions_mut().insert(open);
                response
            }
            Err(limited) => {
                guard.app.metrics.limited();
                guard.shape.write(limited.into())
            }
        },
        Err(error) if error.status == StatusCode::UNAUTHORIZED && credential.is_some() => {
            // One that is right elsewhere is no guess.
            let is_guess = !is_right_elsewhere(&guard, credential.as_deref().unwrap_or_default()).await;
            let origin = origin.filter(|_| is_guess);
            let limited = origin.and_then(|origin| guard.app.wrong_tokens.note(origin.ip()).err());
            if is_guess {
                guard.app.metrics.wrong_token(limited.is_some());
            }
            match limited {
                None => guard.shape.write(error),
                Some(limited) => {
                    let mut response = guard.shape.write(limited);
                    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
                    response
                }
            }
        }
        Err(error) => guard.shape.write(error),
    }
}

/// The bearer of a request that was let in.
enum Admitted {
    Anyone,
    Bearer(Bearer),
    Operator(Operator),
}

async fn admit(
    guard: &Guard,
    workspace: Option<&str>,
    credential: Option<&str>,
    origin: Option<SocketAddr>,
) -> Result<Admitted> {
    let role = match guard.access {
        Access::Open => return Ok(Admitted::Anyone),
        Access::Operator => {
            let key = guard.app.settings.operator_key.as_ref().ok_or_else(|| {
                ApiError::forbidden("this host has no operator key, so that no request may do this")
            })?;
            let given = credential.ok_or_else(ApiError::no_operator)?;
            return match bool::from(key.expose().as_bytes().ct_eq(given.as_bytes())) {
                true => Ok(Admitted::Operator(Operator(origin))),
                false => Err(ApiError::no_operator()),
            };
        }
        Access::Bearer => None,
        Access::Role(role) => Some(role),
    };
    let token = guard.app.store.authenticate(credential.ok_or_else(ApiError::unauthorised)?).await?;
    if let Some(role) = role {
        if workspace != Some(&*token.workspace) {
            return Err(ApiError::not_found(NO_WORKSPACE));
        }
        if token.role < role {
            return Err(ApiError::forbidden(format!(
                "this needs the role {role}; the token has the role {}",
                token.role
            )));
        }
    }
    Ok(Admitted::Bearer(Bearer(token, origin)))
}

/// Whether a credential that a route refuses opens another kind of route: a token of a workspace at the
/// operator's, or the operator's key at a workspace's.
async fn is_right_elsewhere(guard: &Guard, credential: &str) -> bool {
    match guard.access {
        Access::Operator => guard.app.store.authenticate(credential).await.is_ok(),
        _ => {
            let key = guard.app.settings.operator_key.as_ref();
            key.is_some_and(|key| key.expose().as_bytes().ct_eq(credential.as_bytes()).into())
        }
    }
}

/// The token of a request: `Authorization: Bearer`, or `X-API-Key`.
fn credential(headers: &HeaderMap) -> Option<&str> {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| {
        let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    });
    bearer.or_else(|| headers.get("x-api-key")?.to_str().ok()).filter(|token| !token.is_empty())
}
