//! The state that all requests share.

use std::sync::Arc;

use provider_registry::Registry;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use workspace_store::{Connections, Recorder, Store};

use crate::limits::{Limits, WrongTokens};
use crate::metrics::Metrics;
use crate::settings::ServerSettings;

/// The state that all requests share. Cheap to clone.
pub(crate) type App = Arc<Shared>;

pub(crate) struct Shared {
    pub(crate) store: Store,
    pub(crate) registry: Registry,
    pub(crate) connections: Connections,
    pub(crate) recorder: Recorder,
    pub(crate) settings: ServerSettings,
    /// The settlements that are under way: a stop waits for them.
    pub(crate) tasks: TaskTracker,
    pub(crate) limits: Limits,
    pub(crate) wrong_tokens: WrongTokens,
    pub(crate) metrics: Metrics,
    /// Places for exports, each of which holds a connection to the database.
    pub(crate) exports: Arc<Semaphore>,
    /// The server was told to stop, which `/readyz` tells, and takes new requests for a while yet.
    pub(crate) leaving: CancellationToken,
    /// The server stops: no new request, and those that run may finish.
    pub(crate) stopping: CancellationToken,
    /// The time to drain is over: those that still run end with an error.
    pub(crate) drained: CancellationToken,
}
