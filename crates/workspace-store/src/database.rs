//! The connections to the database, and its schema.

mod checkpoint;
mod migrations;

use std::path::{Path, PathBuf};
use std::sync::Once;
use std::time::Duration;

use sqlx::any::AnyPoolOptions;
use sqlx::{Any, AnyConnection, AnyPool, Connection as _, Executor as _, Transaction};

pub(crate) use self::checkpoint::checkpoints;
pub(crate) use self::migrations::MIGRATIONS;
use crate::error::{Result, StoreError};

/// A kind of database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Backend {
    /// SQLite, which is inside this crate: one file, for the hosts of one machine.
    Sqlite,
    /// PostgreSQL, from version 15, for hosts on many machines.
    Postgres,
}

/// The pools of connections. SQLite has one writer, so its writes have a pool of one connection: tasks of one
/// process wait for it in order, and only processes wait for each other.
#[derive(Clone, Debug)]
pub(crate) struct Database {
    pub(crate) backend: Backend,
    pub(crate) read: AnyPool,
    pub(crate) write: AnyPool,
    /// The file of SQLite.
    pub(crate) file: Option<PathBuf>,
}

/// A transaction that may write.
pub(crate) type Tx = Transaction<'static, Any>;

/// How long a statement waits for another process that writes to the same SQLite file.
const BUSY_TIMEOUT: &str = "PRAGMA busy_timeout = 10000";

/// A killed process loses nothing in the modes WAL and NORMAL; a machine without power may lose the last
/// moments.
///
/// SQLite makes a checkpoint at every thousandth page, within the commit that comes to it: no connection
/// does, and [`checkpoint`] does them all.
pub(crate) const SQLITE_PRAGMAS: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; \
    PRAGMA foreign_keys = ON; PRAGMA wal_autocheckpoint = 0";

/// How long a connection is idle before it is tested when it is next used.
const TEST_AFTER: Duration = Duration::from_secs(1);

impl Database {
    /// Connects, and makes a SQLite file that does not exist.
    pub(crate) async fn open(url: &str, max_connections: u32, wait: Duration) -> Result<Self> {
        static DRIVERS: Once = Once::new();
        DRIVERS.call_once(sqlx::any::install_default_drivers);
        let options = || AnyPoolOptions::new().acquire_timeout(wait).test_before_acquire(false);
        if let Some(path) = sqlite_path(url)? {
            make_file(&path)?;
            let url = sqlite_url(&path)?;
            // A pool would try again for as long as it may wait, and then tell of that alone.
            let mut first = AnyConnection::connect(&url).await?;
            sqlx::query("SELECT count(*) FROM sqlite_master").execute(&mut first).await?;
            first.close().await?;
            let options = || {
                options().max_lifetime(None).idle_timeout(None).after_connect(|connection, _| {
                    Box::pin(async move {
                        connection.execute(sqlx::raw_sql(BUSY_TIMEOUT)).await?;
                        connection.execute(sqlx::raw_sql(SQLITE_PRAGMAS)).await?;
                        Ok(())
                    })
                })
            };
            // SQLite itself rolls a transaction back on a full disk, which its connection does not count: it
            // could begin no other one. Such a connection is closed.
            let write = options()
                .max_connections(1)
                .before_acquire(|connection, _| Box::pin(async move { Ok(!connection.is_in_transaction()) }));
            let write = write.connect(&url).await?;
            let read = options().max_connections(max_connections).connect(&url).await?;
            return Ok(Self { backend: Backend::Sqlite, read, write, file: Some(path) });
        }
        let options = options().max_connections(max_connections).before_acquire(|connection, about| {
            Box::pin(async move {
                // One that was just used is alive; each test is a round trip.
                if about.idle_for >= TEST_AFTER {
                    connection.ping().await?;
                }
                Ok(true)
            })
        });
        let pool = options.connect(url).await;
        let pool = pool.map_err(|error| match error {
            // The cause may repeat parts of the URL, which has the password.
            sqlx::Error::Configuration(_) => StoreError::Url("is no URL of PostgreSQL".to_owned()),
            error => error.into(),
        })?;
        Ok(Self { backend: Backend::Postgres, read: pool.clone(), write: pool, file: None })
    }

    /// Begins a transaction that may write. In SQLite it takes the writer's lock at once: a reader that turns
    /// into a writer could not wait for another one.
    pub(crate) async fn begin(&self) -> Result<Tx> {
        Ok(match self.backend {
            Backend::Sqlite => self.write.begin_with("BEGIN IMMEDIATE").await?,
            Backend::Postgres => self.write.begin().await?,
        })
    }

    /// Chooses the statement of the database.
    pub(crate) fn pick(&self, sqlite: &'static str, postgres: &'static str) -> &'static str {
        match self.backend {
            Backend::Sqlite => sqlite,
            Backend::Postgres => postgres,
        }
    }

    /// Brings the schema to the newest version, one transaction for all steps. Hosts that start at the same
    /// time wait for the first.
    ///
    /// # Errors
    /// [`StoreError::NewerSchema`] if the schema is newer than this crate.
    pub(crate) async fn migrate(&self) -> Result<()> {
        self.migrate_to(MIGRATIONS.len()).await
    }

    /// Migrates up to a version, for tests of the steps from there.
    pub(crate) async fn migrate_to(&self, version: usize) -> Result<()> {
        let mut tx = self.begin().await?;
        if self.backend == Backend::Postgres {
            // Any number will do, if it is this crate's own.
            tx.execute(sqlx::raw_sql("SELECT pg_advisory_xact_lock(7011620264201)")).await?;
        }
        let table = "CREATE TABLE IF NOT EXISTS schema_versions (version BIGINT PRIMARY KEY)";
        tx.execute(sqlx::raw_sql(table)).await?;
        let found = "SELECT coalesce(max(version), 0) FROM schema_versions";
        let found: i64 = sqlx::query_scalar(found).fetch_one(&mut *tx).await?;
        let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
        if found > known {
            return Err(StoreError::NewerSchema { found, known });
        }
        for (number, migration) in (1_i64..).zip(&MIGRATIONS[..version]).filter(|(number, _)| *number > found)
        {
            tx.execute(sqlx::raw_sql(self.pick(migration.sqlite, migration.postgres))).await?;
            if migration.counts_runs {
                crate::run::totals::count_all(&mut tx).await?;
            }
            let done = "INSERT INTO schema_versions (version) VALUES ($1)";
            sqlx::query(done).bind(number).execute(&mut *tx).await?;
        }
        Ok(tx.commit().await?)
    }
}

/// The file of a SQLite URL; `None` for PostgreSQL.
fn sqlite_path(url: &str) -> Result<Option<PathBuf>> {
    if url.starts_with("postgres:") || url.starts_with("postgresql:") {
        return Ok(None);
    }
    let Some(rest) = url.strip_prefix("sqlite:") else {
        return Err(StoreError::Url("begins neither with sqlite: nor with postgres:".to_owned()));
    };
    let path = rest.strip_prefix("//").unwrap_or(rest);
    if path.is_empty() || path.contains(":memory:") {
        return Err(StoreError::Url("names no file; write one such as sqlite:data/store.db".to_owned()));
    }
    if path.contains(['?', '#', '%']) {
        return Err(StoreError::Url(
            "has ?, # or % in it, which the name of its file cannot have".to_owned(),
        ));
    }
    Ok(Some(PathBuf::from(path)))
}

fn sqlite_url(path: &Path) -> Result<String> {
    let path = path.to_str().ok_or_else(|| StoreError::Url("is no UTF-8".to_owned()))?;
    Ok(format!("sqlite://{path}"))
}

/// Makes the file and its folder, for their owner alone. SQLite gives the files beside it the same mode.
fn make_file(path: &Path) -> Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)?;
    }
    let mut options = std::fs::OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path)?;
    Ok(())
}

#[cfg(test)]
mod tests;
