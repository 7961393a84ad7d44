//! The state that the callers of a cache share, and fetches that they share: single-flight.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared as SharedFuture, WeakShared};
use provider_core::{Error, LlmProvider};
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::disk::{Disk, off_thread};
use super::entry::Entry;

/// A fetch that all its callers poll. It goes on as long as one of them does, so it depends on none of them,
/// and it stops when the last one has dropped its handle.
pub(super) type SharedFetch = SharedFuture<BoxFuture<'static, Result<Entry, Error>>>;

/// The last fetch, if it failed.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub(super) error: Error,
    pub(super) at: Instant,
}

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) provider: Arc<dyn LlmProvider>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    entry: Option<Entry>,
    failure: Option<Failure>,
    /// The fetch that is under way. Its callers keep it alive.
    fetch: Option<WeakShared<BoxFuture<'static, Result<Entry, Error>>>>,
    /// The reading of the file that is under way.
    reading: Option<WeakShared<BoxFuture<'static, ()>>>,
    has_read: bool,
    disk_error: Option<Error>,
    /// The task that fetches a new list while a stale one is in use.
    task: Option<AbortHandle>,
    /// The number of times that the list was forgotten. A fetch of an earlier epoch is not kept.
    epoch: u64,
}

impl State {
    /// Keeps a list, unless the one that is there is newer.
    fn offer(&mut self, entry: Entry) {
        if self.entry.as_ref().is_none_or(|there| entry.asked_ago() <= there.asked_ago()) {
            self.entry = Some(entry);
        }
    }
}

impl Shared {
    pub(super) fn new(provider: Arc<dyn LlmProvider>) -> Self {
        Self { provider, state: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The state has no invariant that a panic could break half-way.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn look(&self) -> (Option<Entry>, Option<Failure>) {
        let state = self.lock();
        (state.entry.clone(), state.failure.clone())
    }

    pub(super) fn disk_error(&self) -> Option<Error> {
        self.lock().disk_error.clone()
    }

    pub(super) fn forget(&self) {
        let mut state = self.lock();
        let (epoch, task) = (state.epoch + 1, state.task.take());
        *state = State { epoch, has_read: true, ..State::default() };
        if let Some(task) = task {
            task.abort();
        }
    }

    /// Stops the task there is and keeps this one.
    pub(super) fn replace_task(&self, task: Option<AbortHandle>) {
        if let Some(old) = std::mem::replace(&mut self.lock().task, task) {
            old.abort();
        }
    }

    /// Joins the fetch that is under way, or begins one. The second value tells whether it is new.
    pub(super) fn fetch(self: &Arc<Self>, disk: Option<&Disk>) -> (SharedFetch, bool) {
        let mut state = self.lock();
        if let Some(fetch) = state.fetch.as_ref().and_then(WeakShared::upgrade) {
            return (fetch, false);
        }
        let fetch = self.clone().run_fetch(disk.cloned(), state.epoch).boxed().shared();
        state.fetch = fetch.downgrade();
        (fetch, true)
    }

    async fn run_fetch(self: Arc<Self>, disk: Option<Disk>, epoch: u64) -> Result<Entry, Error> {
        let asked = Instant::now();
        let fetched = self.provider.models().await.map(|list| Entry::fetched(list, asked));
        let is_kept = self.keep(&fetched, epoch);
        if let (Ok(entry), Some(disk), true) = (&fetched, disk, is_kept) {
            let entry = entry.clone();
            let written = off_thread(move || disk.write(&entry)).await;
            self.keep_written(written, epoch);
        }
        fetched
    }

    /// Keeps the outcome of a fetch, unless the list was forgotten since. Returns whether it did.
    fn keep(&self, fetched: &Result<Entry, Error>, epoch: u64) -> bool {
        let mut state = self.lock();
        if state.epoch != epoch {
            return false;
        }
        state.fetch = None;
        match fetched {
            Ok(entry) => {
                state.offer(entry.clone());
                state.failure = None;
            }
            Err(error) => state.failure = Some(Failure { error: error.clone(), at: Instant::now() }),
        }
        true
    }

    /// Keeps the outcome of writing the file: an error, or the newer list of another process that is in it.
    fn keep_written(&self, outcome: Option<Result<Option<Entry>, Error>>, epoch: u64) {
        let mut state = self.lock();
        if state.epoch != epoch {
            return;
        }
        state.disk_error = match outcome {
            Some(Err(error)) => Some(error),
            Some(Ok(newer)) => {
                newer.into_iter().for_each(|entry| state.offer(entry));
                None
            }
            None => None,
        };
    }

    /// Keeps the failure of a caller that could not wait for a list.
    pub(super) fn fail(&self, error: Error) {
        self.lock().failure = Some(Failure { error, at: Instant::now() });
    }

    /// Reads the file, or waits for the reading that is under way. It is read once.
    pub(super) async fn read(self: &Arc<Self>, disk: &Disk) {
        let reading = {
            let mut state = self.lock();
            if state.has_read {
                return;
            }
            let under_way = state.reading.as_ref().and_then(WeakShared::upgrade);
            under_way.unwrap_or_else(|| {
                let reading = self.clone().run_reading(disk.clone()).boxed().shared();
                state.reading = reading.downgrade();
                reading
            })
        };
        reading.await;
    }

    async fn run_reading(self: Arc<Self>, disk: Disk) {
        let found = off_thread(move || disk.read()).await.flatten();
        let mut state = self.lock();
        // `forget` marks the file as read, so that a list from before does not come back.
        if !std::mem::replace(&mut state.has_read, true) {
            found.into_iter().for_each(|entry| state.offer(entry));
        }
    }
}
