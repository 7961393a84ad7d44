//! The handle of a store, and what it does on its own.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant, SystemTime};

use provider_core::Timestamp;
use serde::Serialize;
use tokio::sync::{Notify, broadcast};
use tokio::task::AbortHandle;

use crate::audit::{Action, Actor};
use crate::database::{Backend, Database, Tx, checkpoints};
use crate::error::{RecordKind, Result};
use crate::feed::{self, Change};
use crate::key::{MasterKeyError, MasterKeys, Place, Purpose, SealError, Sealed, hex};
use crate::reservation::{self, GroupCommit};
use crate::time::{Clock, timestamp};
use crate::token::{self, TokenMemory};

/// Workspaces in a database. Cheap to clone; all clones are one handle.
///
/// While a handle lives, a task of tokio's runtime reads the [change feed](Self::changes), renews the
/// reservations of this host and drops what has expired. It ends with the last clone.
#[derive(Clone)]
pub struct Store(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) database: Database,
    pub(crate) keys: MasterKeys,
    pub(crate) clock: Clock,
    pub(crate) options: StoreOptions,
    /// Random; tells the reservations of this handle from those of others.
    pub(crate) host: String,
    pub(crate) pending: reservation::Pending,
    /// SQLite alone; PostgreSQL groups commits itself.
    pub(crate) group: Option<GroupCommit>,
    pub(crate) tokens: Arc<TokenMemory>,
    pub(crate) budgeted: Arc<reservation::BudgetMemory>,
    changes: broadcast::Sender<Change>,
    watchers: Mutex<Vec<Weak<dyn Watch>>>,
    /// The numbers of changes of this handle that its reader has not come to: watchers have heard of them.
    own_changes: Mutex<BTreeSet<i64>>,
    /// Since when the database is away, in milliseconds since 1970; 0 while it is there.
    away_since: AtomicI64,
    /// Whether a write has failed since the last one that passed: a full disk still lets itself be read.
    lacks_writes: AtomicBool,
    opened: Instant,
    /// When the last complete read of the feed began, in milliseconds after `opened`.
    feed_read: AtomicU64,
    pub(crate) wake: Arc<Notify>,
    tasks: Mutex<Vec<AbortHandle>>,
}

/// A part of this crate that must hear of changes before anybody else does.
pub(crate) trait Watch: Send + Sync {
    fn changed(&self, change: &Change);
}

/// The options of a store.
#[derive(Clone)]
#[non_exhaustive]
pub struct StoreOptions {
    pub(crate) max_connections: u32,
    pub(crate) acquire_timeout: Duration,
    pub(crate) poll_interval: Duration,
    pub(crate) reservation_lease: Duration,
    pub(crate) token_grace: Duration,
    pub(crate) token_cache: Duration,
    now: Arc<dyn Fn() -> SystemTime + Send + Sync>,
}

impl StoreOptions {
    /// The defaults.
    pub fn new() -> Self {
        Self {
            max_connections: 10,
            acquire_timeout: Duration::from_secs(5),
            poll_interval: Duration::from_millis(500),
            reservation_lease: Duration::from_secs(60),
            token_grace: Duration::from_secs(300),
            token_cache: Duration::from_secs(10),
            now: Arc::new(SystemTime::now),
        }
    }

    /// Sets how many connections there are at most. Default: 10. PostgreSQL has one more for its
    /// notifications; SQLite has three more: two write, one makes checkpoints.
    #[must_use]
    pub fn max_connections(mut self, count: u32) -> Self {
        self.max_connections = count.max(2);
        self
    }

    /// Sets how long an operation waits for a free connection before the database counts as away. Default:
    /// 5 s. A reservation, a settlement and a look at a token end after twice that time in all.
    #[must_use]
    pub fn acquire_timeout(mut self, wait: Duration) -> Self {
        self.acquire_timeout = wait;
        self
    }

    /// Sets how often the change feed is polled. Default: 500 ms; at most 1 s, so that a change holds on
    /// every host within a second, also where PostgreSQL's notifications are lost.
    #[must_use]
    pub fn poll_interval(mut self, interval: Duration) -> Self {
        self.poll_interval = interval.clamp(Duration::from_millis(10), Duration::from_secs(1));
        self
    }

    /// Sets how long a [reservation](crate::Reservation) lives after its host was last heard of. Default: 60
    /// s. A host renews its reservations three times in that span.
    #[must_use]
    pub fn reservation_lease(mut self, lease: Duration) -> Self {
        self.reservation_lease = lease.max(Duration::from_millis(300));
        self
    }

    /// Sets how long after its last use a token is still taken while the database is away. Default: 5
    /// minutes; zero: not at all.
    #[must_use]
    pub fn token_grace(mut self, time: Duration) -> Self {
        self.token_grace = time;
        self
    }

    /// Sets how long a token that was looked up is taken without asking the database again. Default: 10 s;
    /// zero: each look asks. A revoked token is refused at once on the host that revokes it and within a
    /// second on all others, however long this is.
    #[must_use]
    pub fn token_cache(mut self, time: Duration) -> Self {
        self.token_cache = time;
        self
    }

    /// Sets the clock of this host. Default: the system's. With PostgreSQL its difference from the database's
    /// clock is taken into account.
    #[must_use]
    pub fn clock(mut self, now: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        self.now = Arc::new(now);
        self
    }
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for StoreOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreOptions")
            .field("max_connections", &self.max_connections)
            .field("acquire_timeout", &self.acquire_timeout)
            .field("poll_interval", &self.poll_interval)
            .field("reservation_lease", &self.reservation_lease)
            .field("token_grace", &self.token_grace)
            .field("token_cache", &self.token_cache)
            .finish_non_exhaustive()
    }
}

/// The state of the database, for a host's readiness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Health {
    /// Since when the database has been away; `None` while it is there.
    pub away_since: Option<Timestamp>,
    /// How many calls wait to be settled with their budgets, 100,000 at most.
    pub waiting_settlements: usize,
}

impl Store {
    /// Opens a store with the default [options](StoreOptions), and brings its schema to the newest version.
    ///
    /// | URL | database |
    /// |---|---|
    /// | `sqlite:data/store.db` | SQLite, which is inside this crate; folder and file are made |
    /// | `postgres://user:password@host/name` | PostgreSQL, from version 15 |
    ///
    /// # Errors
    /// [`StoreError::Url`](crate::StoreError::Url),
    /// [`StoreError::NewerSchema`](crate::StoreError::NewerSchema), [`MasterKeyError::Wrong`] when the
    /// database's secrets are sealed with another master key, and those of the database.
    pub async fn open(url: &str, keys: impl Into<MasterKeys>) -> Result<Self> {
        Self::open_with(url, keys, StoreOptions::new()).await
    }

    /// Opens a store with options.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub async fn open_with(url: &str, keys: impl Into<MasterKeys>, options: StoreOptions) -> Result<Self> {
        let database = Database::open(url, options.max_connections, options.acquire_timeout).await?;
        database.migrate().await?;
        let mut host = [0; 8];
        getrandom::fill(&mut host).map_err(|_| MasterKeyError::NoRandomness)?;
        let wake = Arc::new(Notify::new());
        let host = hex(&host);
        let group = database.file.clone().map(|file| GroupCommit::start(file, host.clone())).transpose()?;
        let inner = Arc::new(Inner {
            database,
            keys: keys.into(),
            clock: Clock::new(options.now.clone()),
            options,
            host,
            group,
            pending: reservation::Pending::default(),
            tokens: Arc::default(),
            budgeted: Arc::default(),
            changes: broadcast::channel(CHANGES_KEPT).0,
            watchers: Mutex::default(),
            own_changes: Mutex::default(),
            away_since: AtomicI64::new(0),
            lacks_writes: AtomicBool::new(false),
            opened: Instant::now(),
            feed_read: AtomicU64::new(0),
            wake: wake.clone(),
            tasks: Mutex::default(),
        });
        inner.watch(Arc::downgrade(&inner.tokens) as Weak<TokenMemory>);
        inner.watch(Arc::downgrade(&inner.budgeted) as Weak<reservation::BudgetMemory>);
        inner.check_keys().await?;
        inner.read_clock().await?;
        let reader = feed::Reader::new(&inner).await?;
        let upkeep = tokio::spawn(upkeep(Arc::downgrade(&inner), wake.clone(), reader));
        inner.keep(upkeep.abort_handle());
        inner.keep(tokio::spawn(sweeping(Arc::downgrade(&inner))).abort_handle());
        if inner.database.file.is_some() {
            inner.keep(tokio::spawn(checkpoints(Arc::downgrade(&inner))).abort_handle());
        } else {
            let listening = tokio::spawn(feed::listen(url.to_owned(), Arc::downgrade(&inner), wake));
            inner.keep(listening.abort_handle());
        }
        Ok(Self(inner))
    }

    /// The kind of database.
    pub fn backend(&self) -> Backend {
        self.0.database.backend
    }

    /// Whether the database is there, as the last poll or operation found it.
    pub fn health(&self) -> Health {
        let since = self.0.away_since.load(Ordering::Relaxed);
        Health {
            away_since: (since != 0).then(|| timestamp(since)),
            waiting_settlements: self.0.pending.len(),
        }
    }

    /// The changes of settings, tokens and budgets that this host and all others make from now on. A receiver
    /// that lags behind by more than 1024 changes misses the oldest, and is told so.
    pub fn changes(&self) -> broadcast::Receiver<Change> {
        self.0.changes.subscribe()
    }

    /// Seals every secret with the current master key that is still sealed with another. Other hosts go on
    /// meanwhile; they need [both keys](MasterKeys).
    ///
    /// # Errors
    /// Those of the database. A secret that does not open stops nothing: it is in the result, and its key is
    /// kept.
    pub async fn rewrap(&self, by: &Actor) -> Result<Rewrapped> {
        type Row = (String, String, String, i64, String, Vec<u8>, String);
        let mut result = Rewrapped { count: 0, failed: Vec::new() };
        let current = self.0.keys.current().id();
        let mut after = (String::new(), String::new(), String::new());
        loop {
            let sql = "SELECT s.workspace, s.provider, s.field, s.version, s.key_id, s.sealed, p.uid \
                       FROM secrets s JOIN providers p ON p.workspace = s.workspace AND p.id = s.provider \
                       WHERE s.key_id <> $1 AND (s.workspace, s.provider, s.field) > ($2, $3, $4) \
                       ORDER BY s.workspace, s.provider, s.field LIMIT 100";
            let query =
                sqlx::query_as::<_, Row>(sql).bind(current).bind(&after.0).bind(&after.1).bind(&after.2);
            let rows = query.fetch_all(&self.0.database.read).await?;
            let Some(last) = rows.last() else { break };
            after = (last.0.clone(), last.1.clone(), last.2.clone());
            for (workspace, provider, field, version, key_id, bytes, uid) in rows {
                let name = format!("{provider}/{uid}");
                let place = Place {
                    purpose: Purpose::ProviderSecret,
                    workspace: &workspace,
                    provider: &name,
                    field: &field,
                    version,
                };
                let sealed = Sealed { key_id, bytes };
                let opened = match self.0.keys.open(&place, &sealed) {
                    Ok(opened) => opened,
                    Err(error) => {
                        result.failed.push(error);
                        continue;
                    }
                };
                let anew = self.0.keys.seal(&place, &opened)?;
                // A host that has changed the secret meanwhile has sealed it, too.
                let sql = "UPDATE secrets SET key_id = $1, sealed = $2 WHERE workspace = $3 AND provider = $4 \
                           AND field = $5 AND version = $6 AND key_id = $7";
                let query = sqlx::query(sql).bind(anew.key_id).bind(anew.bytes).bind(&workspace);
                let query = query.bind(&provider).bind(&field).bind(version).bind(&sealed.key_id);
                result.count += query.execute(&self.0.database.write).await?.rows_affected();
            }
        }
        let mut tx = self.0.database.begin().await?;
        let sql = "DELETE FROM master_keys WHERE key_id <> $1 \
                   AND NOT EXISTS (SELECT 1 FROM secrets WHERE secrets.key_id = master_keys.key_id)";
        sqlx::query(sql).bind(current).execute(&mut *tx).await?;
        let (kind, detail) = (RecordKind::Workspace, format!("{} secrets", result.count));
        let action = Action { workspace: "", action: "rewrap", kind, subject: current, detail };
        action.log(&mut tx, self.0.clock.now(), by).await?;
        tx.commit().await?;
        Ok(result)
    }

    pub(crate) fn database(&self) -> &Database {
        &self.0.database
    }

    pub(crate) fn now(&self) -> i64 {
        self.0.clock.now()
    }

    /// Ends a transaction that changes settings: writes the audit log and the change feed, commits, and tells
    /// this host.
    pub(crate) async fn commit(
        &self,
        mut tx: Tx,
        action: Action<'_>,
        by: &Actor,
        changes: &[(&str, RecordKind, &str)],
    ) -> Result<()> {
        let now = self.now();
        action.log(&mut tx, now, by).await?;
        let number = feed::publish(&mut tx, self.backend(), now, changes).await?;
        tx.commit().await?;
        self.0.own_changes.lock().unwrap_or_else(PoisonError::into_inner).insert(number);
        for (workspace, kind, id) in changes {
            let (workspace, kind, id) = ((*workspace).to_owned(), *kind, (*id).to_owned());
            self.0.tell_watchers(&Change::Of { workspace, kind, id });
        }
        self.0.wake.notify_one();
        Ok(())
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("backend", &self.0.database.backend)
            .field("keys", &self.0.keys)
            .field("options", &self.0.options)
            .finish_non_exhaustive()
    }
}

/// The result of [`Store::rewrap`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rewrapped {
    /// How many secrets were sealed anew.
    pub count: u64,
    /// The secrets that did not open.
    pub failed: Vec<SealError>,
}

/// How many changes a receiver may lag behind.
const CHANGES_KEPT: usize = 1024;

/// The text that a master key seals, to be recognised by.
const KEY_CHECK: &[u8] = b"workspace-store";

impl Inner {
    /// Checks that the master key is the database's, and makes a new one known to it.
    async fn check_keys(&self) -> Result<()> {
        let current = self.keys.current().id();
        let place = Place {
            purpose: Purpose::KeyCheck,
            workspace: "",
            provider: "",
            field: "master key",
            version: 1,
        };
        let mut tx = self.database.begin().await?;
        let sql = self.database.pick(
            "SELECT key_id, sealed FROM master_keys ORDER BY key_id",
            "SELECT key_id, sealed FROM master_keys ORDER BY key_id FOR UPDATE",
        );
        let rows = sqlx::query_as::<_, (String, Vec<u8>)>(sql).fetch_all(&mut *tx).await?;
        let mut is_known = rows.is_empty();
        for (key_id, bytes) in &rows {
            if self.keys.find(key_id).is_some() {
                let sealed = Sealed { key_id: key_id.clone(), bytes: bytes.clone() };
                self.keys.open(&place, &sealed)?;
                is_known = true;
            }
        }
        let ids = || rows.iter().map(|(id, _)| id.clone());
        if !is_known {
            return Err(MasterKeyError::Wrong { given: current.to_owned(), expected: ids().collect() }.into());
        }
        if !ids().any(|id| id == current) {
            let sealed = self.keys.seal(&place, KEY_CHECK)?;
            let sql = "INSERT INTO master_keys (key_id, sealed) VALUES ($1, $2) ON CONFLICT DO NOTHING";
            sqlx::query(sql).bind(sealed.key_id).bind(sealed.bytes).execute(&mut *tx).await?;
        }
        Ok(tx.commit().await?)
    }

    /// Measures the difference between the clocks of this host and of PostgreSQL. SQLite has the host's.
    async fn read_clock(&self) -> Result<()> {
        if self.database.backend == Backend::Postgres {
            let sql = "SELECT (extract(epoch from clock_timestamp()) * 1000)::bigint";
            let before = self.clock.host();
            let database: i64 = sqlx::query_scalar(sql).fetch_one(&self.database.read).await?;
            self.clock.adjust((before + self.clock.host()) / 2, database);
        }
        Ok(())
    }

    /// Has a part of this crate hear of changes, as long as it lives.
    pub(crate) fn watch(&self, watcher: Weak<dyn Watch>) {
        let mut watchers = self.watchers.lock().unwrap_or_else(PoisonError::into_inner);
        watchers.retain(|watcher| watcher.strong_count() > 0);
        watchers.push(watcher);
    }

    fn tell_watchers(&self, change: &Change) {
        let watchers = self.watchers.lock().unwrap_or_else(PoisonError::into_inner).clone();
        watchers.iter().filter_map(Weak::upgrade).for_each(|watcher| watcher.changed(change));
    }

    fn is_own(&self, number: i64) -> bool {
        self.own_changes.lock().unwrap_or_else(PoisonError::into_inner).contains(&number)
    }

    fn forget_own_changes(&self, up_to: i64) {
        let mut own_changes = self.own_changes.lock().unwrap_or_else(PoisonError::into_inner);
        own_changes.retain(|number| *number > up_to);
    }

    /// Bounds an operation on whose result a call waits: a database that is cut off without a word would hold
    /// it up for as long as the network takes to notice.
    pub(crate) async fn bounded<T>(&self, operation: impl Future<Output = Result<T>>) -> Result<T> {
        let bounded = tokio::time::timeout(self.options.acquire_timeout * 2, operation).await;
        bounded.unwrap_or_else(|_| Err(sqlx::Error::PoolTimedOut.into()))
    }

    /// Whether the database was away when it was last asked.
    pub(crate) fn is_away(&self) -> bool {
        self.away_since.load(Ordering::Relaxed) != 0
    }

    /// Whether the feed was read within the last second, so that what is remembered holds. A database that is
    /// cut off without a word ends this before it counts as away.
    pub(crate) fn is_current(&self) -> bool {
        let age = self.milliseconds().saturating_sub(self.feed_read.load(Ordering::Relaxed));
        age <= MAX_FEED_AGE_MS && !self.is_away()
    }

    fn milliseconds(&self) -> u64 {
        u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Notes whether the database takes writes.
    pub(crate) fn note_write(&self, is_there: bool) {
        self.lacks_writes.store(!is_there, Ordering::Relaxed);
        self.note(is_there);
    }

    /// Writes something that changes nothing, after a write that failed.
    async fn try_write(&self) {
        let writing = async {
            let mut tx = self.database.begin().await?;
            let sql = "UPDATE schema_versions SET version = version WHERE version = 1";
            sqlx::query(sql).execute(&mut *tx).await?;
            Ok(tx.commit().await?)
        };
        let written: Result<Result<()>, _> = tokio::time::timeout(WRITE_PATIENCE, writing).await;
        if let Ok(Ok(())) = written {
            self.note_write(true);
        }
    }

    /// Notes whether the database answers.
    pub(crate) fn note(&self, is_there: bool) {
        if is_there && self.lacks_writes.load(Ordering::Relaxed) {
            return;
        }
        if is_there {
            self.away_since.store(0, Ordering::Relaxed);
        } else {
            let now = self.clock.now();
            let _ = self.away_since.compare_exchange(0, now, Ordering::Relaxed, Ordering::Relaxed);
        }
    }

    /// Runs a statement that deletes at most 500 rows, until it deletes none. Others write in between.
    pub(crate) async fn delete_in_steps(&self, sql: &'static str, before: i64) -> Result<()> {
        while sqlx::query(sql).bind(before).execute(&self.database.write).await?.rows_affected() > 0 {
            tokio::time::sleep(STEP_PAUSE).await;
        }
        Ok(())
    }

    pub(crate) fn keep(&self, task: AbortHandle) {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).push(task);
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let tasks = self.tasks.get_mut().unwrap_or_else(PoisonError::into_inner);
        tasks.iter().for_each(AbortHandle::abort);
    }
}

/// How old the feed may be, in milliseconds: what one host changes holds on all within a second.
const MAX_FEED_AGE_MS: u64 = 1000;

/// The longest that the poll waits for a write after one that failed.
const WRITE_PATIENCE: Duration = Duration::from_millis(200);

/// How often what has expired is dropped.
const SWEEP_INTERVAL: Duration = Duration::from_secs(60);

/// How long a step of a sweep waits for the one before it, so that calls come between.
pub(crate) const STEP_PAUSE: Duration = Duration::from_millis(5);

/// Reads the feed at each poll and whenever it is woken; renews reservations.
async fn upkeep(inner: Weak<Inner>, wake: Arc<Notify>, mut reader: feed::Reader) {
    let mut renewed = SystemTime::now();
    let is_due = |since: SystemTime, every: Duration| since.elapsed().is_ok_and(|past| past >= every);
    loop {
        let Some(interval) = inner.upgrade().map(|inner| inner.options.poll_interval) else { return };
        let _ = tokio::time::timeout(interval, wake.notified()).await;
        let Some(inner) = inner.upgrade() else { return };
        let begun = inner.milliseconds();
        let read = inner.bounded(reader.read(&inner)).await;
        let is_read = read.is_ok();
        inner.note(is_read);
        if is_read && inner.lacks_writes.load(Ordering::Relaxed) {
            inner.try_write().await;
        }
        for (number, change) in read.unwrap_or_default() {
            if !inner.is_own(number) || change == Change::Everything {
                inner.tell_watchers(&change);
            }
            // It fails where no receiver listens.
            let _ = inner.changes.send(change);
        }
        inner.forget_own_changes(reader.number());
        if is_read {
            inner.feed_read.store(begun, Ordering::Relaxed);
        }
        reservation::settle_pending(&inner).await;
        token::note_uses(&inner).await;
        if is_due(renewed, inner.options.reservation_lease / 3) {
            renewed = SystemTime::now();
            if let Err(error) = reservation::renew(&inner).await {
                tracing::warn!(%error, "the reservations of this host were not renewed");
            }
        }
    }
}

/// Sweeps at times, in a task of its own: the feed does not wait for it.
async fn sweeping(inner: Weak<Inner>) {
    loop {
        tokio::time::sleep(SWEEP_INTERVAL).await;
        let Some(inner) = inner.upgrade() else { return };
        if let Err(error) = sweep(&inner).await {
            tracing::warn!(%error, "expired rows were not dropped");
        }
    }
}

/// Drops what has expired.
async fn sweep(inner: &Inner) -> Result<()> {
    inner.read_clock().await?;
    reservation::lapse(inner).await?;
    reservation::prune(inner).await?;
    inner.drop_old_contents().await?;
    inner.drop_old_runs().await?;
    inner.drop_old_pending().await?;
    feed::prune(inner).await
}
