//! Whether the host is there.

/// Says that the process answers.
#[utoipa::path(get, path = "/healthz", operation_id = "alive",
    responses((status = 200, body = String, content_type = "text/plain")))]
pub(crate) async fn alive() -> &'static str {
    "ok"
}
