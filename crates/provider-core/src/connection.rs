//! The report of a connection test.

use serde::Serialize;

use crate::{RawJson, Usd};

/// The report of a successful connection test on the key. A field that the service does not tell is `None`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ConnectionReport {
    /// The key's name at the service; never the key.
    pub label: Option<String>,
    /// The most the key may spend. `None`: no limit, or not told.
    pub limit: Option<Usd>,
    /// The amount left of the limit.
    pub limit_remaining: Option<Usd>,
    /// When the limit starts anew (`daily`, `weekly`, `monthly`).
    pub limit_reset: Option<String>,
    /// The amount that the key has spent.
    pub usage: Option<Usd>,
    /// Whether models can be asked with this key. `Some(false)`: a good key that is for managing the account
    /// only.
    pub can_run_models: Option<bool>,
    /// Whether the account has never paid.
    pub is_free_tier: Option<bool>,
    /// When the key ends, as the service writes it.
    pub expires_at: Option<String>,
    /// The whole answer.
    pub raw: Option<RawJson>,
}
