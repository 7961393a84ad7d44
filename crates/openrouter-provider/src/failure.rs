//! The truth about failures: from what went wrong on the wire to an [`Error`] a caller can act on.

mod limit;
mod misdirected;
mod next_step;
mod obstacle;
mod retry;
mod rules;
mod transport;

use std::time::Duration;

use provider_core::author::ResponseAccumulator;
use provider_core::{Error, ErrorKind, RawJson, Secret, TimeoutPhase, Upstream};
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, HeaderValue, LOCATION};

pub(crate) use self::misdirected::{is_foreign, misdirected, not_the_document};
use self::retry::Hints;
use self::rules::{Rule, Source, UNTOLD};
pub(crate) use self::transport::{
    body_too_large, broken_off, no_answer_in_time, not_sent, proxy_authentication, too_slow,
};
use crate::ID;
use crate::wire::chunk::Chunk;
use crate::wire::collect::{CollectState, collect};
use crate::wire::error::{PreviousError, WireError, Words};
use crate::wire::sse::FrameTooLarge;
use crate::wire::stop::UnreadableFrame;
use crate::wire::text_of_body;

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
    if let Some(wire) = WireError::from_body(event_data(body)) {
        return with_usage(said(&wire, status, headers, Duration::ZERO, redact), body);
    }
    // The service always says it in JSON of its own; this is from somebody on the way.
    let (wire, words) = match text_of_body(body) {
        "" => (WireError::default(), "an empty body".to_owned()),
        text if text.starts_with('<') => (WireError::default(), "a web page".to_owned()),
        text => {
            let wire = WireError::from_text(text);
            let words = redact.text(wire.words.message.as_deref().unwrap_or(text));
            (wire, words)
        }
    };
    let (rule, _) = rules::decide(&wire, status.as_u16());
    let location = headers.get(LOCATION).and_then(|location| location.to_str().ok());
    let (kind, message) = match (status.as_u16(), location) {
        (300..400, location) => {
            let to = redact.text(location.unwrap_or("nowhere"));
            (ErrorKind::InvalidResponse, format!("redirected to {to}, which is not followed; check base_url"))
        }
        (404 | 405, _) if rule.source == Source::Status => {
            (ErrorKind::NotFound, format!("there is no such API at this address ({words}); check base_url"))
        }
        _ => (rule.kind, words),
    };
    let hints = Hints::new(&wire, headers, Duration::ZERO);
    let error = Error::new(kind, message).with_provider(ID).with_status(status.as_u16());
    advised(error.with_retry(hints.advice(rule)), rule, &wire, &hints, redact)
}

/// The JSON of a refusal that came as an event.
fn event_data(body: &str) -> &str {
    let is_event = ["data:", "event:"].iter().any(|beginning| body.starts_with(beginning));
    let data = body.lines().filter(|_| is_event).find_map(|line| line.strip_prefix("data:"));
    data.unwrap_or(body).trim()
}

/// Keeps what a refused answer used, if it says so: it was paid for.
fn with_usage(error: Error, body: &str) -> Error {
    match Chunk::from_str(event_data(body)) {
        Ok(chunk) if chunk.usage.is_object() => {
            let mut accumulator = ResponseAccumulator::without_events();
            collect(chunk, &mut accumulator, &mut CollectState::default());
            accumulator.fail(error)
        }
        _ => error,
    }
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
        return nothing_came();
    }
    let kind = if cause.is_eof() { ErrorKind::Interrupted } else { ErrorKind::InvalidResponse };
    let message = match body.starts_with('<') {
        true => "a web page came instead of an answer; check base_url".to_owned(),
        // The decoder may quote what it found.
        false => format!("the answer is no JSON object: {}", redact.text(&cause.to_string())),
    };
    misdirected(Error::new(kind, message).with_details(redact.excerpt(body)), body)
}

/// A body with a good status that ended in good order, and had nothing in it but signs of life.
pub(crate) fn nothing_came() -> Error {
    Error::new(ErrorKind::EmptyResponse, "the answer is empty")
}

/// The service says that it failed, with whatever status. `age`: how long ago the headers came.
pub(crate) fn said(
    wire: &WireError,
    status: StatusCode,
    headers: &HeaderMap,
    age: Duration,
    redact: Redact<'_>,
) -> Error {
    let code = wire.code.as_deref().and_then(|code| code.parse::<f64>().ok()).map(|code| code as u16);
    let refused = (!status.is_success()).then_some(status.as_u16());
    let wrapped = wire.words.status.or_else(|| wire.upstream.as_ref().and_then(|upstream| upstream.status));
    let told = code.filter(|code| (400..600).contains(code)).or(refused).or(wrapped);
    let (rule, _) = rules::decide(wire, told.unwrap_or(UNTOLD));
    let message = wire.words.message.as_deref().filter(|message| !message.trim().is_empty());
    let message = message.unwrap_or("the service gave no reason");
    let hints = Hints::new(wire, headers, age);
    let mut error = Error::new(rule.kind, redact.text(message))
        .with_provider(ID)
        .with_status(status.as_u16())
        .with_retry(hints.advice(rule));
    if let Some(code) = &wire.code {
        error = error.with_code(redact.text(code));
    }
    let upstream_words = wire.upstream.as_ref().and_then(|words| words.message.as_deref());
    if wire.provider_name.is_some() || upstream_words.is_some() {
        let name = wire.provider_name.as_deref().map(|name| redact.text(name));
        error = error.with_upstream(Upstream::new(name, upstream_words.map(|words| redact.text(words))));
    }
    if let Some(details) = wire.details.as_deref().and_then(|json| redact.json(json)) {
        error = error.with_details(details);
    }
    if !wire.previous.is_empty() {
        error = error.with_attempts(wire.previous.iter().map(|previous| earlier(previous, redact)).collect());
    }
    advised(error, rule, wire, &hints, redact)
}

/// An upstream provider that the service tried before.
fn earlier(previous: &PreviousError, redact: Redact<'_>) -> Error {
    let mut wire = WireError {
        words: Words::of_text(previous.message.as_deref().unwrap_or_default()),
        ..WireError::default()
    };
    wire.words.add_code(previous.code.as_deref().unwrap_or_default());
    let (rule, _) = rules::decide(&wire, wire.words.status.unwrap_or(UNTOLD));
    let words =
        wire.words.message.as_deref().filter(|words| !words.is_empty()).map(|words| redact.text(words));
    let message = words.clone().unwrap_or_else(|| "the service tried another provider before".to_owned());
    let name = previous.provider.as_deref().map(|name| redact.text(name));
    let error = Error::new(rule.kind, message).with_provider(ID).with_upstream(Upstream::new(name, words));
    match &previous.code {
        Some(code) => error.with_code(redact.text(code)),
        None => error,
    }
}

/// Adds what is known beside the kind: which clock, which limit, what to do, and the ids.
fn advised(mut error: Error, rule: &Rule, wire: &WireError, hints: &Hints<'_>, redact: Redact<'_>) -> Error {
    if error.kind() == ErrorKind::Timeout {
        error = error.with_timeout(TimeoutPhase::Service);
    }
    let limit = limit::of(rule, wire, hints, redact);
    if let Some(what) = next_step::of(rule, limit.as_ref(), wire) {
        error = error.with_next_step(redact.text(&what));
    } else if rule.kind == ErrorKind::NotFound {
        error = error.with_next_step(misdirected::NEXT_STEP);
    }
    if let Some(limit) = limit {
        error = error.with_limit(limit);
    }
    with_ids(error, hints.headers)
}

/// A frame of the stream was no JSON object. The details say where in the text it is missing, and how it
/// begins.
pub(crate) fn unreadable(frame: &UnreadableFrame, redact: Redact<'_>) -> Error {
    let UnreadableFrame { number, text_bytes, data, cause } = frame;
    let cause = redact.text(&cause.to_string());
    let message = format!(
        "event {number} of the stream, behind {text_bytes} bytes of text, is no JSON object: {cause}"
    );
    let details = serde_json::json!({ "text_bytes": text_bytes, "excerpt": redact.text(data) });
    Error::new(ErrorKind::InvalidResponse, message).with_details(details.into())
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
