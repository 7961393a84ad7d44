//! HTTP as one method, and the errors that it ends in.

mod address;
mod body;
#[cfg(feature = "hyper")]
mod connection;
#[cfg(any(feature = "hyper", feature = "reqwest"))]
mod fault;
#[cfg(feature = "hyper")]
mod hyper;
#[cfg(feature = "hyper")]
mod proxy;
#[cfg(feature = "reqwest")]
mod reqwest;
#[cfg(feature = "hyper")]
mod tcp;
#[cfg(feature = "hyper")]
mod tls;

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};

pub use self::address::{AddressKind, AddressPolicy, Network, NetworkParseError};
pub use self::body::Body;
#[cfg(feature = "hyper")]
pub(crate) use self::hyper::{HyperTransport, Options};
#[cfg(feature = "hyper")]
pub use self::proxy::Proxies;
#[cfg(any(feature = "__rustls", feature = "native-tls"))]
pub(crate) use self::tls::parse_pem;

/// Sends HTTP requests: the one thing that this crate needs of an HTTP client.
///
/// [`HttpClient`](crate::HttpClient) has one ready. A host gives its own for a mesh, a recorder or a test;
/// [`transport_fn`] makes one of a closure.
///
/// # Contract
/// - Sends the request once. It may send it again where it is sure that the server read none of it, as on a
///   pooled connection that was closed meanwhile.
/// - Resolves with the head of the answer, whatever its status. Follows no redirect: that would take the key
///   to another origin.
/// - Reads of the body no more than the caller polls for, give or take a buffer.
/// - Dropping the future or the body closes the connection, unless the body was read to its end.
/// - Heeds the [`ConnectTimeout`] among the request's extensions, where it makes connections.
#[async_trait]
pub trait Transport: fmt::Debug + Send + Sync + 'static {
    /// Sends a request, whose URI is absolute.
    ///
    /// # Errors
    /// When no answer begins.
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Body>, TransportError>;
}

/// How long connecting may take: an extension of requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectTimeout(pub Duration);

/// The proxy that an answer came through: an extension of answers, where the transport knows it. Of the
/// proxy's URL it has scheme, host and port, and never a user name or password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsedProxy {
    pub(crate) address: String,
    /// The environment variable that names it, if one does.
    pub(crate) variable: Option<&'static str>,
}

impl UsedProxy {
    /// A proxy with this address, as in `http://10.0.0.1:3128`: without a user name or password.
    pub fn new(address: impl Into<String>) -> Self {
        Self { address: address.into(), variable: None }
    }
}

impl fmt::Display for UsedProxy {
    /// `the proxy http://10.0.0.1:3128 (from HTTPS_PROXY)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the proxy {}", self.address)?;
        self.variable.map_or(Ok(()), |name| write!(f, " (from {name})"))
    }
}

/// The failure of a [`Transport`].
#[derive(Debug)]
pub struct TransportError {
    pub(crate) kind: TransportErrorKind,
    pub(crate) proxy: Option<Box<UsedProxy>>,
    /// The variable that should name a proxy and names none.
    pub(crate) ignored_variable: Option<&'static str>,
    /// The next step, in the words of the host.
    pub(crate) next_step: Option<Arc<str>>,
    cause: Option<Box<dyn StdError + Send + Sync>>,
}

/// The kind of a [`TransportError`]. All but [`Closed`](Self::Closed), [`Timeout`](Self::Timeout) and
/// [`Redirected`](Self::Redirected) come before the answer begins; `Redirected` comes once the head of an
/// answer was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransportErrorKind {
    /// The request cannot be made of what was given. Trying again is in vain.
    Request,
    /// The transport cannot be set up, for want of certificates for example. Trying again is in vain.
    Setup,
    /// The transport has no TLS. Trying again is in vain.
    NoTls,
    /// The server's TLS cannot be used. Trying again is in vain.
    Tls(TlsFault),
    /// The connection could not be made. Another try may pass.
    Connect,
    /// Connecting took longer than this, or than the transport's own limit. Another try may pass.
    ConnectTimeout(Option<Duration>),
    /// A clock of the transport's own ran out. Another try may pass.
    Timeout,
    /// The connection ended, or what came was no HTTP. Another try may pass.
    Closed,
    /// The transport followed a redirect, against its [contract](Transport#contract). Trying again is in
    /// vain.
    Redirected,
    /// The transport may not connect to the server's address, by its [policy](AddressPolicy). Trying again
    /// is in vain.
    Forbidden(AddressKind),
    /// A proxy is in the way.
    Proxy(ProxyFault),
}

/// A proxy's part in a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProxyFault {
    /// The proxy's TLS cannot be used.
    Tls(TlsFault),
    /// The proxy wants a user name and a password, or refuses those that it got.
    Authentication,
    /// The transport does not speak the proxy's protocol.
    Scheme,
    /// The connection to the proxy could not be made.
    Unreachable,
    /// The proxy does not connect to the server. Another try may pass: the server may be what fails.
    Refused,
}

/// The reason why TLS cannot be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TlsFault {
    /// The fault, as the end of a sentence that begins with "the server, whose".
    pub what: &'static str,
    /// The next step.
    pub next_step: &'static str,
}

impl TransportError {
    /// An error of this kind.
    pub fn new(kind: TransportErrorKind) -> Self {
        Self { kind, proxy: None, ignored_variable: None, next_step: None, cause: None }
    }

    /// Sets the cause. Its text must be free of secrets.
    #[must_use]
    pub fn with_cause(mut self, cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// Names the proxy that the request went through.
    #[must_use]
    pub fn through(mut self, proxy: UsedProxy) -> Self {
        self.proxy = Some(Box::new(proxy));
        self
    }

    /// Returns the kind.
    pub fn kind(&self) -> TransportErrorKind {
        self.kind
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            TransportErrorKind::Request => "the request cannot be made",
            TransportErrorKind::Setup => "the transport cannot be set up",
            TransportErrorKind::NoTls => "the transport has no TLS",
            TransportErrorKind::Tls(_) => "TLS cannot be used",
            TransportErrorKind::Connect => "the connection could not be made",
            TransportErrorKind::ConnectTimeout(_) => "connecting took too long",
            TransportErrorKind::Timeout => "the transport waits no longer",
            TransportErrorKind::Closed => "the connection ended",
            TransportErrorKind::Redirected => "a redirect was followed",
            TransportErrorKind::Forbidden(_) => "the address is not allowed",
            TransportErrorKind::Proxy(_) => "a proxy is in the way",
        })
    }
}

impl StdError for TransportError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.cause.as_ref().map(|cause| &**cause as &(dyn StdError + 'static))
    }
}

/// Makes a transport of a closure: for tests, and for programs that answer requests themselves.
///
/// ```
/// use http::Response;
/// use provider_http::{Body, Endpoint, HttpClient, transport_fn};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), provider_core::Error> {
/// let echo = transport_fn(|request| async move {
///     Ok(Response::new(Body::from(request.uri().path().to_owned())))
/// });
/// let endpoint = Endpoint::builder("https://acme.example/v1").build(&HttpClient::from_transport(echo))?;
/// assert_eq!(endpoint.get("models").text().await?, "/v1/models");
/// # Ok(())
/// # }
/// ```
pub fn transport_fn<F, A>(send: F) -> impl Transport
where
    F: Fn(Request<Bytes>) -> A + Send + Sync + 'static,
    A: Future<Output = Result<Response<Body>, TransportError>> + Send,
{
    TransportFn(send)
}

/// A [`Transport`] made of a closure.
struct TransportFn<F>(F);

#[async_trait]
impl<F, A> Transport for TransportFn<F>
where
    F: Fn(Request<Bytes>) -> A + Send + Sync + 'static,
    A: Future<Output = Result<Response<Body>, TransportError>> + Send,
{
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Body>, TransportError> {
        (self.0)(request).await
    }
}

impl<F> fmt::Debug for TransportFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TransportFn")
    }
}
