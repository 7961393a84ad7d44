//! The report of a connection test.

use serde::Serialize;

use crate::{LimitAmount, RawJson, UsageLimit, Usd};

/// The report of a successful connection test on the key. A field that the service does not tell is `None`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ConnectionReport {
    /// The key's name at the service; never the key.
    pub label: Option<String>,
    /// The most the key may spend by its own limit. `None`: no limit, or not told. Other limits may stop it
    /// sooner: [`next_limit`](Self::next_limit) says which.
    pub limit: Option<Usd>,
    /// The amount left of the key's own limit.
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
    /// Every limit of money that requests with this key count against, in the order in which the service
    /// checks them. Empty: none, or not told.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<UsageLimit>,
    /// The limit of money that refuses requests first: one that is used up already, or else the one with the
    /// least left. `None`: no limit, or not told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_limit: Option<UsageLimit>,
    /// How many requests to models that are free of charge the account has, and how many are left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub free_requests: Option<UsageLimit>,
    /// When the key ends, as the service writes it.
    pub expires_at: Option<String>,
    /// The whole answer.
    pub raw: Option<RawJson>,
}

impl ConnectionReport {
    /// Returns the limit of money that is used up, so that the service refuses requests with this key
    /// although the key is good. `None`: no limit stands in the way, or none is told.
    ///
    /// ```
    /// use provider_core::{ConnectionReport, LimitAmount, LimitKind, UsageLimit};
    ///
    /// let mut budget = UsageLimit::new(LimitKind::Workspace);
    /// budget.remaining = "-0.2".parse().ok().map(LimitAmount::Usd);
    /// let mut report = ConnectionReport::default();
    /// report.limit_remaining = "80".parse().ok(); // of the key's own limit
    /// report.next_limit = Some(budget);
    /// assert!(report.blocked_by().is_some());
    /// assert_eq!(report.remaining(), "-0.2".parse().ok());
    /// ```
    pub fn blocked_by(&self) -> Option<&UsageLimit> {
        self.next_limit.as_ref().filter(|limit| match limit.remaining {
            Some(LimitAmount::Usd(amount)) => amount.is_negative() || amount == Usd::ZERO,
            Some(LimitAmount::Requests(count) | LimitAmount::Tokens(count)) => count == 0,
            None => false,
        })
    }

    /// Returns the amount that can be spent with this key before a limit refuses requests; zero or less when
    /// one [does already](Self::blocked_by). `None`: no limit, or not told.
    pub fn remaining(&self) -> Option<Usd> {
        match self.next_limit.as_ref()?.remaining? {
            LimitAmount::Usd(amount) => Some(amount),
            LimitAmount::Requests(_) | LimitAmount::Tokens(_) => None,
        }
    }
}
