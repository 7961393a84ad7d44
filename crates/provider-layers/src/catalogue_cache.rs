//! A provider's list of models, fetched once for everybody who asks, and kept.

mod cached;
mod disk;
mod flight;
mod shared_fetch;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use provider_core::{Error, ErrorKind, LlmProvider, LlmProviderExt};
use tokio::runtime::Handle;
use tokio::time::timeout;

pub use self::cached::{CachedCatalogue, CatalogueOrigin};
use self::disk::Disk;
use self::shared_fetch::Shared;

/// The catalogue of one provider, kept in memory and, if wanted, on disk.
///
/// ```
/// # use std::sync::Arc;
/// # use provider_core::{Error, LlmProvider};
/// use provider_layers::CatalogueCache;
///
/// # async fn list(openrouter: Arc<dyn LlmProvider>) -> Result<(), Error> {
/// let cache = CatalogueCache::new(openrouter).disk("/var/cache/host/openrouter.json");
/// let cached = cache.get().await?;
/// println!("{} models, {:?} old", cached.catalogue.models.len(), cached.age());
/// # Ok(())
/// # }
/// ```
///
/// # What `get` does
///
/// | the list is | then |
/// |---|---|
/// | [fresh](Self::fresh_for) | it is returned |
/// | [stale](Self::stale_for) | it is returned, and a new one is fetched behind the caller's back |
/// | older, or not there | it is fetched |
/// | not there, and fetching it failed [just before](Self::failures_for) | that error is returned again |
///
/// Whoever asks while the list is being fetched waits for the same fetch; one who gives up waiting does not
/// stop it for the others, and when nobody is left it is stopped.
///
/// # What runs behind the caller's back
///
/// One task at most, which fetches a new list while a stale one is in use. It ends when the provider's own
/// timeouts say so at the latest, and when the cache is dropped. It needs a tokio runtime: outside of one,
/// the caller waits for the new list, and has the stale one if there is none.
pub struct CatalogueCache {
    fresh_for: Duration,
    stale_for: Duration,
    failures_for: Duration,
    disk: Option<Disk>,
    shared: Arc<Shared>,
}

impl CatalogueCache {
    /// A cache of this provider's catalogue. Nothing is fetched yet.
    pub fn new(provider: Arc<dyn LlmProvider>) -> Self {
        Self {
            fresh_for: Duration::from_secs(5 * 60),
            stale_for: Duration::from_secs(24 * 60 * 60),
            failures_for: Duration::from_secs(10),
            disk: None,
            shared: Arc::new(Shared::new(provider)),
        }
    }

    /// Sets how long a list counts as today's. Default: 5 minutes. Zero: every caller waits for one that is
    /// fetched now.
    #[must_use]
    pub fn fresh_for(mut self, time: Duration) -> Self {
        self.fresh_for = time;
        self
    }

    /// Sets how long, after that, a list is still good enough while a new one is fetched. Default: 24 hours.
    /// Zero: not at all.
    #[must_use]
    pub fn stale_for(mut self, time: Duration) -> Self {
        self.stale_for = time;
        self
    }

    /// Sets how long a failed fetch stands for the next ones, so that a service that is down is not asked
    /// again and again. Default: 10 seconds. Zero: not at all.
    #[must_use]
    pub fn failures_for(mut self, time: Duration) -> Self {
        self.failures_for = time;
        self
    }

    /// Keeps the list in this file, too, so that it is there after a restart and when the service is not.
    /// Folders that are missing are made.
    ///
    /// The file is read when the list is first asked for, and replaced in one step when a new one was
    /// fetched. Several processes may keep the list of one provider in one file: a list that was asked for
    /// earlier never replaces one that was asked for later, and that one counts in memory, too. On Unix only
    /// its owner may read it. One that is damaged, or that another provider or version wrote, counts as none.
    /// It has models and prices in it, and no settings.
    #[must_use]
    pub fn disk(mut self, path: impl Into<PathBuf>) -> Self {
        self.disk = Some(Disk::new(path.into(), self.shared.provider.id()));
        self
    }

    /// The provider whose catalogue this is.
    pub fn provider(&self) -> &Arc<dyn LlmProvider> {
        &self.shared.provider
    }

    /// The list: the one that is there if it is good enough, or else a new one. See
    /// [the table](Self#what-get-does).
    ///
    /// # Errors
    /// When the list has to be fetched and cannot be, or could not be just before.
    pub async fn get(&self) -> Result<CachedCatalogue, Error> {
        if let Some(disk) = &self.disk {
            self.shared.read(disk).await;
        }
        let (entry, failure) = self.shared.look();
        let has_just_failed =
            failure.as_ref().is_some_and(|failure| failure.at.elapsed() < self.failures_for);
        match (entry.filter(|entry| self.is_usable(entry.age())), failure) {
            (Some(entry), failure) => {
                let mut there = CachedCatalogue::new(entry, self.fresh_for, failure);
                if there.is_stale() && !has_just_failed && !self.refresh_behind() {
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

    /// The same, but waits no longer than that: for whoever has something better to do. A list that is there,
    /// however old, is better than none then. That there was none in time counts as a failed fetch for those
    /// who ask [just after](Self::failures_for). Needs a tokio runtime with a clock.
    ///
    /// # Errors
    /// Those of [`get`](Self::get); [`ErrorKind::Timeout`] when the time is up.
    pub async fn get_within(&self, time: Duration) -> Result<CachedCatalogue, Error> {
        let outcome = timeout(time, self.get()).await.unwrap_or_else(|_| {
            let message = format!("the list of models was not there within {} s", time.as_secs_f64());
            let error = Error::new(ErrorKind::Timeout, message).with_provider(self.shared.provider.id());
            self.shared.failed(error.clone());
            Err(error)
        });
        outcome.or_else(|error| self.peek().ok_or(error))
    }

    /// The list in memory, unless it is too old to be used.
    pub(crate) fn usable(&self) -> Option<CachedCatalogue> {
        self.peek().filter(|cached| self.is_usable(cached.age()))
    }

    fn is_usable(&self, age: Duration) -> bool {
        !self.fresh_for.is_zero() && age < self.fresh_for.saturating_add(self.stale_for)
    }

    /// Fetches the list now, whatever is there. Whoever is fetching it already is joined.
    ///
    /// # Errors
    /// When it cannot be fetched. What was there stays.
    pub async fn refresh(&self) -> Result<CachedCatalogue, Error> {
        let (flight, _) = self.shared.fetch(self.disk.as_ref());
        let mut fetched = CachedCatalogue::new(flight.landed().await?, self.fresh_for, None);
        fetched.origin = CatalogueOrigin::Network;
        Ok(fetched)
    }

    /// What is in memory, however old; nothing is asked, and no file is read.
    pub fn peek(&self) -> Option<CachedCatalogue> {
        let (entry, failure) = self.shared.look();
        Some(CachedCatalogue::new(entry?, self.fresh_for, failure))
    }

    /// Forgets the list, so that the next one who asks gets today's. What is on disk is not read again, and
    /// is replaced then. A fetch that has begun goes on for those who wait for it, and is not kept.
    pub fn forget(&self) {
        self.shared.forget();
    }

    /// Why the list that was fetched last could not be written to [disk](Self::disk), if it could not.
    pub fn disk_error(&self) -> Option<Error> {
        self.shared.disk_error()
    }

    /// Fetches a new list in a task. Whether it could.
    fn refresh_behind(&self) -> bool {
        let Ok(runtime) = Handle::try_current() else { return false };
        let (flight, is_new) = self.shared.fetch(self.disk.as_ref());
        if is_new {
            // How it went is in what is shared.
            let task = runtime.spawn(async move { drop(flight.landed().await) });
            self.shared.replace_task(Some(task.abort_handle()));
        }
        true
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
            .field("fresh_for", &self.fresh_for)
            .field("stale_for", &self.stale_for)
            .field("failures_for", &self.failures_for)
            .field("disk", &self.disk)
            .field("models", &self.peek().map(|cached| cached.catalogue.models.len()))
            .finish()
    }
}
