//! The table of all routes: method, path, who may use it, and the handler.

use std::fmt;

use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodRouter, delete, get, patch, post};
use axum::{Router, extract::DefaultBodyLimit};
use http::{Method, Uri};
use workspace_store::Role;

use crate::access::{Access, Guard, guard};
use crate::error::ApiError;
use crate::observe::observe;
use crate::state::App;
use crate::{api, chat, compare, openai, openapi, page, security};

/// A route. Each method of a path is one.
#[non_exhaustive]
pub struct Route {
    /// The method. `GET` answers `HEAD` as well.
    pub method: Method,
    /// The path, with its parameters in braces.
    pub path: &'static str,
    /// The bearers that may use it.
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

const VIEWER: Access = Access::Role(Role::Viewer);
const MEMBER: Access = Access::Role(Role::Member);
const ADMIN: Access = Access::Role(Role::Admin);
const OWNER: Access = Access::Role(Role::Owner);

/// All routes. A request that matches none of them is answered with 404 or 405.
pub static ROUTES: &[Route] = &[
    route(Method::GET, "/api/v1/openapi.json", Access::Open, || get(openapi::show)),
    route(Method::POST, "/api/v1/import", Access::Operator, || post(api::workspaces::import)),
    route(Method::GET, "/api/v1/providers", Access::Bearer, || get(api::registry::list)),
    route(Method::GET, "/api/v1/providers/{kind}", Access::Bearer, || get(api::registry::show)),
    route(Method::GET, "/api/v1/token", Access::Bearer, || get(api::tokens::own)),
    route(Method::GET, "/api/v1/workspaces", Access::Operator, || get(api::workspaces::list)),
    route(Method::POST, "/api/v1/workspaces", Access::Operator, || post(api::workspaces::create)),
    route(Method::GET, "/api/v1/workspaces/{workspace}", VIEWER, || get(api::workspaces::show)),
    route(Method::PATCH, "/api/v1/workspaces/{workspace}", ADMIN, || patch(api::workspaces::change)),
    route(Method::DELETE, "/api/v1/workspaces/{workspace}", OWNER, || delete(api::workspaces::delete)),
    route(Method::GET, "/api/v1/workspaces/{workspace}/audit", OWNER, || get(api::audit::list)),
    route(Method::GET, "/api/v1/workspaces/{workspace}/budgets", VIEWER, || get(api::budgets::list)),
    route(Method::POST, "/api/v1/workspaces/{workspace}/budgets", ADMIN, || post(api::budgets::add)),
    route(Method::GET, "/api/v1/workspaces/{workspace}/budgets/{budget}", VIEWER, || get(api::budgets::show)),
    route(Method::PATCH, "/api/v1/workspaces/{workspace}/budgets/{budget}", ADMIN, || {
        patch(api::budgets::change)
    }),
    route(Method::DELETE, "/api/v1/workspaces/{workspace}/budgets/{budget}", ADMIN, || {
        delete(api::budgets::remove)
    }),
    route(Method::GET, "/api/v1/workspaces/{workspace}/budgets/{budget}/shares", VIEWER, || {
        get(api::budgets::shares)
    }),
    route(Method::POST, "/api/v1/workspaces/{workspace}/chat", MEMBER, || post(chat::run)),
    route(Method::GET, "/api/v1/workspaces/{workspace}/comparisons", VIEWER, || get(api::comparisons::list)),
    route(Method::POST, "/api/v1/workspaces/{workspace}/comparisons", MEMBER, || post(compare::run)),
    route(Method::GET, "/api/v1/workspaces/{workspace}/comparisons/{comparison}", VIEWER, || {
        get(api::comparisons::show)
    }),
    route(Method::GET, "/api/v1/workspaces/{workspace}/comparisons/{comparison}/export", VIEWER, || {
        get(api::comparisons::export)
    }),
    route(Method::GET, "/api/v1/workspaces/{workspace}/conversations", VIEWER, || {
        get(api::conversations::list)
    }),
    route(Method::POST, "/api/v1/workspaces/{workspace}/conversations", MEMBER, || {
        post(api::conversations::create)
    }),
    route(Method::GET, "/api/v1/workspaces/{workspace}/conversations/{conversation}", VIEWER, || {
        get(api::conversations::show)
    }),
    route(Method::PATCH, "/api/v1/workspaces/{workspace}/conversations/{conversation}", MEMBER, || {
        patch(api::conversations::rename)
    }),
    route(Method::DELETE, "/api/v1/workspaces/{workspace}/conversations/{conversation}", MEMBER, || {
        delete(api::conversations::delete)
    }),
    route(
        Method::GET,
        "/api/v1/workspaces/{workspace}/conversations/{conversation}/branches",
        VIEWER,
        || get(api::conversations::branches),
    ),
    route(
        Method::GET,
        "/api/v1/workspaces/{workspace}/conversations/{conversation}/messages",
        VIEWER,
        || get(api::conversations::branch),
    ),
    route(
        Method::POST,
        "/api/v1/workspaces/{workspace}/conversations/{conversation}/messages",
        MEMBER,
        || post(api::conversations::append),
    ),
    route(Method::POST, "/api/v1/workspaces/{workspace}/export", OWNER, || post(api::workspaces::export)),
    route(Method::POST, "/api/v1/workspaces/{workspace}/first-token", Access::Operator, || {
        post(api::tokens::create_first)
    }),
    route(Method::GET, "/api/v1/workspaces/{workspace}/model", VIEWER, || get(api::models::show)),
    route(Method::GET, "/api/v1/workspaces/{workspace}/model/endpoints", VIEWER, || {
        get(api::models::endpoints)
    }),
    route(Method::GET, "/api/v1/workspaces/{workspace}/models", VIEWER, || get(api::models::search)),
    route(Method::POST, "/api/v1/workspaces/{workspace}/models/problems", VIEWER, || {
        post(api::models::problems)
    }),
    route(Method::POST, "/api/v1/workspaces/{workspace}/provider-connections", ADMIN, || {
        post(api::connect::start)
    }),
    route(Method::POST, "/api/v1/workspaces/{workspace}/provider-connections/finish", ADMIN, || {
        post(api::connect::finish)
    }),
    route(Method::POST, "/api/v1/workspaces/{workspace}/provider-tests", ADMIN, || {
        post(api::providers::test_settings)
    }),
    route(Method::GET, "/api/v1/workspaces/{workspace}/providers", VIEWER, || get(api::providers::list)),
    route(Method::POST, "/api/v1/workspaces/{workspace}/providers", ADMIN, || post(api::providers::add)),
    route(Method::GET, "/api/v1/workspaces/{workspace}/providers/{provider}", VIEWER, || {
        get(api::providers::show)
    }),
    route(Method::PATCH, "/api/v1/workspaces/{workspace}/providers/{provider}", ADMIN, || {
        patch(api::providers::change)
    }),
    route(Method::DELETE, "/api/v1/workspaces/{workspace}/providers/{provider}", ADMIN, || {
        delete(api::providers::remove)
    }),
    route(Method::GET, "/api/v1/workspaces/{workspace}/providers/{provider}/presets", VIEWER, || {
        get(api::providers::presets)
    }),
    route(Method::POST, "/api/v1/workspaces/{workspace}/providers/{provider}/test", ADMIN, || {
        post(api::providers::test)
    }),
    route(Method::GET, "/api/v1/workspaces/{workspace}/run-days", VIEWER, || get(api::runs::days)),
    route(Method::GET, "/api/v1/workspaces/{workspace}/run-totals", VIEWER, || get(api::runs::totals)),
    route(Method::GET, "/api/v1/workspaces/{workspace}/runs", VIEWER, || get(api::runs::list)),
    route(Method::GET, "/api/v1/workspaces/{workspace}/runs/{run}", VIEWER, || get(api::runs::show)),
    route(Method::GET, "/api/v1/workspaces/{workspace}/runs/{run}/content", MEMBER, || {
        get(api::runs::content)
    }),
    route(Method::GET, "/api/v1/workspaces/{workspace}/tokens", ADMIN, || get(api::tokens::list)),
    route(Method::POST, "/api/v1/workspaces/{workspace}/tokens", ADMIN, || post(api::tokens::create)),
    route(Method::DELETE, "/api/v1/workspaces/{workspace}/tokens/{token}", ADMIN, || {
        delete(api::tokens::revoke)
    }),
    route(Method::GET, "/healthz", Access::Open, || get(api::health::alive)),
    route(Method::GET, "/metrics", Access::Operator, || get(api::health::metrics)),
    route(Method::GET, "/readyz", Access::Open, || get(api::health::ready)),
    route(Method::POST, "/w/{workspace}/v1/chat/completions", MEMBER, || post(openai::chat::complete)),
    route(Method::GET, "/w/{workspace}/v1/models", MEMBER, || get(openai::models::list)),
    route(Method::GET, "/w/{workspace}/v1/models/{*id}", MEMBER, || get(openai::models::show)),
    // The page.
    route(Method::GET, "/", Access::Open, || get(page::document)),
    route(Method::GET, "/compare", Access::Open, || get(page::document)),
    route(Method::GET, "/connected", Access::Open, || get(page::document)),
    route(Method::GET, "/costs", Access::Open, || get(page::document)),
    route(Method::GET, "/models", Access::Open, || get(page::document)),
    route(Method::GET, "/page/{file}", Access::Open, || get(page::file)),
    route(Method::GET, "/providers", Access::Open, || get(page::document)),
    route(Method::GET, "/run", Access::Open, || get(page::document)),
    route(Method::GET, "/tokens", Access::Open, || get(page::document)),
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
    router
        .fallback(not_found)
        .method_not_allowed_fallback(wrong_method)
        .layer(limit)
        .layer(from_fn_with_state(app.clone(), security::protect))
        .layer(from_fn_with_state(app.clone(), observe))
        .with_state(app)
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
