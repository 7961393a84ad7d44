//! Signatures of thoughts: each upstream provider signs its own, and refuses those of the others.

use serde_json::{Value, json};

use crate::api_error::ApiError;
use crate::failures::upstream;
use crate::rng::Rng;
use crate::routing::Route;

/// The beginning of all signatures of an upstream provider, of 8 characters.
pub(crate) fn mark(provider: &str) -> String {
    Rng::new(0, &format!("signer {provider}")).alphanumeric(8)
}

/// The provider other than the route's that signed a thought in the conversation, if one of the model's did.
/// A signature that none of them made passes.
pub(crate) fn foreign_signer<'a>(request: &Value, route: &Route<'a>) -> Option<&'a str> {
    let marks: Vec<(&str, String)> = route
        .providers()
        .filter(|provider| *provider != route.provider)
        .map(|provider| (provider, mark(provider)))
        .collect();
    let messages = request["messages"].as_array().into_iter().flatten();
    let mut signatures = messages
        .flat_map(|message| message["reasoning_details"].as_array().into_iter().flatten())
        .filter_map(|detail| detail["signature"].as_str().or(detail["data"].as_str()));
    signatures.find_map(|signature| {
        let signature = signature.trim_start_matches(ENCRYPTED);
        marks.iter().find(|(_, mark)| signature.starts_with(mark.as_str())).map(|(provider, _)| *provider)
    })
}

/// The beginning of encrypted thoughts, before the mark.
pub(crate) const ENCRYPTED: &str = "gAAAAA";

/// 400: the upstream provider refuses a thought that another one signed.
pub(crate) fn refused(route: &Route<'_>, signer: &str) -> ApiError {
    let message =
        format!("Invalid `signature` in `thinking` block: it is not of {} but of {signer}", route.provider);
    let error = json!({"type": "invalid_request_error", "message": message});
    upstream(400, route.provider, &json!({"type": "error", "error": error}))
}
