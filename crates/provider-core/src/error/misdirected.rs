//! Answers of another server: a web page, a login, a storage service, JSON without what was asked for.
//! `base_url` is wrong then.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{Error, ErrorKind};

/// Adds to an error that `base_url` is wrong, where the error's body [is not the
/// API's](is_foreign). `example`: a good base URL of the service.
pub fn misdirected(error: Error, body: &str, example: &str) -> Error {
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
    if is_likely { error.with_next_step(base_url_step(example)) } else { error }
}

/// Returns the next step of an error about a wrong `base_url`. `example`: a good base URL of the service.
pub fn base_url_step(example: &str) -> String {
    format!("set base_url to the address of the API up to its version, such as {example}")
}

/// Whether a body is not the API's: no JSON object that says `error`. JSON that only broke off may be.
pub fn is_foreign(body: &str) -> bool {
    #[derive(Deserialize)]
    struct Envelope<'a> {
        #[serde(borrow)]
        error: Option<&'a RawValue>,
    }
    let text = text_of_body(body);
    match serde_json::from_str::<Envelope<'_>>(text) {
        Ok(envelope) => envelope.error.is_none(),
        Err(cause) => text.is_empty() || !cause.is_eof(),
    }
}

/// The text of a body, without white space around it and without a byte order mark.
pub fn text_of_body(body: &str) -> &str {
    body.trim_start_matches('\u{feff}').trim()
}
