//! The routes, and the middleware that records every request.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode};
use axum::middleware::{self, Next};
use axum::response::IntoResponse;
use axum::routing::{get, post};

use crate::api_error::ApiError;
use crate::record::RecordedRequest;
use crate::state::AppState;
use crate::{account, chat, models, oauth_token, pkce, server_tools};

/// The path of the API below the host.
pub(crate) const BASE_PATH: &str = "/api/v1";

/// The largest body of a request, in bytes: images and files are inside the JSON.
const MAX_BODY_BYTES: usize = 64 * 1024 * 1024;

pub(crate) fn router(state: Arc<AppState>) -> Router {
    let service = Router::new()
        .route("/chat/completions", post(chat::create))
        .route("/models", get(models::list))
        .route("/models/user", get(models::list_for_user))
        .route("/models/count", get(models::count))
        .route("/models/{author}/{slug}/endpoints", get(models::endpoints))
        .route("/model/{author}/{slug}", get(models::show))
        .route("/endpoints/zdr", get(models::zdr_endpoints))
        .route("/tools", get(server_tools::list))
        .route("/tools/{name}", get(server_tools::show))
        .route("/presets", get(account::presets))
        .route("/key", get(account::key))
        .route("/auth/keys", post(pkce::exchange))
        .route("/oauth/token", post(oauth_token::exchange))
        .route("/credits", get(account::credits))
        .route("/generation", get(account::generation))
        .route("/providers", get(account::providers));
    Router::new()
        .nest(BASE_PATH, service)
        .route("/auth", get(pkce::approve))
        .fallback(async || ApiError::not_found("Not Found"))
        .method_not_allowed_fallback(async || ApiError::new(405, "Method Not Allowed"))
        .layer(middleware::from_fn_with_state(Arc::clone(&state), record))
        .layer(axum::extract::DefaultBodyLimit::disable())
        .with_state(state)
}

/// Records a request, whether its path is known or not.
async fn record(State(state): State<Arc<AppState>>, request: Request, next: Next) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, MAX_BODY_BYTES).await else {
        let (status, message) = (StatusCode::PAYLOAD_TOO_LARGE, "The request body is too large");
        return ApiError::new(status.as_u16(), message).into_response();
    };
    state.record(RecordedRequest::new(&parts, &body));
    next.run(Request::from_parts(parts, Body::from(body))).await
}
