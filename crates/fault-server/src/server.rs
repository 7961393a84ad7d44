//! The server, as a test holds it.

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

/// How long to wait when no connection can be accepted, for want of file descriptors, say.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(10);

/// A server on a free port of the loopback device that does what it is told.
///
/// When it is dropped its port is closed, its connections break, and its tasks end.
pub struct FaultServer {
    address: SocketAddr,
    state: Arc<ServerState>,
    wait_timeout: Duration,
    /// Dropping it ends the serving.
    running: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

impl FaultServer {
    /// Answers every request with what `answer` says to it.
    ///
    /// Its body has been read by then. Requests are answered one at a time, but scripts are played side by
    /// side.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start(answer: impl FnMut(&Request) -> Script + Send + 'static) -> io::Result<Self> {
        Self::builder().start(answer).await
    }

    /// Answers every request with this.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn always(script: Script) -> io::Result<Self> {
        Self::start(move |_| script.clone()).await
    }

    /// Answers with these in their order; the last one repeats.
    ///
    /// # Errors
    /// When no port can be had, or when there is no script.
    pub async fn sequence(scripts: impl IntoIterator<Item = Script>) -> io::Result<Self> {
        let mut scripts: Vec<Script> = scripts.into_iter().collect();
        let Some(last) = scripts.pop() else {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "answers: give at least one script"));
        };
        let mut scripts = scripts.into_iter();
        Self::start(move |_| scripts.next().unwrap_or_else(|| last.clone())).await
    }

    /// A server with more than answers: something to say to connections, or to requests before their bodies
    /// came.
    pub fn builder() -> FaultServerBuilder {
        FaultServerBuilder::default()
    }

    /// Its base URL, `http://127.0.0.1:…`, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From the next request on, answers with what this says.
    pub fn set_responder(&self, answer: impl FnMut(&Request) -> Script + Send + 'static) {
        self.state.change(Box::new(answer));
    }

    /// The requests so far, in order; the newest 10 000 of them. A request is here once its body has been
    /// read, before it is answered.
    pub fn requests(&self) -> Vec<Request> {
        self.state.requests()
    }

    /// How many requests have come.
    pub fn request_count(&self) -> usize {
        self.counts().requests
    }

    /// How many connections have been accepted.
    pub fn connection_count(&self) -> usize {
        self.counts().connections
    }

    /// How many connections are open: neither has the client closed them, as far as is known, nor the server.
    pub fn open_connections(&self) -> usize {
        self.counts().open
    }

    /// How many connections have been closed by the client, before the server did.
    pub fn closed_by_client(&self) -> usize {
        self.counts().closed_by_client
    }

    /// Waits until so many requests have come.
    ///
    /// # Errors
    /// When that is still not so after [a while](FaultServerBuilder::wait_timeout).
    pub async fn wait_for_requests(&self, count: usize) -> io::Result<()> {
        self.until(&format!("{count} requests"), |counts| counts.requests >= count).await
    }

    /// Waits until clients have closed so many connections: proof that an answer which nobody wants any more
    /// does not go on.
    ///
    /// A client counts as gone when it has closed its sending half.
    ///
    /// # Errors
    /// When that is still not so after [a while](FaultServerBuilder::wait_timeout).
    pub async fn wait_for_client_close(&self, count: usize) -> io::Result<()> {
        self.until(&format!("{count} clients to go"), |counts| counts.closed_by_client >= count).await
    }

    /// Waits until no connection is open, whoever closed it.
    ///
    /// # Errors
    /// When that is still not so after [a while](FaultServerBuilder::wait_timeout).
    pub async fn wait_for_all_closed(&self) -> io::Result<()> {
        self.until("all connections to close", |counts| counts.open == 0).await
    }

    /// Stops, and waits until everything has ended: the port is closed, no connection is open, no task is
    /// left.
    ///
    /// Dropping the server does the same, without waiting for it.
    pub async fn stop(self) {
        drop(self.running);
        // It has neither panicked nor been aborted.
        let _ = self.serving.await;
    }

    fn counts(&self) -> Counts {
        *self.state.counts().borrow()
    }

    async fn until(&self, what: &str, so: impl Fn(&Counts) -> bool) -> io::Result<()> {
        let mut counts = self.state.counts().subscribe();
        let waited = timeout(self.wait_timeout, counts.wait_for(|counts| so(counts))).await.is_ok();
        match waited {
            true => Ok(()),
            false => {
                let words = format!("waited {:?} for {what}; so far: {}", self.wait_timeout, self.counts());
                Err(io::Error::new(io::ErrorKind::TimedOut, words))
            }
        }
    }
}

impl fmt::Debug for FaultServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultServer").field("url", &self.url()).field("counts", &self.counts()).finish()
    }
}

/// What a server does beside answering.
#[must_use]
pub struct FaultServerBuilder {
    early: Option<EarlyResponder>,
    on_accept: Option<AcceptHook>,
    max_request_bytes: usize,
    wait_timeout: Duration,
}

impl Default for FaultServerBuilder {
    fn default() -> Self {
        Self {
            early: None,
            on_accept: None,
            max_request_bytes: 256 << 20,
            wait_timeout: Duration::from_secs(10),
        }
    }
}

impl FaultServerBuilder {
    /// Says something to a connection, given its number (the first is 1), before it asked anything; `None` to
    /// serve it like any.
    ///
    /// `Script::no_response().stall()` never reads and never answers, which is how a server looks that has no
    /// worker left; `Script::no_response().close()` hangs up at once; [`raw`](Script::raw) bytes lie there before
    /// the first request.
    pub fn on_accept(mut self, script: impl FnMut(usize) -> Option<Script> + Send + 'static) -> Self {
        self.on_accept = Some(Box::new(script));
        self
    }

    /// Answers before the body of the request is read, given its head; `None` to read it and answer as usual.
    ///
    /// A client may still be sending when the answer comes. The body is read afterwards if the script leaves
    /// the connection open, and is not kept; while a script [stalls](Script::stall) no more than 64 KiB of it
    /// is read.
    pub fn respond_early(mut self, script: impl FnMut(&Request) -> Option<Script> + Send + 'static) -> Self {
        self.early = Some(Box::new(script));
        self
    }

    /// The largest body of a request that is read, in bytes. Default: 256 MiB. A larger one is refused with
    /// 413.
    pub fn max_request_bytes(mut self, bytes: usize) -> Self {
        self.max_request_bytes = bytes;
        self
    }

    /// How long the server's `until_…` methods wait before they fail. Default: 10 seconds.
    pub fn wait_timeout(mut self, wait_timeout: Duration) -> Self {
        self.wait_timeout = wait_timeout;
        self
    }

    /// Starts the server; see [`FaultServer::start`].
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start(
        self,
        answer: impl FnMut(&Request) -> Script + Send + 'static,
    ) -> io::Result<FaultServer> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let state = ServerState::new(Box::new(answer), self.early, self.on_accept, self.max_request_bytes);
        let state = Arc::new(state);
        let (running, stopped) = oneshot::channel();
        let serving = tokio::spawn(accept(listener, Arc::clone(&state), stopped));
        Ok(FaultServer { address, state, wait_timeout: self.wait_timeout, running, serving })
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

/// Serves until the other end of `stopped` is dropped.
async fn accept(listener: TcpListener, state: Arc<ServerState>, mut stopped: oneshot::Receiver<()>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = &mut stopped => break,
            // A script that panicked has said so itself.
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((socket, _)) => {
                    let open = ConnectionGuard::new(Arc::clone(&state));
                    connections.spawn(serve(socket, open));
                }
                Err(_) => sleep(ACCEPT_RETRY_DELAY).await,
            },
        }
    }
    drop(listener);
    connections.shutdown().await;
}
