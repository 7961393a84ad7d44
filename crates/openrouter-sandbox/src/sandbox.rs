//! The handle of a running sandbox, and its builder.

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

/// Configures and starts a [`Sandbox`]. [`Sandbox::builder`] creates it.
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until it is started"]
pub struct SandboxBuilder {
    port: u16,
    settings: Settings,
}

impl SandboxBuilder {
    /// The port to listen on. Default: 0, which takes a free one.
    pub fn port(self, port: u16) -> Self {
        Self { port, ..self }
    }

    /// The seed of generated content: words, ids, arguments. Default: 1.
    pub fn seed(self, seed: u64) -> Self {
        Self { settings: Settings { seed, ..self.settings }, ..self }
    }

    /// The time that each token takes. Default: zero.
    pub fn token_delay(self, token_delay: Duration) -> Self {
        Self { settings: Settings { token_delay, ..self.settings }, ..self }
    }

    /// The time until the first token of `sandbox/slow-first-token`. Default: 3 s.
    pub fn slow_first_token(self, slow_first_token: Duration) -> Self {
        Self { settings: Settings { slow_first_token, ..self.settings }, ..self }
    }

    /// The time for which the code of an approval can be given for a key. Default: 10 min; the service does
    /// not tell its own.
    pub fn auth_code_life(self, auth_code_life: Duration) -> Self {
        Self { settings: Settings { auth_code_life, ..self.settings }, ..self }
    }

    /// The time for which an access token of `POST /oauth/token` is good, in whole seconds. Default: 15 min,
    /// the most that the service gives.
    pub fn access_token_life(self, access_token_life: Duration) -> Self {
        Self { settings: Settings { access_token_life, ..self.settings }, ..self }
    }

    /// Whether the requests for a model go to its endpoints in turn, unless `provider.order` or
    /// `provider.sort` says otherwise. Default: false, and the first endpoint that may serve does.
    pub fn balance_load(self, balances_load: bool) -> Self {
        Self { settings: Settings { balances_load, ..self.settings }, ..self }
    }

    /// Starts the sandbox, on the loopback interface only. Needs a tokio runtime.
    ///
    /// # Errors
    /// When the port is not free.
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

/// A running sandbox. Dropping it stops it.
#[derive(Debug)]
#[must_use = "a sandbox stops when it is dropped"]
pub struct Sandbox {
    address: SocketAddr,
    base_url: String,
    state: Arc<AppState>,
    /// Stops the server when it sends `true` or is dropped.
    stop: watch::Sender<bool>,
    server: JoinHandle<io::Result<()>>,
}

impl Sandbox {
    /// Starts a sandbox with the defaults, on a free port.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn start() -> io::Result<Self> {
        Self::builder().start().await
    }

    /// A builder with the defaults.
    pub fn builder() -> SandboxBuilder {
        let slow_first_token = Duration::from_secs(3);
        SandboxBuilder {
            port: 0,
            settings: Settings {
                seed: 1,
                token_delay: Duration::ZERO,
                slow_first_token,
                auth_code_life: Duration::from_secs(600),
                access_token_life: Duration::from_secs(900),
                balances_load: false,
            },
        }
    }

    /// The base URL for a client: `http://127.0.0.1:PORT/api/v1`.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The address on which the sandbox listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The requests so far, oldest first; the newest 10,000 of them.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.state.requests()
    }

    /// The number of event streams that are being sent.
    ///
    /// A stream counts until its last byte is handed to the connection, or until the client closes it.
    pub fn open_streams(&self) -> usize {
        self.state.open_streams.load(Ordering::SeqCst)
    }

    /// Stops listening and closes all connections, stalled ones too.
    pub async fn stop(self) {
        let Self { stop, server, .. } = self;
        stop.send_replace(true);
        // An error means that the server panicked or was cancelled with its runtime: it has stopped, too.
        let _ = server.await;
    }

    /// Waits until the server ends by itself. A program drops this future to stop, on Ctrl-C for example.
    pub async fn wait(&self) {
        // The listener and its connections hold the receivers.
        self.stop.closed().await;
    }
}
