//! The truth about failures: from what went wrong on the wire to an [`Error`] a caller can act on.

mod classify;
mod misdirected;
mod next_step;
mod obstacle;
mod retry;
mod transport;

use provider_core::{Error, ErrorKind, RawJson, Secret, TimeoutPhase, Upstream};
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, HeaderValue, LOCATION};

pub(crate) use self::misdirected::{is_foreign, misdirected, not_the_document};
pub(crate) use self::transport::{
    body_too_large, broken_off, no_answer_in_time, not_sent, proxy_authentication, too_slow,
};
use crate::ID;
use crate::wire::error::{PreviousError, WireError};
use crate::wire::sse::FrameTooLarge;
use crate::wire::stop::UnreadableFrame;

/// How much of a text from outside is kept in an error, in bytes.
const MAX_WORDS: usize = 8 << 10;
/// How much JSON from outside is kept in an error, in bytes.
const MAX_DETAILS: usize = 8 << 10;

/// Keeps the key out of texts that came from outside: a server may echo it.
#[derive(Clone, Copy)]
pub(crate) struct Redact<'a>(pub(crate) &'a Secret);

impl Redact<'_> {
    fn text(self, text: &str) -> String {
        let text = self.0.redact(text);
        if text.len() <= MAX_WORDS {
            return text;
        }
        let ends = text.char_indices().map(|(at, c)| at + c.len_utf8());
        let end = ends.take_while(|end| *end <= MAX_WORDS - '…'.len_utf8()).last();
        format!("{}…", &text[..end.unwrap_or(0)])
    }

    /// JSON that may be kept. What is too large is kept as the text of its beginning.
    fn json(self, json: &str) -> Option<RawJson> {
        let redacted = self.0.redact(json);
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
    let wire = WireError::default();
    let error = Error::new(kind, message).with_provider(ID).with_status(status.as_u16());
    let error = error.with_retry(retry::advice(kind, status.as_u16(), &wire, headers));
    with_ids(advised(error, &wire, redact), headers)
}

/// A body that is compressed, although nothing was said of that being understood.
pub(crate) fn encoded(encoding: &HeaderValue, status: StatusCode, headers: &HeaderMap) -> Error {
    let encoding = String::from_utf8_lossy(encoding.as_bytes());
    let message = format!("the answer is compressed ({encoding:.40}), which was not asked for");
    let error =
        Error::new(ErrorKind::InvalidResponse, message).with_provider(ID).with_status(status.as_u16());
    with_ids(error, headers)
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
    misdirected(Error::new(kind, message).with_details(redact.excerpt(body)), body)
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
        .with_retry(retry::advice(kind, effective, wire, headers));
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
    if !wire.previous.is_empty() {
        error = error.with_attempts(wire.previous.iter().map(|previous| earlier(previous, redact)).collect());
    }
    with_ids(advised(error, wire, redact), headers)
}

/// What the service tried before.
fn earlier(previous: &PreviousError, redact: Redact<'_>) -> Error {
    let code = previous.code.as_deref().and_then(|code| code.parse().ok());
    let kind = classify::kind(&WireError::default(), code.unwrap_or(502));
    let words = previous.message.as_deref().map(|words| redact.text(words));
    let message = words.clone().unwrap_or_else(|| "the service tried another provider before".to_owned());
    let name = previous.provider.as_deref().map(|name| redact.text(name));
    let error = Error::new(kind, message).with_provider(ID).with_upstream(Upstream::new(name, words));
    match &previous.code {
        Some(code) => error.with_code(redact.text(code)),
        None => error,
    }
}

/// Adds what is known beside the kind: which clock, and what to do.
fn advised(mut error: Error, wire: &WireError, redact: Redact<'_>) -> Error {
    if error.kind() == ErrorKind::Timeout {
        error = error.with_timeout(TimeoutPhase::Service);
    }
    match next_step::of(error.kind(), wire) {
        Some(what) => error.with_next_step(redact.text(&what)),
        None => error,
    }
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

/// The arguments of the tool calls are larger than allowed.
pub(crate) fn arguments_too_large(limit: usize) -> Error {
    let message = format!(
        "the arguments of the tool calls are larger than the limit of {limit} bytes (Limits::max_tool_argument_bytes)"
    );
    Error::new(ErrorKind::InvalidResponse, message)
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
