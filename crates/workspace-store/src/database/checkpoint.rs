//! Checkpoints of SQLite's log: moves what was committed into the database file, off the path of writers.
//!
//! A connection that does them within its commits has a call wait for the disk. So connections of this crate
//! do none, and a task with one of its own does them.

use std::sync::Weak;
use std::time::Duration;

use sqlx::{AnyConnection, Executor as _};

use super::Database;
use crate::error::Result;
use crate::store::Inner;

/// How often there is a checkpoint.
const INTERVAL: Duration = Duration::from_secs(1);

/// How long the log may be, in pages of 4 KiB: 16 MiB. Beyond it, it has to begin anew, for which writers
/// wait while its last pages are moved. Without that, it grows as long as there is always one that writes.
const MAX_PAGES: i64 = 4096;

/// How long beginning anew waits for those that write and read. It holds up writers meanwhile, and the next
/// checkpoint tries again.
const PATIENCE: &str = "PRAGMA busy_timeout = 20";

/// Makes checkpoints as long as the store lives.
pub(crate) async fn checkpoints(inner: Weak<Inner>) {
    let mut connection = None;
    loop {
        tokio::time::sleep(INTERVAL).await;
        let Some(database) = inner.upgrade().map(|inner| inner.database.clone()) else { return };
        // A failure is no loss: the log is read as well, and the next checkpoint takes it all.
        match checkpoint(&database, connection.take()).await {
            Ok(used) => connection = Some(used),
            Err(error) => tracing::warn!(%error, "the log of the database was not checkpointed"),
        }
    }
}

async fn checkpoint(database: &Database, connection: Option<AnyConnection>) -> Result<AnyConnection> {
    let mut connection = match connection {
        Some(connection) => connection,
        None => {
            let mut connection = database.read.acquire().await?.detach();
            connection.execute(sqlx::raw_sql(PATIENCE)).await?;
            connection
        }
    };
    // Whether it was hindered, the pages of the log, and those of them that are moved.
    let sql = "PRAGMA wal_checkpoint(PASSIVE)";
    let (_, pages, _): (i64, i64, i64) = sqlx::query_as(sql).fetch_one(&mut connection).await?;
    if pages > MAX_PAGES {
        sqlx::query("PRAGMA wal_checkpoint(RESTART)").execute(&mut connection).await?;
    }
    Ok(connection)
}
