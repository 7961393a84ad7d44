//! HTTP for AI model providers: everything between a wire and its sockets.
//!
//! A provider's author writes a [`FrameDecoder`](provider_core::author::FrameDecoder), which knows the
//! service's words. This crate knows none: it sends requests, cuts bodies into frames, drives the decoder,
//! keeps limits and clocks, and says truly what went wrong on the way.
//!
//! # A provider
//!
//! A service that streams one JSON document per line, and a whole provider for it. With the encoder and the
//! decoder in a [`ChatCodec`](provider_core::author::ChatCodec), [`ChatApi`] has both of its methods:
//!
//! ```
//! use provider_core::author::{
//!     DecodeError, Frame, FrameDecoder, Progress, ResponseAccumulator, ResponseHead,
//! };
//! use provider_core::{ChatRequest, ChatStream, Error};
//! use provider_http::error::undecodable;
//! use provider_http::{Endpoint, HttpClient};
//!
//! struct Acme(Endpoint);
//!
//! impl Acme {
//!     fn connect(base_url: &str, key: &str, http: &HttpClient) -> Result<Self, Error> {
//!         Ok(Self(Endpoint::builder(base_url).provider("acme").bearer(key).build(http)?))
//!     }
//!
//!     async fn stream(&self, request: &ChatRequest) -> Result<ChatStream, Error> {
//!         let body = serde_json::json!({ "model": request.model, "messages": request.messages.len() });
//!         self.0.post("chat").model(&request.model).json(&body).stream(Lines).await
//!     }
//! }
//!
//! /// Decodes `{"text": "Hel"}`, `{"text": "lo", "end": "stop"}`.
//! struct Lines(ResponseHead);
//!
//! #[derive(serde::Deserialize)]
//! struct Line {
//!     #[serde(default)]
//!     text: String,
//!     end: Option<String>,
//! }
//!
//! impl FrameDecoder for Lines {
//!     fn decode(
//!         &mut self,
//!         frame: Frame<'_>,
//!         out: &mut ResponseAccumulator,
//!     ) -> Result<Progress, DecodeError> {
//!         let line: Line = serde_json::from_str(&frame.data).map_err(|cause| {
//!             let error = undecodable(&self.0, &frame.data, "a line", &cause.to_string());
//!             DecodeError::Fatal(error)
//!         })?;
//!         out.push_text(&line.text);
//!         out.set_finish_reason(line.end.as_deref().unwrap_or_default());
//!         Ok(Progress::More)
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // A server that answers so; a host makes one client for all of its providers.
//! let lines = "{\"text\":\"Hel\"}\n{\"text\":\"lo\",\"end\":\"stop\"}\n";
//! let server = fault_server::FaultServer::always(
//!     fault_server::Script::with_body(200, "application/x-ndjson", lines),
//! )
//! .await?;
//! let acme = Acme::connect(&server.url(), "sk-abc-123", &HttpClient::new())?;
//! let reply = acme.stream(&ChatRequest::new("acme-large").user("Hi")).await?.collect().await?;
//! assert_eq!((reply.text(), &*reply.requested), ("Hello", "acme-large"));
//! assert_eq!(server.requests()[0].header("authorization"), Some("Bearer sk-abc-123"));
//! # Ok(())
//! # }
//! ```
//!
//! # The way of an answer
//!
//! [`HttpClient`] → [`Transport`] → head (deadlines, status, encoding) → body, polled by the reader's own
//! task → [`Framer`] → the decoder → `ChatStream`. One step decodes one frame; no task, channel or box stands
//! between the body and the decoder. Dropping the future or the stream closes the connection, and a stream
//! that was read to its end leaves it for the next request.
//!
//! # Errors
//!
//! * No answer: which of DNS, TCP, TLS, a proxy or a clock it was, and what helps. Such errors name the
//!   origin, and a proxy without its password.
//! * An error response: the service's words, by way of [`EndpointBuilder::error_response`]; redirects are
//!   not followed.
//! * An answer of another server (a web page, a login): that `base_url` is wrong.
//! * A stream that breaks off, goes silent, never ends or is larger than allowed: the part that had come
//!   stays with the error.
//!
//! The key is taken out of every text that came from outside. Retrying is not this crate's business.
//!
//! # TLS, proxies, features
//!
//! The default transport is hyper's client. Its TLS is set up for this client alone: nothing process-wide is
//! installed or switched on, so that other HTTP clients of the program, reqwest's among them, stay as they
//! are. A crypto provider that the host has installed for the process is used before ours.
//!
//! | feature | |
//! |---|---|
//! | `rustls-ring` (default) | TLS by rustls with ring, and the platform's certificates |
//! | `rustls-aws-lc` | the same with aws-lc; where both are built, ring is used |
//! | `native-tls` | TLS by the platform's library, where rustls is not built |
//! | `socks` | SOCKS proxies |
//! | `http2` | HTTP/2 where the server offers it |
//! | `reqwest` | a host's `reqwest::Client` is a [`Transport`], built so that it follows no redirect |
//! | `hyper` | the default transport, without TLS; part of all of the above but `reqwest` |
//!
//! Without any of them, the host gives a transport of its own.

pub mod error;
pub mod settings;

mod body;
mod chat_api;
mod client;
mod context;
mod deadlines;
mod endpoint;
mod framing;
mod headers;
mod key;
mod key_sources;
mod limits;
mod send;
mod source;
mod transport;

pub use chat_api::ChatApi;
pub use client::HttpClient;
#[cfg(feature = "hyper")]
pub use client::HttpClientBuilder;
pub use endpoint::{Endpoint, EndpointBuilder, RequestBuilder};
pub use framing::{FrameTooLarge, Framer, JsonLinesFramer, SseFramer};
pub use key::KeySource;
pub use key_sources::KeySources;
pub use limits::HttpLimits;
pub use send::{BodyFormat, Response};
#[cfg(feature = "hyper")]
pub use transport::Proxies;
pub use transport::{
    AddressKind, Body, ConnectTimeout, ProxyFault, TlsFault, Transport, TransportError, TransportErrorKind,
    UsedProxy, transport_fn,
};
#[cfg(feature = "hyper")]
pub use transport::{AddressPolicy, Network, NetworkParseError};
