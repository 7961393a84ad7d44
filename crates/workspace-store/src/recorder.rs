//! Records runs off the path of an answer: a bounded queue, and a file on disk while the database is away.

mod spill;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::Serialize;
use tokio::sync::{mpsc, oneshot};

use self::spill::Spill;
use crate::error::{Result, StoreError};
use crate::run::{Inserted, Run};
use crate::store::Store;

/// Records runs in a task of its own. Cheap to clone; clones share the task, which ends with the last of them
/// once it has written what it was given.
///
/// A run goes from the queue to the database, in batches. While the database is away or slower than
/// [the patience](RecorderSettings::patience), it goes to the spill file instead, and from there to the
/// database when that is back, also after a restart. A run is lost when the queue is full, when the file is
/// full, or when the process is killed before its batch is written; [`RecorderCounts::dropped`] counts the
/// first two.
#[derive(Clone)]
pub struct Recorder {
    queue: mpsc::Sender<Job>,
    counts: Arc<Counts>,
}

enum Job {
    Run(Box<Run>),
    Flush(oneshot::Sender<()>),
}

/// The settings of a recorder.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RecorderSettings {
    spill: PathBuf,
    max_queue: usize,
    max_spill: u64,
    patience: Duration,
}

impl RecorderSettings {
    /// The defaults, with the spill file in this place. The file is for one recorder; it is made for its
    /// owner alone, since it has prompts and answers of workspaces that keep them.
    pub fn new(spill: impl Into<PathBuf>) -> Self {
        Self {
            spill: spill.into(),
            max_queue: 4096,
            max_spill: 256 * 1024 * 1024,
            patience: Duration::from_secs(5),
        }
    }

    /// Sets how many runs the queue has at most. Default: 4096.
    #[must_use]
    pub fn max_queue(mut self, runs: usize) -> Self {
        self.max_queue = runs.max(1);
        self
    }

    /// Sets how large the spill file may grow, in bytes. Default: 256 MiB.
    #[must_use]
    pub fn max_spill(mut self, bytes: u64) -> Self {
        self.max_spill = bytes;
        self
    }

    /// Sets how long a batch waits for the database before it goes to the spill file. Default: 5 s.
    #[must_use]
    pub fn patience(mut self, wait: Duration) -> Self {
        self.patience = wait;
        self
    }
}

/// The counts of a recorder since it was started, and what waits now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RecorderCounts {
    /// The runs that were handed over.
    pub recorded: u64,
    /// The runs that went to the database, from the spill file as well.
    pub written: u64,
    /// The runs that went to the spill file.
    pub spilled: u64,
    /// The runs that were lost, since the queue or the spill file was full.
    pub dropped: u64,
    /// The runs that the database refused, of a workspace that is gone for example.
    pub refused: u64,
    /// The bytes that wait in the spill file.
    pub waiting_bytes: u64,
}

#[derive(Default)]
struct Counts {
    recorded: AtomicU64,
    written: AtomicU64,
    spilled: AtomicU64,
    dropped: AtomicU64,
    refused: AtomicU64,
    waiting_bytes: AtomicU64,
}

impl Recorder {
    /// Starts a recorder. What is in the spill file already is written to the database.
    ///
    /// # Errors
    /// [`StoreError::Io`] if the spill file cannot be opened, or another recorder has it.
    pub fn start(store: Store, settings: RecorderSettings) -> Result<Self> {
        let spill = Spill::open(&settings.spill, settings.max_spill)?;
        let counts = Arc::new(Counts::default());
        counts.waiting_bytes.store(spill.len(), Ordering::Relaxed);
        let (queue, jobs) = mpsc::channel(settings.max_queue);
        let patience = settings.patience;
        let writer = Writer { store, spill, counts: counts.clone(), patience, replayed_at_once: BATCH };
        tokio::spawn(writer.run(jobs));
        Ok(Self { queue, counts })
    }

    /// Hands a run over, and returns at once. Returns whether the queue had room.
    pub fn record(&self, run: Run) -> bool {
        self.counts.recorded.fetch_add(1, Ordering::Relaxed);
        let is_queued = self.queue.try_send(Job::Run(Box::new(run))).is_ok();
        if !is_queued {
            self.counts.dropped.fetch_add(1, Ordering::Relaxed);
        }
        is_queued
    }

    /// Waits until every run that was handed over before is in the database or in the spill file.
    pub async fn flush(&self) {
        let (done, flushed) = oneshot::channel();
        // Both fail when the runtime shuts down, and nothing can be written any more.
        if self.queue.send(Job::Flush(done)).await.is_ok() {
            let _ = flushed.await;
        }
    }

    /// The counts so far, for a host's metrics.
    pub fn counts(&self) -> RecorderCounts {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        RecorderCounts {
            recorded: read(&self.counts.recorded),
            written: read(&self.counts.written),
            spilled: read(&self.counts.spilled),
            dropped: read(&self.counts.dropped),
            refused: read(&self.counts.refused),
            waiting_bytes: read(&self.counts.waiting_bytes),
        }
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").field("counts", &self.counts()).finish_non_exhaustive()
    }
}

/// How many runs go to the database in one transaction. Calls that reserve on SQLite wait for its end.
const BATCH: usize = 32;

/// How long a run waits for others to share its transaction.
const GATHERING: Duration = Duration::from_millis(50);

/// Adds what comes within a short time, up to a batch. A flush waits for no more.
async fn gather(jobs: &mut mpsc::Receiver<Job>, batch: &mut Vec<Job>) {
    let end = tokio::time::Instant::now() + GATHERING;
    while batch.len() < BATCH && !batch.iter().any(|job| matches!(job, Job::Flush(_))) {
        match tokio::time::timeout_at(end, jobs.recv_many(batch, BATCH)).await {
            Ok(received) if received > 0 => {}
            // The time is over, or every handle is gone.
            _ => return,
        }
    }
}

/// How often the spill file is tried again.
const RETRY_INTERVAL: Duration = Duration::from_millis(500);

struct Writer {
    store: Store,
    spill: Spill,
    counts: Arc<Counts>,
    patience: Duration,
    /// How many runs of the spill file go into a transaction: fewer after each that took too long.
    replayed_at_once: usize,
}

impl Writer {
    async fn run(mut self, mut jobs: mpsc::Receiver<Job>) {
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            let received = if self.spill.is_empty() {
                jobs.recv_many(&mut batch, BATCH).await
            } else {
                match tokio::time::timeout(RETRY_INTERVAL, jobs.recv_many(&mut batch, BATCH)).await {
                    Ok(received) => received,
                    Err(_) => {
                        self.replay().await;
                        continue;
                    }
                }
            };
            if received == 0 {
                return;
            }
            gather(&mut jobs, &mut batch).await;
            let (mut runs, mut flushes) = (Vec::with_capacity(batch.len()), Vec::new());
            for job in batch.drain(..) {
                match job {
                    Job::Run(run) => runs.push(*run),
                    Job::Flush(done) => flushes.push(done),
                }
            }
            self.write(&runs).await;
            for done in flushes {
                // Its caller may have gone.
                let _ = done.send(());
            }
        }
    }

    /// Writes runs to the database, or else to the spill file.
    async fn write(&mut self, runs: &[Run]) {
        if runs.is_empty() || self.insert(runs).await {
            return;
        }
        let (spilled, dropped) = self.spill.append(runs);
        self.counts.spilled.fetch_add(spilled, Ordering::Relaxed);
        self.counts.dropped.fetch_add(dropped, Ordering::Relaxed);
        self.counts.waiting_bytes.store(self.spill.len(), Ordering::Relaxed);
        tracing::warn!(spilled, dropped, "the database is away: runs wait in a file");
    }

    /// Writes runs to the database. Returns whether they are done with: in it, or refused for good.
    async fn insert(&self, runs: &[Run]) -> bool {
        match self.try_insert(runs).await {
            Ok(()) => true,
            Err(error) if may_pass(&error) => false,
            // One of them may be the reason: each on its own.
            Err(_) => {
                for run in runs {
                    match self.try_insert(std::slice::from_ref(run)).await {
                        Ok(()) => {}
                        // Those before it are in the database, and stay as they are when they come again.
                        Err(error) if may_pass(&error) => return false,
                        Err(error) => {
                            self.counts.refused.fetch_add(1, Ordering::Relaxed);
                            tracing::error!(%error, run = run.id, "a run was not recorded");
                        }
                    }
                }
                true
            }
        }
    }

    async fn try_insert(&self, runs: &[Run]) -> Result<()> {
        let inserting = tokio::time::timeout(self.patience, self.store.0.insert_runs(runs));
        let inserted = inserting.await.unwrap_or(Err(sqlx::Error::PoolTimedOut.into()));
        self.store.0.note_write(!inserted.as_ref().is_err_and(StoreError::is_unavailable));
        let Inserted { new, refused } = inserted?;
        self.counts.written.fetch_add(new, Ordering::Relaxed);
        self.counts.refused.fetch_add(refused, Ordering::Relaxed);
        Ok(())
    }

    /// Writes the runs of the spill file to the database, and empties it when all are there.
    async fn replay(&mut self) {
        loop {
            let (runs, broken) = match self.spill.next(self.replayed_at_once) {
                Ok(next) => next,
                Err(error) => return tracing::error!(%error, "the file of waiting runs cannot be read"),
            };
            self.counts.refused.fetch_add(broken, Ordering::Relaxed);
            if !runs.is_empty() && !self.insert(&runs).await {
                self.spill.again();
                self.replayed_at_once = (self.replayed_at_once / 4).max(1);
                return;
            }
            if runs.is_empty() {
                break;
            }
            self.spill.keep();
            self.replayed_at_once = (self.replayed_at_once * 2).min(BATCH);
        }
        if let Err(error) = self.spill.clear() {
            tracing::error!(%error, "the file of waiting runs cannot be emptied");
        }
        self.counts.waiting_bytes.store(self.spill.len(), Ordering::Relaxed);
    }
}

/// Whether the same run may pass later: whenever it is not the run that the database refuses.
fn may_pass(error: &StoreError) -> bool {
    !error.is_of_the_row()
}
