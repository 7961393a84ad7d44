//! The default transport: hyper's client, which pools connections, with TLS and proxies.
//!
//! It is set up by hand and not by way of reqwest: reqwest's TLS features are for all of its clients in a
//! program, and the one for another crypto provider than its own makes a plain `reqwest::Client::new()`
//! elsewhere in the program panic.

use std::error::Error as StdError;
use std::fmt;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::PROXY_AUTHORIZATION;
use http::uri::Scheme;
use http::{Request, Response, StatusCode, Uri};
use hyper_util::client::legacy::connect::capture_connection;
use hyper_util::client::legacy::connect::proxy::Tunnel;
#[cfg(feature = "socks")]
use hyper_util::client::legacy::connect::proxy::{SocksV4, SocksV5};
use hyper_util::client::legacy::{Client, Error as ClientError};
use hyper_util::client::proxy::matcher::Intercept;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::time::sleep;
use tower_service::Service;

use super::address::AddressPolicy;
use super::connection::Conn;
use super::fault::{self, Fault, Goal};
use super::proxy::{Proxies, ProxyTable};
use super::tcp::Tcp;
use super::tls::{Peer, TlsSetup};
use super::{Body, ConnectTimeout, Transport, TransportError, TransportErrorKind};

type BoxError = Box<dyn StdError + Send + Sync>;

/// The settings of the default transport.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) proxies: Proxies,
    pub(crate) connect_timeout: Duration,
    pub(crate) pool_idle_timeout: Duration,
    pub(crate) max_idle_per_host: usize,
    pub(crate) tls: TlsSetup,
    pub(crate) addresses: Option<Arc<AddressPolicy>>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            proxies: Proxies::default(),
            connect_timeout: Duration::MAX,
            pool_idle_timeout: Duration::from_secs(90),
            max_idle_per_host: usize::MAX,
            tls: Default::default(),
            addresses: None,
        }
    }
}

/// A pool of connections.
pub(crate) struct HyperTransport {
    client: Client<Connector, Body>,
    proxies: Arc<ProxyTable>,
    connect_timeout: Duration,
}

impl HyperTransport {
    /// Makes a pool without connections. Reads the environment for proxies; certificates are read with the
    /// first connection that needs them.
    pub(crate) fn new(options: &Options) -> Self {
        // A proxy looks names up by itself, past the policy.
        let trusts_proxies = options.addresses.as_ref().is_none_or(|policy| policy.trusts_proxies());
        let proxies = if trusts_proxies { options.proxies.clone() } else { Proxies::none() };
        let proxies = Arc::new(ProxyTable::new(&proxies));
        let client = Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(options.pool_idle_timeout)
            .pool_max_idle_per_host(options.max_idle_per_host)
            .build(Connector::new(proxies.clone(), options));
        Self { client, proxies, connect_timeout: options.connect_timeout }
    }

    /// Says what stands behind a failure of the client.
    fn classify(&self, uri: &Uri, cause: ClientError) -> TransportError {
        let proxy = self.proxies.used_for(uri);
        let goal = match &proxy {
            None => Goal::Server,
            // A request over plain HTTP has no tunnel: the connection is to the proxy itself.
            Some(_) if cause.is_connect() && uri.scheme() == Some(&Scheme::HTTP) => Goal::Proxy,
            Some(_) => Goal::ThroughProxy,
        };
        let otherwise =
            if cause.is_connect() { TransportErrorKind::Connect } else { TransportErrorKind::Closed };
        let forbidden = fault::forbidden(&cause);
        let kind = match &forbidden {
            Some(forbidden) => TransportErrorKind::Forbidden(forbidden.kind),
            None => fault::find(&cause, goal).unwrap_or(otherwise),
        };
        let mut error = TransportError::new(kind).with_cause(cause);
        error.next_step = forbidden.and_then(|forbidden| forbidden.next_step);
        if proxy.is_none() {
            error.ignored_variable = self.proxies.ignored_for(uri);
        }
        error.proxy = proxy.map(Box::new);
        error
    }
}

#[async_trait]
impl Transport for HyperTransport {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Body>, TransportError> {
        let mut request = request.map(Body::from);
        let uri = request.uri().clone();
        // In a tunnel, the proxy is told with the CONNECT.
        let login = self.proxies.intercept(&uri).filter(|_| uri.scheme() == Some(&Scheme::HTTP));
        if let Some(login) = login.as_ref().and_then(Intercept::basic_auth) {
            request.headers_mut().insert(PROXY_AUTHORIZATION, login.clone());
        }
        let limit = request.extensions().get::<ConnectTimeout>().map_or(Duration::MAX, |limit| limit.0);
        let limit = limit.min(self.connect_timeout);
        let mut connection = capture_connection(&mut request);
        let mut sending = pin!(self.client.request(request));
        let mut connecting = pin!(async {
            connection.wait_for_connection_metadata().await;
        });
        let mut is_connected = false;
        let mut timer = None;
        // The timer is for requests that find no connection in the pool, and no longer than they have none.
        let answered = poll_fn(|cx| {
            if let Poll::Ready(answered) = sending.as_mut().poll(cx) {
                return Poll::Ready(Some(answered));
            }
            is_connected = is_connected || connecting.as_mut().poll(cx).is_ready();
            if is_connected || limit == Duration::MAX {
                return Poll::Pending;
            }
            timer.get_or_insert_with(|| Box::pin(sleep(limit))).as_mut().poll(cx).map(|()| None)
        });
        match answered.await {
            Some(Ok(response)) => {
                let mut response = response.map(Body::incoming);
                let is_asked = response.status() == StatusCode::PROXY_AUTHENTICATION_REQUIRED;
                if let Some(proxy) = self.proxies.used_for(&uri).filter(|_| is_asked) {
                    response.extensions_mut().insert(proxy);
                }
                Ok(response)
            }
            Some(Err(cause)) => Err(self.classify(&uri, cause)),
            None => {
                let mut error = TransportError::new(TransportErrorKind::ConnectTimeout(Some(limit)));
                error.proxy = self.proxies.used_for(&uri).map(Box::new);
                Err(error)
            }
        }
    }
}

impl fmt::Debug for HyperTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HyperTransport").finish_non_exhaustive()
    }
}

/// Makes connections: to servers, or to proxies and through them.
#[derive(Clone)]
struct Connector {
    tcp: Tcp,
    tls: TlsSetup,
    proxies: Arc<ProxyTable>,
    peer: Peer,
}

impl Connector {
    fn new(proxies: Arc<ProxyTable>, options: &Options) -> Self {
        let tcp = Tcp::new(options.addresses.clone());
        Self { tcp, tls: options.tls.clone(), proxies, peer: Peer::Server }
    }

    /// A connector to proxies, which goes through none.
    fn to_proxy(&self) -> Self {
        Self { tcp: self.tcp.unguarded(), proxies: Arc::default(), peer: Peer::Proxy, ..self.clone() }
    }

    async fn connect(self, target: Uri) -> Result<Conn, BoxError> {
        match self.proxies.intercept(&target) {
            Some(proxy) => self.connect_through(&proxy, target).await,
            None => self.tls.connect(self.tcp.clone(), target, self.peer).await,
        }
    }

    async fn connect_through(self, proxy: &Intercept, target: Uri) -> Result<Conn, BoxError> {
        let address = proxy.uri().clone();
        match address.scheme_str() {
            #[cfg(feature = "socks")]
            Some(scheme @ ("socks4" | "socks4a")) => {
                let socks = SocksV4::new(address.clone(), self.tcp.unguarded()).local_dns(scheme == "socks4");
                self.tls.connect(socks, target, Peer::Server).await
            }
            #[cfg(feature = "socks")]
            Some(scheme @ ("socks5" | "socks5h")) => {
                let mut socks =
                    SocksV5::new(address.clone(), self.tcp.unguarded()).local_dns(scheme == "socks5");
                if let Some((user, password)) = proxy.raw_auth() {
                    socks = socks.with_auth(user.to_owned(), password.to_owned());
                }
                self.tls.connect(socks, target, Peer::Server).await
            }
            Some("http" | "https") if target.scheme() == Some(&Scheme::HTTPS) => {
                let mut tunnel = Tunnel::new(address, self.to_proxy());
                if let Some(login) = proxy.basic_auth() {
                    tunnel = tunnel.with_auth(login.clone());
                }
                self.tls.connect(tunnel, target, Peer::Server).await
            }
            Some("http" | "https") => Ok(self.to_proxy().call(address).await?.proxied()),
            _ => Err(Fault::ProxyScheme.into()),
        }
    }
}

impl Service<Uri> for Connector {
    type Response = Conn;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Conn, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, target: Uri) -> Self::Future {
        Box::pin(self.clone().connect(target))
    }
}
