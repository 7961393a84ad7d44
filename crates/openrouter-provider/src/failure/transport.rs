//! Failures on the way: connecting, sending, a body that breaks off, limits.

use std::error::Error as StdError;
use std::time::Duration;

use provider_core::{Error, ErrorKind, TimeoutPhase};

use crate::config::Config;
use crate::{ID, Limits};

/// The request could not be sent, or no answer began within `waited`.
pub(crate) fn not_sent(cause: reqwest::Error, config: &Config, limits: &Limits, waited: Duration) -> Error {
    let origin = config.base_url.origin().ascii_serialization();
    if cause.is_connect() && cause.is_timeout() {
        let what = format!("connecting to {origin} took longer than {:?}", limits.connect_timeout);
        return from_transport(ErrorKind::Timeout, what, cause).with_timeout(TimeoutPhase::Connect);
    }
    if cause.is_timeout() {
        let (phase, what) = match waited >= limits.total_timeout {
            true => {
                (TimeoutPhase::Deadline, format!("no answer from {origin} within {:?}", limits.total_timeout))
            }
            false => {
                (TimeoutPhase::FirstOutput, format!("{origin} was silent for {:?}", limits.read_timeout))
            }
        };
        return from_transport(ErrorKind::Timeout, what, cause).with_timeout(phase);
    }
    let (kind, what) = if cause.is_builder() {
        (ErrorKind::InvalidRequest, format!("the request to {origin} cannot be made"))
    } else {
        (ErrorKind::Connection, format!("cannot reach {origin}"))
    };
    from_transport(kind, what, cause)
}

/// The answer broke off on the way, `waited` after the request.
pub(crate) fn broken_off(cause: &reqwest::Error, limits: &Limits, waited: Duration) -> Error {
    let (kind, phase, what) = match (cause.is_timeout(), waited >= limits.total_timeout) {
        (true, true) => (
            ErrorKind::Timeout,
            Some(TimeoutPhase::Deadline),
            format!("the answer took longer than {:?}", limits.total_timeout),
        ),
        (true, false) => (
            ErrorKind::Timeout,
            Some(TimeoutPhase::Idle),
            format!("the answer went silent for {:?}", limits.read_timeout),
        ),
        (false, _) => (
            ErrorKind::Interrupted,
            None,
            "the connection broke off before the answer was complete".to_owned(),
        ),
    };
    let error = Error::new(kind, with_causes(what, cause)).with_provider(ID);
    match phase {
        Some(phase) => error.with_timeout(phase),
        None => error,
    }
}

/// An answer is larger than allowed as a whole.
pub(crate) fn body_too_large(limit: usize) -> Error {
    let message = format!("the answer is larger than the limit of {limit} bytes (Limits::max_body_bytes)");
    Error::new(ErrorKind::InvalidResponse, message).with_provider(ID)
}

fn from_transport(kind: ErrorKind, what: String, cause: reqwest::Error) -> Error {
    let cause = cause.without_url();
    Error::new(kind, with_causes(what, &cause)).with_provider(ID).with_source(cause)
}

/// `what`, and the words of the innermost cause, which are the telling ones.
fn with_causes(what: String, error: &dyn StdError) -> String {
    let mut innermost = None;
    let mut cause = error.source();
    while let Some(inner) = cause {
        innermost = Some(inner);
        cause = inner.source();
    }
    match innermost {
        Some(cause) => format!("{what}: {cause}"),
        None => what,
    }
}
