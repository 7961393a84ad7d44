//! A key's settings, limit and spending, and the account's credits.

use crate::document;
use lenient_json::{Flag, Raw, Text, object, owned};
use openai_wire::{Keep as _, amount};
use provider_core::{ConnectionReport, RawJson, Usd};
use serde::Serialize;

/// The service's record of a key. `GET /key`. All amounts are US dollars; everything that the service does
/// not tell is `None`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct KeyInfo {
    /// The key's name, or its two ends; never the key.
    pub label: Option<String>,
    /// The most the key may spend. `None`: no limit.
    pub limit: Option<Usd>,
    /// The rest of the limit.
    pub limit_remaining: Option<Usd>,
    /// When the limit starts anew: `daily`, `weekly`, `monthly`. `None`: never.
    pub limit_reset: Option<String>,
    /// Whether what is spent with keys of one's own at upstream providers ("bring your own key") counts for
    /// the limit.
    pub include_byok_in_limit: Option<bool>,
    /// The key's spending in all.
    pub usage: Option<Usd>,
    /// The key's spending on this day, UTC.
    pub usage_daily: Option<Usd>,
    /// The key's spending in this week, Monday to Sunday, UTC.
    pub usage_weekly: Option<Usd>,
    /// The key's spending in this month, UTC.
    pub usage_monthly: Option<Usd>,
    /// The spending in all with keys of one's own at upstream providers, which bill it.
    pub byok_usage: Option<Usd>,
    /// The same on this day, UTC.
    pub byok_usage_daily: Option<Usd>,
    /// The same in this week, UTC.
    pub byok_usage_weekly: Option<Usd>,
    /// The same in this month, UTC.
    pub byok_usage_monthly: Option<Usd>,
    /// Whether the account has never paid.
    pub is_free_tier: Option<bool>,
    /// Whether it is a key for managing the account, which cannot run models.
    pub is_management_key: Option<bool>,
    /// The id of the user who made it.
    pub creator_user_id: Option<String>,
    /// When it ends (`2027-12-31T23:59:59Z`). `None`: never.
    pub expires_at: Option<String>,
    /// The whole record as it was sent.
    pub raw: Option<RawJson>,
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

/// The account's payments and spending, in US dollars. `GET /credits`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Credits {
    /// The sum of all payments.
    pub total_credits: Option<Usd>,
    /// The sum of all spending.
    pub total_usage: Option<Usd>,
    /// The whole record as it was sent.
    pub raw: Option<RawJson>,
}

impl Credits {
    /// Returns the credits that are left; below zero for an account that has overspent.
    pub fn remaining(&self) -> Option<Usd> {
        Some(self.total_credits? - self.total_usage?)
    }
}

object! {
    struct WireKey<'a> {
        label: Text<'a> = "label",
        limit: Raw<'a> = "limit",
        limit_remaining: Raw<'a> = "limit_remaining",
        limit_reset: Text<'a> = "limit_reset",
        include_byok_in_limit: Flag = "include_byok_in_limit",
        usage: Raw<'a> = "usage",
        usage_daily: Raw<'a> = "usage_daily",
        usage_weekly: Raw<'a> = "usage_weekly",
        usage_monthly: Raw<'a> = "usage_monthly",
        byok_usage: Raw<'a> = "byok_usage",
        byok_usage_daily: Raw<'a> = "byok_usage_daily",
        byok_usage_weekly: Raw<'a> = "byok_usage_weekly",
        byok_usage_monthly: Raw<'a> = "byok_usage_monthly",
        is_free_tier: Flag = "is_free_tier",
        is_management_key: Flag = "is_management_key",
        is_provisioning_key: Flag = "is_provisioning_key",
        creator_user_id: Text<'a> = "creator_user_id",
        expires_at: Text<'a> = "expires_at",
    }
}

object! {
    struct WireCredits<'a> {
        total_credits: Raw<'a> = "total_credits",
        total_usage: Raw<'a> = "total_usage",
    }
}

/// Reads what the service tells about a key.
///
/// # Errors
/// When the body is no JSON object with `data` in it.
pub(crate) fn read(body: &str) -> Result<KeyInfo, String> {
    let raw = document::object(body)?;
    let wire: WireKey<'_> = raw.read().unwrap_or_default();
    Ok(KeyInfo {
        label: owned(wire.label),
        limit: amount(wire.limit),
        limit_remaining: amount(wire.limit_remaining),
        limit_reset: owned(wire.limit_reset),
        include_byok_in_limit: wire.include_byok_in_limit.0,
        usage: amount(wire.usage),
        usage_daily: amount(wire.usage_daily),
        usage_weekly: amount(wire.usage_weekly),
        usage_monthly: amount(wire.usage_monthly),
        byok_usage: amount(wire.byok_usage),
        byok_usage_daily: amount(wire.byok_usage_daily),
        byok_usage_weekly: amount(wire.byok_usage_weekly),
        byok_usage_monthly: amount(wire.byok_usage_monthly),
        is_free_tier: wire.is_free_tier.0,
        // The older name says the same.
        is_management_key: wire.is_management_key.0.or(wire.is_provisioning_key.0),
        creator_user_id: owned(wire.creator_user_id),
        expires_at: owned(wire.expires_at),
        raw: raw.keep(),
    })
}

/// Reads what the account has paid in and spent.
///
/// # Errors
/// When the body is no JSON object with `data` in it.
pub(crate) fn read_credits(body: &str) -> Result<Credits, String> {
    let raw = document::object(body)?;
    let wire: WireCredits<'_> = raw.read().unwrap_or_default();
    Ok(Credits {
        total_credits: amount(wire.total_credits),
        total_usage: amount(wire.total_usage),
        raw: raw.keep(),
    })
}
