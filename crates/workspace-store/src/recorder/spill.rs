//! The file in which runs wait while the database is away: one JSON object a line.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufRead as _, BufReader, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use crate::run::Run;

/// The file, locked for this process. A line that a killed process has left half-written is passed over.
pub(super) struct Spill {
    file: File,
    len: u64,
    max: u64,
    /// Up to where its runs are in the database.
    done: u64,
    /// Up to where they were read.
    read: u64,
}

impl Spill {
    pub(super) fn open(path: &Path, max: u64) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt as _;
            options.mode(0o600);
        }
        let mut file = options.open(path)?;
        file.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => {
                io::Error::new(io::ErrorKind::ResourceBusy, "another recorder has the spill file")
            }
            TryLockError::Error(error) => error,
        })?;
        let mut len = file.metadata()?.len();
        if len > 0 {
            // A half-written line must not run into the next one.
            file.write_all(b"\n")?;
            len += 1;
        }
        Ok(Self { file, len, max, done: 0, read: 0 })
    }

    pub(super) fn len(&self) -> u64 {
        self.len
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds runs, and returns how many were added and how many there was no room for. They are on the disk
    /// then.
    pub(super) fn append(&mut self, runs: &[Run]) -> (u64, u64) {
        let (mut lines, mut added) = (Vec::new(), 0);
        for run in runs {
            // A run is always JSON.
            let line = serde_json::to_vec(run).unwrap_or_default();
            if self.len + ((lines.len() + line.len()) as u64) < self.max {
                lines.extend_from_slice(&line);
                lines.push(b'\n');
                added += 1;
            }
        }
        let all = runs.len() as u64;
        match self.file.write_all(&lines).and_then(|()| self.file.sync_data()) {
            Ok(()) => {
                self.len += lines.len() as u64;
                (added, all - added)
            }
            Err(error) => {
                tracing::error!(%error, "runs cannot wait in their file");
                // A part of them may be there; it is read as far as it is whole.
                self.len = self.file.metadata().map_or(self.len, |about| about.len());
                (0, all)
            }
        }
    }

    /// The next runs, at most so many, and how many lines are no run.
    pub(super) fn next(&mut self, max: usize) -> io::Result<(Vec<Run>, u64)> {
        let mut reader = BufReader::new(&self.file);
        reader.seek(SeekFrom::Start(self.read))?;
        let (mut runs, mut broken, mut line) = (Vec::new(), 0, Vec::new());
        while runs.len() < max {
            line.clear();
            let length = reader.read_until(b'\n', &mut line)?;
            if length == 0 {
                break;
            }
            self.read += length as u64;
            match serde_json::from_slice(&line) {
                Ok(run) => runs.push(run),
                Err(_) if line.trim_ascii().is_empty() => {}
                Err(_) => broken += 1,
            }
        }
        Ok((runs, broken))
    }

    /// The runs that were read last are in the database.
    pub(super) fn keep(&mut self) {
        self.done = self.read;
    }

    /// The runs that were read last are to be read again.
    pub(super) fn again(&mut self) {
        self.read = self.done;
    }

    /// Empties the file, whose runs are all in the database.
    pub(super) fn clear(&mut self) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.sync_data()?;
        (self.len, self.read, self.done) = (0, 0, 0);
        Ok(())
    }
}
