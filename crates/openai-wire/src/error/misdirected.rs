//! Answers of another server: a web page, a login, a storage service, JSON without what was asked for.
//! `base_url` is wrong then.

use provider_core::author::ResponseHead;
use provider_core::{Error, ErrorKind};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::dialect::Dialect;
use crate::values::text_of_body;

/// Returns the next step of an error about a wrong address.
pub(super) fn next_step<D: Dialect>(dialect: &D) -> String {
    let example = dialect.example_base_url();
    format!("set base_url to the address of the API up to its version, such as {example}")
}

/// The part of an answer that marks an error of the API.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

/// Makes the error of a document with a good status that is not `what` was asked for: `cause` says why.
pub fn not_the_document(what: &str, cause: &str, body: &str, head: &ResponseHead) -> Error {
    let text = text_of_body(body);
    let message = match text {
        "" => format!("nothing came instead of {what}"),
        _ if text.starts_with("<?xml") => format!("an XML document came instead of {what}"),
        _ if text.starts_with('<') => format!("a web page came instead of {what}"),
        _ => format!("{what} cannot be read: {}", head.redact(cause)),
    };
    let error = Error::new(ErrorKind::InvalidResponse, message);
    if text.is_empty() { error } else { error.with_details(head.excerpt(text)) }
}

/// Whether a body is not the API's: no JSON object that says `error`. JSON that only broke off may be.
pub fn is_foreign(body: &str) -> bool {
    let text = text_of_body(body);
    match serde_json::from_str::<Envelope<'_>>(text) {
        Ok(envelope) => envelope.error.is_none(),
        Err(cause) => text.is_empty() || !cause.is_eof(),
    }
}

/// Adds to an error that `base_url` is wrong, where the error's body [is not the API's](is_foreign).
pub fn misdirected<D: Dialect>(error: Error, body: &str, dialect: &D) -> Error {
    // A specific kind or a next step is better advice, and many servers leave out the envelope.
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
        // A gateway shows a web page for a service that is down, too.
        Some(400 | 401 | 403 | 406 | 410) => text_of_body(body).starts_with('<'),
        Some(_) => false,
    };
    if is_likely { error.with_next_step(next_step(dialect)) } else { error }
}
