//! Which limit of a service refused a request.

use std::fmt;

use serde::Serialize;

use super::Error;
use crate::{Timestamp, Usd};

/// A limit of a service that a request ran into: whose it is, how much of it is used, and when it starts
/// anew.
///
/// Layers and hosts decide on [`kind`](Self::kind). All else is for people, and `None` where the service did
/// not say it.
///
/// ```
/// use provider_core::{Error, ErrorKind, LimitAmount, LimitKind, UsageLimit};
///
/// let mut limit = UsageLimit::new(LimitKind::Workspace);
/// limit.limit = "500".parse().ok().map(LimitAmount::Usd);
/// limit.resets_at = "2026-12-01T00:00:00Z".parse().ok();
/// let error = Error::new(ErrorKind::PaymentRequired, "the workspace's budget is spent").with_limit(limit);
/// assert_eq!(
///     error.limit().map(ToString::to_string).as_deref(),
///     Some("the workspace's budget of 500 USD, which resets at 2026-12-01T00:00:00Z")
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct UsageLimit {
    /// The kind of the limit: the thing to `match` on.
    pub kind: LimitKind,
    /// The service's own word for where the limit is set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The one that it counts for, in the service's word (`member`, `api_key`, `workspace`, …).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// The time over which it counts, in the service's word (`daily`, `monthly`, `total`, …).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<String>,
    /// How much is allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<LimitAmount>,
    /// How much of it is used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub used: Option<LimitAmount>,
    /// How much is left; below zero where more was used than allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remaining: Option<LimitAmount>,
    /// When it starts anew, by the service's clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resets_at: Option<Timestamp>,
}

/// The kind of a [`UsageLimit`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LimitKind {
    /// The cost of requests under way, together. It frees itself as they end: wait as long as
    /// [`retry`](crate::Error::retry) says, and run fewer of them at the same time.
    InFlight,
    /// The account's money.
    Credits,
    /// The key's money.
    Key,
    /// The money of a rule for keys or members.
    Guardrail,
    /// The workspace's money.
    Workspace,
    /// Another budget, or one of which the service does not say whose it is.
    Budget,
    /// How many requests may be free of charge, in a day for example.
    FreeRequests,
    /// How many requests or tokens fit into a short time, a minute for example.
    Rate,
    /// The quota of the provider behind the service, mostly of a key of the caller's own there.
    Upstream,
}

/// An amount that a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LimitAmount {
    /// Money.
    Usd(Usd),
    /// A number of requests.
    Requests(u64),
    /// A number of tokens.
    Tokens(u64),
}

impl UsageLimit {
    /// A limit of which nothing else is known.
    pub fn new(kind: LimitKind) -> Self {
        let (source, scope, window) = (None, None, None);
        let (limit, used, remaining, resets_at) = (None, None, None, None);
        Self { kind, source, scope, window, limit, used, remaining, resets_at }
    }
}

impl Error {
    /// Whether the request was refused for what others under way [may cost](LimitKind::InFlight): it is not
    /// wrong, and may pass alone, after the time that the [advice](Error::retry) names.
    pub fn is_budget_in_flight(&self) -> bool {
        self.limit().is_some_and(|limit| limit.kind == LimitKind::InFlight)
    }
}

impl LimitKind {
    /// The kind in words.
    pub const fn label(self) -> &'static str {
        match self {
            LimitKind::InFlight => "the budget of requests under way",
            LimitKind::Credits => "the account's credit",
            LimitKind::Key => "the key's limit",
            LimitKind::Guardrail => "the guardrail's budget",
            LimitKind::Workspace => "the workspace's budget",
            LimitKind::Budget => "the budget",
            LimitKind::FreeRequests => "the limit of free requests",
            LimitKind::Rate => "the rate limit",
            LimitKind::Upstream => "the upstream provider's quota",
        }
    }
}

impl fmt::Display for LimitKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.label())
    }
}

impl fmt::Display for LimitAmount {
    /// `12.5 USD`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LimitAmount::Usd(amount) => write!(f, "{amount} USD"),
            LimitAmount::Requests(count) => write!(f, "{count} requests"),
            LimitAmount::Tokens(count) => write!(f, "{count} tokens"),
        }
    }
}

impl fmt::Display for UsageLimit {
    /// `the key's limit of 10 USD (daily), of which 10.02 USD are used, which resets at 2026-12-01T00:00:00Z`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kind)?;
        if let Some(limit) = self.limit {
            write!(f, " of {limit}")?;
        }
        let words = [&self.window, &self.scope].into_iter().flatten();
        for (position, word) in words.enumerate() {
            write!(f, "{}{word}", if position == 0 { " (" } else { ", " })?;
        }
        f.write_str(if self.window.is_some() || self.scope.is_some() { ")" } else { "" })?;
        if let Some(used) = self.used {
            write!(f, ", of which {used} are used")?;
        }
        match self.resets_at {
            Some(time) => write!(f, ", which resets at {time}"),
            None => Ok(()),
        }
    }
}
