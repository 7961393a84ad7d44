//! The server: what it is made of, and its life.

mod connection;

use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use provider_http::HttpClient;
use provider_registry::Registry;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use workspace_store::{Connections, Recorder, RecorderSettings, Store, StoreError};

use crate::limits::{Limits, WrongTokens};
use crate::metrics::Metrics;
use crate::routes::router;
use crate::settings::ServerSettings;
use crate::state::{App, Shared};

/// The HTTP server of a store's workspaces.
pub struct Server(App);

/// The errors of a server as a whole.
#[derive(Debug)]
#[non_exhaustive]
pub enum ServerError {
    /// The recorder of runs does not start.
    Store(StoreError),
    /// The listener failed.
    Io(std::io::Error),
    /// The HTTP client of the providers cannot be made.
    Client(provider_core::Error),
}

/// How long calls that were cut off may take to tell their clients.
const GOODBYE: Duration = Duration::from_secs(5);

/// How long the last settlements and records may take. What is not in the database by then is settled when
/// its lease ends, and is recorded from the spill file.
const CLOSING: Duration = Duration::from_secs(10);

/// How many exports a host makes at the same time.
const MAX_EXPORTS: usize = 2;

impl Server {
    /// A server for the workspaces of a store, with the providers of a registry. Must be called inside a
    /// tokio runtime: the recorder runs on it.
    ///
    /// # Errors
    /// [`ServerError::Store`] when the recorder's file cannot be opened, [`ServerError::Client`] when the
    /// HTTP client of the providers cannot be made.
    pub fn new(store: Store, registry: Registry, settings: ServerSettings) -> Result<Self, ServerError> {
        let registry = guarded(registry, &settings)?;
        let recorder = Recorder::start(store.clone(), RecorderSettings::new(&settings.spill))?;
        let connections = Connections::new(store.clone(), registry.clone());
        Ok(Self(Arc::new(Shared {
            store,
            registry,
            connections,
            recorder,
            limits: Limits::new(&settings),
            wrong_tokens: WrongTokens::new(&settings),
            metrics: Metrics::new(),
            exports: Arc::new(Semaphore::new(MAX_EXPORTS)),
            settings,
            tasks: TaskTracker::new(),
            leaving: CancellationToken::new(),
            stopping: CancellationToken::new(),
            drained: CancellationToken::new(),
        })))
    }

    /// Serves until `stop` ends, and for the [delay](ServerSettings::stop_delay) behind it. Running calls may
    /// finish within the time to [drain](ServerSettings::drain), and those that do not end with an error;
    /// what they cost and what was run is in the store at the end. Dropping the future ends them all at once.
    ///
    /// It speaks HTTP/1.1. TLS is the business of a proxy in front.
    ///
    /// # Errors
    /// [`ServerError::Io`] when the listener fails.
    pub async fn serve(
        self,
        listener: TcpListener,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), ServerError> {
        let router = router(self.0.clone());
        run(&self.0, &router, listener, stop).await;
        Ok(())
    }
}

/// Serves these routes until `stop` ends and what runs then is over.
async fn run(app: &App, router: &Router, listener: TcpListener, stop: impl Future<Output = ()>) {
    let mut connections = JoinSet::new();
    let stop = async {
        stop.await;
        app.leaving.cancel();
        sleep(app.settings.stop_delay).await;
    };
    accept(app, router, listener, &mut connections, stop).await;
    app.stopping.cancel();
    if timeout(app.settings.drain, all_ended(&mut connections)).await.is_err() {
        app.drained.cancel();
        let _ = timeout(GOODBYE, all_ended(&mut connections)).await;
        connections.shutdown().await;
    }
    app.tasks.close();
    let closed = timeout(CLOSING, async {
        app.tasks.wait().await;
        app.recorder.flush().await;
    });
    if closed.await.is_err() {
        tracing::error!("the last calls are not settled or recorded; does the database answer?");
    }
}

/// Takes connections until `stop` ends.
async fn accept(
    app: &App,
    router: &Router,
    listener: TcpListener,
    connections: &mut JoinSet<()>,
    stop: impl Future<Output = ()>,
) {
    let places = Arc::new(Semaphore::new(app.settings.max_connections));
    let mut stop = pin!(stop);
    loop {
        let accepted = tokio::select! {
            biased;
            () = &mut stop => return,
            Some(_) = connections.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => match places.clone().try_acquire_owned() {
                Ok(place) => {
                    let (router, app) = (router.clone(), app.clone());
                    connections.spawn(async move {
                        let _held = (place, app.metrics.connection());
                        connection::serve(stream, peer, router, app.clone()).await;
                    });
                }
                Err(_) => {
                    app.metrics.connection_refused();
                    refuse(&stream);
                }
            },
            // The peer is gone already, or this process has no file left, which passes.
            Err(error) => {
                tracing::warn!(%error, "a connection cannot be taken");
                sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

/// Answers a connection beyond the most that are served, without waiting for it.
fn refuse(stream: &TcpStream) {
    const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\ncontent-length: 0\r\n\
        connection: close\r\n\r\n";
    // The buffer of a new socket has room for it; if it had not, the connection would close without.
    let _ = stream.try_write(FULL);
}

async fn all_ended(connections: &mut JoinSet<()>) {
    while connections.join_next().await.is_some() {}
}

/// The registry with an HTTP client that keeps to the policy, unless it has one of the host's own.
fn guarded(registry: Registry, settings: &ServerSettings) -> Result<Registry, ServerError> {
    if registry.provider_context().get::<HttpClient>().is_some() {
        return Ok(registry);
    }
    let http = HttpClient::builder().addresses(settings.addresses.clone()).build();
    let context = registry.provider_context().clone().with(http.map_err(ServerError::Client)?);
    Ok(registry.context(context))
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("settings", &self.0.settings).finish_non_exhaustive()
    }
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ServerError::Store(error) => write!(f, "the recorder of runs does not start: {error}"),
            ServerError::Io(error) => write!(f, "the server cannot listen: {error}"),
            ServerError::Client(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ServerError {}

impl From<StoreError> for ServerError {
    fn from(error: StoreError) -> Self {
        ServerError::Store(error)
    }
}

impl From<std::io::Error> for ServerError {
    fn from(error: std::io::Error) -> Self {
        ServerError::Io(error)
    }
}

#[cfg(test)]
mod tests;
