//! The change feed: what one host changes, all hosts hear of within a second.

use std::sync::{Arc, Weak};
use std::time::Duration;

use sqlx::Any;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgListener, PgPoolOptions};
use tokio::sync::Notify;

use crate::database::{Backend, Tx};
use crate::error::{RecordKind, Result};
use crate::store::Inner;

/// A change that this host or another one has made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// One thing has changed, or is gone.
    Of {
        /// The workspace that it is in.
        workspace: String,
        /// The kind of thing.
        kind: RecordKind,
        /// Its id.
        id: String,
    },
    /// This host was away for longer than changes are kept: anything may have changed.
    Everything,
}

impl Change {
    /// Whether it may concern this workspace.
    pub fn concerns(&self, workspace: &str) -> bool {
        match self {
            Change::Of { workspace: changed, .. } => changed == workspace,
            Change::Everything => true,
        }
    }
}

/// The name of PostgreSQL's channel.
const CHANNEL: &str = "workspace_store";

/// How long changes are kept for hosts that are away.
const KEPT_FOR: Duration = Duration::from_secs(3600);

/// Puts changes into the feed, and returns their number: the last statements of a transaction, since they
/// take a lock that all writers want.
pub(crate) async fn publish(
    tx: &mut Tx,
    backend: Backend,
    now: i64,
    changes: &[(&str, RecordKind, &str)],
) -> Result<i64> {
    let next = "UPDATE feed SET number = number + 1 WHERE only_row = 1 RETURNING number";
    let number: i64 = sqlx::query_scalar(next).fetch_one(&mut **tx).await?;
    for (workspace, kind, id) in changes {
        let sql = "INSERT INTO changes (number, at, workspace, kind, subject) VALUES ($1, $2, $3, $4, $5) \
                   ON CONFLICT DO NOTHING";
        let query = sqlx::query(sql).bind(number).bind(now).bind(*workspace);
        query.bind(kind.as_str()).bind(*id).execute(&mut **tx).await?;
    }
    if backend == Backend::Postgres {
        sqlx::query("SELECT pg_notify($1, '')").bind(CHANNEL).execute(&mut **tx).await?;
    }
    Ok(number)
}

/// Reads the feed of one host.
pub(crate) struct Reader {
    /// The last change that was read.
    number: i64,
    /// SQLite's count of the commits of others, and the connection that it is counted for.
    seen: Option<(PoolConnection<Any>, i64)>,
}

impl Reader {
    pub(crate) async fn new(inner: &Inner) -> Result<Self> {
        let number = last_number(inner).await?;
        Ok(Self { number, seen: None })
    }

    /// The last change that was read.
    pub(crate) fn number(&self) -> i64 {
        self.number
    }

    /// The changes since the last call, with their numbers.
    pub(crate) async fn read(&mut self, inner: &Inner) -> Result<Vec<(i64, Change)>> {
        if inner.database.backend == Backend::Sqlite && !self.has_commits(inner).await? {
            return Ok(Vec::new());
        }
        let last = last_number(inner).await?;
        if last == self.number {
            return Ok(Vec::new());
        }
        let sql = "SELECT number, workspace, kind, subject FROM changes WHERE number > $1 ORDER BY number";
        let query = sqlx::query_as::<_, (i64, String, String, String)>(sql).bind(self.number);
        let rows = query.fetch_all(&inner.database.read).await?;
        let is_whole = last > self.number && rows.first().is_some_and(|row| row.0 == self.number + 1);
        self.number = rows.last().map_or(last, |row| row.0);
        if !is_whole {
            return Ok(vec![(self.number, Change::Everything)]);
        }
        let change = |(number, workspace, kind, id): (i64, String, String, String)| match kind_of(&kind) {
            Some(kind) => (number, Change::Of { workspace, kind, id }),
            // A newer version has kinds that this one does not know.
            None => (number, Change::Everything),
        };
        Ok(rows.into_iter().map(change).collect())
    }

    /// Whether another connection has committed to the SQLite file since the last call.
    async fn has_commits(&mut self, inner: &Inner) -> Result<bool> {
        let (mut connection, before) = match self.seen.take() {
            Some(seen) => seen,
            None => (inner.database.read.acquire().await?, i64::MIN),
        };
        let version: i64 = sqlx::query_scalar("PRAGMA data_version").fetch_one(&mut *connection).await?;
        self.seen = Some((connection, version));
        Ok(version != before)
    }
}

async fn last_number(inner: &Inner) -> Result<i64> {
    let sql = "SELECT number FROM feed WHERE only_row = 1";
    Ok(sqlx::query_scalar(sql).fetch_one(&inner.database.read).await?)
}

fn kind_of(word: &str) -> Option<RecordKind> {
    let kinds = [RecordKind::Workspace, RecordKind::Provider, RecordKind::Token, RecordKind::Budget];
    kinds.into_iter().find(|kind| kind.as_str() == word)
}

/// Drops changes that every host has heard of, or has to count as missed.
pub(crate) async fn prune(inner: &Inner) -> Result<()> {
    let before = inner.clock.now() - i64::try_from(KEPT_FOR.as_millis()).unwrap_or(i64::MAX);
    let sql = "DELETE FROM changes WHERE number IN (SELECT number FROM changes WHERE at < $1 LIMIT 500)";
    inner.delete_in_steps(sql, before).await
}

/// Wakes the reader whenever PostgreSQL notifies, until the store is gone. While the connection is lost, the
/// reader's poll stands in.
pub(crate) async fn listen(url: String, inner: Weak<Inner>, wake: Arc<Notify>) {
    let Ok(pool) = PgPoolOptions::new().max_connections(1).connect_lazy(&url) else { return };
    drop(url);
    while inner.strong_count() > 0 {
        if let Ok(mut listener) = PgListener::connect_with(&pool).await {
            // Without this, a lost connection is made anew inside, without an end while the store is gone.
            listener.eager_reconnect(false);
            if listener.listen(CHANNEL).await.is_ok() {
                while let Ok(Some(_)) = listener.try_recv().await {
                    if inner.strong_count() == 0 {
                        return;
                    }
                    wake.notify_one();
                }
            }
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
