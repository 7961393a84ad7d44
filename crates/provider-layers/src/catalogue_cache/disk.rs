//! The file that a catalogue is kept in.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use provider_core::{Catalogue, Error, ErrorKind};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;

use super::shared_fetch::Entry;

/// The version of the file's format. Files of another one are not read.
const FORMAT: u32 = 1;
/// A larger file is not read. The largest catalogues are a hundredth of this.
const MAX_BYTES: u64 = 256 * 1024 * 1024;

/// The place of a provider's file.
#[derive(Clone, Debug)]
pub(super) struct Disk {
    path: Arc<Path>,
    provider: &'static str,
}

/// What is in the file.
#[derive(Serialize, Deserialize)]
struct Content<P, C> {
    format: u32,
    provider: P,
    /// When the list was asked for, in milliseconds since 1970.
    fetched_ms: u64,
    catalogue: C,
}

impl Disk {
    pub(super) fn new(path: PathBuf, provider: &'static str) -> Self {
        Self { path: path.into(), provider }
    }

    /// What the file has, if it is one of ours.
    pub(super) fn read(&self) -> Option<Entry> {
        let (catalogue, fetched) = self.content::<Catalogue>()?;
        Some(Entry::from_disk(catalogue, SystemTime::now().duration_since(fetched).ok()?))
    }

    /// The list in the file, and when it was asked for.
    fn content<C: DeserializeOwned>(&self) -> Option<(C, SystemTime)> {
        let is_readable = |file: &fs::Metadata| file.is_file() && file.len() <= MAX_BYTES;
        fs::metadata(&self.path).ok().filter(is_readable)?;
        let mut bytes = Vec::new();
        File::open(&self.path).ok()?.take(MAX_BYTES).read_to_end(&mut bytes).ok()?;
        let content: Content<String, C> = serde_json::from_slice(&bytes).ok()?;
        if (content.format, content.provider.as_str()) != (FORMAT, self.provider) {
            return None;
        }
        let fetched = UNIX_EPOCH.checked_add(Duration::from_millis(content.fetched_ms))?;
        // Nobody knows how old a list from the future is.
        (fetched <= SystemTime::now()).then_some((content.catalogue, fetched))
    }

    /// Puts a list in the place of what the file has: all of it or nothing. Nothing if the file has a newer
    /// one, which is returned.
    pub(super) fn write(&self, entry: &Entry) -> Result<Option<Entry>, Error> {
        self.replace(entry).map_err(|cause| {
            let message = format!("the list of models cannot be kept in {:?}: {cause}", self.path);
            Error::new(ErrorKind::Config, message).with_provider(self.provider).with_source(cause)
        })
    }

    fn replace(&self, entry: &Entry) -> io::Result<Option<Entry>> {
        let now = SystemTime::now();
        let fetched = now.checked_sub(entry.asked_ago()).unwrap_or(UNIX_EPOCH);
        let fetched_ms = fetched.duration_since(UNIX_EPOCH).map_err(io::Error::other)?.as_millis();
        let fetched_ms = u64::try_from(fetched_ms).map_err(io::Error::other)?;
        let catalogue = &*entry.catalogue;
        let content = Content { format: FORMAT, provider: self.provider, fetched_ms, catalogue };
        let bytes = serde_json::to_vec(&content)?;
        if let Some(folder) = self.path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            owner_only_folders(folder)?;
        }
        let mut name = self.path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_owned();
        // A name that no other process and no other cache uses at the same time.
        name.push(format!(".{:016x}.tmp", RandomState::new().hash_one(now)));
        let temporary = self.path.with_file_name(name);
        let written = owner_only_file(&temporary)
            .and_then(|mut file| file.write_all(&bytes))
            .and_then(|()| self.rename_unless_newer(&temporary, fetched));
        if !matches!(written, Ok(None)) {
            let _ = fs::remove_file(&temporary);
        }
        written
    }

    /// Puts this file, whose list was asked for at that time, in the place of the file that is there, unless
    /// that has a newer list: then that list.
    fn rename_unless_newer(&self, new: &Path, fetched: SystemTime) -> io::Result<Option<Entry>> {
        /// Held from the look at what is there to its replacement, by all caches of this process. Another
        /// process would have to come in between the two, which have nothing between them.
        static REPLACING: Mutex<()> = Mutex::new(());
        let _replacing = REPLACING.lock().unwrap_or_else(PoisonError::into_inner);
        let there = self.content::<IgnoredAny>();
        if there.is_some_and(|(_, there)| there > fetched) {
            if let Some(newer) = self.read() {
                return Ok(Some(newer));
            }
        }
        fs::rename(new, &self.path).map(|()| None)
    }
}

fn owner_only_folders(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// A file that was not there before.
fn owner_only_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Runs what blocks where it holds up nobody else: on a thread of the runtime's pool, or right here where
/// there is no runtime. `None` if the runtime is shutting down.
pub(super) async fn off_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    match Handle::try_current() {
        Ok(runtime) => runtime.spawn_blocking(work).await.ok(),
        Err(_) => Some(work()),
    }
}
