//! Answers of another server: a web page, a login, a storage service, JSON without what was asked for.
//! `base_url` is wrong then.

use provider_core::author::{self, ResponseHead, text_of_body};
use provider_core::{Error, ErrorKind};

use crate::dialect::Dialect;

/// Makes the error of a document with a good status that is not `what` was asked for: `cause` says why.
pub fn undecodable(head: &ResponseHead, body: &str, what: &str, cause: &str) -> Error {
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

/// Adds to an error that `base_url` is wrong, where the error's body [is not the API's](author::is_foreign).
pub fn misdirected<D: Dialect>(error: Error, body: &str, dialect: &D) -> Error {
    author::misdirected(error, body, dialect.example_base_url())
}
