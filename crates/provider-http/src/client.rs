//! The HTTP client that a host configures once and hands to every provider.

use std::fmt;
use std::sync::{Arc, OnceLock};
#[cfg(feature = "hyper")]
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
#[cfg(feature = "hyper")]
use provider_core::FieldProblem;
use provider_core::{Error, ErrorKind, ProviderContext};

#[cfg(feature = "hyper")]
use crate::transport::{AddressPolicy, HyperTransport, Options, Proxies};
use crate::transport::{Body, Transport, TransportError, TransportErrorKind};

/// The HTTP client of a program: one pool of connections, one TLS set-up, one choice of proxies.
///
/// A host makes one and hands it to every provider, by way of a [`ProviderContext`]. Cheap to clone; clones
/// share their connections. Each [`Endpoint`](crate::Endpoint) has its own key, headers and limits, the time
/// to connect included.
///
/// Making a client sends nothing and reads nothing: the environment is read with the first request, and
/// certificates with the first `https` connection.
///
/// ```
/// use provider_core::ProviderContext;
/// use provider_http::{HttpClient, Proxies};
///
/// let http = HttpClient::builder().proxies(Proxies::none()).build()?;
/// let context = ProviderContext::new().with(http);
/// // A provider's constructor takes it from there:
/// let http = HttpClient::of(&context);
/// # Ok::<(), provider_core::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct HttpClient(Arc<Inner>);

#[derive(Default)]
struct Inner {
    #[cfg(feature = "hyper")]
    options: Options,
    transport: OnceLock<Arc<dyn Transport>>,
}

impl HttpClient {
    /// A client with the default settings: the platform's certificates, the environment's proxies.
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts a client with other settings.
    #[cfg(feature = "hyper")]
    pub fn builder() -> HttpClientBuilder {
        HttpClientBuilder::default()
    }

    /// A client of the host's own: another transport, or a `reqwest::Client` with the feature `reqwest`.
    ///
    /// It must follow no redirect, which could take the key to another server: a `reqwest::Client` follows
    /// them unless it is built with `redirect(reqwest::redirect::Policy::none())`, as `from_reqwest` does. An
    /// answer behind a redirect is an error, but a key in another header than `Authorization` may have gone
    /// along.
    pub fn from_transport(transport: impl Transport) -> Self {
        let transport: Arc<dyn Transport> = Arc::new(transport);
        Self(Arc::new(Inner {
            #[cfg(feature = "hyper")]
            options: Options::default(),
            transport: OnceLock::from(transport),
        }))
    }

    /// A client of reqwest with these settings, except that it follows no redirect: it cannot take a key or a
    /// prompt to another server, whatever the header of the key.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when reqwest cannot build it.
    #[cfg(feature = "reqwest")]
    pub fn from_reqwest(builder: reqwest::ClientBuilder) -> Result<Self, Error> {
        let client = builder.redirect(reqwest::redirect::Policy::none()).build().map_err(|cause| {
            Error::new(ErrorKind::Config, "the HTTP client cannot be made").with_source(cause.without_url())
        })?;
        Ok(Self::from_transport(client))
    }

    /// The client of a host's context, or a new one where the host has none.
    pub fn of(context: &ProviderContext) -> Self {
        context.get::<Self>().cloned().unwrap_or_default()
    }

    /// The transport, made now if this is the first request.
    #[cfg(feature = "hyper")]
    pub(crate) fn transport(&self) -> Result<&dyn Transport, Error> {
        Ok(&**self.0.transport.get_or_init(|| Arc::new(HyperTransport::new(&self.0.options))))
    }

    /// The transport.
    #[cfg(not(feature = "hyper"))]
    pub(crate) fn transport(&self) -> Result<&dyn Transport, Error> {
        self.0.transport.get().map(|transport| &**transport).ok_or_else(|| {
            Error::new(ErrorKind::Config, "this build has no HTTP client of its own").with_next_step(
                "give it one with HttpClient::from_transport, or build provider-http with one of its features for TLS",
            )
        })
    }
}

/// Sends requests that are no provider's, as those of a host's telemetry, over the same TLS and proxies. An
/// [`Endpoint`](crate::Endpoint) is for those of a provider: it adds key, limits and words for errors.
#[async_trait]
impl Transport for HttpClient {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Body>, TransportError> {
        match self.transport() {
            Ok(transport) => transport.send(request).await,
            Err(error) => Err(TransportError::new(TransportErrorKind::Setup).with_cause(error)),
        }
    }
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClient").field("transport", &self.0.transport.get()).finish_non_exhaustive()
    }
}

/// Builds an [`HttpClient`]. Made by [`HttpClient::builder`].
#[cfg(feature = "hyper")]
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct HttpClientBuilder {
    options: Options,
    problems: Vec<FieldProblem>,
}

#[cfg(feature = "hyper")]
impl HttpClientBuilder {
    /// The proxies that requests go through. Default: those of the environment.
    pub fn proxies(mut self, proxies: Proxies) -> Self {
        if let Err(problem) = proxies.check() {
            self.problems.push(FieldProblem::new("proxies", problem));
        }
        self.options.proxies = proxies;
        self
    }

    /// The addresses that connections may be made to: for a host whose users choose base URLs. The
    /// [proxies](Self::proxies) count only with a policy that [trusts](AddressPolicy::trust_proxies) them.
    /// Default: any address.
    pub fn addresses(mut self, policy: AddressPolicy) -> Self {
        self.options.addresses = Some(Arc::new(policy));
        self
    }

    /// Trusts the authorities whose certificates these are, in PEM, beside the platform's.
    #[cfg(any(feature = "__rustls", feature = "native-tls"))]
    pub fn root_certificates(mut self, pem: impl AsRef<[u8]>) -> Self {
        match crate::transport::parse_pem(pem.as_ref()) {
            Ok(roots) => self.options.tls = self.options.tls.with_roots(roots),
            Err(problem) => self.problems.push(FieldProblem::new("root_certificates", problem)),
        }
        self
    }

    /// Uses this configuration of rustls, for client certificates or a crypto provider of the host's choice.
    /// [Root certificates](Self::root_certificates) do not count then; the protocols to negotiate are set by
    /// the client.
    #[cfg(feature = "__rustls")]
    pub fn rustls_config(mut self, config: impl Into<Arc<rustls::ClientConfig>>) -> Self {
        self.options.tls = self.options.tls.with_config(config.into());
        self
    }

    /// How long connecting may take for every provider. The shorter of this and
    /// [`HttpLimits::connect_timeout`](crate::HttpLimits::connect_timeout) counts. Default: no limit of its
    /// own.
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.options.connect_timeout = limit;
        self
    }

    /// How long a connection that serves no request stays open. Default: 90 s.
    pub fn pool_idle_timeout(mut self, limit: Duration) -> Self {
        self.options.pool_idle_timeout = limit;
        self
    }

    /// How many connections to one host stay open without a request. Default: any number.
    pub fn max_idle_per_host(mut self, limit: usize) -> Self {
        self.options.max_idle_per_host = limit;
        self
    }

    /// Makes the client. Nothing is sent or read.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] with every setting that cannot be used.
    pub fn build(self) -> Result<HttpClient, Error> {
        if self.problems.is_empty() {
            return Ok(HttpClient(Arc::new(Inner { options: self.options, transport: OnceLock::new() })));
        }
        Err(Error::new(ErrorKind::Config, "the HTTP client cannot be made").with_fields(self.problems))
    }
}
