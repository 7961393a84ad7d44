//! Around every request: its id, its line in the log, its counts, and the limits of all requests together.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::body::{Body, HttpBody};
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use http_body::{Frame, SizeHint};
use tokio::time::{Sleep, sleep};
use tracing::field::Empty;
use tracing::{Instrument, Span};

use crate::error::ApiError;
use crate::limits::OpenRequest;
use crate::metrics::{Counted, UNMATCHED};
use crate::routes::Shape;
use crate::state::App;

/// The id of a request: in the log, and in the answer as `x-request-id`.
#[derive(Clone, Debug)]
#[allow(dead_code, reason = "for handlers that tell it")]
pub(crate) struct RequestId(pub(crate) Arc<str>);

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

pub(crate) async fn observe(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let path = request.extensions().get::<MatchedPath>().cloned();
    let route = path.as_ref().map(MatchedPath::as_str);
    let shape = Shape::of_path(request.uri().path());
    let id = RequestId(request_id(request.headers()));
    request.extensions_mut().insert(id.clone());
    let method = request.method().clone();

    let counted = app.metrics.open_request();
    let is_operators = matches!(route, Some("/healthz" | "/readyz" | "/metrics"));
    let span = match &app.settings.request_spans {
        Some(hook) if !is_operators => {
            let span = request_span(&method, route.unwrap_or(UNMATCHED), &id.0);
            hook(&span, request.headers());
            span
        }
        _ => Span::none(),
    };
    let most = i64::try_from(app.settings.max_open_requests).unwrap_or(i64::MAX);
    let mut response = if !is_operators && app.metrics.open_requests() > most {
        app.metrics.overloaded();
        shape.write(ApiError {
            retry_after_seconds: Some(1),
            should_retry: true,
            ..ApiError::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "overloaded",
                "this host works on as many requests as it may",
            )
        })
    } else {
        let is_late = Arc::new(AtomicBool::new(false));
        if !request.body().is_end_stream() {
            let limit = app.settings.body_timeout;
            request = request
                .map(|body| Body::new(TimedBody { body, limit, timer: None, is_late: is_late.clone() }));
        }
        let response = next.run(request).instrument(span.clone()).await;
        match is_late.load(Ordering::Relaxed) && response.status().is_client_error() {
            true => {
                app.metrics.slow_body();
                let mut response = shape.write(ApiError::new(
                    StatusCode::REQUEST_TIMEOUT,
                    "timeout",
                    "the body of the request did not come in time",
                ));
                response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
                response
            }
            false => response,
        }
    };

    let status = response.status().as_u16();
    app.metrics.request(route, status);
    span.record("http.response.status_code", status);
    if response.status().is_server_error() {
        span.record("otel.status_code", "ERROR");
    }
    if let Ok(value) = HeaderValue::from_str(&id.0) {
        response.headers_mut().entry(REQUEST_ID).or_insert(value);
    }
    let is_stream = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"text/event-stream"));
    let stream = is_stream.then(|| app.metrics.open_stream());
    let open = response.extensions_mut().remove::<OpenRequest>();
    let end = End { id: id.0, method, path, status, started, _counted: (counted, stream, open) };
    response.map(|body| Body::new(ObservedBody { body, span, _end: end }))
}

/// The span of a request. The text of a request is in none of its fields, but for an id that
/// [`request_id`] takes.
fn request_span(method: &Method, route: &str, id: &str) -> Span {
    const KNOWN: [Method; 7] = [
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
        Method::OPTIONS,
    ];
    // `_OTHER` is OpenTelemetry's word for a method that a client made up.
    let method = if KNOWN.contains(method) { method.as_str() } else { "_OTHER" };
    tracing::info_span!(
        target: "workspace_server::span",
        "request",
        "otel.name" = %format_args!("{method} {route}"),
        "otel.kind" = "server",
        "otel.status_code" = Empty,
        "http.request.method" = method,
        "http.route" = route,
        "http.response.status_code" = Empty,
        "request.id" = id,
        "run.id" = Empty,
    )
}

/// The id that the client gave, if it is a plain one, or a new one.
fn request_id(headers: &HeaderMap) -> Arc<str> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let given = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok()).filter(|id| {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
        (1..=128).contains(&id.len()) && id.bytes().all(is_plain)
    });
    match given {
        Some(id) => id.into(),
        None => {
            let time = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
            let micros = time.map_or(0, |time| time.as_micros() as u64);
            format!("req_{micros:x}{:04x}", NEXT.fetch_add(1, Ordering::Relaxed) & 0xffff).into()
        }
    }
}

/// The end of a request: its line in the log.
struct End {
    id: Arc<str>,
    method: Method,
    path: Option<MatchedPath>,
    status: u16,
    started: Instant,
    _counted: (Counted, Option<Counted>, Option<OpenRequest>),
}

impl Drop for End {
    fn drop(&mut self) {
        let route = self.path.as_ref().map_or(UNMATCHED, MatchedPath::as_str);
        let duration_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(
            target: "workspace_server::request",
            id = %self.id,
            method = %self.method,
            route,
            status = self.status,
            duration_ms,
        );
    }
}

/// The body of an answer. Its end, or that of its client, is the end of the request.
struct ObservedBody {
    body: Body,
    span: Span,
    _end: End,
}

impl HttpBody for ObservedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        // Calls begin here as well: a comparison's, and one whose model is slow to answer.
        let _entered = this.span.enter();
        Pin::new(&mut this.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        HttpBody::size_hint(&self.body)
    }
}

/// The body of a request, which must be there in time.
struct TimedBody {
    body: Body,
    limit: Duration,
    timer: Option<Pin<Box<Sleep>>>,
    is_late: Arc<AtomicBool>,
}

impl HttpBody for TimedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(cx) {
            return Poll::Ready(frame);
        }
        let limit = this.limit;
        let timer = this.timer.get_or_insert_with(|| Box::pin(sleep(limit)));
        std::task::ready!(timer.as_mut().poll(cx));
        this.is_late.store(true, Ordering::Relaxed);
        Poll::Ready(Some(Err(axum::Error::new(std::io::Error::from(std::io::ErrorKind::TimedOut)))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        HttpBody::size_hint(&self.body)
    }
}
