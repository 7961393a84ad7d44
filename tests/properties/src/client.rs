//! The client that everything is read with: the whole of it, with a transport that has the answer at hand.

use std::cell::RefCell;
use std::future::Future;
use std::sync::LazyLock;

use http::{HeaderName, HeaderValue, Response, StatusCode};
use openrouter_provider::{Limits, OpenRouter};
use provider_core::{ChatRequest, ChatResponse, ChatStream, ConfigValues, Error};
use provider_http::{Body, HttpClient, TransportError, TransportErrorKind, transport_fn};
use tokio::runtime::{Builder, Runtime};

/// The key of the client: no error may show it, wherever the service repeats it.
pub const KEY: &str = "sk-or-v1-0a1b2c3d";

/// The model that is asked.
pub(crate) const MODEL: &str = "openai/gpt-4o";

/// An HTTP request that was sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sent {
    /// The address.
    pub(crate) url: String,
    /// The headers, names in lower case.
    pub(crate) headers: Vec<(String, Vec<u8>)>,
}

/// An HTTP answer as it comes in.
#[derive(Clone, Debug, Default)]
pub(crate) struct Received {
    /// The status; one that HTTP does not have counts as 200.
    pub(crate) status: u16,
    /// The headers; those that cannot be any are left out.
    pub(crate) headers: Vec<(String, String)>,
    /// The pieces of the body.
    pub(crate) pieces: Vec<Vec<u8>>,
    /// Whether the connection breaks off after the pieces.
    pub(crate) broken_off: bool,
}

thread_local! {
    static RUNTIME: Runtime =
        Builder::new_current_thread().enable_time().build().expect("a runtime without I/O");
    /// The answer to the next request of this thread, and the request.
    static NEXT: RefCell<Received> = RefCell::default();
    static LAST: RefCell<Sent> = RefCell::default();
}

static HTTP: LazyLock<HttpClient> = LazyLock::new(|| {
    HttpClient::from_transport(transport_fn(|request: http::Request<_>| {
        let header =
            |(name, value): (&HeaderName, &HeaderValue)| (name.to_string(), value.as_bytes().to_vec());
        let sent =
            Sent { url: request.uri().to_string(), headers: request.headers().iter().map(header).collect() };
        LAST.with_borrow_mut(|last| *last = sent);
        let received = NEXT.with_borrow_mut(std::mem::take);
        async move { Ok(response(received)) }
    }))
});

fn response(received: Received) -> Response<Body> {
    let Received { status, headers, pieces, broken_off } = received;
    let header = |(name, value): &(String, String)| {
        Some((HeaderName::try_from(name).ok()?, HeaderValue::from_str(value).ok()?))
    };
    let body = match broken_off {
        true => Body::from_pieces_then(pieces, TransportError::new(TransportErrorKind::Closed)),
        false => Body::from_pieces(pieces),
    };
    let mut response = Response::new(body);
    *response.headers_mut() = headers.iter().filter_map(header).collect();
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    response
}

static CLIENT: LazyLock<OpenRouter> = LazyLock::new(|| limited(Limits::default()));

/// Runs what never waits.
pub(crate) fn now<F: Future>(future: F) -> F::Output {
    RUNTIME.with(|runtime| runtime.block_on(future))
}

/// A client with these settings.
pub(crate) fn connect(values: ConfigValues) -> Result<OpenRouter, Error> {
    OpenRouter::builder().values(values).http_client(HTTP.clone()).build()
}

/// The client, with these limits.
pub(crate) fn limited(limits: Limits) -> OpenRouter {
    let builder = OpenRouter::builder().api_key(KEY).base_url("http://127.0.0.1:9/api/v1");
    builder.limits(limits).http_client(HTTP.clone()).build().expect("good settings")
}

/// The client.
pub(crate) fn client() -> &'static OpenRouter {
    &CLIENT
}

/// A request to which anything may be answered.
pub(crate) fn request() -> ChatRequest {
    ChatRequest::new(MODEL).user("Hello")
}

/// The HTTP request that a chat is sent as.
pub(crate) fn sent(client: &OpenRouter, request: &ChatRequest) -> Result<Sent, Error> {
    LAST.with_borrow_mut(|last| *last = Sent::default());
    let answered = now(client.chat(request));
    let sent = LAST.with_borrow(Clone::clone);
    if sent.url.is_empty() { answered.map(|_| sent) } else { Ok(sent) }
}

/// The answer to a chat.
pub(crate) fn chat(
    client: &OpenRouter,
    request: &ChatRequest,
    received: Received,
) -> Result<ChatResponse, Error> {
    NEXT.with_borrow_mut(|next| *next = received);
    now(client.chat(request))
}

/// The stream that an answer gives.
pub(crate) fn stream(
    client: &OpenRouter,
    request: &ChatRequest,
    received: Received,
) -> Result<ChatStream, Error> {
    NEXT.with_borrow_mut(|next| *next = received);
    now(client.stream(request))
}
