//! Whether the host is there, and its counts.

use axum::Json;
use axum::extract::State;
use http::{HeaderName, StatusCode, header};
use serde::Serialize;
use workspace_store::Health;

use crate::openapi::bodies;
use crate::state::App;

/// Whether the host can work.
#[derive(Serialize)]
pub(crate) struct Ready {
    status: &'static str,
    #[serde(flatten)]
    health: Health,
}

/// Says that the process answers.
#[utoipa::path(get, path = "/healthz", operation_id = "alive",
    responses((status = 200, body = String, content_type = "text/plain")))]
pub(crate) async fn alive() -> &'static str {
    "ok"
}

/// Whether to send requests here: the database is there, and the host is not stopping.
#[utoipa::path(get, path = "/readyz", operation_id = "ready",
    responses((status = 200, body = bodies::Readiness), (status = 503, body = bodies::Readiness)))]
pub(crate) async fn ready(State(app): State<App>) -> (StatusCode, Json<Ready>) {
    let health = app.store.health();
    let (code, status) = match health.away_since {
        _ if app.leaving.is_cancelled() => (StatusCode::SERVICE_UNAVAILABLE, "stopping"),
        Some(_) => (StatusCode::SERVICE_UNAVAILABLE, "database_away"),
        None => (StatusCode::OK, "ready"),
    };
    (code, Json(Ready { status, health }))
}

/// The counts, for Prometheus.
#[utoipa::path(get, path = "/metrics", operation_id = "metrics",
    responses((status = 200, body = String, content_type = "text/plain")))]
pub(crate) async fn metrics(State(app): State<App>) -> ([(HeaderName, &'static str); 1], String) {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], app.metrics.text(&app))
}
