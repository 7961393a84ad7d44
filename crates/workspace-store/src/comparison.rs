//! Comparisons: reports of one question to several models, with their cells.

use provider_compare::Report;
use provider_core::{RawJson, Timestamp, Usd};
use serde::Serialize;

use crate::error::{RecordKind, Result, StoreError};
use crate::run::{clean, new_id};
use crate::store::Store;
use crate::time::timestamp;

/// A stored comparison.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ComparisonRecord {
    /// Its id: later ones have higher ones.
    pub id: String,
    /// The workspace that it is in.
    pub workspace: String,
    /// The title to show.
    pub title: String,
    /// The user that asked.
    pub user: Option<String>,
    /// The moment at which it was stored.
    pub created: Timestamp,
    /// The figures of its models, in order.
    pub cells: Vec<ComparisonCell>,
}

/// The figures of a model in a comparison. The [report](Store::comparison_report) has its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ComparisonCell {
    /// The label.
    pub label: String,
    /// The provider, where one was found.
    pub provider: Option<String>,
    /// The model that was asked for.
    pub requested: String,
    /// The model that answered.
    pub served: Option<String>,
    /// The cost, where it is known.
    pub cost: Option<Usd>,
    /// The time to the first output, in milliseconds.
    pub first_output_ms: Option<u64>,
    /// The time to the end, in milliseconds.
    pub total_ms: Option<u64>,
    /// The kind of error that it ended with.
    pub error_kind: Option<String>,
}

impl Store {
    /// Stores the report of a comparison, and returns its id.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for an unknown workspace, [`StoreError::Invalid`] for a report that cannot be
    /// written as JSON.
    pub async fn record_comparison(
        &self,
        workspace: &str,
        title: &str,
        user: Option<&str>,
        report: &Report,
    ) -> Result<String> {
        let json = serde_json::to_string(report);
        let json = json.map_err(|error| StoreError::invalid("report", error.to_string()))?;
        let now = self.now();
        let id = new_id(now)?;
        let mut tx = self.database().begin().await?;
        let sql = "INSERT INTO comparisons (id, workspace, title, user_id, created, report) \
                   SELECT $1, id, $3, $4, $5, $6 FROM workspaces WHERE id = $2";
        let query = sqlx::query(sql).bind(&id).bind(workspace).bind(clean(title)).bind(user.map(clean));
        if query.bind(now).bind(json).execute(&mut *tx).await?.rows_affected() == 0 {
            return Err(StoreError::not_found(RecordKind::Workspace, workspace));
        }
        for (position, cell) in (0_i64..).zip(&report.cells) {
            let served = cell.response().map(|response| &response.model).filter(|model| !model.is_empty());
            let kind = cell.result.as_ref().err().and_then(|error| serde_json::to_value(error.kind()).ok());
            let kind = kind.as_ref().and_then(|kind| kind.as_str());
            let milliseconds = |time: Option<std::time::Duration>| {
                time.and_then(|time| i64::try_from(time.as_millis()).ok())
            };
            let sql = "INSERT INTO comparison_cells (comparison, position, label, provider, requested, served, \
                       cost, first_output_ms, total_ms, error_kind) \
                       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
            let query = sqlx::query(sql).bind(&id).bind(position).bind(clean(&cell.label));
            let query = query.bind(cell.provider.as_deref().map(clean)).bind(clean(&cell.requested));
            let query =
                query.bind(served.map(|model| clean(model))).bind(cell.cost().map(|cost| cost.to_string()));
            let query =
                query.bind(milliseconds(cell.timings.first_token)).bind(milliseconds(cell.timings.total));
            query.bind(kind).execute(&mut *tx).await?;
        }
        tx.commit().await?;
        Ok(id)
    }

    /// The comparisons of a workspace, newest first: at most `limit`, those before the one `before`.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn comparisons(
        &self,
        workspace: &str,
        before: Option<&str>,
        limit: u32,
    ) -> Result<Vec<ComparisonRecord>> {
        type Row = (String, String, String, Option<String>, i64);
        let sql = "SELECT id, workspace, title, user_id, created FROM comparisons \
                   WHERE workspace = $1 AND ($2 IS NULL OR id < $2) ORDER BY id DESC LIMIT $3";
        let query = sqlx::query_as::<_, Row>(sql).bind(workspace).bind(before).bind(i64::from(limit));
        let mut comparisons = Vec::new();
        for (id, workspace, title, user, created) in query.fetch_all(&self.database().read).await? {
            let cells = self.cells(&id).await?;
            let created = timestamp(created);
            comparisons.push(ComparisonRecord { id, workspace, title, user, created, cells });
        }
        Ok(comparisons)
    }

    /// The report of a comparison, as the JSON that `provider-compare` documents.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn comparison_report(&self, workspace: &str, id: &str) -> Result<RawJson> {
        let sql = "SELECT report FROM comparisons WHERE workspace = $1 AND id = $2";
        let query = sqlx::query_scalar::<_, String>(sql).bind(workspace).bind(id);
        let report = query.fetch_optional(&self.database().read).await?;
        let report = report.ok_or_else(|| StoreError::not_found(RecordKind::Comparison, id))?;
        // It was written from JSON.
        Ok(RawJson::from_checked(&report))
    }

    async fn cells(&self, comparison: &str) -> Result<Vec<ComparisonCell>> {
        type Row = (
            String,
            Option<String>,
            String,
            Option<String>,
            Option<String>,
            Option<i64>,
            Option<i64>,
            Option<String>,
        );
        let sql = "SELECT label, provider, requested, served, cost, first_output_ms, total_ms, error_kind \
                   FROM comparison_cells WHERE comparison = $1 ORDER BY position";
        let rows = sqlx::query_as::<_, Row>(sql).bind(comparison).fetch_all(&self.database().read).await?;
        let count = |count: Option<i64>| count.and_then(|count| u64::try_from(count).ok());
        let cell =
            |(label, provider, requested, served, cost, first, total, error_kind): Row| ComparisonCell {
                label,
                provider,
                requested,
                served,
                cost: cost.and_then(|cost| cost.parse().ok()),
                first_output_ms: count(first),
                total_ms: count(total),
                error_kind,
            };
        Ok(rows.into_iter().map(cell).collect())
    }
}
