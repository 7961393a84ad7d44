//! A catalogue, and how it came to be there.

use std::sync::Arc;
use std::time::Duration;

use provider_core::{Catalogue, Error};

use super::shared_fetch::{Entry, Failure};

/// A catalogue out of a [`CatalogueCache`](crate::CatalogueCache).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CachedCatalogue {
    /// The list.
    pub catalogue: Arc<Catalogue>,
    /// Where it came from.
    pub origin: CatalogueOrigin,
    /// Why no newer one is there, if the last attempt to fetch one failed.
    pub refresh_error: Option<Error>,
    entry: Entry,
    fresh_for: Duration,
}

/// Where a catalogue came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CatalogueOrigin {
    /// It was fetched for this call.
    Network,
    /// It was fetched for an earlier call.
    Memory,
    /// It was read from disk, by this call or by an earlier one, and none has been fetched since.
    Disk,
}

impl CachedCatalogue {
    pub(super) fn new(entry: Entry, fresh_for: Duration, failure: Option<Failure>) -> Self {
        let origin = if entry.from_disk { CatalogueOrigin::Disk } else { CatalogueOrigin::Memory };
        let refresh_error = failure.map(|failure| failure.error);
        Self { catalogue: entry.catalogue.clone(), origin, refresh_error, entry, fresh_for }
    }

    /// How long ago it was fetched.
    pub fn age(&self) -> Duration {
        self.entry.age()
    }

    /// Whether it is older than the cache takes for [fresh](crate::CatalogueCache::fresh_for).
    pub fn is_stale(&self) -> bool {
        self.age() >= self.fresh_for
    }
}
