//! The state that all connections of a server share: its closures, its log of requests, its counts.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::request::Request;
use crate::script::Script;

/// Chooses the script for a request.
pub(crate) type Responder = Box<dyn FnMut(&Request) -> Script + Send>;

/// Chooses a script for a request whose body is not read yet.
pub(crate) type EarlyResponder = Box<dyn FnMut(&Request) -> Option<Script> + Send>;

/// Chooses a script for a new connection, given its number.
pub(crate) type AcceptHook = Box<dyn FnMut(usize) -> Option<Script> + Send>;

/// Counts of requests and connections so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) requests: usize,
    pub(crate) connections: usize,
    pub(crate) open: usize,
    pub(crate) closed_by_client: usize,
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { requests, connections, open, closed_by_client } = self;
        write!(f, "requests: {requests}, connections: {connections} (open: {open}, ")?;
        write!(f, "closed by the client: {closed_by_client})")
    }
}

pub(crate) struct ServerState {
    responder: Mutex<Responder>,
    early_responder: Mutex<Option<EarlyResponder>>,
    accept_hook: Mutex<Option<AcceptHook>>,
    requests: Mutex<VecDeque<Request>>,
    counts: watch::Sender<Counts>,
    pub(crate) max_request_bytes: usize,
}

impl ServerState {
    pub(crate) fn new(
        responder: Responder,
        early_responder: Option<EarlyResponder>,
        accept_hook: Option<AcceptHook>,
        max_request_bytes: usize,
    ) -> Self {
        Self {
            responder: Mutex::new(responder),
            early_responder: Mutex::new(early_responder),
            accept_hook: Mutex::new(accept_hook),
            requests: Mutex::default(),
            counts: watch::Sender::default(),
            max_request_bytes,
        }
    }

    pub(crate) fn set_responder(&self, responder: Responder) {
        *lock(&self.responder) = responder;
    }

    pub(crate) fn respond(&self, request: &Request) -> Script {
        (*lock(&self.responder))(request)
    }

    pub(crate) fn respond_early(&self, head: &Request) -> Option<Script> {
        lock(&self.early_responder).as_mut().and_then(|responder| responder(head))
    }

    pub(crate) fn on_accept(&self, connection: usize) -> Option<Script> {
        lock(&self.accept_hook).as_mut().and_then(|hook| hook(connection))
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        lock(&self.requests).iter().cloned().collect()
    }

    pub(crate) fn counts(&self) -> &watch::Sender<Counts> {
        &self.counts
    }

    /// Numbers a request and adds it to the log.
    pub(crate) fn record(&self, request: &mut Request) {
        /// A server that runs for long keeps the newest requests alone.
        const MAX_RECORDED_REQUESTS: usize = 10_000;

        // Both change under one lock, so that a request which is counted is in the log.
        let mut requests = lock(&self.requests);
        self.counts.send_modify(|counts| {
            counts.requests += 1;
            request.number = counts.requests;
            if requests.len() == MAX_RECORDED_REQUESTS {
                requests.pop_front();
            }
            requests.push_back(request.clone());
        });
    }
}

/// Counts a connection as open until it is dropped.
pub(crate) struct ConnectionGuard {
    state: Arc<ServerState>,
    pub(crate) number: usize,
    pub(crate) closed_by_client: bool,
}

impl ConnectionGuard {
    pub(crate) fn new(state: Arc<ServerState>) -> Self {
        let mut number = 0;
        state.counts.send_modify(|counts| {
            counts.connections += 1;
            counts.open += 1;
            number = counts.connections;
        });
        Self { state, number, closed_by_client: false }
    }

    pub(crate) fn state(&self) -> &ServerState {
        &self.state
    }
}

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        self.state.counts.send_modify(|counts| {
            counts.open -= 1;
            counts.closed_by_client += usize::from(self.closed_by_client);
        });
    }
}

/// Locks a mutex. A closure of the test that panicked with the lock leaves nothing half changed, so that the
/// server can serve its other connections.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
