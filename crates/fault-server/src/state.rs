//! What all connections of a server share.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::request::Request;
use crate::script::Script;

/// The newest requests are kept, up to this many.
const MAX_RECORDED_REQUESTS: usize = 10_000;

/// What the server says to a request.
pub(crate) type Responder = Box<dyn FnMut(&Request) -> Script + Send>;

/// What the server says to a head whose body has not been read.
pub(crate) type EarlyResponder = Box<dyn FnMut(&Request) -> Option<Script> + Send>;

/// What the server says to a connection before anything was asked.
pub(crate) type AcceptHook = Box<dyn FnMut(usize) -> Option<Script> + Send>;

/// What has happened so far.
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
    answer: Mutex<Responder>,
    early: Mutex<Option<EarlyResponder>>,
    on_accept: Mutex<Option<AcceptHook>>,
    log: Mutex<VecDeque<Request>>,
    counts: watch::Sender<Counts>,
    pub(crate) max_request_bytes: usize,
}

impl ServerState {
    pub(crate) fn new(
        answer: Responder,
        early: Option<EarlyResponder>,
        on_accept: Option<AcceptHook>,
        max_request_bytes: usize,
    ) -> Self {
        Self {
            answer: Mutex::new(answer),
            early: Mutex::new(early),
            on_accept: Mutex::new(on_accept),
            log: Mutex::default(),
            counts: watch::Sender::default(),
            max_request_bytes,
        }
    }

    pub(crate) fn change(&self, answer: Responder) {
        *lock(&self.answer) = answer;
    }

    pub(crate) fn answer(&self, request: &Request) -> Script {
        (*lock(&self.answer))(request)
    }

    pub(crate) fn early(&self, head: &Request) -> Option<Script> {
        lock(&self.early).as_mut().and_then(|early| early(head))
    }

    pub(crate) fn on_accept(&self, connection: usize) -> Option<Script> {
        lock(&self.on_accept).as_mut().and_then(|on_accept| on_accept(connection))
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        lock(&self.log).iter().cloned().collect()
    }

    pub(crate) fn counts(&self) -> &watch::Sender<Counts> {
        &self.counts
    }

    /// Numbers a request and keeps it.
    pub(crate) fn record(&self, request: &mut Request) {
        let mut log = lock(&self.log);
        self.counts.send_modify(|counts| {
            counts.requests += 1;
            request.number = counts.requests;
            if log.len() == MAX_RECORDED_REQUESTS {
                log.pop_front();
            }
            log.push_back(request.clone());
        });
    }
}

/// An open connection. When it is dropped, it counts as closed.
pub(crate) struct ConnectionGuard {
    state: Arc<ServerState>,
    pub(crate) number: usize,
    pub(crate) by_client: bool,
}

impl ConnectionGuard {
    pub(crate) fn new(state: Arc<ServerState>) -> Self {
        let mut number = 0;
        state.counts.send_modify(|counts| {
            counts.connections += 1;
            counts.open += 1;
            number = counts.connections;
        });
        Self { state, number, by_client: false }
    }

    pub(crate) fn state(&self) -> &ServerState {
        &self.state
    }
}

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        self.state.counts.send_modify(|counts| {
            counts.open -= 1;
            counts.closed_by_client += usize::from(self.by_client);
        });
    }
}

/// A script that panicked must not keep the server from what is left to do.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
