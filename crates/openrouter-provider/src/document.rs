//! JSON documents of the API: fetched, and taken out of the envelope `{"data": …}` that most of them have.

use lenient_json::{Raw, from_str, object, or_without_non_finite};
use openai_wire::error::{self, Certainty, WireError};
use provider_core::author::{ResponseHead, text_of_body};
use provider_core::{Error, ErrorKind};

use crate::{ID, OpenRouter};

impl OpenRouter {
    /// Gets a document and reads it. `what` names it in errors.
    pub(crate) async fn fetch<T>(
        &self,
        path: &str,
        what: &str,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, Error> {
        let response = self.endpoint.get(path).send().await?.error_for_status().await?;
        let head = response.head().clone();
        let body = response.text().await?;
        or_without_non_finite(text_of_body(&body), read)
            .map_err(|cause| self.unreadable(what, &cause, &body, &head))
    }

    /// Makes the error of a document that is not what was asked for: an error inside a success, or something
    /// else.
    fn unreadable(&self, what: &str, cause: &str, body: &str, head: &ResponseHead) -> Error {
        let dialect = &*self.dialect;
        let error = match WireError::detect(body, dialect) {
            Some((wire, Certainty::Certain)) => Some(error::from_wire(head, &wire, dialect)),
            // A message that tells no failure is a greeting of another server.
            Some((wire, _)) => Some(error::from_wire(head, &wire, dialect))
                .filter(|error| error.kind() != ErrorKind::Upstream),
            None => None,
        };
        let error = error.unwrap_or_else(|| error::undecodable(head, body, what, cause));
        error::misdirected(error.with_provider(ID), body, dialect).redact(head.secret())
    }
}

/// The same error in other words.
pub(crate) fn retold(error: Error, kind: ErrorKind, message: String) -> Error {
    let mut told = Error::new(kind, message).with_retry(error.retry()).with_provider(ID);
    if let Some(status) = error.status() {
        told = told.with_status(status);
    }
    if let Some(code) = error.code() {
        told = told.with_code(code);
    }
    if let Some(id) = error.request_id() {
        told = told.with_request_id(id);
    }
    if let Some(details) = error.details() {
        told = told.with_details(details.clone());
    }
    if let Some(step) = error.next_step() {
        told = told.with_next_step(step);
    }
    told.with_source(error)
}

object! {
    struct Envelope<'a> {
        data: Raw<'a> = "data",
    }
}

/// Returns the object in the envelope.
///
/// # Errors
/// When the body is no JSON object with an object in `data`.
pub(crate) fn object(body: &str) -> Result<Raw<'_>, String> {
    let envelope: Envelope<'_> = from_str(body).map_err(|cause| cause.to_string())?;
    Some(envelope.data).filter(|data| data.is_object()).ok_or("there is no object in `data`".to_owned())
}

/// Returns the list in the envelope.
///
/// # Errors
/// When the body is no JSON object with a list in `data`.
pub(crate) fn list(body: &str) -> Result<Raw<'_>, String> {
    let envelope: Envelope<'_> = from_str(body).map_err(|cause| cause.to_string())?;
    Some(envelope.data).filter(|data| data.is_list()).ok_or("there is no list in `data`".to_owned())
}
