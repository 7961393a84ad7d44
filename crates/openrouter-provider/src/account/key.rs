//! A key's settings, limit and spending, and the account's credits.

use lenient_json::{Flag, object};
use openai_wire::Keep as _;
use provider_core::{ConnectionReport, RawJson, Usd};

use crate::document;
use crate::record::{self, record};

record! {
    /// The service's record of a key. `GET /key`. All amounts are US dollars; everything that the service
    /// does not tell is `None`.
    pub struct KeyInfo {
        /// The key's name, or its two ends; never the key.
        label: Option<String> = "label",
        /// The most the key may spend. `None`: no limit.
        limit: Option<Usd> = "limit",
        /// The rest of the limit.
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
        /// Whether the account has never paid.
        is_free_tier: Option<bool> = "is_free_tier",
        /// Whether it is a key for managing the account, which cannot run models.
        is_management_key: Option<bool> = "is_management_key",
        /// The id of the user who made it.
        creator_user_id: Option<String> = "creator_user_id",
        /// When it ends (`2027-12-31T23:59:59Z`). `None`: never.
        expires_at: Option<String> = "expires_at",
        /// The whole record as it was sent.
        raw: Option<RawJson>,
    }
}

impl KeyInfo {
    /// Converts it into the report of a connection test.
    pub fn into_report(self) -> ConnectionReport {
        let mut report = ConnectionReport::default();
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
