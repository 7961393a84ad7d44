//! A key's settings, limit and spending, and the account's credits.

use lenient_json::{Flag, object};
use openai_wire::Keep as _;
use provider_core::{ConnectionReport, LimitAmount, LimitKind, RawJson, UsageLimit, Usd};

use crate::document;
use crate::record::{self, record};

record! {
    /// The service's record of a key. `GET /key`. All amounts are US dollars; everything that the service
    /// does not tell is `None`.
    pub struct KeyInfo {
        /// The key's name, or its two ends; never the key.
        label: Option<String> = "label",
        /// The most the key may spend by its own limit. `None`: no limit of its own;
        /// [`budgets`](Self::budgets) may have others.
        limit: Option<Usd> = "limit",
        /// The rest of the key's own limit.
        limit_remaining: Option<Usd> = "limit_remaining",
        /// When the limit starts anew: `daily`, `weekly`, `monthly`. `None`: never.
        limit_reset: Option<String> = "limit_reset",
        /// Whether what is spent with keys of one's own at upstream providers ("bring your own key") counts
        /// for the limit.
        include_byok_in_limit: Option<bool> = "include_byok_in_limit",
        /// The key's spending in all.
        usage: Option<Usd> = "usage",
        /// The key's spending on this day, UTC.
        usage_daily: Option<Usd> = "usage_daily",
        /// The key's spending in this week, Monday to Sunday, UTC.
        usage_weekly: Option<Usd> = "usage_weekly",
        /// The key's spending in this month, UTC.
        usage_monthly: Option<Usd> = "usage_monthly",
        /// The spending in all with keys of one's own at upstream providers, which bill it.
        byok_usage: Option<Usd> = "byok_usage",
        /// The same on this day, UTC.
        byok_usage_daily: Option<Usd> = "byok_usage_daily",
        /// The same in this week, UTC.
        byok_usage_weekly: Option<Usd> = "byok_usage_weekly",
        /// The same in this month, UTC.
        byok_usage_monthly: Option<Usd> = "byok_usage_monthly",
        /// Every budget that the service checks for requests with this key, in that order: those of
        /// guardrails, those of workspaces, then the key's own limit. Empty: none, or not told.
        budgets: Vec<Budget> = "budgets",
        /// The budget that refuses requests first: one that is spent, or else the one with the least left.
        effective_budget: Option<Budget> = "effective_budget",
        /// How many requests to free models (`…:free`) the account may make in a day, UTC.
        free_model_daily_requests: Option<FreeRequests> = "free_model_daily_requests",
        /// Where requests with this key may be worked on: `global`, `europe`, `us`.
        allowed_data_regions: Vec<String> = "allowed_data_regions",
        /// Whether the account has never paid.
        is_free_tier: Option<bool> = "is_free_tier",
        /// Whether it is a key for managing the account, which cannot run models.
        is_management_key: Option<bool> = "is_management_key",
        /// The id of the user who made it.
        creator_user_id: Option<String> = "creator_user_id",
        /// The id of the organization that owns the key. `None`: an account of one person does, or not told.
        organization_id: Option<String> = "organization_id",
        /// The id of the workspace in which the key spends.
        workspace_id: Option<String> = "workspace_id",
        /// When it ends (`2027-12-31T23:59:59Z`). `None`: never.
        expires_at: Option<String> = "expires_at",
        /// The whole record as it was sent.
        raw: Option<RawJson>,
    }
}

record! {
    /// A budget that requests with a key count against, in US dollars.
    pub struct Budget {
        /// Whose budget it is: `workspace_default_member`, `workspace_default_key`, `member`, `api_key`
        /// (budgets of guardrails), `workspace`, `key_limit` (the key's own limit).
        scope: String = "scope",
        /// The most that may be spent in the window.
        limit_usd: Option<Usd> = "limit_usd",
        /// The part of it that is spent.
        spend_usd: Option<Usd> = "spend_usd",
        /// The part of it that is left. At zero or less the service refuses requests until the budget starts
        /// anew.
        remaining_usd: Option<Usd> = "remaining_usd",
        /// The window, UTC: `daily`, `weekly` (from Monday), `monthly`. `None`: it never starts anew.
        reset_interval: Option<String> = "reset_interval",
        /// When it starts anew (`2026-12-01T00:00:00Z`). `None`: never.
        resets_at: Option<String> = "resets_at",
        /// Whether what is spent with keys of one's own at upstream providers counts.
        include_byok: Option<bool> = "include_byok",
        /// The id of the guardrail that has the budget.
        guardrail_id: Option<String> = "guardrail_id",
        /// The id of the workspace's budget.
        budget_id: Option<String> = "budget_id",
    }
}

record! {
    /// How many requests to free models an account may make in a day, UTC. Accounts that are exempt from the
    /// limit have these numbers as well.
    #[derive(Copy)]
    pub struct FreeRequests {
        /// How many it may make.
        limit: Option<u64> = "limit",
        /// How many it has made.
        used: Option<u64> = "used",
        /// How many are left.
        remaining: Option<u64> = "remaining",
    }
}

impl KeyInfo {
    /// Returns the budget that refuses requests first: what the service says, or what follows from the
    /// budgets and the key's own limit where it says nothing. `None`: no budget, or not told.
    pub fn next_budget(&self) -> Option<Budget> {
        if self.effective_budget.is_some() {
            return self.effective_budget.clone();
        }
        let mut all = self.budgets.clone();
        let has_own = self.limit.is_some() || self.limit_remaining.is_some();
        if has_own && all.iter().all(|budget| budget.scope != KEY_LIMIT) {
            all.push(Budget {
                scope: KEY_LIMIT.to_owned(),
                limit_usd: self.limit,
                remaining_usd: self.limit_remaining,
                reset_interval: self.limit_reset.clone(),
                ..Budget::default()
            });
        }
        let first = all.iter().position(Budget::is_spent).or_else(|| {
            // One that does not tell what is left comes last.
            let left = |budget: &Budget| (budget.remaining_usd.is_none(), budget.remaining_usd);
            let least = all.iter().enumerate().min_by_key(|(_, budget)| left(budget));
            least.map(|(place, _)| place)
        })?;
        Some(all.swap_remove(first))
    }

    /// Converts it into the report of a connection test.
    pub fn into_report(self) -> ConnectionReport {
        let mut report = ConnectionReport::default();
        report.next_limit = self.next_budget().map(|budget| budget.to_limit());
        report.limits = self.budgets.iter().map(Budget::to_limit).collect();
        report.free_requests = self.free_model_daily_requests.map(FreeRequests::to_limit);
        report.label = self.label;
        report.limit = self.limit;
        report.limit_remaining = self.limit_remaining;
        report.limit_reset = self.limit_reset;
        report.usage = self.usage;
        report.can_run_models = self.is_management_key.map(|manages| !manages);
        report.is_free_tier = self.is_free_tier;
        report.expires_at = self.expires_at;
        report.raw = self.raw;
        report
    }
}

/// The scope of the budget that is the key's own limit.
const KEY_LIMIT: &str = "key_limit";

impl Budget {
    /// Whether nothing is left of it, so that the service refuses requests until it starts anew.
    pub fn is_spent(&self) -> bool {
        self.remaining_usd.is_some_and(|left| left <= Usd::ZERO)
    }

    /// Converts it into the limit that an error about it has as well.
    fn to_limit(&self) -> UsageLimit {
        let mut limit = UsageLimit::new(match self.scope.as_str() {
            KEY_LIMIT => LimitKind::Key,
            "workspace" => LimitKind::Workspace,
            "workspace_default_member" | "workspace_default_key" | "member" | "api_key" => {
                LimitKind::Guardrail
            }
            _ => LimitKind::Budget,
        });
        limit.scope = Some(self.scope.clone()).filter(|scope| !scope.is_empty());
        limit.window.clone_from(&self.reset_interval);
        limit.limit = self.limit_usd.map(LimitAmount::Usd);
        limit.used = self.spend_usd.map(LimitAmount::Usd);
        limit.remaining = self.remaining_usd.map(LimitAmount::Usd);
        limit.resets_at = self.resets_at.as_deref().and_then(|text| text.parse().ok());
        limit
    }
}

impl FreeRequests {
    fn to_limit(self) -> UsageLimit {
        let mut limit = UsageLimit::new(LimitKind::FreeRequests);
        limit.window = Some("daily".to_owned());
        limit.limit = self.limit.map(LimitAmount::Requests);
        limit.used = self.used.map(LimitAmount::Requests);
        limit.remaining = self.remaining.map(LimitAmount::Requests);
        limit
    }
}

record::list_fields!(Budget);
record::optional_fields!(Budget, FreeRequests);

record! {
    /// The account's payments and spending, in US dollars. `GET /credits`.
    pub struct Credits {
        /// The sum of all payments.
        total_credits: Option<Usd> = "total_credits",
        /// The sum of all spending.
        total_usage: Option<Usd> = "total_usage",
        /// The whole record as it was sent.
        raw: Option<RawJson>,
    }
}

impl Credits {
    /// Returns the credits that are left; below zero for an account that has overspent.
    pub fn remaining(&self) -> Option<Usd> {
        Some(self.total_credits? - self.total_usage?)
    }
}

object! {
    /// The earlier names of fields.
    struct EarlierNames<'a> {
        is_provisioning_key: Flag = "is_provisioning_key",
    }
}

/// Reads what the service tells about a key.
///
/// # Errors
/// When the body is no JSON object with `data` in it.
pub(crate) fn read(body: &str) -> Result<KeyInfo, String> {
    let raw = document::object(body)?;
    let mut key = KeyInfo { raw: raw.keep(), ..record::of(raw) };
    if key.is_management_key.is_none() {
        let earlier: EarlierNames<'_> = raw.read().unwrap_or_default();
        key.is_management_key = earlier.is_provisioning_key.0;
    }
    Ok(key)
}

/// Reads what the account has paid in and spent.
///
/// # Errors
/// When the body is no JSON object with `data` in it.
pub(crate) fn read_credits(body: &str) -> Result<Credits, String> {
    let raw = document::object(body)?;
    Ok(Credits { raw: raw.keep(), ..record::of(raw) })
}
