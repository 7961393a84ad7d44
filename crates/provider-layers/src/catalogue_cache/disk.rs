//! The file that a catalogue is kept in.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use provider_core::author::ErrorContext;
use provider_core::{Catalogue, Error, ErrorKind, Operation};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;
use tokio::runtime::Handle;

use super::entry::Entry;

/// The version of the file's format. Files of another one are not read.
const FORMAT: u32 = 1;
/// The largest file that is read. The largest catalogues are a hundredth of this.
const MAX_BYTES: u64 = 256 * 1024 * 1024;

/// The file of one provider's catalogue.
#[derive(Clone, Debug)]
pub(super) struct Disk {
    path: Arc<Path>,
    provider: &'static str,
}

/// The content of the file, as JSON.
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

    /// Reads the list, if the file is one of ours.
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
        // A list from the future, by a clock that was wrong, has an age that cannot be known.
        (fetched <= SystemTime::now()).then_some((content.catalogue, fetched))
    }

    /// Replaces the file by one with this list, as a whole. If the file has a newer list, it stays, and that
    /// list is returned.
    pub(super) fn write(&self, entry: &Entry) -> Result<Option<Entry>, Error> {
        self.replace(entry).map_err(|cause| {
            let message = format!("the list of models cannot be kept in {:?}: {cause}", self.path);
            let error = Error::new(ErrorKind::Config, message).with_source(cause);
            ErrorContext::new(self.provider, Operation::Models).apply(error)
        })
    }

    fn replace(&self, entry: &Entry) -> io::Result<Option<Entry>> {
        let fetched = SystemTime::now().checked_sub(entry.asked_ago()).unwrap_or(UNIX_EPOCH);
        let fetched_ms = fetched.duration_since(UNIX_EPOCH).map_err(io::Error::other)?.as_millis();
        let fetched_ms = u64::try_from(fetched_ms).map_err(io::Error::other)?;
        let catalogue = &*entry.catalogue;
        let content = Content { format: FORMAT, provider: self.provider, fetched_ms, catalogue };
        let bytes = serde_json::to_vec(&content)?;
        let mut name = self.path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_owned();
        name.push(".");
        let folder = match self.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        owner_only_folders(folder)?;
        // A temporary file of its own in the same folder, since only there a rename is one step. On Unix only
        // its owner may read it. Dropped before the rename, it is removed.
        let mut new = tempfile::Builder::new().prefix(&name).suffix(".tmp").tempfile_in(folder)?;
        new.write_all(&bytes)?;
        self.rename_unless_newer(new, fetched)
    }

    /// Puts this file, whose list was asked for at that time, in the place of the file that is there, unless
    /// that has a newer list: then that list.
    fn rename_unless_newer(&self, new: NamedTempFile, fetched: SystemTime) -> io::Result<Option<Entry>> {
        /// Held from the look at the old file to its replacement, by all caches of this process. Another
        /// process would have to come in between the two, which directly follow one another.
        static REPLACING: Mutex<()> = Mutex::new(());
        let _replacing = REPLACING.lock().unwrap_or_else(PoisonError::into_inner);
        let there = self.content::<IgnoredAny>();
        if there.is_some_and(|(_, there)| there > fetched) {
            if let Some(newer) = self.read() {
                return Ok(Some(newer));
            }
        }
        new.persist(&self.path)?;
        Ok(None)
    }
}

fn owner_only_folders(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Runs work that blocks on a thread of the runtime's pool, or right here where there is no runtime. `None`
/// if the runtime is shutting down.
pub(super) async fn off_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    match Handle::try_current() {
        Ok(runtime) => runtime.spawn_blocking(work).await.ok(),
        Err(_) => Some(work()),
    }
}
