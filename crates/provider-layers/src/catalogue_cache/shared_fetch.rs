//! What the callers of a cache share.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use provider_core::{Catalogue, Error, LlmProvider};
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::disk::{Disk, off_thread};
use super::flight::Flight;

/// A list, and since when it is there.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) catalogue: Arc<Catalogue>,
    pub(super) from_disk: bool,
    since: Instant,
    age_then: Duration,
    /// How long it took to fetch.
    took: Duration,
}

impl Entry {
    /// A list that has just come, and was asked for at that time.
    pub(super) fn fetched(catalogue: Catalogue, asked: Instant) -> Self {
        let since = Instant::now();
        let took = since.saturating_duration_since(asked);
        Self { catalogue: Arc::new(catalogue), from_disk: false, since, age_then: Duration::ZERO, took }
    }

    /// A list that was asked for so long ago.
    pub(super) fn from_disk(catalogue: Catalogue, age: Duration) -> Self {
        let (since, took) = (Instant::now(), Duration::ZERO);
        Self { catalogue: Arc::new(catalogue), from_disk: true, since, age_then: age, took }
    }

    pub(super) fn age(&self) -> Duration {
        self.age_then.saturating_add(self.since.elapsed())
    }

    /// How long ago it was asked for. That decides which of two lists is the newer one: the answer that took
    /// longer may be the older.
    pub(super) fn asked_ago(&self) -> Duration {
        self.age().saturating_add(self.took)
    }
}

/// The last fetch, if it failed.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub(super) error: Error,
    pub(super) at: Instant,
}

type Fetch = Flight<Result<Entry, Error>>;

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) provider: Arc<dyn LlmProvider>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    entry: Option<Entry>,
    failure: Option<Failure>,
    /// The fetch that is under way, and the reading of the file. Those who wait for them keep them alive.
    fetch: Weak<Fetch>,
    reading: Weak<Flight<()>>,
    has_read: bool,
    disk_error: Option<Error>,
    /// The task that fetches a new list while a stale one is in use.
    task: Option<AbortHandle>,
    /// How often everything was forgotten: what began before that is not kept.
    era: u64,
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
        // It guards plain values: whoever panicked while holding it left them whole.
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
        let (era, task) = (state.era + 1, state.task.take());
        *state = State { era, has_read: true, ..State::default() };
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

    /// The fetch that is under way, or a new one, and whether it is new.
    pub(super) fn fetch(self: &Arc<Self>, disk: Option<&Disk>) -> (Arc<Fetch>, bool) {
        let mut state = self.lock();
        if let Some(fetch) = state.fetch.upgrade() {
            return (fetch, false);
        }
        let (shared, disk, era) = (self.clone(), disk.cloned(), state.era);
        let fetch = Flight::new(async move {
            let asked = Instant::now();
            let fetched = shared.provider.models().await;
            let (fetched, is_kept) = shared.land(fetched.map(|list| Entry::fetched(list, asked)), era);
            if let (Ok(entry), Some(disk), true) = (&fetched, disk, is_kept) {
                let entry = entry.clone();
                shared.written(off_thread(move || disk.write(&entry)).await, era);
            }
            fetched
        });
        state.fetch = Arc::downgrade(&fetch);
        (fetch, true)
    }

    /// Keeps what was fetched, or why it was not, unless everything was forgotten since. Whether it did.
    fn land(&self, fetched: Result<Entry, Error>, era: u64) -> (Result<Entry, Error>, bool) {
        let mut state = self.lock();
        let is_kept = state.era == era;
        if is_kept {
            state.fetch = Weak::new();
            match &fetched {
                Ok(entry) => {
                    state.offer(entry.clone());
                    state.failure = None;
                }
                Err(error) => {
                    state.failure = Some(Failure { error: error.clone(), at: Instant::now() });
                }
            }
        }
        (fetched, is_kept)
    }

    /// Keeps what came of writing the file: an error, or the newer list of another process that is in it.
    fn written(&self, outcome: Option<Result<Option<Entry>, Error>>, era: u64) {
        let mut state = self.lock();
        if state.era != era {
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

    /// Somebody could not wait for a list.
    pub(super) fn failed(&self, error: Error) {
        self.lock().failure = Some(Failure { error, at: Instant::now() });
    }

    /// Reads the file, if nobody has yet.
    pub(super) async fn read(self: &Arc<Self>, disk: &Disk) {
        let reading = {
            let mut state = self.lock();
            if state.has_read {
                return;
            }
            state.reading.upgrade().unwrap_or_else(|| {
                let (shared, disk) = (self.clone(), disk.clone());
                let reading = Flight::new(async move {
                    let found = off_thread(move || disk.read()).await.flatten();
                    let mut state = shared.lock();
                    // Who forgot everything in the meantime has marked the file as read.
                    if !std::mem::replace(&mut state.has_read, true) {
                        found.into_iter().for_each(|entry| state.offer(entry));
                    }
                });
                state.reading = Arc::downgrade(&reading);
                reading
            })
        };
        reading.landed().await;
    }
}
