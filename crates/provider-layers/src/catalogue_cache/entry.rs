//! A list of models in the cache, and its age.

use std::sync::Arc;
use std::time::Duration;

use provider_core::Catalogue;
use tokio::time::Instant;

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
    /// Makes the entry of a list that has just come, and was asked for at that time.
    pub(super) fn fetched(catalogue: Catalogue, asked: Instant) -> Self {
        let since = Instant::now();
        let took = since.saturating_duration_since(asked);
        Self { catalogue: Arc::new(catalogue), from_disk: false, since, age_then: Duration::ZERO, took }
    }

    /// Makes the entry of a list that was asked for so long ago.
    pub(super) fn from_disk(catalogue: Catalogue, age: Duration) -> Self {
        let (since, took) = (Instant::now(), Duration::ZERO);
        Self { catalogue: Arc::new(catalogue), from_disk: true, since, age_then: age, took }
    }

    pub(super) fn age(&self) -> Duration {
        self.age_then.saturating_add(self.since.elapsed())
    }

    /// How long ago it was asked for. That decides which of two lists is newer: the answer that took longer
    /// may be the older one.
    pub(super) fn asked_ago(&self) -> Duration {
        self.age().saturating_add(self.took)
    }
}
