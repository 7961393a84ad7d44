//! What to do about a failure, where something is known that helps.

use provider_core::ErrorKind;

use crate::wire::error::WireError;

/// Where an account says which providers may see its prompts.
const PRIVACY_SETTINGS: &str = "https://openrouter.ai/settings/privacy";

/// What to do about it, as the second half of a sentence.
pub(super) fn of(kind: ErrorKind, wire: &WireError) -> Option<String> {
    let availability = wire.availability.as_ref();
    let excluded = |word: &str| {
        availability.is_some_and(|known| known.excluded_by.iter().any(|reason| reason.starts_with(word)))
    };
    let message = wire.message.as_deref().unwrap_or_default().to_lowercase();
    let about_privacy = excluded("data_policy")
        || availability.is_some_and(|known| known.code.as_deref() == Some("privacy_restricted"))
        || ["data policy", "privacy", "guardrail"].iter().any(|word| message.contains(word));
    let step = match kind {
        ErrorKind::PaymentRequired => {
            "lower `max_tokens` (what it could cost is reserved before the answer), or add credits".to_owned()
        }
        ErrorKind::NoEndpoint | ErrorKind::PermissionDenied if about_privacy => {
            format!("allow more providers in the privacy settings ({PRIVACY_SETTINGS}), or ask another model")
        }
        ErrorKind::NoEndpoint if excluded("max_price") => {
            "raise `max_price`, or ask another model".to_owned()
        }
        ErrorKind::NoEndpoint if excluded("require_parameters") => {
            "leave parameters out, or `require_parameters`".to_owned()
        }
        ErrorKind::NoEndpoint if excluded("allowed_providers") => {
            "allow more providers in `provider.only`, `provider.ignore` or the account".to_owned()
        }
        ErrorKind::UnsupportedFeature => "leave it out, or ask a model that supports it".to_owned(),
        ErrorKind::ContextLength => {
            "shorten the prompt, lower `max_tokens`, or ask a model with more room".to_owned()
        }
        _ => String::new(),
    };
    let others = availability.map_or(&[][..], |known| &known.fallback_models);
    match (step.is_empty(), others.is_empty()) {
        (true, true) => None,
        (true, false) => Some(format!("ask another model: {}", others.join(", "))),
        (false, true) => Some(step),
        (false, false) => Some(format!("{step}; other models: {}", others.join(", "))),
    }
}
