//! Reads the service's error object in all its shapes, and makes an [`Error`] of it.

mod decide;
mod limit;
mod misdirected;
mod next_step;
mod read;
mod retry;

use provider_core::author::{ResponseAccumulator, ResponseHead, base_url_step, text_of_body};
use provider_core::{Error, ErrorKind, RawJson, TimeoutPhase, Upstream};

pub use self::decide::{check_examples, decide};
pub use self::misdirected::{misdirected, undecodable};
pub use self::read::Certainty;
use self::retry::Hints;
use crate::apply::{ApplyState, apply};
use crate::chunk::Chunk;
use crate::dialect::Dialect;
use crate::rules::{Rule, Source, UNTOLD};
pub use crate::wire_error::{LimitFacts, PreviousError, WireError, Words};

/// Makes the error that the service reports, inside a success or with a status of failure. It reads what the
/// head says [in the dialect](Dialect::read_error_head).
pub fn from_wire<D: Dialect>(head: &ResponseHead, wire: &WireError, dialect: &D) -> Error {
    let mut wire = wire.clone();
    dialect.read_error_head(head, &mut wire);
    let wire = &wire;
    let code = wire.code.as_deref().and_then(|code| code.parse::<f64>().ok()).map(|code| code as u16);
    let refused = (!head.is_success()).then_some(head.status());
    let wrapped = wire.words.status.or_else(|| wire.upstream.as_ref().and_then(|upstream| upstream.status));
    let told = code.filter(|code| (400..600).contains(code)).or(refused).or(wrapped);
    let (rule, _) = decide(wire, told.unwrap_or(UNTOLD), dialect.rules());
    let message = wire.words.message.as_deref().filter(|message| !message.trim().is_empty());
    let message = message.unwrap_or("the service gave no reason");
    let hints = Hints::new(wire, head);
    let mut error =
        Error::new(rule.kind, head.redact(message)).with_status(head.status()).with_retry(hints.advice(rule));
    if let Some(code) = &wire.code {
        error = error.with_code(head.redact(code));
    }
    let upstream_words = wire.upstream.as_ref().and_then(|words| words.message.as_deref());
    if wire.upstream_name.is_some() || upstream_words.is_some() {
        let name = wire.upstream_name.as_deref().map(|name| head.redact(name));
        error = error.with_upstream(Upstream::new(name, upstream_words.map(|words| head.redact(words))));
    }
    if let Some(details) = wire.details.as_deref().and_then(|json| head.redact_json(json)) {
        error = error.with_details(details);
    }
    if !wire.previous.is_empty() {
        let earlier = |previous| from_previous(previous, head, dialect);
        error = error.with_attempts(wire.previous.iter().map(earlier).collect());
    }
    with_advice(error, rule, wire, &hints, dialect)
}

/// Makes the error of an answer whose status is no success.
pub fn from_response<D: Dialect>(head: &ResponseHead, body: &str, dialect: &D) -> Error {
    let error = read_response(head, body, dialect);
    misdirected(error, body, dialect)
}

fn read_response<D: Dialect>(head: &ResponseHead, body: &str, dialect: &D) -> Error {
    if let Some(wire) = WireError::from_body(event_data(body), dialect) {
        return with_usage(from_wire(head, &wire, dialect), body, dialect);
    }
    // A service reports errors in its own JSON; this is from a machine on the way.
    let (mut wire, words) = match text_of_body(body) {
        "" => (WireError::default(), "an empty body".to_owned()),
        text if text.starts_with('<') => (WireError::default(), "a web page".to_owned()),
        text => {
            let wire = WireError::from_text(text, dialect);
            let words = head.redact(wire.words.message.as_deref().unwrap_or(text));
            (wire, words)
        }
    };
    dialect.read_error_head(head, &mut wire);
    let (rule, _) = decide(&wire, head.status(), dialect.rules());
    let (kind, message) = match (head.status(), head.header("location")) {
        (300..400, location) => {
            let to = head.redact(location.unwrap_or("nowhere"));
            (ErrorKind::InvalidResponse, format!("redirected to {to}, which is not followed; check base_url"))
        }
        (404 | 405, _) if rule.source == Source::Status => {
            (ErrorKind::NotFound, format!("there is no such API at this address ({words}); check base_url"))
        }
        _ => (rule.kind, words),
    };
    let hints = Hints::new(&wire, head);
    let error = Error::new(kind, message).with_status(head.status());
    with_advice(error.with_retry(hints.advice(rule)), rule, &wire, &hints, dialect)
}

/// Returns the JSON of a refusal that came as an event.
fn event_data(body: &str) -> &str {
    let is_event = ["data:", "event:"].iter().any(|beginning| body.starts_with(beginning));
    let data = body.lines().filter(|_| is_event).find_map(|line| line.strip_prefix("data:"));
    data.unwrap_or(body).trim()
}

/// Keeps the usage of a refused answer, if it has one, since it was paid for.
fn with_usage<D: Dialect>(error: Error, body: &str, dialect: &D) -> Error {
    match Chunk::from_str(event_data(body)) {
        Ok(chunk) if chunk.usage.raw.is_object() => {
            let mut out = ResponseAccumulator::without_events();
            apply(chunk, dialect, &mut out, &mut ApplyState::default());
            out.fail(error)
        }
        _ => error,
    }
}

/// Makes the error of an upstream provider that the service tried before.
fn from_previous<D: Dialect>(previous: &PreviousError, head: &ResponseHead, dialect: &D) -> Error {
    let words = Words::of_text(previous.message.as_deref().unwrap_or_default());
    let mut wire = WireError { words, ..WireError::default() };
    wire.words.add_code(previous.code.as_deref().unwrap_or_default());
    let (rule, _) = decide(&wire, wire.words.status.unwrap_or(UNTOLD), dialect.rules());
    let words =
        wire.words.message.as_deref().filter(|words| !words.is_empty()).map(|words| head.redact(words));
    let message = words.clone().unwrap_or_else(|| "the service tried another provider before".to_owned());
    let name = previous.provider.as_deref().map(|name| head.redact(name));
    let error = Error::new(rule.kind, message).with_upstream(Upstream::new(name, words));
    match &previous.code {
        Some(code) => error.with_code(head.redact(code)),
        None => error,
    }
}

/// Adds the facts beside the kind: the clock, the limit, the next step, and the ids.
fn with_advice<D: Dialect>(
    mut error: Error,
    rule: &Rule,
    wire: &WireError,
    hints: &Hints<'_>,
    dialect: &D,
) -> Error {
    if error.kind() == ErrorKind::Timeout {
        error = error.with_timeout(TimeoutPhase::Service);
    }
    let limit = limit::of(rule, wire, hints);
    if let Some(step) = next_step::of(rule, limit.as_ref(), wire) {
        error = error.with_next_step(hints.head.redact(&step));
    } else if rule.kind == ErrorKind::NotFound {
        error = error.with_next_step(base_url_step(dialect.example_base_url()));
    }
    if let Some(limit) = limit {
        error = error.with_limit(limit);
    }
    error
}

/// Makes the error of a body with a good status that is no answer.
pub(crate) fn no_answer<D: Dialect>(
    head: &ResponseHead,
    body: &str,
    cause: &serde_json::Error,
    dialect: &D,
) -> Error {
    if body.is_empty() {
        return Error::new(ErrorKind::EmptyResponse, "the answer is empty");
    }
    let kind = if cause.is_eof() { ErrorKind::Interrupted } else { ErrorKind::InvalidResponse };
    let message = match body.starts_with('<') {
        true => "a web page came instead of an answer; check base_url".to_owned(),
        // The decoder may quote the text that it read.
        false => format!("the answer is no JSON object: {}", head.redact(&cause.to_string())),
    };
    misdirected(Error::new(kind, message).with_details(head.excerpt(body)), body, dialect)
}

/// Makes the error of a frame that is no JSON object. The details tell where in the text the frame is
/// missing, and how it begins.
pub(crate) fn unreadable_frame(
    head: &ResponseHead,
    data: &str,
    number: usize,
    text_bytes: usize,
    cause: &serde_json::Error,
) -> Error {
    let cause = head.redact(&cause.to_string());
    let message = format!(
        "event {number} of the stream, behind {text_bytes} bytes of text, is no JSON object: {cause}"
    );
    let details = serde_json::json!({ "text_bytes": text_bytes, "excerpt": head.redact(data) });
    Error::new(ErrorKind::InvalidResponse, message).with_details(RawJson::from(details))
}

/// Makes the error of tool calls whose arguments are larger than allowed.
pub(crate) fn arguments_too_large(limit: usize) -> Error {
    let message = format!(
        "the arguments of the tool calls are larger than the limit of {limit} bytes (max_tool_argument_bytes)"
    );
    Error::new(ErrorKind::InvalidResponse, message)
}
