//! Workspaces and their settings.

use std::time::Duration;

use provider_core::Timestamp;
use serde::Serialize;

use crate::audit::{Action, Actor};
use crate::database::Tx;
use crate::error::{RecordKind, Result, StoreError};
use crate::revision::ChangedIn;
use crate::store::Store;
use crate::time::{time_zone, timestamp};

/// A workspace to be created.
#[derive(Clone, Debug)]
pub struct NewWorkspace {
    id: String,
    name: String,
    time_zone: String,
}

impl NewWorkspace {
    /// A workspace whose name is its id, in the time zone UTC. The id has 1 to 128 characters, without white
    /// space and control characters, and is neither `.` nor `..`.
    pub fn new(id: impl Into<String>) -> Self {
        let id = id.into();
        Self { name: id.clone(), id, time_zone: "UTC".to_owned() }
    }

    /// Sets the name to show.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Sets the time zone in which the days, weeks and months of its budgets begin, by its name in the IANA
    /// database: `Europe/Berlin`. Default: `UTC`.
    #[must_use]
    pub fn time_zone(mut self, name: impl Into<String>) -> Self {
        self.time_zone = name.into();
        self
    }
}

/// A stored workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct WorkspaceRecord {
    /// Its id.
    pub id: String,
    /// The name to show.
    pub name: String,
    /// The time zone of its budgets.
    pub time_zone: String,
    /// The provider that gets ids that no catalogue lists, see
    /// [`Workspace::unlisted_models`](provider_registry::Workspace::unlisted_models).
    pub unlisted_models: Option<String>,
    /// How long prompts and answers of its runs are kept, in seconds; `None`: they are not stored at all.
    pub keep_content_seconds: Option<u64>,
    /// How long its runs are kept, in seconds; `None`: without an end.
    pub keep_runs_seconds: Option<u64>,
    /// The number of its last change. A [change](Store::change_workspace) names it.
    pub revision: i64,
    /// The moment of its creation.
    pub created: Timestamp,
}

/// A change of a workspace. It leaves what it does not name.
#[derive(Clone, Debug, Default)]
pub struct WorkspaceChange {
    name: Option<String>,
    time_zone: Option<String>,
    unlisted_models: Option<Option<String>>,
    keep_content: Option<Option<Duration>>,
    keep_runs: Option<Option<Duration>>,
}

impl WorkspaceChange {
    /// No change.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the name to show.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets the time zone of the budgets. It counts from their next period on.
    #[must_use]
    pub fn time_zone(mut self, name: impl Into<String>) -> Self {
        self.time_zone = Some(name.into());
        self
    }

    /// Names the provider that gets ids that no catalogue lists; `None`: no provider does.
    #[must_use]
    pub fn unlisted_models(mut self, provider: Option<&str>) -> Self {
        self.unlisted_models = Some(provider.map(str::to_owned));
        self
    }

    /// Has prompts and answers of runs stored for so long, from a second to 100 years; `None`: not at all,
    /// which is the default. It counts for runs from now on.
    #[must_use]
    pub fn keep_content(mut self, time: Option<Duration>) -> Self {
        self.keep_content = Some(time);
        self
    }

    /// Has runs dropped so long after they began, from a second to 100 years, and their prompts and answers
    /// with them; `None`: never, which is the default. It counts for the runs that are there as well. A sweep
    /// each minute drops them, and [totals](Store::run_totals) lose them then; those [by
    /// day](Store::run_days) keep them.
    #[must_use]
    pub fn keep_runs(mut self, time: Option<Duration>) -> Self {
        self.keep_runs = Some(time);
        self
    }
}

impl Store {
    /// Creates a workspace.
    ///
    /// # Errors
    /// [`StoreError::Duplicate`], [`StoreError::Invalid`] for an id or a time zone that cannot be used.
    pub async fn create_workspace(&self, new: NewWorkspace, by: &Actor) -> Result<WorkspaceRecord> {
        check_id(&new.id)?;
        check_name(&new.name)?;
        time_zone(&new.time_zone)?;
        let (kind, now) = (RecordKind::Workspace, self.now());
        let mut tx = self.database().begin().await?;
        let sql = "INSERT INTO workspaces (id, name, time_zone, revision, changed, created) \
                   VALUES ($1, $2, $3, 1, '{}', $4)";
        let query = sqlx::query(sql).bind(&new.id).bind(&new.name).bind(&new.time_zone).bind(now);
        query.execute(&mut *tx).await.map_err(|error| StoreError::duplicate(error, kind, &new.id))?;
        let (id, detail) = (new.id.as_str(), String::new());
        let action = Action { workspace: id, action: "create", kind, subject: id, detail };
        self.commit(tx, action, by, &[(id, kind, id)]).await?;
        Ok(WorkspaceRecord {
            id: new.id,
            name: new.name,
            time_zone: new.time_zone,
            unlisted_models: None,
            keep_content_seconds: None,
            keep_runs_seconds: None,
            revision: 1,
            created: timestamp(now),
        })
    }

    /// Returns a workspace.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn workspace(&self, id: &str) -> Result<WorkspaceRecord> {
        let sql = "SELECT id, name, time_zone, unlisted_models, keep_content_ms, keep_runs_ms, revision, changed, created \
                   FROM workspaces WHERE id = $1";
        let row = sqlx::query_as::<_, Row>(sql).bind(id).fetch_optional(&self.database().read).await?;
        row.map(|row| record(row).0).ok_or_else(|| StoreError::not_found(RecordKind::Workspace, id))
    }

    /// The workspaces by their ids: at most `limit`, those after the id `after`.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn workspaces(&self, after: &str, limit: u32) -> Result<Vec<WorkspaceRecord>> {
        let sql = "SELECT id, name, time_zone, unlisted_models, keep_content_ms, keep_runs_ms, revision, changed, created \
                   FROM workspaces WHERE id > $1 ORDER BY id LIMIT $2";
        let query = sqlx::query_as::<_, Row>(sql).bind(after).bind(i64::from(limit));
        Ok(query.fetch_all(&self.database().read).await?.into_iter().map(|row| record(row).0).collect())
    }

    /// Changes a workspace that the caller has read at this revision.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when somebody else has changed it since then, [`StoreError::NotFound`], also
    /// for an unknown provider, [`StoreError::Invalid`].
    pub async fn change_workspace(
        &self,
        id: &str,
        revision: i64,
        change: WorkspaceChange,
        by: &Actor,
    ) -> Result<WorkspaceRecord> {
        let mut tx = self.database().begin().await?;
        let (mut record, mut changed) = self.lock_workspace(&mut tx, id).await?;
        changed.check(RecordKind::Workspace, id, revision, record.revision)?;
        record.revision += 1;
        let mut fields = Vec::new();
        if let Some(name) = change.name {
            check_name(&name)?;
            record.name = name;
            fields.push("name");
        }
        if let Some(name) = change.time_zone {
            time_zone(&name)?;
            record.time_zone = name;
            fields.push("time_zone");
        }
        if let Some(provider) = change.unlisted_models {
            if let Some(provider) = &provider {
                let sql = "SELECT 1 FROM providers WHERE workspace = $1 AND id = $2";
                let found: Option<(i32,)> =
                    sqlx::query_as(sql).bind(id).bind(provider).fetch_optional(&mut *tx).await?;
                found.ok_or_else(|| StoreError::not_found(RecordKind::Provider, provider))?;
            }
            record.unlisted_models = provider;
            fields.push("unlisted_models");
        }
        if let Some(time) = change.keep_content {
            record.keep_content_seconds = seconds("keep_content_seconds", time)?;
            fields.push("keep_content");
        }
        if let Some(time) = change.keep_runs {
            record.keep_runs_seconds = seconds("keep_runs_seconds", time)?;
            fields.push("keep_runs");
        }
        fields.iter().for_each(|field| changed.note(field, record.revision));
        let keep = |seconds: Option<u64>| {
            seconds.map(|seconds| i64::try_from(seconds.saturating_mul(1000)).unwrap_or(i64::MAX))
        };
        let sql = "UPDATE workspaces SET name = $1, time_zone = $2, unlisted_models = $3, keep_content_ms = $4, \
                   keep_runs_ms = $5, revision = $6, changed = $7 WHERE id = $8";
        let query = sqlx::query(sql).bind(&record.name).bind(&record.time_zone).bind(&record.unlisted_models);
        let query = query.bind(keep(record.keep_content_seconds)).bind(keep(record.keep_runs_seconds));
        let query = query.bind(record.revision).bind(changed.to_json()).bind(id);
        query.execute(&mut *tx).await?;
        let kind = RecordKind::Workspace;
        let action = Action { workspace: id, action: "change", kind, subject: id, detail: fields.join(", ") };
        self.commit(tx, action, by, &[(id, kind, id)]).await?;
        Ok(record)
    }

    /// Deletes a workspace with everything in it but its audit log.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn delete_workspace(&self, id: &str, by: &Actor) -> Result<()> {
        let kind = RecordKind::Workspace;
        let mut tx = self.database().begin().await?;
        let deleted = sqlx::query("DELETE FROM workspaces WHERE id = $1").bind(id).execute(&mut *tx).await?;
        if deleted.rows_affected() == 0 {
            return Err(StoreError::not_found(kind, id));
        }
        let action = Action { workspace: id, action: "delete", kind, subject: id, detail: String::new() };
        self.commit(tx, action, by, &[(id, kind, id)]).await
    }

    /// Reads a workspace for a transaction that changes it or what is in it.
    pub(crate) async fn lock_workspace(&self, tx: &mut Tx, id: &str) -> Result<(WorkspaceRecord, ChangedIn)> {
        let sql = self.database().pick(
            "SELECT id, name, time_zone, unlisted_models, keep_content_ms, keep_runs_ms, revision, changed, created \
             FROM workspaces WHERE id = $1",
            "SELECT id, name, time_zone, unlisted_models, keep_content_ms, keep_runs_ms, revision, changed, created \
             FROM workspaces WHERE id = $1 FOR UPDATE",
        );
        let row = sqlx::query_as::<_, Row>(sql).bind(id).fetch_optional(&mut **tx).await?;
        row.map(record).ok_or_else(|| StoreError::not_found(RecordKind::Workspace, id))
    }
}

type Row = (String, String, String, Option<String>, Option<i64>, Option<i64>, i64, String, i64);

fn record(row: Row) -> (WorkspaceRecord, ChangedIn) {
    let (id, name, time_zone, unlisted_models, keep_content, keep_runs, revision, changed, created) = row;
    let seconds = |milliseconds: i64| u64::try_from(milliseconds / 1000).ok();
    let record = WorkspaceRecord {
        id,
        name,
        time_zone,
        unlisted_models,
        keep_content_seconds: keep_content.and_then(seconds),
        keep_runs_seconds: keep_runs.and_then(seconds),
        revision,
        created: timestamp(created),
    };
    (record, ChangedIn::parse(&changed))
}

/// The longest time that anything is kept, in seconds: 100 years. Beyond it `None` says what is meant.
const MAX_KEEP: u64 = 100 * 365 * 24 * 60 * 60;

/// The whole seconds of a time to keep something.
fn seconds(field: &str, time: Option<Duration>) -> Result<Option<u64>> {
    match time.map(|time| time.as_secs()) {
        Some(0 | MAX_KEEP..) => {
            let problem = format!("must be from 1 to {}, or null", MAX_KEEP - 1);
            Err(StoreError::invalid(field, problem))
        }
        seconds => Ok(seconds),
    }
}

pub(crate) fn check_id(id: &str) -> Result<()> {
    // A client takes these out of a path.
    if matches!(id, "." | "..") {
        return Err(StoreError::invalid(
            "id",
            "must be another than `.` and `..`, which a path has no place for",
        ));
    }
    let fits = |c: char| !c.is_whitespace() && !c.is_control();
    if !(1..=128).contains(&id.chars().count()) || !id.chars().all(fits) {
        return Err(StoreError::invalid("id", "has 1 to 128 characters, without white space"));
    }
    Ok(())
}

pub(crate) fn check_name(name: &str) -> Result<()> {
    if name.trim().is_empty() || name.chars().count() > 200 || name.contains(char::is_control) {
        return Err(StoreError::invalid("name", "has 1 to 200 characters, without line breaks"));
    }
    Ok(())
}
