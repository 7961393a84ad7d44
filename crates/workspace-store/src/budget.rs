//! Budgets: limits of what calls may cost, or how many there may be, in a period.

mod amount;

use std::fmt;

use provider_core::Timestamp;
use serde::Serialize;

pub use self::amount::Amount;
pub(crate) use self::amount::{MAX_UNITS, units_of};
use crate::audit::{Action, Actor};
use crate::error::{RecordKind, Result, StoreError};
use crate::key::{SealError, hex};
use crate::revision::ChangedIn;
use crate::store::Store;
use crate::time::{NEVER, PeriodEnds, time_zone, timestamp};

/// The calls that a budget counts, within its workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "scope", content = "id")]
#[non_exhaustive]
pub enum Scope {
    /// All calls.
    Workspace,
    /// Those of an agent node.
    Node(String),
    /// Those of a user.
    User(String),
    /// Those with an API token, by its id.
    Token(String),
    /// Those of each agent node, on its own: one budget, of which every node has the limit for itself.
    EachNode,
    /// Those of each user, on their own.
    EachUser,
    /// Those with each API token, on its own.
    EachToken,
}

impl Scope {
    fn parts(&self) -> (&'static str, &str) {
        match self {
            Scope::Workspace => ("workspace", ""),
            Scope::Node(id) => ("node", id),
            Scope::User(id) => ("user", id),
            Scope::Token(id) => ("token", id),
            Scope::EachNode => ("each_node", ""),
            Scope::EachUser => ("each_user", ""),
            Scope::EachToken => ("each_token", ""),
        }
    }

    /// Reads what [`parts`](Self::parts) gives.
    pub(crate) fn read(word: &str, id: String) -> Option<Self> {
        match word {
            "workspace" => Some(Scope::Workspace),
            "node" => Some(Scope::Node(id)),
            "user" => Some(Scope::User(id)),
            "token" => Some(Scope::Token(id)),
            "each_node" => Some(Scope::EachNode),
            "each_user" => Some(Scope::EachUser),
            "each_token" => Some(Scope::EachToken),
            _ => None,
        }
    }
}

impl Scope {
    /// Whether each of its users, nodes or tokens has the limit for itself.
    pub(crate) fn is_each(&self) -> bool {
        matches!(self, Scope::EachNode | Scope::EachUser | Scope::EachToken)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.parts() {
            (word, "") => f.write_str(&word.replace('_', " ")),
            (word, id) => write!(f, "{word} {id:?}"),
        }
    }
}

/// The time in which a budget may be spent, before it begins anew. Days, weeks (from Monday on) and months
/// are those of the workspace's time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Period {
    /// A day.
    Day,
    /// A week.
    Week,
    /// A month.
    Month,
    /// All time: it never begins anew.
    Total,
}

impl Period {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Period::Day => "day",
            Period::Week => "week",
            Period::Month => "month",
            Period::Total => "total",
        }
    }

    pub(crate) fn read(word: &str) -> Option<Self> {
        let periods = [Period::Day, Period::Week, Period::Month, Period::Total];
        periods.into_iter().find(|period| period.as_str() == word)
    }

    fn end(self, ends: PeriodEnds) -> i64 {
        match self {
            Period::Day => ends.day,
            Period::Week => ends.week,
            Period::Month => ends.month,
            Period::Total => NEVER,
        }
    }
}

/// A stored budget.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct BudgetRecord {
    /// Its id.
    pub id: String,
    /// The workspace that it is in.
    pub workspace: String,
    /// The calls that it counts.
    pub scope: Scope,
    /// The most that they may cost, or how many there may be, in a period.
    pub limit: Amount,
    /// The period.
    pub period: Period,
    /// The bills of this period so far. Nothing for a budget of [each user](Scope::EachUser), node or token:
    /// [`Store::budget_shares`] has theirs.
    pub spent: Amount,
    /// The estimates of calls that are under way.
    pub reserved: Amount,
    /// The end of this period; `None` for a budget of all time.
    pub resets: Option<Timestamp>,
    /// The number of its last change. A [change](Store::change_budget) names it.
    pub revision: i64,
}

impl BudgetRecord {
    /// The part of the limit that is neither spent nor reserved.
    pub fn left(&self) -> Amount {
        let left = self.limit.units() - self.spent.units() - self.reserved.units();
        self.limit.with_units(left.max(0))
    }
}

impl Store {
    /// Adds a budget to a workspace.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn add_budget(
        &self,
        workspace: &str,
        scope: Scope,
        limit: Amount,
        period: Period,
        by: &Actor,
    ) -> Result<BudgetRecord> {
        let mut id = [0; 8];
        getrandom::fill(&mut id).map_err(|_| SealError::NotSealed)?;
        let (id, now) = (hex(&id), self.now());
        let mut tx = self.database().begin().await?;
        let (record, _) = self.lock_workspace(&mut tx, workspace).await?;
        let end = period.end(PeriodEnds::of(now, time_zone(&record.time_zone)?));
        let (word, scope_id) = scope.parts();
        let sql = "INSERT INTO budgets (id, workspace, scope, scope_id, unit, amount, period, revision, changed, \
                   created, period_end, spent, reserved) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7, 1, '{}', $8, $9, 0, 0)";
        let query = sqlx::query(sql).bind(&id).bind(workspace).bind(word).bind(scope_id);
        let query = query.bind(limit.unit()).bind(limit.units()).bind(period.as_str()).bind(now).bind(end);
        query.execute(&mut *tx).await?;
        let (kind, detail) = (RecordKind::Budget, format!("{scope}: {limit} a {}", period.as_str()));
        let action = Action { workspace, action: "create", kind, subject: &id, detail };
        self.commit(tx, action, by, &[(workspace, kind, &id)]).await?;
        self.budget(workspace, &id).await
    }

    /// Returns a budget.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn budget(&self, workspace: &str, id: &str) -> Result<BudgetRecord> {
        let budgets = self.budgets(workspace).await?;
        let found = budgets.into_iter().find(|budget| budget.id == id);
        found.ok_or_else(|| StoreError::not_found(RecordKind::Budget, id))
    }

    /// The budgets of a workspace by their ids, as of now.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn budgets(&self, workspace: &str) -> Result<Vec<BudgetRecord>> {
        let sql = "SELECT id, parent, workspace, scope, scope_id, unit, amount, period, spent, reserved, \
                   period_end, revision FROM budgets WHERE workspace = $1 AND parent IS NULL ORDER BY id";
        let rows = sqlx::query_as::<_, Row>(sql).bind(workspace).fetch_all(&self.database().read).await?;
        self.as_of_now(workspace, rows).await
    }

    /// The shares of a budget of [each user](Scope::EachUser), node or token, by the ids of those: at most
    /// `limit`, those after the id `after`. Each has the budget's id and a scope of its own. One who has not
    /// called yet, or not in this period, may be missing.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn budget_shares(
        &self,
        workspace: &str,
        id: &str,
        after: &str,
        limit: u32,
    ) -> Result<Vec<BudgetRecord>> {
        let sql = "SELECT id, parent, workspace, scope, scope_id, unit, amount, period, spent, reserved, \
                   period_end, revision FROM budgets \
                   WHERE workspace = $1 AND parent = $2 AND scope_id > $3 ORDER BY scope_id LIMIT $4";
        let query = sqlx::query_as::<_, Row>(sql).bind(workspace).bind(id).bind(after);
        let rows = query.bind(i64::from(limit)).fetch_all(&self.database().read).await?;
        self.as_of_now(workspace, rows).await
    }

    async fn as_of_now(&self, workspace: &str, rows: Vec<Row>) -> Result<Vec<BudgetRecord>> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let (now, zone) = (self.now(), time_zone(&self.workspace(workspace).await?.time_zone)?);
        let ends = PeriodEnds::of(now, zone);
        Ok(rows.into_iter().map(|row| Counted::from(row).at(now, ends).record()).collect())
    }

    /// Changes the limit of a budget that the caller has read at this revision. The unit stays.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when somebody else has changed it since then, [`StoreError::NotFound`],
    /// [`StoreError::Invalid`] for another unit.
    pub async fn change_budget(
        &self,
        workspace: &str,
        id: &str,
        revision: i64,
        limit: Amount,
        by: &Actor,
    ) -> Result<BudgetRecord> {
        let kind = RecordKind::Budget;
        let mut tx = self.database().begin().await?;
        let sql = self.database().pick(
            "SELECT unit, revision, changed FROM budgets WHERE workspace = $1 AND id = $2 AND parent IS NULL",
            "SELECT unit, revision, changed FROM budgets WHERE workspace = $1 AND id = $2 AND parent IS NULL \
             FOR UPDATE",
        );
        let query = sqlx::query_as::<_, (String, i64, String)>(sql).bind(workspace).bind(id);
        let row = query.fetch_optional(&mut *tx).await?;
        let (unit, found, changed) = row.ok_or_else(|| StoreError::not_found(kind, id))?;
        let mut changed = ChangedIn::parse(&changed);
        changed.check(kind, id, revision, found)?;
        if unit != limit.unit() {
            return Err(StoreError::invalid("limit", format!("is counted in {unit}, and stays so")));
        }
        changed.note("limit", revision + 1);
        let sql = "UPDATE budgets SET amount = $1, revision = $2, changed = $3 WHERE id = $4";
        let query = sqlx::query(sql).bind(limit.units()).bind(revision + 1).bind(changed.to_json()).bind(id);
        query.execute(&mut *tx).await?;
        let shares = "UPDATE budgets SET amount = $1 WHERE parent = $2";
        sqlx::query(shares).bind(limit.units()).bind(id).execute(&mut *tx).await?;
        let action =
            Action { workspace, action: "change", kind, subject: id, detail: format!("limit: {limit}") };
        self.commit(tx, action, by, &[(workspace, kind, id)]).await?;
        self.budget(workspace, id).await
    }

    /// Removes a budget.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn remove_budget(&self, workspace: &str, id: &str, by: &Actor) -> Result<()> {
        let kind = RecordKind::Budget;
        let mut tx = self.database().begin().await?;
        let sql = "DELETE FROM budgets WHERE workspace = $1 AND id = $2 AND parent IS NULL";
        let deleted = sqlx::query(sql).bind(workspace).bind(id).execute(&mut *tx).await?;
        if deleted.rows_affected() == 0 {
            return Err(StoreError::not_found(kind, id));
        }
        let action = Action { workspace, action: "delete", kind, subject: id, detail: String::new() };
        self.commit(tx, action, by, &[(workspace, kind, id)]).await
    }
}

pub(crate) type Row =
    (String, Option<String>, String, String, String, String, i64, String, i64, i64, i64, i64);

/// The row of a budget, or of a share of one, as it is stored.
#[derive(Clone, Debug)]
pub(crate) struct Counted {
    pub(crate) row_id: String,
    /// The budget that a share is of.
    pub(crate) parent: Option<String>,
    pub(crate) workspace: String,
    /// `None` for one that a newer version knows.
    pub(crate) scope: Option<Scope>,
    unit: String,
    limit: i64,
    period: Period,
    pub(crate) spent: i64,
    pub(crate) reserved: i64,
    /// The end of the period that the counters are of.
    pub(crate) period_end: i64,
    revision: i64,
}

impl From<Row> for Counted {
    fn from(row: Row) -> Self {
        let (
            row_id,
            parent,
            workspace,
            scope,
            scope_id,
            unit,
            limit,
            period,
            spent,
            reserved,
            period_end,
            revision,
        ) = row;
        let scope = Scope::read(&scope, scope_id);
        let period = Period::read(&period).unwrap_or(Period::Total);
        Self { row_id, parent, workspace, scope, unit, limit, period, spent, reserved, period_end, revision }
    }
}

impl Counted {
    /// The budget in the period that is now, which no call may have begun yet.
    pub(crate) fn at(mut self, now: i64, ends: PeriodEnds) -> Self {
        if self.period_end <= now {
            (self.spent, self.reserved, self.period_end) = (0, 0, self.period.end(ends));
        }
        self
    }

    /// The unit that it is counted in, as a word.
    pub(crate) fn unit(&self) -> &str {
        &self.unit
    }

    /// Whether so many units more are within the limit.
    pub(crate) fn has_room(&self, units: i64) -> bool {
        let used = self.spent.saturating_add(self.reserved).saturating_add(units);
        used <= self.limit
    }

    pub(crate) fn record(&self) -> BudgetRecord {
        let amount = |units| Amount::of(&self.unit, units);
        BudgetRecord {
            id: self.parent.as_ref().unwrap_or(&self.row_id).clone(),
            workspace: self.workspace.clone(),
            scope: self.scope.clone().unwrap_or(Scope::Workspace),
            limit: amount(self.limit),
            period: self.period,
            spent: amount(self.spent),
            reserved: amount(self.reserved),
            resets: (self.period_end != NEVER).then(|| timestamp(self.period_end)),
            revision: self.revision,
        }
    }
}
