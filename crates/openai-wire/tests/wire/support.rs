//! A provider for a plain server: this crate's wire, `provider-http`, and a transport that has the answer at
//! hand.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use http::{HeaderName, HeaderValue, Response, StatusCode};
use openai_wire::{ChatDecoder, Plain, encode, error};
use provider_core::author::ResponseHead;
use provider_core::{
    Catalogue, ChatRequest, ChatResponse, ChatStream, ConnectionReport, Error, ErrorKind, Event, LlmProvider,
    ProviderDescriptor,
};
use provider_http::{
    Body, Endpoint, HttpClient, HttpLimits, RequestBuilder, TransportError, TransportErrorKind, transport_fn,
};
use serde_json::Value;

static PLAIN: ProviderDescriptor =
    ProviderDescriptor::new("plain", "Plain", |_, _| Err(Error::new(ErrorKind::Config, "made by hand only")))
        .description("A plain server, for tests.");

/// The answer to a request.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    is_cut_off: bool,
}

impl Reply {
    pub(crate) fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("content-type", content_type.to_owned())];
        Self { status, headers, body: body.into(), is_cut_off: false }
    }

    pub(crate) fn json(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self::new(status, "application/json", body)
    }

    pub(crate) fn events(body: impl Into<Vec<u8>>) -> Self {
        Self::new(200, "text/event-stream", body)
    }

    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// Breaks the connection off behind the body.
    pub(crate) fn cut_off(mut self) -> Self {
        self.is_cut_off = true;
        self
    }

    fn response(self) -> Response<Body> {
        let body = match self.is_cut_off {
            true => Body::from_pieces_then([self.body], TransportError::new(TransportErrorKind::Closed)),
            false => Body::from_pieces([self.body]),
        };
        let mut response = Response::new(body);
        *response.status_mut() = StatusCode::from_u16(self.status).expect("a status");
        for (name, value) in self.headers {
            let value = HeaderValue::from_str(&value).expect("a value");
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
        response
    }
}

/// A client of a plain server that plays replies in order, the last one again and again.
#[derive(Debug)]
pub(crate) struct Server {
    endpoint: Endpoint,
    max_tool_argument_bytes: Option<usize>,
    sent: Arc<Mutex<Vec<Value>>>,
}

impl Server {
    pub(crate) fn always(reply: Reply) -> Self {
        Self::in_turn([reply])
    }

    pub(crate) fn in_turn(replies: impl IntoIterator<Item = Reply>) -> Self {
        Self::with_limits(replies, HttpLimits::default())
    }

    pub(crate) fn with_limits(replies: impl IntoIterator<Item = Reply>, limits: HttpLimits) -> Self {
        let replies: Mutex<VecDeque<Reply>> = Mutex::new(replies.into_iter().collect());
        let sent = Arc::new(Mutex::new(Vec::new()));
        let log = sent.clone();
        let transport = transport_fn(move |request| {
            log.lock().expect("a list").push(serde_json::from_slice(request.body()).expect("JSON"));
            let mut replies = replies.lock().expect("a list");
            let reply = if replies.len() > 1 { replies.pop_front() } else { replies.front().cloned() };
            let response = reply.expect("a reply").response();
            async move { Ok(response) }
        });
        let endpoint = Endpoint::builder("https://plain.example/v1")
            .provider(PLAIN.id)
            .limits(limits)
            .error_response(|head, body| error::from_response(head, body, &Plain))
            .build(&HttpClient::from_transport(transport))
            .expect("good settings");
        Self { endpoint, max_tool_argument_bytes: None, sent }
    }

    pub(crate) fn max_tool_argument_bytes(mut self, limit: usize) -> Self {
        self.max_tool_argument_bytes = Some(limit);
        self
    }

    /// The bodies of the requests so far.
    pub(crate) fn sent(&self) -> Vec<Value> {
        self.sent.lock().expect("a list").clone()
    }

    fn request(&self, request: &ChatRequest, is_streamed: bool) -> Result<RequestBuilder<'_>, Error> {
        let body = encode(request, is_streamed, &Plain)?;
        Ok(self.endpoint.post("chat/completions").model(&request.model).json_text(body))
    }

    fn decoder(&self, head: ResponseHead, request: &ChatRequest) -> ChatDecoder<Plain> {
        let decoder = ChatDecoder::new(Arc::new(Plain), head).keep_raw(request.keep_raw);
        match self.max_tool_argument_bytes {
            Some(limit) => decoder.max_tool_argument_bytes(limit),
            None => decoder,
        }
    }
}

#[async_trait]
impl LlmProvider for Server {
    fn descriptor(&self) -> &'static ProviderDescriptor {
        &PLAIN
    }

    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream, Error> {
        self.request(request, true)?.stream(|head| self.decoder(head, request)).await
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse, Error> {
        self.request(request, false)?.chat(|head| self.decoder(head, request)).await
    }

    async fn models(&self) -> Result<Catalogue, Error> {
        Ok(Catalogue::default())
    }

    async fn check(&self) -> Result<ConnectionReport, Error> {
        Ok(ConnectionReport::default())
    }
}

/// A request, where it does not matter which.
pub(crate) fn request() -> ChatRequest {
    ChatRequest::new("openai/gpt-4o").user("Hello")
}

/// A chunk of a stream, with this content.
pub(crate) fn chunk(content: &str) -> String {
    format!(
        r#"data: {{"id":"gen-1","model":"gpt-4o","choices":[{{"index":0,"delta":{{"role":"assistant","content":"{content}"}},"finish_reason":null}}]}}"#
    ) + "\n\n"
}

/// The end of a whole answer.
pub(crate) async fn chat(reply: Reply) -> Result<ChatResponse, Error> {
    Server::always(reply).chat(&request()).await
}

/// The text of a stream as it was handed out, and the stream's end.
pub(crate) async fn stream(reply: Reply) -> (String, Result<ChatResponse, Error>) {
    read(&Server::always(reply)).await
}

/// Reads a stream to its end. It must keep the law: one terminal event, and no other after it.
pub(crate) async fn read(server: &Server) -> (String, Result<ChatResponse, Error>) {
    let mut text = String::new();
    let mut stream = match server.stream(&request()).await {
        Ok(stream) => stream,
        Err(error) => return (text, Err(error)),
    };
    let mut ends = 0;
    while let Some(event) = stream.next().await {
        match event {
            Ok(Event::Text(piece)) => text.push_str(&piece),
            Ok(Event::Finished(_)) | Err(_) => ends += 1,
            Ok(_) => {}
        }
    }
    assert_eq!(ends, 1, "exactly one terminal event");
    assert!(stream.next().await.is_none(), "the end is the end");
    (text, stream.into_response())
}

/// The end of a stream and of a whole answer.
pub(crate) async fn both(reply: Reply) -> [Result<ChatResponse, Error>; 2] {
    [stream(reply.clone()).await.1, chat(reply).await]
}
