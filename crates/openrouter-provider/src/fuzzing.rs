//! Doors for this repository's fuzz targets, property tests and benchmarks: the client without a socket. No
//! API.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame};
use lenient_json::Reader;
use provider_core::{Catalogue, ChatRequest, ChatResponse, ChatStream, ConfigValues, Error};
use reqwest::header::{HeaderName, HeaderValue};
use reqwest::{Body, StatusCode};

use crate::catalogue::page;
use crate::client::placed;
use crate::transport::{self, Clock};
use crate::{Limits, OpenRouter};

/// An HTTP request that would be sent.
#[derive(Debug)]
pub struct Sent {
    /// Where to.
    pub url: String,
    /// The headers, names in lower case.
    pub headers: Vec<(String, Vec<u8>)>,
}

/// An HTTP answer as it comes in.
#[derive(Clone, Debug, Default)]
pub struct Received {
    /// The status; one that HTTP does not have counts as 200.
    pub status: u16,
    /// The headers; those that cannot be any are left out.
    pub headers: Vec<(String, String)>,
    /// The pieces of the body.
    pub pieces: Vec<Vec<u8>>,
    /// Whether the connection breaks off after the pieces.
    pub broken_off: bool,
}

/// Connects like [`OpenRouter::from_values`], with these limits.
///
/// # Errors
/// Those of [`OpenRouter::from_values`].
pub fn connect(values: ConfigValues, limits: Limits) -> Result<OpenRouter, Error> {
    OpenRouter::builder().values(values).limits(limits).build()
}

/// What [`OpenRouter::chat`] would send.
///
/// # Errors
/// When the request is refused.
pub fn sent(client: &OpenRouter, request: &ChatRequest) -> Result<Sent, Error> {
    let asking = client.asking(request, false)?;
    let header = |(name, value): (&HeaderName, &HeaderValue)| (name.to_string(), value.as_bytes().to_vec());
    Ok(Sent { url: asking.url().to_string(), headers: asking.headers().iter().map(header).collect() })
}

/// What [`OpenRouter::chat`] makes of an answer.
///
/// # Errors
/// Those of [`OpenRouter::chat`].
pub async fn chat(
    client: &OpenRouter,
    request: &ChatRequest,
    received: Received,
) -> Result<ChatResponse, Error> {
    client.read(accept(client, request, received).await?, request).await
}

/// What [`OpenRouter::stream`] makes of an answer.
///
/// # Errors
/// Those of [`OpenRouter::stream`].
pub async fn stream(
    client: &OpenRouter,
    request: &ChatRequest,
    received: Received,
) -> Result<ChatStream, Error> {
    client.read_stream(accept(client, request, received).await?, request).await
}

/// What [`OpenRouter::models`] makes of a page of the list.
///
/// # Errors
/// What is wrong with the page, when it cannot be read.
pub fn models(text: &str) -> Result<Catalogue, String> {
    page::read(text).map(|(catalogue, _)| catalogue)
}

/// The value that a text is, without the space around it; nothing if it is no JSON.
pub fn json(text: &str) -> Option<&str> {
    let mut json = Reader::new(text);
    json.value().filter(|_| json.is_at_end())
}

async fn accept(
    client: &OpenRouter,
    request: &ChatRequest,
    received: Received,
) -> Result<transport::Received, Error> {
    let Received { status, headers, pieces, broken_off } = received;
    let header = |(name, value): &(String, String)| {
        Some((HeaderName::try_from(name).ok()?, HeaderValue::from_str(value).ok()?))
    };
    let pieces = pieces.into_iter().map(Bytes::from).collect();
    let mut response = http::Response::new(Body::wrap(Pieces { pieces, broken_off }));
    *response.headers_mut() = headers.iter().filter_map(header).collect();
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    let limits = client.transport.limits;
    let answer = transport::Received::new(response.into(), limits, Clock::start(&limits));
    client.transport.accept(answer).await.map_err(|error| placed(error, request))
}

/// A body that is there already.
struct Pieces {
    pieces: VecDeque<Bytes>,
    broken_off: bool,
}

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Poll::Ready(match self.pieces.pop_front() {
            Some(piece) => Some(Ok(Frame::data(piece))),
            None if std::mem::take(&mut self.broken_off) => {
                Some(Err(std::io::ErrorKind::ConnectionReset.into()))
            }
            None => None,
        })
    }
}
