//! Failures on the way: connecting, sending, a body that breaks off, limits.

use std::error::Error as StdError;

use provider_core::{Error, ErrorKind, TimeoutPhase};

use crate::config::Config;
use crate::transport::RunOut;
use crate::{ID, Limits};

/// The request could not be sent, or its answer did not begin.
pub(crate) fn not_sent(cause: reqwest::Error, config: &Config, limits: &Limits) -> Error {
    let origin = config.base_url.origin().ascii_serialization();
    if cause.is_timeout() {
        let (phase, what) = match cause.is_connect() {
            true => (
                TimeoutPhase::Connect,
                format!("connecting to {origin} took longer than {:?}", limits.connect_timeout),
            ),
            false => (TimeoutPhase::Read, format!("the HTTP client waits no longer for {origin}")),
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

/// No answer began within the limits.
pub(crate) fn no_answer_in_time(run_out: RunOut, config: &Config, limits: &Limits) -> Error {
    let origin = config.base_url.origin().ascii_serialization();
    match run_out {
        RunOut::Silence => {
            let what = format!("{origin} was silent for {:?} (read timeout)", limits.read_timeout);
            timed_out(what, TimeoutPhase::Read)
        }
        RunOut::Total => {
            let time = limits.total_timeout;
            let what = format!("no answer from {origin} within {time:?} (Limits::total_timeout)");
            timed_out(what, TimeoutPhase::Deadline)
        }
    }
}

/// The answer ran out of time after it had begun.
pub(crate) fn too_slow(run_out: RunOut, limits: &Limits) -> Error {
    match run_out {
        RunOut::Silence => {
            let what = format!("the answer went silent for {:?} (read timeout)", limits.read_timeout);
            timed_out(what, TimeoutPhase::Read)
        }
        RunOut::Total => timed_out(
            format!("the answer took longer than {:?} (Limits::total_timeout)", limits.total_timeout),
            TimeoutPhase::Deadline,
        ),
    }
}

fn timed_out(what: String, phase: TimeoutPhase) -> Error {
    Error::new(ErrorKind::Timeout, what).with_provider(ID).with_timeout(phase)
}

/// The answer broke off on the way.
pub(crate) fn broken_off(cause: &reqwest::Error) -> Error {
    if cause.is_timeout() {
        // A clock of an HTTP client that the host made.
        return timed_out(
            "the HTTP client waits no longer for the rest of the answer".to_owned(),
            TimeoutPhase::Read,
        );
    }
    let what = "the connection broke off before the answer was complete".to_owned();
    Error::new(ErrorKind::Interrupted, with_causes(what, cause)).with_provider(ID)
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
