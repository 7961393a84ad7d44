//! The next step after a failure, where one is known.

use provider_core::UsageLimit;

use crate::rules::Rule;
use crate::wire_error::WireError;

/// Returns the next step, as the second half of a sentence: the rule's step, and the models that the service
/// proposes.
///
/// In the rule's text `{limit}` stands for the limit that was met, and `{or_wait}` for when it starts anew,
/// if it does.
pub(super) fn of(rule: &Rule, limit: Option<&UsageLimit>, wire: &WireError) -> Option<String> {
    let step = rule.step.replace("{limit}", &limit.map(named).unwrap_or_default());
    let step = step.replace("{or_wait}", &limit.map(or_wait).unwrap_or_default());
    let others = &wire.alternatives;
    match (step.is_empty(), others.is_empty()) {
        (true, true) => None,
        (true, false) => Some(format!("ask another model: {}", others.join(", "))),
        (false, true) => Some(step),
        (false, false) => Some(format!("{step}; other models: {}", others.join(", "))),
    }
}

/// `the key's daily limit of 10 USD`
fn named(limit: &UsageLimit) -> String {
    let label = limit.kind.label();
    let named = match (&limit.window, label.rsplit_once(' ')) {
        (Some(window), Some((whose, what))) => format!("{whose} {window} {what}"),
        _ => label.to_owned(),
    };
    match limit.limit {
        Some(amount) => format!("{named} of {amount}"),
        None => named,
    }
}

fn or_wait(limit: &UsageLimit) -> String {
    match (limit.resets_at, limit.window.as_deref()) {
        (Some(moment), _) => format!(", or wait until it resets at {moment}"),
        (None, Some(window @ ("daily" | "weekly" | "monthly"))) => {
            format!(", or wait until the {window} limit resets")
        }
        (None, _) => String::new(),
    }
}
