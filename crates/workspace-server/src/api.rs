//! The handlers under `/api/v1`, and those of the operator.

pub(crate) mod audit;
pub(crate) mod budgets;
pub(crate) mod comparisons;
pub(crate) mod connect;
pub(crate) mod conversations;
pub(crate) mod extract;
pub(crate) mod health;
pub(crate) mod models;
pub(crate) mod providers;
pub(crate) mod registry;
pub(crate) mod runs;
pub(crate) mod tokens;
pub(crate) mod workspaces;
