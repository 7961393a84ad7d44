//! A provider's list of models, fetched once for all callers, and kept.

mod disk;
mod entry;
mod shared_fetch;

use std::fmt;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use provider_core::author::ErrorContext;
use provider_core::{Catalogue, Error, ErrorKind, LlmProvider, LlmProviderExt, Operation};
use tokio::runtime::Handle;
use tokio::time::timeout;

use self::disk::Disk;
use self::entry::Entry;
use self::shared_fetch::{Failure, Shared, SharedFetch};

/// Keeps the catalogue of one provider, in memory and, if wanted, on disk.
///
/// ```
/// # use std::sync::Arc;
/// # use provider_core::{Error, LlmProvider};
/// use provider_layers::{CatalogueCache, CatalogueCacheSettings};
///
/// # async fn list(openrouter: Arc<dyn LlmProvider>) -> Result<(), Error> {
/// let settings = CatalogueCacheSettings::default().disk("/var/cache/host/openrouter.json");
/// let cache = CatalogueCache::new(openrouter, settings);
/// let cached = cache.get().await?;
/// println!("{} models, {:?} old", cached.catalogue.models.len(), cached.age());
/// # Ok(())
/// # }
/// ```
///
/// # How `get` decides
///
/// | the list is | `get` |
/// |---|---|
/// | younger than [`max_age`] | returns it |
/// | stale for less than [`stale_while_revalidate`] | returns it, and fetches a new one in the background |
/// | older, or not there | fetches it |
/// | not there, and the last fetch failed less than [`negative_ttl`] ago | returns that error again |
///
/// [`max_age`]: CatalogueCacheSettings::max_age
/// [`stale_while_revalidate`]: CatalogueCacheSettings::stale_while_revalidate
/// [`negative_ttl`]: CatalogueCacheSettings::negative_ttl
///
/// Fetches are single-flight: a caller that asks while the list is being fetched waits for the same fetch. A
/// caller that gives up waiting does not stop it for the others; when the last one has given up, it stops.
///
/// # The task in the background
///
/// There is one task at most, which fetches a new list while a stale one is in use. It ends when the
/// provider's own timeouts say so at the latest, and when the cache is dropped. It needs a tokio runtime:
/// without one, the caller waits for the new list, and gets the stale one if there is none.
///
/// # Who shares it
///
/// The list lives in the cache: share the cache, as an `Arc`. Two caches of one provider fetch twice; with
/// one file on [disk](CatalogueCacheSettings::disk), the later start finds the list of the earlier.
pub struct CatalogueCache {
    settings: CatalogueCacheSettings,
    disk: Option<Disk>,
    shared: Arc<Shared>,
}

/// The settings of a [`CatalogueCache`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CatalogueCacheSettings {
    max_age: Duration,
    stale_while_revalidate: Duration,
    negative_ttl: Duration,
    disk: Option<PathBuf>,
}

impl Default for CatalogueCacheSettings {
    fn default() -> Self {
        Self {
            max_age: Duration::from_secs(5 * 60),
            stale_while_revalidate: Duration::from_secs(24 * 60 * 60),
            negative_ttl: Duration::from_secs(10),
            disk: None,
        }
    }
}

impl CatalogueCacheSettings {
    /// Sets how long a list is fresh. Default: 5 minutes. Zero: every caller waits for one that is fetched
    /// now.
    #[must_use]
    pub fn max_age(mut self, time: Duration) -> Self {
        self.max_age = time;
        self
    }

    /// Sets how long, after that, a stale list is returned while a new one is fetched. Default: 24 hours.
    /// Zero: not at all.
    #[must_use]
    pub fn stale_while_revalidate(mut self, time: Duration) -> Self {
        self.stale_while_revalidate = time;
        self
    }

    /// Sets how long a failed fetch stands for the next ones, so that callers do not ask a service that is
    /// down again and again. Default: 10 seconds. Zero: not at all.
    #[must_use]
    pub fn negative_ttl(mut self, time: Duration) -> Self {
        self.negative_ttl = time;
        self
    }

    /// Keeps the list in this file, too, so that it is there after a restart and when the service is not.
    /// Folders that are missing are made. Default: memory alone.
    ///
    /// The cache reads the file when the list is first asked for, and replaces it in one step when a new list
    /// was fetched. Several processes may keep the list of one provider in one file: a list that was asked
    /// for earlier never replaces one that was asked for later, and that one counts in memory, too. On Unix
    /// only its owner may read it. A file that is damaged, or that another provider or version wrote, counts
    /// as none. It has models and prices in it, and no settings.
    #[must_use]
    pub fn disk(mut self, path: impl Into<PathBuf>) -> Self {
        self.disk = Some(path.into());
        self
    }
}

/// A catalogue out of a [`CatalogueCache`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CachedCatalogue {
    /// The list.
    pub catalogue: Arc<Catalogue>,
    /// Where it came from.
    pub origin: CatalogueOrigin,
    /// The error of the last attempt to fetch a newer one, if it failed.
    pub refresh_error: Option<Error>,
    entry: Entry,
    max_age: Duration,
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
    fn new(entry: Entry, max_age: Duration, failure: Option<Failure>) -> Self {
        let origin = if entry.from_disk { CatalogueOrigin::Disk } else { CatalogueOrigin::Memory };
        let refresh_error = failure.map(|failure| failure.error);
        Self { catalogue: entry.catalogue.clone(), origin, refresh_error, entry, max_age }
    }

    /// How long ago it was fetched.
    pub fn age(&self) -> Duration {
        self.entry.age()
    }

    /// Whether it is older than the [`max_age`](CatalogueCacheSettings::max_age) of the cache.
    pub fn is_stale(&self) -> bool {
        self.age() >= self.max_age
    }
}

impl CatalogueCache {
    /// Makes a cache of this provider's catalogue. It fetches nothing yet.
    pub fn new(provider: Arc<dyn LlmProvider>, settings: CatalogueCacheSettings) -> Self {
        let disk = settings.disk.clone().map(|path| Disk::new(path, provider.id()));
        Self { settings, disk, shared: Arc::new(Shared::new(provider)) }
    }

    /// The provider whose catalogue this is.
    pub fn provider(&self) -> &Arc<dyn LlmProvider> {
        &self.shared.provider
    }

    /// Returns the list that is there if it is good enough, or else a new one. See
    /// [the table](Self#how-get-decides).
    ///
    /// # Errors
    /// When the list has to be fetched and cannot be, or could not be just before.
    pub async fn get(&self) -> Result<CachedCatalogue, Error> {
        if let Some(disk) = &self.disk {
            self.shared.read(disk).await;
        }
        let (entry, failure) = self.shared.look();
        let has_just_failed =
            failure.as_ref().is_some_and(|failure| failure.at.elapsed() < self.settings.negative_ttl);
        match (entry.filter(|entry| self.is_usable(entry.age())), failure) {
            (Some(entry), failure) => {
                let mut there = CachedCatalogue::new(entry, self.settings.max_age, failure);
                if there.is_stale() && !has_just_failed && !self.revalidate() {
                    match self.refresh().await {
                        Ok(new) => return Ok(new),
                        Err(error) => there.refresh_error = Some(error),
                    }
                }
                Ok(there)
            }
            (None, Some(failure)) if has_just_failed => Err(failure.error),
            (None, _) => self.refresh().await,
        }
    }

    /// Does the same as [`get`](Self::get), but waits no longer than that. A list that is there, however old,
    /// is better than none then. That there was none in time counts as a failed fetch for callers that come
    /// within the [`negative_ttl`](CatalogueCacheSettings::negative_ttl), unless the fetch, which a task goes
    /// on with, succeeds before. Needs a tokio runtime with a clock.
    ///
    /// # Errors
    /// Those of [`get`](Self::get); [`ErrorKind::Timeout`] when the time is up.
    pub async fn get_within(&self, time: Duration) -> Result<CachedCatalogue, Error> {
        let mut get = pin!(self.get());
        let outcome = timeout(time, &mut get).await.unwrap_or_else(|_| {
            // The fetch goes on, so that a slow list is there for a later caller.
            self.go_on();
            let message = format!("the list of models was not there within {} s", time.as_secs_f64());
            let context = ErrorContext::new(self.shared.provider.id(), Operation::Models);
            let error = context.apply(Error::new(ErrorKind::Timeout, message));
            self.shared.fail(error.clone());
            Err(error)
        });
        outcome.or_else(|error| self.peek().ok_or(error))
    }

    /// The list in memory, unless it is too old to be used.
    pub(crate) fn usable(&self) -> Option<CachedCatalogue> {
        self.peek().filter(|cached| self.is_usable(cached.age()))
    }

    fn is_usable(&self, age: Duration) -> bool {
        let CatalogueCacheSettings { max_age, stale_while_revalidate, .. } = self.settings;
        !max_age.is_zero() && age < max_age.saturating_add(stale_while_revalidate)
    }

    /// Fetches the list now, or joins the fetch that is under way.
    ///
    /// # Errors
    /// When it cannot be fetched. A list that was there stays.
    pub async fn refresh(&self) -> Result<CachedCatalogue, Error> {
        let (fetch, _) = self.shared.fetch(self.disk.as_ref());
        let mut fetched = CachedCatalogue::new(fetch.await?, self.settings.max_age, None);
        fetched.origin = CatalogueOrigin::Network;
        Ok(fetched)
    }

    /// Returns the list in memory, however old. It asks no service and reads no file.
    pub fn peek(&self) -> Option<CachedCatalogue> {
        let (entry, failure) = self.shared.look();
        Some(CachedCatalogue::new(entry?, self.settings.max_age, failure))
    }

    /// Forgets the list, so that the next caller gets today's. The file on disk is not read again, and is
    /// replaced then. A fetch that has begun goes on for its callers, and is not kept.
    pub fn forget(&self) {
        self.shared.forget();
    }

    /// The error of writing the last list to [disk](CatalogueCacheSettings::disk), if that failed.
    pub fn disk_error(&self) -> Option<Error> {
        self.shared.disk_error()
    }

    /// Has a task fetch a new list. Returns `false` without a runtime for it.
    fn revalidate(&self) -> bool {
        let Ok(runtime) = Handle::try_current() else { return false };
        let (fetch, is_new) = self.shared.fetch(self.disk.as_ref());
        if is_new {
            self.drive(&runtime, fetch);
        }
        true
    }

    /// Has a task go on with the fetch that is under way, whose callers leave.
    fn go_on(&self) {
        if let Ok(runtime) = Handle::try_current() {
            let (fetch, _) = self.shared.fetch(self.disk.as_ref());
            self.drive(&runtime, fetch);
        }
    }

    /// Polls a fetch in a task of the cache, in place of an earlier one. The fetch files its own outcome.
    fn drive(&self, runtime: &Handle, fetch: SharedFetch) {
        let task = runtime.spawn(async move { drop(fetch.await) });
        self.shared.replace_task(Some(task.abort_handle()));
    }
}

impl Drop for CatalogueCache {
    fn drop(&mut self) {
        self.shared.replace_task(None);
    }
}

impl fmt::Debug for CatalogueCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CatalogueCache")
            .field("provider", &self.shared.provider.id())
            .field("settings", &self.settings)
            .field("models", &self.peek().map(|cached| cached.catalogue.models.len()))
            .finish()
    }
}
