//! The limit that was met.

use provider_core::{LimitAmount, LimitKind, UsageLimit};

use super::retry::Hints;
use crate::rules::Rule;
use crate::wire_error::WireError;

/// Returns the limit that a rule is about, with the service's facts about it.
pub(super) fn of(rule: &Rule, wire: &WireError, hints: &Hints<'_>) -> Option<UsageLimit> {
    let mut limit = UsageLimit::new(rule.limit?);
    if let LimitKind::Rate | LimitKind::FreeRequests = limit.kind {
        let requests = |name: &str| hints.number(name).map(LimitAmount::Requests);
        limit.limit = requests("x-ratelimit-limit");
        limit.remaining = requests("x-ratelimit-remaining");
        limit.resets_at = hints.resets_at();
        return Some(limit);
    }
    let told = &wire.limit;
    let owned = |text: &Option<String>| text.as_deref().map(|text| hints.head.redact(text));
    let message = wire.words.message.as_deref().unwrap_or_default();
    limit.source = owned(&told.source);
    limit.scope = owned(&told.scope);
    limit.window = owned(&told.window).or_else(|| window_in(message));
    limit.limit = told.limit.map(LimitAmount::Usd).or_else(|| amount_in(message));
    limit.used = told.spent.map(LimitAmount::Usd);
    limit.remaining = told.remaining.map(LimitAmount::Usd);
    limit.resets_at = told.resets_at;
    Some(limit)
}

/// Returns the window in `Key limit exceeded (weekly limit)`.
fn window_in(message: &str) -> Option<String> {
    const WINDOWS: [&str; 5] = ["daily", "weekly", "monthly", "yearly", "total"];
    let mut words = message.split(|c: char| !c.is_alphanumeric());
    words.find(|word| WINDOWS.contains(word)).map(str::to_owned)
}

/// Returns the amount in `Workspace monthly budget of $500.00 exceeded`.
fn amount_in(message: &str) -> Option<LimitAmount> {
    let (_, amount) = message.split_once("of $")?;
    let amount = amount.split(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | ',')).next()?;
    amount.trim_end_matches(['.', ',']).replace(',', "").parse().ok().map(LimitAmount::Usd)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_and_the_amount_are_found_in_texts() {
        let usd = |text: &str| text.parse().ok().map(LimitAmount::Usd);
        for (message, window, amount) in [
            ("Key limit exceeded (daily limit). Manage it", Some("daily"), None),
            ("Key limit exceeded (total limit)", Some("total"), None),
            ("Workspace monthly budget of $1,500.50 exceeded.", Some("monthly"), usd("1500.5")),
            ("Budget of $5. exceeded", None, usd("5")),
            ("Budget of $ exceeded", None, None),
            ("Key limit exceeded", None, None),
        ] {
            assert_eq!((window_in(message).as_deref(), amount_in(message)), (window, amount), "{message}");
        }
    }
}
