//! The handle: starts a sandbox, watches it, stops it.

use std::future::IntoFuture;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::catalogue::Catalogue;
use crate::record::RecordedRequest;
use crate::router;
use crate::socket::{LocalListener, stopped};
use crate::state::{AppState, Settings};

/// How a sandbox is to behave. Made by [`Sandbox::builder`].
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until it is started"]
pub struct SandboxBuilder {
    port: u16,
    settings: Settings,
}

impl SandboxBuilder {
    /// The port to listen on; 0, the default, takes a free one.
    pub fn port(self, port: u16) -> Self {
        Self { port, ..self }
    }

    /// The seed of everything made up: words, ids, arguments. The default is 1.
    pub fn seed(self, seed: u64) -> Self {
        Self { settings: Settings { seed, ..self.settings }, ..self }
    }

    /// How long each token takes. The default is no time at all.
    pub fn token_delay(self, token_delay: Duration) -> Self {
        Self { settings: Settings { token_delay, ..self.settings }, ..self }
    }

    /// How long `sandbox/slow-first-token` takes to begin. The default is three seconds.
    pub fn slow_first_token(self, slow_first_token: Duration) -> Self {
        Self { settings: Settings { slow_first_token, ..self.settings }, ..self }
    }

    /// Starts to listen, on the loopback interface only. Needs a running tokio runtime.
    pub async fn start(self) -> io::Result<Sandbox> {
        let state = Arc::new(AppState::new(self.settings, Catalogue::load()?));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, self.port)).await?;
        let address = listener.local_addr()?;
        let (stop, stopping) = watch::channel(false);
        let listener = LocalListener { listener, stop: stopping.clone() };
        let server = axum::serve(listener, router::router(Arc::clone(&state)));
        let server = tokio::spawn(server.with_graceful_shutdown(stopped(stopping)).into_future());
        let base_url = format!("http://{address}{}", router::BASE_PATH);
        Ok(Sandbox { address, base_url, state, stop, server })
    }
}

/// A running sandbox. Stops when it is dropped.
#[derive(Debug)]
#[must_use = "a sandbox stops when it is dropped"]
pub struct Sandbox {
    address: SocketAddr,
    base_url: String,
    state: Arc<AppState>,
    /// Dropping the sender stops the server, too.
    stop: watch::Sender<bool>,
    server: JoinHandle<io::Result<()>>,
}

impl Sandbox {
    /// Starts a sandbox with the defaults, on a free port.
    pub async fn start() -> io::Result<Self> {
        Self::builder().start().await
    }

    /// Starts to describe a sandbox.
    pub fn builder() -> SandboxBuilder {
        let slow_first_token = Duration::from_secs(3);
        SandboxBuilder {
            port: 0,
            settings: Settings { seed: 1, token_delay: Duration::ZERO, slow_first_token },
        }
    }

    /// What to give a client as its base URL: `http://127.0.0.1:PORT/api/v1`.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Where the sandbox listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The requests that came in so far, oldest first; the newest 10,000 are kept.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.state.requests()
    }

    /// How many event streams are being sent at this moment.
    ///
    /// A stream counts until its last byte was handed to the connection, or until the client is gone.
    pub fn open_streams(&self) -> usize {
        self.state.open_streams.load(Ordering::SeqCst)
    }

    /// Stops listening and closes all connections, whatever they are doing.
    pub async fn stop(self) {
        let Self { stop, server, .. } = self;
        stop.send_replace(true);
        // It can only have panicked or been cancelled with its runtime; either way it has stopped.
        let _ = server.await;
    }

    /// Serves for as long as there is a server to wait for; a binary stops waiting on Ctrl-C.
    pub async fn wait(&self) {
        // The listener and its connections hold the other ends.
        self.stop.closed().await;
    }
}
