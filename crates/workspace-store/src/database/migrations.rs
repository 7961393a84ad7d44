//! The steps of the schema, forward only. A step that was released is not changed any more.

/// A step of the schema in the words of both databases.
pub(crate) struct Migration {
    pub(crate) sqlite: &'static str,
    pub(crate) postgres: &'static str,
    /// Whether the runs that are there are then counted by day.
    pub(crate) counts_runs: bool,
}

macro_rules! migration {
    ($file:literal) => {
        Migration {
            sqlite: include_str!(concat!("../../schema/sqlite/", $file)),
            postgres: include_str!(concat!("../../schema/postgres/", $file)),
            counts_runs: false,
        }
    };
}

/// All steps: the first one makes version 1.
pub(crate) const MIGRATIONS: &[Migration] = &[
    migration!("0001_workspaces.sql"),
    migration!("0002_tokens.sql"),
    migration!("0003_budgets.sql"),
    migration!("0004_runs.sql"),
    migration!("0005_conversations.sql"),
    migration!("0006_retention.sql"),
    migration!("0007_budget_shares.sql"),
    Migration { counts_runs: true, ..migration!("0008_run_totals.sql") },
    migration!("0009_pending_requests.sql"),
];
