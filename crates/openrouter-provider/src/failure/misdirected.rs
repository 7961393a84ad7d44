//! Answers of somebody else: a web page, a login, a storage service, JSON without what was asked for.
//! `base_url` is what is wrong then.

use provider_core::{Error, ErrorKind};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::Redact;
use crate::ID;
use crate::wire::text_of_body;

/// The next step of an error about a wrong address.
pub(super) const NEXT_STEP: &str =
    "set base_url to the address of the API up to its version, such as https://openrouter.ai/api/v1";

/// The part of an answer that tells an error of the API.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

/// A document with a good status that is not `what` was asked for: `cause` says why.
pub(crate) fn not_the_document(what: &str, cause: &str, body: &str, redact: Redact<'_>) -> Error {
    let text = text_of_body(body);
    let message = match text {
        "" => format!("nothing came instead of {what}"),
        _ if text.starts_with("<?xml") => format!("an XML document came instead of {what}"),
        _ if text.starts_with('<') => format!("a web page came instead of {what}"),
        _ => format!("{what} cannot be read: {}", redact.text(cause)),
    };
    let error = Error::new(ErrorKind::InvalidResponse, message).with_provider(ID);
    if text.is_empty() { error } else { error.with_details(redact.excerpt(text)) }
}

/// Whether a body is not the API's: no JSON object that says `error`. JSON that only broke off may be.
pub(crate) fn is_foreign(body: &str) -> bool {
    let text = text_of_body(body);
    match serde_json::from_str::<Envelope<'_>>(text) {
        Ok(envelope) => envelope.error.is_none(),
        Err(cause) => text.is_empty() || !cause.is_eof(),
    }
}

/// Says in an error that `base_url` is what is wrong, where the body that it was made of [is not the
/// API's](is_foreign).
pub(crate) fn misdirected(error: Error, body: &str) -> Error {
    // A telling kind or a next step is the better advice, and many servers leave the envelope away.
    let is_vague = matches!(
        error.kind(),
        ErrorKind::NotFound
            | ErrorKind::NoEndpoint
            | ErrorKind::InvalidRequest
            | ErrorKind::InvalidResponse
            | ErrorKind::Authentication
            | ErrorKind::PermissionDenied
            | ErrorKind::Interrupted
            | ErrorKind::EmptyResponse
    );
    if !is_vague || error.next_step().is_some() || !is_foreign(body) {
        return error;
    }
    let is_likely = match error.status() {
        None | Some(200..400 | 404 | 405) => true,
        // A service that is down is shown as a web page, too.
        Some(400 | 401 | 403 | 406 | 410) => text_of_body(body).starts_with('<'),
        Some(_) => false,
    };
    if is_likely { error.with_next_step(NEXT_STEP) } else { error }
}
