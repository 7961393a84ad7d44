//! A limit on calls that are under way at once: a semaphore.

use std::sync::Arc;

use provider_core::author::StreamObserver;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Lets through so many calls at a time, in the order they come.
#[derive(Debug)]
pub(super) struct ConcurrencyLimit(Arc<Semaphore>);

/// A call's place among those that are under way, which is free again when the permit is dropped.
#[derive(Debug)]
pub(super) struct Permit {
    _permit: OwnedSemaphorePermit,
}

/// A stream holds its permit until it is over, or dropped.
impl StreamObserver for Permit {}

impl ConcurrencyLimit {
    pub(super) fn new(calls: u32) -> Self {
        let permits = usize::try_from(calls).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
        Self(Arc::new(Semaphore::new(permits)))
    }

    /// Waits for a place. A call that is dropped before leaves the queue.
    pub(super) async fn acquire(&self) -> Option<Permit> {
        // The semaphore is never closed, so there is always a permit in the end.
        Some(Permit { _permit: self.0.clone().acquire_owned().await.ok()? })
    }
}
