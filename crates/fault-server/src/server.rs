//! The server as a test holds it, and its builder.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};

use crate::connection::serve;
use crate::request::Request;
use crate::script::Script;
use crate::state::{AcceptHook, ConnectionGuard, Counts, EarlyResponder, ServerState};

/// A scripted server on a free port of the loopback device.
///
/// Dropping it closes its port, breaks its connections and ends its tasks.
pub struct FaultServer {
    address: SocketAddr,
    state: Arc<ServerState>,
    wait_timeout: Duration,
    /// Dropping this stops the accept loop.
    running: oneshot::Sender<()>,
    accept_loop: JoinHandle<()>,
}

impl FaultServer {
    /// Starts a server that asks a closure for the script of each request.
    ///
    /// The body of the request is read before. The closure sees one request at a time, but scripts are played
    /// concurrently.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn start(responder: impl FnMut(&Request) -> Script + Send + 'static) -> io::Result<Self> {
        Self::builder().start(responder).await
    }

    /// Starts a server that plays this script for every request.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn always(script: Script) -> io::Result<Self> {
        Self::start(move |_| script.clone()).await
    }

    /// Starts a server that plays these scripts in order; the last one repeats.
    ///
    /// # Errors
    /// When no port is free, or when there is no script.
    pub async fn sequence(scripts: impl IntoIterator<Item = Script>) -> io::Result<Self> {
        let mut scripts: Vec<Script> = scripts.into_iter().collect();
        let Some(last) = scripts.pop() else {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "sequence: give at least one script"));
        };
        let mut scripts = scripts.into_iter();
        Self::start(move |_| scripts.next().unwrap_or_else(|| last.clone())).await
    }

    /// A builder, for scripts that are played on accept or before a request's body is read, and for limits.
    pub fn builder() -> FaultServerBuilder {
        FaultServerBuilder::default()
    }

    /// The base URL, `http://127.0.0.1:…`, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The address on which the server listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Replaces the closure that chooses scripts, from the next request on.
    pub fn set_responder(&self, responder: impl FnMut(&Request) -> Script + Send + 'static) {
        self.state.set_responder(Box::new(responder));
    }

    /// The requests so far, in order; the newest 10 000 of them. The server records a request once its body
    /// is read, before it responds.
    pub fn requests(&self) -> Vec<Request> {
        self.state.requests()
    }

    /// The number of requests so far.
    pub fn request_count(&self) -> usize {
        self.counts().requests
    }

    /// The number of connections accepted so far.
    pub fn connection_count(&self) -> usize {
        self.counts().connections
    }

    /// The number of connections that neither the client, as far as the server noticed, nor the server
    /// closed.
    pub fn open_connections(&self) -> usize {
        self.counts().open
    }

    /// The number of connections that the client closed, before the server did.
    pub fn closed_by_client(&self) -> usize {
        self.counts().closed_by_client
    }

    /// Waits until the server has received `count` requests.
    ///
    /// # Errors
    /// After the [timeout](FaultServerBuilder::wait_timeout).
    pub async fn wait_for_requests(&self, count: usize) -> io::Result<()> {
        self.wait_for(&format!("{count} requests"), |counts| counts.requests >= count).await
    }

    /// Waits until clients have closed `count` connections: the proof that a dropped call closes its
    /// connection.
    ///
    /// A client that closes its sending half alone counts, too.
    ///
    /// # Errors
    /// After the [timeout](FaultServerBuilder::wait_timeout).
    pub async fn wait_for_client_close(&self, count: usize) -> io::Result<()> {
        self.wait_for(&format!("{count} clients to close"), |counts| counts.closed_by_client >= count).await
    }

    /// Waits until no connection is open, whether the client or the server closed it.
    ///
    /// # Errors
    /// After the [timeout](FaultServerBuilder::wait_timeout).
    pub async fn wait_for_all_closed(&self) -> io::Result<()> {
        self.wait_for("all connections to close", |counts| counts.open == 0).await
    }

    /// Stops the server, and waits until its port and its connections are closed and its tasks have ended.
    ///
    /// Dropping the server does the same, without waiting.
    pub async fn stop(self) {
        drop(self.running);
        // The loop does not panic, and this handle alone could abort it: there is no error to look at.
        let _ = self.accept_loop.await;
    }

    fn counts(&self) -> Counts {
        *self.state.counts().borrow()
    }

    async fn wait_for(&self, what: &str, condition: impl Fn(&Counts) -> bool) -> io::Result<()> {
        let mut counts = self.state.counts().subscribe();
        let met = timeout(self.wait_timeout, counts.wait_for(|counts| condition(counts))).await.is_ok();
        match met {
            true => Ok(()),
            false => {
                let message = format!("waited {:?} for {what}; so far: {}", self.wait_timeout, self.counts());
                Err(io::Error::new(io::ErrorKind::TimedOut, message))
            }
        }
    }
}

impl fmt::Debug for FaultServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultServer").field("url", &self.url()).field("counts", &self.counts()).finish()
    }
}

/// Configures and starts a [`FaultServer`].
#[must_use]
pub struct FaultServerBuilder {
    early_responder: Option<EarlyResponder>,
    accept_hook: Option<AcceptHook>,
    max_request_bytes: usize,
    wait_timeout: Duration,
}

impl Default for FaultServerBuilder {
    fn default() -> Self {
        Self {
            early_responder: None,
            accept_hook: None,
            max_request_bytes: 256 << 20,
            wait_timeout: Duration::from_secs(10),
        }
    }
}

impl FaultServerBuilder {
    /// Asks a closure for a script to play on each new connection before its first request, given the
    /// connection's number (the first is 1). `None` plays nothing.
    ///
    /// `Script::no_response().stall()` never reads and never responds, like a server without a free worker.
    /// `Script::no_response().close()` closes at once. The bytes of [`raw`](Script::raw) are there before the
    /// first request.
    pub fn on_accept(mut self, hook: impl FnMut(usize) -> Option<Script> + Send + 'static) -> Self {
        self.accept_hook = Some(Box::new(hook));
        self
    }

    /// Asks a closure for a script to play before the body of a request is read, given its head. `None` reads
    /// the body and responds as usual.
    ///
    /// The client may still be sending when the response arrives. If the script leaves the connection open,
    /// the server reads the body afterwards and discards it. While a script [stalls](Script::stall), the
    /// server reads no more than 64 KiB of it.
    pub fn respond_early(
        mut self,
        responder: impl FnMut(&Request) -> Option<Script> + Send + 'static,
    ) -> Self {
        self.early_responder = Some(Box::new(responder));
        self
    }

    /// The largest body of a request, in bytes. Default: 256 MiB. The server refuses a larger one with 413.
    pub fn max_request_bytes(mut self, bytes: usize) -> Self {
        self.max_request_bytes = bytes;
        self
    }

    /// The time after which the server's `wait_for_…` methods fail. Default: 10 seconds.
    pub fn wait_timeout(mut self, timeout: Duration) -> Self {
        self.wait_timeout = timeout;
        self
    }

    /// Starts the server; see [`FaultServer::start`].
    ///
    /// # Errors
    /// When no port is free.
    pub async fn start(
        self,
        responder: impl FnMut(&Request) -> Script + Send + 'static,
    ) -> io::Result<FaultServer> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let Self { early_responder, accept_hook, max_request_bytes, wait_timeout } = self;
        let state = ServerState::new(Box::new(responder), early_responder, accept_hook, max_request_bytes);
        let state = Arc::new(state);
        let (running, stopped) = oneshot::channel();
        let accept_loop = tokio::spawn(accept_loop(listener, Arc::clone(&state), stopped));
        Ok(FaultServer { address, state, wait_timeout, running, accept_loop })
    }
}

impl fmt::Debug for FaultServerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultServerBuilder")
            .field("max_request_bytes", &self.max_request_bytes)
            .field("wait_timeout", &self.wait_timeout)
            .finish_non_exhaustive()
    }
}

/// Accepts and serves connections until the sender of `stopped` is dropped.
async fn accept_loop(listener: TcpListener, state: Arc<ServerState>, mut stopped: oneshot::Receiver<()>) {
    /// The wait after an accept that failed, for example for want of file descriptors.
    const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(10);

    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = &mut stopped => break,
            // Reaps tasks. If one panicked, the panic's message is printed already.
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((socket, _)) => {
                    let guard = ConnectionGuard::new(Arc::clone(&state));
                    connections.spawn(serve(socket, guard));
                }
                Err(_) => sleep(ACCEPT_RETRY_DELAY).await,
            },
        }
    }
    drop(listener);
    connections.shutdown().await;
}
