//! Sending: one request within its deadlines, and the answer with its head checked.

use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, Request, StatusCode};
use provider_core::author::{FrameDecoder, Headers, ResponseHead, is_foreign, misdirected, text_of_body};
use provider_core::{ChatResponse, ChatStream, Error, Secret};

use crate::body::BoundedBody;
use crate::client::HttpClient;
use crate::context::{RequestContext, ResponseContext};
use crate::deadlines::Deadlines;
use crate::error;
use crate::framing::{Framer, JsonLinesFramer, SseFramer};
use crate::source::{FrameSource, WholeSource};
use crate::transport::{Body, ConnectTimeout, UsedProxy};
use crate::{HttpLimits, KeySource};

/// The format of an answer's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BodyFormat {
    /// Server-sent events: `text/event-stream`.
    Events,
    /// One JSON document per line: `application/x-ndjson`, `application/jsonl` and the like.
    JsonLines,
    /// One document: all other types. A body that begins like an event stream is read as one all the same.
    Whole,
}

impl BodyFormat {
    /// The format that a content type means.
    fn of(content_type: &str) -> Self {
        const LINES: [&str; 7] =
            ["x-ndjson", "ndjson", "jsonl", "x-jsonl", "json-lines", "jsonlines", "x-jsonlines"];
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        let subtype = essence.split_once('/').map_or("", |(_, subtype)| subtype);
        if essence.eq_ignore_ascii_case("text/event-stream") {
            Self::Events
        } else if LINES.iter().any(|name| subtype.eq_ignore_ascii_case(name)) {
            Self::JsonLines
        } else {
            Self::Whole
        }
    }
}

/// An answer whose head is here and whose body is not yet. Made by [`send`](crate::RequestBuilder::send).
#[must_use = "the body of an answer is read by one of its async methods"]
pub struct Response {
    context: ResponseContext,
    format: BodyFormat,
    /// The encoding of a body that cannot be read.
    encoding: Option<String>,
    proxy: Option<UsedProxy>,
    body: BoundedBody,
    error_response: ErrorReader,
}

/// Makes the error of an error response, of its head and body.
pub(crate) type ErrorReader = Arc<dyn Fn(&ResponseHead, &str) -> Error + Send + Sync>;

/// The head's header map.
#[derive(Debug)]
struct HeadHeaders(HeaderMap);

impl Headers for HeadHeaders {
    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.to_str().ok()
    }
}

/// Sends a request once; gives the answer, whatever its status, the key that went out with it, and the
/// deadlines that its body is read within. `authorize` puts the key into the request.
///
/// # Errors
/// When there is no key or no answer, without the context of the request.
pub(crate) async fn send(
    http: &HttpClient,
    key: &KeySource,
    origin: &str,
    limits: HttpLimits,
    mut request: Request<Bytes>,
    authorize: impl Fn(&mut HeaderMap, &Secret) -> Result<(), Error>,
) -> Result<(http::Response<Body>, Secret, Deadlines), Error> {
    let mut deadlines = Deadlines::start(&limits);
    let secret = {
        let mut asking = pin!(key.key());
        poll_fn(|cx| match asking.as_mut().poll(cx) {
            Poll::Ready(key) => Poll::Ready(key),
            Poll::Pending => deadlines.poll_waiting(cx).map(|_| Err(error::key_timeout())),
        })
        .await?
    };
    if let Some(secret) = &secret {
        authorize(request.headers_mut(), secret)?;
    }
    deadlines.note_progress();
    request.extensions_mut().insert(ConnectTimeout(limits.connect_timeout));
    let answer = {
        let mut sending = http.transport()?.send(request);
        poll_fn(|cx| match sending.as_mut().poll(cx) {
            Poll::Ready(answer) => {
                Poll::Ready(answer.map_err(|failure| error::from_transport(failure, origin, &limits)))
            }
            Poll::Pending => {
                deadlines.poll_waiting(cx).map(|passed| Err(error::response_timeout(passed, origin, &limits)))
            }
        })
        .await
    };
    deadlines.note_progress();
    let secret = secret.unwrap_or_else(|| Secret::new(""));
    match answer {
        Ok(answer) => Ok((answer, secret, deadlines)),
        // The transport may quote a header.
        Err(error) => Err(error.redact(&secret)),
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("head", &self.context.head)
            .field("format", &self.format)
            .finish_non_exhaustive()
    }
}

impl Response {
    pub(crate) fn new(
        answer: http::Response<Body>,
        secret: Secret,
        request: Arc<RequestContext>,
        limits: HttpLimits,
        deadlines: Deadlines,
        error_response: ErrorReader,
    ) -> Self {
        let (mut parts, body) = answer.into_parts();
        let header = |name| parts.headers.get(name).map(|value: &http::HeaderValue| value.as_bytes());
        let format = BodyFormat::of(&String::from_utf8_lossy(header(CONTENT_TYPE).unwrap_or_default()));
        let encoding = header(CONTENT_ENCODING).filter(|encoding| *encoding != b"identity");
        let encoding = encoding.map(|encoding| String::from_utf8_lossy(encoding).into_owned());
        let proxy = parts.extensions.remove();
        let head = ResponseHead::new(parts.status.as_u16(), HeadHeaders(parts.headers), secret);
        let body = BoundedBody::new(body, limits, deadlines);
        Self { context: ResponseContext { head, request }, format, encoding, proxy, body, error_response }
    }

    /// Returns status and headers.
    pub fn head(&self) -> &ResponseHead {
        &self.context.head
    }

    /// Returns the format of the body, as the content type says.
    pub fn format(&self) -> BodyFormat {
        self.format
    }

    /// Reads the body in this format, whatever its content type says.
    pub(crate) fn with_format(mut self, format: BodyFormat) -> Self {
        self.format = format;
        self
    }

    /// Whether it is a success that an API may have given, by its status and format: no page of a web site.
    pub(crate) fn is_of_api(&self) -> bool {
        let of_api = |content_type: &str| self.format != BodyFormat::Whole || content_type.contains("json");
        self.context.head.is_success() && self.context.head.header("content-type").is_some_and(of_api)
    }

    /// Gives the answer if its status is a success and its body can be read, and makes the error of any
    /// other: an [error response](crate::EndpointBuilder::error_response), a body that is compressed unasked.
    ///
    /// # Errors
    /// The error that the body of an error response tells.
    pub async fn error_for_status(self) -> Result<Self, Error> {
        match &self.encoding {
            None if self.context.head.is_success() => return Ok(self),
            Some(encoding) if self.context.head.is_success() => {
                return Err(self.context.apply(error::compressed(encoding)));
            }
            _ => {}
        }
        let context = self.context;
        // The status is the news: a body that cannot be read does not change it.
        let limit = self.body.limits().max_error_bytes;
        let body = if self.encoding.is_none() { self.body.excerpt(limit).await } else { String::new() };
        let is_of_proxy =
            context.head.status() == StatusCode::PROXY_AUTHENTICATION_REQUIRED.as_u16() && is_foreign(&body);
        let error = match is_of_proxy {
            true => error::proxy_authentication(self.proxy.as_ref()),
            false => {
                let error = (self.error_response)(&context.head, &body);
                let error =
                    if error.status().is_none() { error.with_status(context.head.status()) } else { error };
                misdirected(error, &body, &context.request.example)
            }
        };
        Err(context.apply(error))
    }

    /// Reads the body whole, with the key taken out of it. Bytes that are no UTF-8 become U+FFFD.
    ///
    /// # Errors
    /// When it breaks off, is too slow or too large.
    pub async fn text(self) -> Result<String, Error> {
        match self.body.text().await {
            Ok(text) => Ok(self.context.head.secret().redact_owned(text)),
            Err(error) => Err(self.context.apply(error)),
        }
    }

    /// Reads the body whole and hands it to `parse`. `what` names the document in errors: `the list of
    /// models`.
    ///
    /// # Errors
    /// Those of [`text`](Self::text), an error that the service put into the document, read as an
    /// [error response](crate::EndpointBuilder::error_response), and
    /// [`ErrorKind::InvalidResponse`](provider_core::ErrorKind) with the error of `parse`.
    pub async fn parse<T, E: std::fmt::Display>(
        self,
        what: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<T, Error> {
        let (context, error_response) = (self.context.clone(), self.error_response.clone());
        let text = self.text().await?;
        parse(text_of_body(&text)).map_err(|cause| {
            // A list that broke off is no error of the service, and asking again brings the same.
            let says_error = !is_foreign(&text) && text.contains("\"error\"");
            let error = match says_error {
                true => error_response(&context.head, &text),
                false => context.undecodable(what, &text, &cause.to_string()),
            };
            context.apply(misdirected(error, &text, &context.request.example))
        })
    }

    /// Reads at most so many bytes of the body and leaves the rest: for answers that do not matter.
    pub(crate) async fn excerpt(self, limit: usize) -> String {
        self.body.excerpt(limit).await
    }

    /// Streams the answer as `decoder` reads it. A body that comes whole is read before this returns.
    ///
    /// # Errors
    /// When a body that comes whole cannot be read; what goes wrong later is in the stream.
    pub async fn stream<D>(self, decoder: impl FnOnce(ResponseHead) -> D) -> Result<ChatStream, Error>
    where
        D: FrameDecoder + 'static,
    {
        let decoder = decoder(self.context.head.clone());
        let max_frame_bytes = self.body.limits().max_frame_bytes;
        Ok(match self.format {
            BodyFormat::Events => self.stream_framed(SseFramer::new(max_frame_bytes), decoder),
            BodyFormat::JsonLines => self.stream_framed(JsonLinesFramer::new(max_frame_bytes), decoder),
            BodyFormat::Whole => {
                let request = self.context.request.clone();
                request.set_requested(ChatStream::new(self.whole(decoder).await?))
            }
        })
    }

    /// Streams the answer, cut by a framer of the caller's: for a format that this crate does not know.
    pub fn stream_framed<F, D>(self, framer: F, decoder: D) -> ChatStream
    where
        F: Framer + 'static,
        D: FrameDecoder + 'static,
    {
        let request = self.context.request.clone();
        request.set_requested(ChatStream::new(FrameSource::new(self.body, framer, decoder, self.context)))
    }

    /// Waits for the whole answer, streamed or not.
    ///
    /// # Errors
    /// Everything that goes wrong, with the part of the answer that had come.
    pub async fn chat<D>(self, decoder: impl FnOnce(ResponseHead) -> D) -> Result<ChatResponse, Error>
    where
        D: FrameDecoder + 'static,
    {
        match self.format {
            BodyFormat::Whole => {
                let decoder = decoder(self.context.head.clone());
                self.whole(decoder).await?.into_response()
            }
            // Some services stream whatever was asked for.
            _ => self.stream(decoder).await?.collect().await,
        }
    }

    async fn whole<D: FrameDecoder>(self, decoder: D) -> Result<WholeSource<D>, Error> {
        let max_frame_bytes = self.body.limits().max_frame_bytes;
        match self.body.text().await {
            Ok(body) => Ok(WholeSource::new(body, max_frame_bytes, decoder, self.context)),
            Err(error) => Err(self.context.apply(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_types_tell_the_format() {
        use BodyFormat::{Events, JsonLines, Whole};
        for (content_type, format) in [
            ("text/event-stream", Events),
            (" Text/Event-Stream; charset=utf-8", Events),
            ("application/x-ndjson", JsonLines),
            ("application/jsonl; charset=utf-8", JsonLines),
            ("application/json", Whole),
            ("text/plain", Whole),
            ("", Whole),
        ] {
            assert_eq!(BodyFormat::of(content_type), format, "{content_type}");
        }
    }
}
