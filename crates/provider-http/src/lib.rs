//! HTTP for AI model providers: everything between a wire and its sockets.

pub mod settings;

mod client;
mod framing;
mod limits;
mod redact;
mod retry_after;
mod transport;

pub use client::HttpClient;
#[cfg(feature = "hyper")]
pub use client::HttpClientBuilder;
pub use framing::{FrameTooLarge, Framer, JsonLinesFramer, SseFramer};
pub use limits::HttpLimits;
pub use redact::Redactor;
pub use retry_after::{MAX_RETRY_AFTER, RetryHints, parse_duration, parse_moment};
#[cfg(feature = "hyper")]
pub use transport::Proxies;
pub use transport::{
    Body, ConnectTimeout, ProxyFault, TlsFault, Transport, TransportError, TransportErrorKind, TransportFn,
    UsedProxy, transport_fn,
};
