//! The truth about failures: from what went wrong on the wire to an [`Error`] a caller can act on.

mod classify;

use std::error::Error as StdError;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use provider_core::{Error, ErrorKind, RawJson, Retry, Secret, Upstream};
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, LOCATION, RETRY_AFTER};

use crate::config::Config;
use crate::wire::decoder::UnreadableFrame;
use crate::wire::error::WireError;
use crate::wire::escape::unescape;
use crate::wire::sse::FrameTooLarge;
use crate::{ID, Limits};

/// How much of a text from outside is kept in an error, in characters.
const MAX_WORDS: usize = 2_000;
/// How much JSON from outside is kept in an error, in bytes.
const MAX_DETAILS: usize = 16 << 10;
/// The longest wait that is passed on. What asks for more means "not today".
const MAX_WAIT: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Keeps the key out of texts that came from outside: a server may echo it.
#[derive(Clone, Copy)]
pub(crate) struct Redact<'a>(pub(crate) &'a Secret);

impl Redact<'_> {
    fn text(self, text: &str) -> String {
        let text = self.0.redact(text);
        match text.char_indices().nth(MAX_WORDS) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text,
        }
    }

    /// JSON that may be kept. What is too large is kept as the text of its beginning.
    fn json(self, json: &str) -> Option<RawJson> {
        let redacted = self.0.redact(json);
        // The key may be spelled with escapes.
        let plain = unescape(&redacted);
        if self.0.redact(&plain) != plain {
            return None;
        }
        if redacted.len() > MAX_DETAILS { Some(self.excerpt(json)) } else { redacted.parse().ok() }
    }

    fn excerpt(self, text: &str) -> RawJson {
        serde_json::json!({ "excerpt": self.text(text) }).into()
    }
}

/// The service refused: a status that is no success.
pub(crate) fn refused(status: StatusCode, headers: &HeaderMap, body: &str, redact: Redact<'_>) -> Error {
    if let Some(wire) = WireError::from_body(body) {
        return said(&wire, status, headers, redact);
    }
    // The service always says it in JSON of its own; this is from somebody on the way.
    let location = headers.get(LOCATION).and_then(|location| location.to_str().ok());
    let words = match body.trim() {
        "" => "an empty body".to_owned(),
        text if text.starts_with('<') => "a web page".to_owned(),
        text => redact.text(WireError::from_text(text).message.as_deref().unwrap_or(text)),
    };
    let (kind, message) = match (status.as_u16(), location) {
        (300..400, location) => {
            let to = redact.text(location.unwrap_or("nowhere"));
            (ErrorKind::InvalidResponse, format!("redirected to {to}, which is not followed; check base_url"))
        }
        (404 | 405, _) => {
            (ErrorKind::NotFound, format!("there is no such API at this address ({words}); check base_url"))
        }
        (code, _) => (classify::kind(&WireError::default(), code), words),
    };
    let error = Error::new(kind, message).with_provider(ID).with_status(status.as_u16());
    with_ids(error.with_retry(retry(kind, &WireError::default(), headers)), headers)
}

/// A body with a good status that is no answer.
pub(crate) fn no_answer(body: &str, cause: &serde_json::Error, redact: Redact<'_>) -> Error {
    if body.is_empty() {
        return Error::new(ErrorKind::Interrupted, "the answer is empty");
    }
    let kind = if cause.is_eof() { ErrorKind::Interrupted } else { ErrorKind::InvalidResponse };
    let message = match body.starts_with('<') {
        true => "a web page came instead of an answer; check base_url".to_owned(),
        // The decoder may quote what it found.
        false => format!("the answer is no JSON object: {}", redact.text(&cause.to_string())),
    };
    Error::new(kind, message).with_details(redact.excerpt(body))
}

/// The service says that it failed, with whatever status.
pub(crate) fn said(wire: &WireError, status: StatusCode, headers: &HeaderMap, redact: Redact<'_>) -> Error {
    let number = wire.code.as_deref().and_then(|code| code.parse::<f64>().ok()).map(|code| code as u16);
    let code = number.or(wire.http_status).filter(|code| (400..600).contains(code));
    // Inside a success only the code tells; without one it was somebody upstream.
    let effective = code.unwrap_or(if status.is_success() { 502 } else { status.as_u16() });
    let kind = classify::kind(wire, effective);
    let message = wire.message.as_deref().filter(|message| !message.trim().is_empty());
    let message = message.unwrap_or("the service gave no reason");
    let mut error = Error::new(kind, redact.text(message))
        .with_provider(ID)
        .with_status(status.as_u16())
        .with_retry(retry(kind, wire, headers));
    if let Some(code) = &wire.code {
        error = error.with_code(redact.text(code));
    }
    if wire.provider_name.is_some() || wire.upstream_message.is_some() {
        let words = wire.upstream_message.as_deref().map(|words| redact.text(words));
        error =
            error.with_upstream(Upstream::new(wire.provider_name.as_deref().map(|n| redact.text(n)), words));
    }
    if let Some(details) = wire.metadata.as_deref().and_then(|json| redact.json(json)) {
        error = error.with_details(details);
    }
    with_ids(error, headers)
}

/// A frame of the stream was no JSON object.
pub(crate) fn unreadable(frame: &UnreadableFrame, redact: Redact<'_>) -> Error {
    let cause = redact.text(&frame.cause.to_string());
    let message = format!("event {} of the stream is no JSON object: {cause}", frame.number);
    Error::new(ErrorKind::InvalidResponse, message).with_details(redact.excerpt(&frame.data))
}

/// A frame of the stream is larger than allowed.
pub(crate) fn frame_too_large(frame: FrameTooLarge) -> Error {
    let message = format!(
        "an event is larger than the limit of {} bytes; raise Limits::max_frame_bytes to read it",
        frame.limit
    );
    Error::new(ErrorKind::InvalidResponse, message)
}

/// An answer is larger than allowed as a whole.
pub(crate) fn body_too_large(limit: usize) -> Error {
    let message = format!("the answer is larger than the limit of {limit} bytes (Limits::max_body_bytes)");
    Error::new(ErrorKind::InvalidResponse, message).with_provider(ID)
}

/// Adds the ids that the headers have.
pub(crate) fn with_ids(mut error: Error, headers: &HeaderMap) -> Error {
    let text = |name: &str| headers.get(name)?.to_str().ok();
    if let Some(id) = text("x-generation-id") {
        error = error.with_generation_id(id);
    }
    if let Some(id) = text("x-request-id").or_else(|| text("cf-ray")) {
        error = error.with_request_id(id);
    }
    error
}

/// The request could not be sent, or no answer began.
pub(crate) fn not_sent(cause: reqwest::Error, config: &Config, limits: &Limits) -> Error {
    let origin = config.base_url.origin().ascii_serialization();
    let (kind, what) = if cause.is_connect() && cause.is_timeout() {
        (ErrorKind::Timeout, format!("connecting to {origin} took longer than {:?}", limits.connect_timeout))
    } else if cause.is_timeout() {
        (
            ErrorKind::Timeout,
            format!("no answer from {origin} in time (silent for {:?} at most)", limits.read_timeout),
        )
    } else if cause.is_builder() {
        (ErrorKind::InvalidRequest, format!("the request to {origin} cannot be made"))
    } else {
        (ErrorKind::Connection, format!("cannot reach {origin}"))
    };
    from_transport(kind, what, cause)
}

/// The answer broke off on the way.
pub(crate) fn broken_off(cause: &reqwest::Error, limits: &Limits) -> Error {
    let (kind, what) = if cause.is_timeout() {
        let limits = (limits.read_timeout, limits.total_timeout);
        (
            ErrorKind::Timeout,
            format!("the answer went silent for {:?}, or took longer than {:?}", limits.0, limits.1),
        )
    } else {
        (ErrorKind::Interrupted, "the connection broke off before the answer was complete".to_owned())
    };
    Error::new(kind, with_causes(what, cause)).with_provider(ID)
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

/// Whether and when to try again: what the service says counts before what its status usually means.
fn retry(kind: ErrorKind, wire: &WireError, headers: &HeaderMap) -> Retry {
    let availability = wire.availability.as_ref();
    let retryable = availability.and_then(|availability| availability.retryable);
    if !retryable.unwrap_or(kind.usual_retry() != Retry::Never) {
        return Retry::Never;
    }
    let hint = availability
        .and_then(|availability| availability.retry_after)
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .or_else(|| retry_after(headers))
        .or_else(|| wire.rate_limit_reset.and_then(rate_limit_reset));
    hint.map_or(Retry::Now, |wait| Retry::After(wait.min(MAX_WAIT)))
}

/// The wait that the headers ask for: in milliseconds, in seconds, or until a date.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<f64>().ok();
    let seconds =
        number("retry-after-ms").map(|milliseconds| milliseconds / 1e3).or_else(|| number("retry-after"));
    match seconds {
        Some(seconds) => Duration::try_from_secs_f64(seconds).ok(),
        None => until(httpdate::parse_http_date(headers.get(RETRY_AFTER)?.to_str().ok()?).ok()?),
    }
}

/// The wait until a rate limit starts anew, which is given in milliseconds since 1970.
fn rate_limit_reset(milliseconds: u64) -> Option<Duration> {
    until(UNIX_EPOCH.checked_add(Duration::from_millis(milliseconds))?)
}

/// How long it is until then; nothing for the past.
fn until(time: SystemTime) -> Option<Duration> {
    time.duration_since(SystemTime::now()).ok()
}
