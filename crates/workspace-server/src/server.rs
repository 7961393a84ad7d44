//! The server: what it is made of, and its life.

use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use provider_registry::Registry;
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;
use workspace_store::{Connections, Recorder, RecorderSettings, Store, StoreError};

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
}

impl Server {
    /// A server for the workspaces of a store, with the providers of a registry. Must be called inside a
    /// tokio runtime: the recorder runs on it.
    ///
    /// # Errors
    /// [`ServerError::Store`] when the recorder's file cannot be opened.
    pub fn new(store: Store, registry: Registry, settings: ServerSettings) -> Result<Self, ServerError> {
        let recorder = Recorder::start(store.clone(), RecorderSettings::new(&settings.spill))?;
        let connections = Connections::new(store.clone(), registry.clone());
        let tasks = TaskTracker::new();
        Ok(Self(Arc::new(Shared { store, registry, connections, recorder, settings, tasks })))
    }

    /// Serves until `stop` ends. Running calls may finish within the time to
    /// [drain](ServerSettings::drain); what they cost and what was run is in the store at the end.
    ///
    /// # Errors
    /// [`ServerError::Io`] when the listener fails.
    pub async fn serve(
        self,
        listener: TcpListener,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), ServerError> {
        let service = router(self.0.clone()).into_make_service_with_connect_info::<SocketAddr>();
        axum::serve(listener, service).with_graceful_shutdown(stop).await?;
        self.0.tasks.close();
        self.0.tasks.wait().await;
        self.0.recorder.flush().await;
        Ok(())
    }
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
