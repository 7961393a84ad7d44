//! Around all routes: headers against misuse of answers, heads that are refused, and the names that the host
//! goes by.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use http::{HeaderValue, StatusCode, Version, header};
use http_body::Body as _;

use crate::error::{ApiError, Result};
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

/// Stands around every route: refuses heads and names, and gives every answer its headers.
pub(crate) async fn protect(State(app): State<App>, request: Request, next: Next) -> Response {
    let refused = |error: ApiError| Shape::of_path(request.uri().path()).write(error);
    let mut response = if let Err(error) = check_head(&request, app.settings.max_body_bytes) {
        let mut response = refused(error);
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        response
    } else if let Err(error) = check_host(&request, &app.settings.hosts) {
        refused(error)
    } else {
        next.run(request).await
    };
    for (name, value) in HEADERS {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

/// Refuses a request whose head two programs may read differently, and one that announces a body beyond the
/// limit, before anything of its body is read.
fn check_head(request: &Request, max_body_bytes: usize) -> Result<()> {
    let count = |name: &str| request.headers().get_all(name).iter().take(2).count();
    let refused = |message: &str| Err(ApiError::new(StatusCode::BAD_REQUEST, "invalid_request", message));
    if request.version() == Version::HTTP_11 && count("host") != 1 {
        return refused("a request of HTTP/1.1 has one header Host, no fewer and no more");
    }
    if count("authorization") > 1 || count("x-api-key") > 1 {
        return refused("the token came twice: send one header Authorization, or one X-API-Key");
    }
    // Known from Content-Length; a chunked body is counted as it comes.
    let announced = request.body().size_hint().exact();
    if announced.is_some_and(|bytes| bytes > u64::try_from(max_body_bytes).unwrap_or(u64::MAX)) {
        return Err(ApiError::too_long(max_body_bytes));
    }
    Ok(())
}

/// Refuses a request for a host of another name, where the settings list names: a page whose name was bound
/// anew to this address (DNS rebinding) asks for its own. Probes ask by address, and learn nothing.
fn check_host(request: &Request, names: &[String]) -> Result<()> {
    if names.is_empty() || matches!(request.uri().path(), "/healthz" | "/readyz") {
        return Ok(());
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
        return Ok(());
    }
    let status = StatusCode::MISDIRECTED_REQUEST;
    Err(ApiError::new(status, "unknown_host", "this host does not go by that name"))
}
