//! Around all routes: headers against misuse of answers, and the names that the host goes by.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use http::{HeaderValue, StatusCode, header};

use crate::error::ApiError;
use crate::routes::Shape;
use crate::state::App;

/// The headers of every answer. A handler that sets one itself keeps its own. There are none that let pages
/// of other origins read an answer.
const HEADERS: [(HeaderName, &str); 6] = [
    (CACHE_CONTROL, "no-store"),
    (CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (REFERRER_POLICY, "no-referrer"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
];

pub(crate) async fn headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    for (name, value) in HEADERS {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

/// Refuses a request for a host of another name, where the settings list names: a page whose name was bound
/// anew to this address (DNS rebinding) asks for its own. Probes ask by address, and learn nothing.
pub(crate) async fn known_host(State(app): State<App>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let names = &app.settings.hosts;
    if names.is_empty() || matches!(path, "/healthz" | "/readyz") {
        return next.run(request).await;
    }
    let given = request.uri().host().or_else(|| {
        let host = request.headers().get(header::HOST)?.to_str().ok()?;
        Some(match host.rfind(':') {
            // Not the colons of an IPv6 address.
            Some(colon) if !host.ends_with(']') => &host[..colon],
            _ => host,
        })
    });
    if given.is_some_and(|given| names.iter().any(|name| name.eq_ignore_ascii_case(given))) {
        return next.run(request).await;
    }
    let shape = Shape::of_path(path);
    let error =
        ApiError::new(StatusCode::MISDIRECTED_REQUEST, "unknown_host", "this host does not go by that name");
    match shape {
        Shape::Envelope => error.into_response(),
        Shape::OpenAi => error.into_openai_response(),
    }
}
