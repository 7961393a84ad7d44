//! The table of all routes: method, path, who may use it, and the handler.

use std::fmt;

use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodRouter, get, post};
use axum::{Router, extract::DefaultBodyLimit};
use http::{Method, Uri};
use workspace_store::Role;

use crate::access::{Access, Guard, guard};
use crate::api;
use crate::error::ApiError;
use crate::openai;
use crate::state::App;

/// A route. Each method of a path is one.
#[non_exhaustive]
pub struct Route {
    /// The method. `GET` answers `HEAD` as well.
    pub method: Method,
    /// The path, with its parameters in braces.
    pub path: &'static str,
    /// Who may use it.
    pub access: Access,
    handler: fn() -> MethodRouter<App>,
}

/// How errors of a route are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// In the host's envelope.
    Envelope,
    /// As OpenAI's clients read them.
    OpenAi,
}

impl Shape {
    pub(crate) fn of_path(path: &str) -> Self {
        if path.starts_with("/w/") { Shape::OpenAi } else { Shape::Envelope }
    }

    /// Writes an error in this shape.
    pub(crate) fn write(self, error: ApiError) -> Response {
        match self {
            Shape::Envelope => error.into_response(),
            Shape::OpenAi => error.into_openai_response(),
        }
    }
}

const fn route(
    method: Method,
    path: &'static str,
    access: Access,
    handler: fn() -> MethodRouter<App>,
) -> Route {
    Route { method, path, access, handler }
}

const MEMBER: Access = Access::Role(Role::Member);
const VIEWER: Access = Access::Role(Role::Viewer);

/// All routes. A request that matches none of them is answered with 404 or 405.
pub static ROUTES: &[Route] = &[
    route(Method::GET, "/healthz", Access::Open, || get(api::health::alive)),
    route(Method::GET, "/api/v1/workspaces/{workspace}", VIEWER, || get(api::workspaces::show)),
    // For OpenAI's clients.
    route(Method::POST, "/w/{workspace}/v1/chat/completions", MEMBER, || post(openai::chat::complete)),
    route(Method::GET, "/w/{workspace}/v1/models", MEMBER, || get(openai::models::list)),
    route(Method::GET, "/w/{workspace}/v1/models/{*id}", MEMBER, || get(openai::models::show)),
];

/// The router of the table: around each handler stands the guard of its own route.
pub(crate) fn router(app: App) -> Router {
    let mut router = Router::new();
    for route in ROUTES {
        let guard_of = Guard { app: app.clone(), access: route.access, shape: Shape::of_path(route.path) };
        let guarded = (route.handler)().route_layer(from_fn_with_state(guard_of, guard));
        router = router.route(route.path, guarded);
    }
    let limit = DefaultBodyLimit::max(app.settings.max_body_bytes);
    router.fallback(not_found).method_not_allowed_fallback(wrong_method).layer(limit).with_state(app)
}

async fn not_found(uri: Uri) -> Response {
    let error = ApiError::not_found("there is no such path; docs/http-api.md lists them");
    Shape::of_path(uri.path()).write(error)
}

async fn wrong_method(uri: Uri) -> Response {
    let status = http::StatusCode::METHOD_NOT_ALLOWED;
    let error = ApiError::new(status, "method_not_allowed", "this path takes other methods");
    Shape::of_path(uri.path()).write(error)
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({:?})", self.method, self.path, self.access)
    }
}
