//! The errors of documents: a success that is not what was asked for, and refusals in the words of the
//! operation.

use openai_wire::error::{self, Certainty, WireError};
use provider_core::author::ResponseHead;
use provider_core::{Error, ErrorKind};

use crate::ID;
use crate::dialect::OpenRouterDialect;

/// Makes the error of a document that is not what was asked for: an error inside a success, or something
/// else.
pub(crate) fn unreadable(
    dialect: &OpenRouterDialect,
    what: &str,
    cause: &str,
    body: &str,
    head: &ResponseHead,
) -> Error {
    let error = match WireError::detect(body, dialect) {
        Some((wire, Certainty::Certain)) => Some(error::from_wire(head, &wire, dialect)),
        // A message that tells no failure is a greeting of another server.
        Some((wire, _)) => {
            Some(error::from_wire(head, &wire, dialect)).filter(|error| error.kind() != ErrorKind::Upstream)
        }
        None => None,
    };
    let error = error.unwrap_or_else(|| error::undecodable(head, body, what, cause));
    error::misdirected(error.with_provider(ID), body, dialect).redact(head.secret())
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
