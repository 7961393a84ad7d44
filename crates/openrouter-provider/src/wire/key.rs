//! The answer of `GET /key`.

use provider_core::ConnectionReport;

use super::lenient::{Flag, Raw, Str, object};
use super::usage::amount;

object! {
    Answer<'a> {
        data: Raw<'a> = "data",
    }
}

object! {
    Key<'a> {
        label: Str<'a> = "label",
        limit: Raw<'a> = "limit",
        limit_remaining: Raw<'a> = "limit_remaining",
        limit_reset: Str<'a> = "limit_reset",
        usage: Raw<'a> = "usage",
        is_free_tier: Flag = "is_free_tier",
        expires_at: Str<'a> = "expires_at",
    }
}

/// Reads what the service tells about a key.
///
/// # Errors
/// When the body is no JSON object with `data` in it.
pub(crate) fn read(body: &str) -> Result<ConnectionReport, String> {
    let answer: Answer<'_> = serde_json::from_str(body).map_err(|cause| cause.to_string())?;
    let key: Key<'_> = answer.data.read().ok_or("there is nothing in `data`")?;
    let owned = |text: Str<'_>| text.filled().map(str::to_owned);
    let mut report = ConnectionReport::default();
    report.label = owned(key.label);
    report.limit = amount(key.limit);
    report.limit_remaining = amount(key.limit_remaining);
    report.limit_reset = owned(key.limit_reset);
    report.usage = amount(key.usage);
    report.is_free_tier = key.is_free_tier.0;
    report.expires_at = owned(key.expires_at);
    report.raw = answer.data.0.map(Into::into);
    Ok(report)
}
