//! Failures on the way: connecting, sending, a body that breaks off, limits.

use std::error::Error as StdError;

use provider_core::{Error, ErrorKind, RetryAdvice, TimeoutPhase};

use super::obstacle::{self, Obstacle};
use crate::config::Config;
use crate::transport::{Proxy, RunOut};
use crate::{ID, Limits};

/// The request could not be sent, or its answer did not begin. `proxy`: the one that the environment names,
/// if the client is ours.
pub(crate) fn not_sent(
    cause: reqwest::Error,
    config: &Config,
    limits: &Limits,
    proxy: Option<&Proxy>,
) -> Error {
    let origin = config.base_url.origin().ascii_serialization();
    let used = proxy.filter(|proxy| proxy.is_used());
    let through = used.map_or_else(String::new, |proxy| format!(" through {proxy}"));
    if cause.is_timeout() {
        let (phase, what) = match cause.is_connect() {
            true => (
                TimeoutPhase::Connect,
                format!("connecting to {origin}{through} took longer than {:?}", limits.connect_timeout),
            ),
            false => (TimeoutPhase::Read, format!("the HTTP client waits no longer for {origin}")),
        };
        return from_transport(ErrorKind::Timeout, what, cause).with_timeout(phase);
    }
    if cause.is_builder() {
        return from_transport(
            ErrorKind::InvalidRequest,
            format!("the request to {origin} cannot be made"),
            cause,
        );
    }
    // A request over plain HTTP has no tunnel: the connection is to the proxy itself.
    let goes_to_proxy = used.map(|_| cause.is_connect() && config.base_url.scheme() == "http");
    if let Some(obstacle) = obstacle::find(&cause, cause.is_dns(), goes_to_proxy) {
        return stopped_by(obstacle, &origin, used, cause);
    }
    let error = from_transport(ErrorKind::Connection, format!("cannot reach {origin}{through}"), cause);
    match proxy.filter(|proxy| !proxy.is_used()).and_then(|ignored| ignored.variable) {
        Some(variable) => error.with_next_step(format!(
            "correct {variable}, which is ignored since it names no proxy: write it as http://host:port"
        )),
        None => error,
    }
}

/// Something stands in the way that another try will not remove.
fn stopped_by(obstacle: Obstacle, origin: &str, proxy: Option<&Proxy>, cause: reqwest::Error) -> Error {
    let named = proxy.map_or_else(|| "the HTTP client's proxy".to_owned(), Proxy::to_string);
    let variable = proxy.and_then(|proxy| proxy.variable).unwrap_or("the settings of the proxy");
    let (kind, what, next_step) = match obstacle {
        Obstacle::NoTls => (
            ErrorKind::Config,
            format!("cannot reach {origin}: this build has no TLS"),
            "build openrouter-provider with one of its features for TLS, or give it an HTTP client that has it".to_owned(),
        ),
        Obstacle::Tls(tls) => {
            let what = format!("cannot reach {origin}, whose {}", tls.what);
            (ErrorKind::Connection, what, tls.next_step.to_owned())
        }
        Obstacle::ProxyTls(tls) => {
            let what = format!("cannot reach {origin} through {named}, whose {}", tls.what);
            (ErrorKind::Connection, what, tls.next_step.to_owned())
        }
        Obstacle::ProxyAuthentication => {
            (ErrorKind::Connection, format!("{named} {WANTS_TO_KNOW}"), sign_in(variable))
        }
        Obstacle::ProxyScheme => (
            ErrorKind::Config,
            format!("{named} cannot be used: this build does not speak its protocol"),
            format!(
                "name an http proxy in {variable}, or build with the feature `socks` of openrouter-provider"
            ),
        ),
        Obstacle::ProxyUnreachable => (
            ErrorKind::Connection,
            format!("{named} cannot be reached, through which {origin} is asked"),
            format!("correct {variable}, or start the proxy"),
        ),
        Obstacle::ProxyRefuses => {
            // It may be what the proxy asks in turn that fails: that may pass.
            let what = format!("{named} does not connect to {origin}");
            return from_transport(ErrorKind::Connection, what, cause)
                .with_next_step("ask whoever runs the proxy, if it stays so");
        }
    };
    from_transport(kind, what, cause).with_retry(RetryAdvice::Never).with_next_step(next_step)
}

const WANTS_TO_KNOW: &str = "wants a user name and a password, or refuses those that it got";

fn sign_in(variable: &str) -> String {
    format!("write them into {variable}, as in http://user:password@host:port")
}

/// A proxy on the way answered in the place of the service: with 407.
pub(crate) fn proxy_authentication(proxy: Option<&Proxy>) -> Error {
    let used = proxy.filter(|proxy| proxy.is_used());
    let named = used.map_or_else(|| "a proxy on the way".to_owned(), Proxy::to_string);
    let variable = used.and_then(|proxy| proxy.variable).unwrap_or("the settings of the proxy");
    Error::new(ErrorKind::Connection, format!("{named} {WANTS_TO_KNOW}"))
        .with_provider(ID)
        .with_status(407)
        .with_retry(RetryAdvice::Never)
        .with_next_step(sign_in(variable))
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
