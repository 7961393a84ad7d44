//! The audit log: who changed what, from where, and when.

use provider_core::Timestamp;
use serde::Serialize;

use crate::database::Tx;
use crate::error::{RecordKind, Result};
use crate::store::Store;
use crate::time::timestamp;

/// The one who makes a change, for the audit log. Every method that changes settings takes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    name: String,
    origin: Option<String>,
}

impl Actor {
    /// A person, a token or a program, by the name that the host knows it by: `user:ada`, `token:8f3a…`.
    /// Never a secret: it is stored as it is.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), origin: None }
    }

    /// Says where the change comes from: an address, a command.
    #[must_use]
    pub fn from_origin(mut self, origin: impl Into<String>) -> Self {
        self.origin = Some(origin.into());
        self
    }
}

/// A line of the audit log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AuditEntry {
    /// The number of the line; later lines have higher ones.
    pub id: i64,
    /// The moment of the change.
    pub at: Timestamp,
    /// The workspace; empty for a change of the store as a whole.
    pub workspace: String,
    /// The [`Actor`]'s name.
    pub actor: String,
    /// The [`Actor`]'s origin.
    pub origin: Option<String>,
    /// The kind of change: `create`, `change`, `delete`, `revoke`, `rewrap`, `export`, `import`.
    pub action: String,
    /// The kind of thing that was changed, as [`RecordKind::as_str`] names it.
    pub kind: String,
    /// The id of the thing.
    pub subject: String,
    /// The names of the fields that were changed, with commas between them. Never their values.
    pub detail: String,
}

/// A change to be written into the log.
pub(crate) struct Action<'a> {
    pub(crate) workspace: &'a str,
    pub(crate) action: &'static str,
    pub(crate) kind: RecordKind,
    pub(crate) subject: &'a str,
    pub(crate) detail: String,
}

impl Action<'_> {
    pub(crate) async fn log(&self, tx: &mut Tx, at: i64, by: &Actor) -> Result<()> {
        let sql = "INSERT INTO audit (at, workspace, actor, origin, action, kind, subject, detail) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
        let query = sqlx::query(sql).bind(at).bind(self.workspace).bind(&by.name).bind(&by.origin);
        let query = query.bind(self.action).bind(self.kind.as_str()).bind(self.subject).bind(&self.detail);
        query.execute(&mut **tx).await?;
        Ok(())
    }
}

type Row = (i64, i64, String, String, Option<String>, String, String, String, String);

impl Store {
    /// The audit log of a workspace, newest first: at most `limit` lines, those before the line `before`.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn audit(&self, workspace: &str, before: Option<i64>, limit: u32) -> Result<Vec<AuditEntry>> {
        let sql = "SELECT id, at, workspace, actor, origin, action, kind, subject, detail FROM audit \
                   WHERE workspace = $1 AND id < $2 ORDER BY id DESC LIMIT $3";
        let query = sqlx::query_as::<_, Row>(sql).bind(workspace).bind(before.unwrap_or(i64::MAX));
        let rows = query.bind(i64::from(limit)).fetch_all(&self.database().read).await?;
        let entry = |(id, at, workspace, actor, origin, action, kind, subject, detail): Row| AuditEntry {
            id,
            at: timestamp(at),
            workspace,
            actor,
            origin,
            action,
            kind,
            subject,
            detail,
        };
        Ok(rows.into_iter().map(entry).collect())
    }
}
