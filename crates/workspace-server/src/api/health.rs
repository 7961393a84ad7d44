//! Whether the host is there.

/// The process answers.
pub(crate) async fn alive() -> &'static str {
    "ok"
}
