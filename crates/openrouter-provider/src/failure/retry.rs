//! Whether and when to try again.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use provider_core::{ErrorKind, Retry};
use reqwest::header::HeaderMap;

use crate::wire::error::WireError;

/// The longest wait that is passed on. What asks for more means "not today".
const MAX_WAIT: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// Statuses that say "try again" whatever the kind: the request collided with another one.
const CONFLICT: u16 = 409;

/// Whether and when to try again: what the service says counts before what its code usually means.
pub(super) fn advice(kind: ErrorKind, code: u16, wire: &WireError, headers: &HeaderMap) -> Retry {
    let availability = wire.availability.as_ref();
    let retryable = availability.and_then(|availability| availability.retryable);
    let usually = kind.usual_retry() != Retry::Never || code == CONFLICT;
    if !retryable.unwrap_or(usually) {
        return Retry::Never;
    }
    let inner = |name: &str| {
        let found = wire.headers.iter().find(|(header, _)| header == name);
        found.map(|(_, value)| value.as_str())
    };
    let outer = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let hint = availability
        .and_then(|availability| availability.retry_after)
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .or_else(|| hint(outer))
        .or_else(|| hint(inner));
    hint.map_or(Retry::Now, |wait| Retry::After(wait.min(MAX_WAIT)))
}

/// The wait that headers ask for: in milliseconds, in seconds, until a date, or until a rate limit starts anew.
fn hint<'h>(header: impl Fn(&str) -> Option<&'h str>) -> Option<Duration> {
    let number = |name: &str| header(name)?.trim().parse::<f64>().ok();
    let milliseconds = |name: &str| number(name).map(|number| number / 1e3);
    let seconds = milliseconds("retry-after-ms").or_else(|| number("retry-after"));
    match seconds {
        Some(seconds) => Duration::try_from_secs_f64(seconds).ok(),
        None => header("retry-after")
            .and_then(|date| httpdate::parse_http_date(date.trim()).ok())
            .or_else(|| milliseconds("x-ratelimit-reset").and_then(since_1970))
            .and_then(until),
    }
}

fn since_1970(seconds: f64) -> Option<SystemTime> {
    UNIX_EPOCH.checked_add(Duration::try_from_secs_f64(seconds).ok()?)
}

/// How long it is until then; nothing for the past.
fn until(time: SystemTime) -> Option<Duration> {
    time.duration_since(SystemTime::now()).ok()
}
