//! TCP connections, to the addresses that the policy allows.

use std::error::Error as StdError;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use std::vec::IntoIter;

use http::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower_service::Service;

use super::address::AddressPolicy;
use super::fault::Fault;

type BoxError = Box<dyn StdError + Send + Sync>;
type BoxFuture<T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send>>;

/// Makes TCP connections.
#[derive(Clone)]
pub(super) struct Tcp {
    resolver: Resolver,
}

impl Tcp {
    pub(super) fn new(policy: Option<Arc<AddressPolicy>>) -> Self {
        Self { resolver: Resolver { lookup: Lookup::System(GaiResolver::new()), policy, port: 0 } }
    }

    /// The same without the policy: for connections to proxies, which the host itself has chosen.
    pub(super) fn unguarded(&self) -> Self {
        Self { resolver: Resolver { policy: None, ..self.resolver.clone() } }
    }

    async fn connect(mut self, target: Uri) -> Result<TokioIo<TcpStream>, BoxError> {
        let policy = self.resolver.policy.clone();
        if let Some(policy) = &policy {
            self.resolver.port = port_of(&target);
            // An address in the place of a name is never looked up.
            if let Some(address) = literal(&target) {
                let address = SocketAddr::new(address, self.resolver.port);
                policy.check(address).map_err(|kind| Fault::Forbidden(policy.refusal(kind)))?;
            }
        }
        let mut connector = HttpConnector::new_with_resolver(self.resolver);
        connector.enforce_http(false);
        connector.set_nodelay(true);
        // A peer that is gone without a word is noticed within a minute, however long an answer may be
        // silent.
        connector.set_keepalive(Some(Duration::from_secs(15)));
        connector.set_keepalive_interval(Some(Duration::from_secs(15)));
        connector.set_keepalive_retries(Some(3));
        let connection = connector.call(target).await?;
        if let Some(policy) = &policy {
            let stream = connection.inner();
            policy
                .check_connection(stream.local_addr()?, stream.peer_addr()?)
                .map_err(|kind| Fault::Forbidden(policy.refusal(kind)))?;
        }
        Ok(connection)
    }
}

impl Service<Uri> for Tcp {
    type Response = TokioIo<TcpStream>;
    type Error = BoxError;
    type Future = BoxFuture<Self::Response>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, target: Uri) -> Self::Future {
        Box::pin(self.clone().connect(target))
    }
}

/// Looks names up, and leaves out the addresses that the policy forbids.
#[derive(Clone)]
struct Resolver {
    lookup: Lookup,
    policy: Option<Arc<AddressPolicy>>,
    /// The port that is connected to; a look-up has none.
    port: u16,
}

#[derive(Clone)]
enum Lookup {
    System(GaiResolver),
    #[cfg(test)]
    #[allow(clippy::type_complexity, reason = "of tests alone")]
    Fixed(Arc<dyn Fn(&str) -> Vec<IpAddr> + Send + Sync>),
}

impl Resolver {
    async fn resolve(self, name: Name) -> Result<IntoIter<SocketAddr>, BoxError> {
        let found: Vec<SocketAddr> = match self.lookup {
            Lookup::System(mut system) => system.call(name).await?.collect(),
            #[cfg(test)]
            Lookup::Fixed(look_up) => {
                look_up(name.as_str()).into_iter().map(|address| SocketAddr::new(address, 0)).collect()
            }
        };
        let Some(policy) = self.policy else { return Ok(found.into_iter()) };
        let mut forbidden = None;
        let mut allowed = Vec::with_capacity(found.len());
        for address in found {
            match policy.check(SocketAddr::new(address.ip(), self.port)) {
                Ok(()) => allowed.push(address),
                Err(kind) => forbidden = Some(kind),
            }
        }
        match forbidden {
            Some(kind) if allowed.is_empty() => Err(Fault::Forbidden(policy.refusal(kind)).into()),
            _ => Ok(allowed.into_iter()),
        }
    }
}

impl Service<Name> for Resolver {
    type Response = IntoIter<SocketAddr>;
    type Error = BoxError;
    type Future = BoxFuture<Self::Response>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        Box::pin(self.clone().resolve(name))
    }
}

fn port_of(target: &Uri) -> u16 {
    let usual = if target.scheme_str() == Some("http") { 80 } else { 443 };
    target.port_u16().unwrap_or(usual)
}

fn literal(target: &Uri) -> Option<IpAddr> {
    let host = target.host()?;
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host).parse().ok()
}

#[cfg(test)]
mod tests;
