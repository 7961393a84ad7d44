//! The store through its public API, on SQLite and, where `TEST_POSTGRES_URL` names a server, on PostgreSQL.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "tests fail by panicking, their helpers too")]

mod support;

mod budgets;
mod conversations;
mod opening;
mod outages;
mod pending;
mod providers;
mod runs;
mod secrets;
mod tokens;
mod transfer;
mod workspaces;
