//! A new file for a key, which its owner alone may read.

use std::fs::{File, OpenOptions, remove_file};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use provider_core::Secret;

use crate::exit::Failure;

/// An empty file that waits for a key. Dropping it removes it.
#[derive(Debug)]
pub(super) struct KeyFile {
    file: File,
    path: PathBuf,
    is_kept: bool,
}

impl KeyFile {
    /// Creates the file. On Unix, its owner alone may read and write it; elsewhere, it has the rights of its
    /// folder.
    ///
    /// # Errors
    /// When it exists, so that no key is lost, or cannot be created.
    pub(super) fn create(path: &Path) -> Result<Self, Failure> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        match options.open(path) {
            Ok(file) => Ok(Self { file, path: path.to_owned(), is_kept: false }),
            Err(error) => Err(Failure::Io(format!("cannot create {}", path.display()), error)),
        }
    }

    /// Writes the key, and keeps the file. Returns its path.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn keep(mut self, key: &Secret) -> Result<PathBuf, Failure> {
        let written = writeln!(self.file, "{}", key.expose()).and_then(|()| self.file.sync_all());
        written.map_err(|error| Failure::Io(format!("cannot write {}", self.path.display()), error))?;
        self.is_kept = true;
        Ok(self.path.clone())
    }
}

impl Drop for KeyFile {
    fn drop(&mut self) {
        if !self.is_kept {
            // One that cannot be removed has no key in it.
            let _ = remove_file(&self.path);
        }
    }
}
