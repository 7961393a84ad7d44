//! The handlers under `/api/v1`, and those of the operator.

pub(crate) mod health;
pub(crate) mod workspaces;
