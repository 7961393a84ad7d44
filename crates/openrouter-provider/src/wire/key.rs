//! The answers of `GET /key` and `GET /credits`.

use super::data;
use super::usage::amount;
use crate::account::key_info::{Credits, KeyInfo};
use crate::wire::keep::Keep as _;
use lenient_json::{Flag, Raw, Text, object, owned};

object! {
    pub(crate) struct WireKey<'a> {
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
    pub(crate) struct WireCredits<'a> {
        total_credits: Raw<'a> = "total_credits",
        total_usage: Raw<'a> = "total_usage",
    }
}

/// Reads what the service tells about a key.
///
/// # Errors
/// When the body is no JSON object with `data` in it.
pub(crate) fn read(body: &str) -> Result<KeyInfo, String> {
    let raw = data::object(body)?;
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
    let raw = data::object(body)?;
    let wire: WireCredits<'_> = raw.read().unwrap_or_default();
    Ok(Credits {
        total_credits: amount(wire.total_credits),
        total_usage: amount(wire.total_usage),
        raw: raw.keep(),
    })
}
