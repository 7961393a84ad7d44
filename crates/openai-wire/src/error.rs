//! Reads the service's error object in all its shapes, and makes an [`Error`] of it.

pub(crate) mod limit;
mod misdirected;
mod next_step;
mod retry;
pub mod rules;
mod words;

use std::time::Duration;

use lenient_json::{Raw, Text, from_str, object};
use provider_core::author::{ResponseAccumulator, ResponseHead, base_url_step, text_of_body};
use provider_core::{Error, ErrorKind, RawJson, TimeoutPhase, Upstream};

pub use self::limit::LimitFacts;
pub use self::misdirected::{misdirected, not_the_document};
use self::retry::Hints;
use self::rules::UNTOLD;
pub use self::rules::{Advice, Rule, Source, Statuses};
pub use self::words::Words;
use crate::apply::{ApplyState, apply};
use crate::chunk::Chunk;
use crate::dialect::Dialect;

/// The service's account of a failure.
///
/// This crate reads the code, the words and the details of any server's error. A [`Dialect`] reads the rest
/// in [`Dialect::read_error`].
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct WireError {
    /// The code, number or word.
    pub code: Option<String>,
    /// The service's own words.
    pub words: Words,
    /// The upstream provider that failed.
    pub upstream_name: Option<String>,
    /// The upstream provider's words, without what wraps them.
    pub upstream: Option<Words>,
    /// Facts beside the words that rules look at, each with its [source](Source).
    pub facts: Vec<(Source, String)>,
    /// The exhausted limit.
    pub limit: LimitFacts,
    /// The headers of the answer that the service got, or would have sent, by lower-case name.
    pub headers: Vec<(String, String)>,
    /// The upstream providers that the service tried before.
    pub previous: Vec<PreviousError>,
    /// Whether the service says that another try may succeed.
    pub retryable: Option<bool>,
    /// How long the service asks to wait.
    pub retry_after: Option<Duration>,
    /// Models that could be asked instead. Their prices and abilities differ.
    pub alternatives: Vec<String>,
    /// JSON to keep as the details of the error.
    pub details: Option<String>,
}

/// An upstream provider that the service tried before, and how it failed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PreviousError {
    /// Its name.
    pub provider: Option<String>,
    /// Its code, number or word.
    pub code: Option<String>,
    /// Its words.
    pub message: Option<String>,
}

object! {
    struct ErrorObject<'a> {
        code: Text<'a> = "code",
        http_status: Text<'a> = "http_status",
        message: Raw<'a> = "message",
    }
}

object! {
    /// Any object: all of its fields but the `null`s are in `unknown`.
    struct Fields<'a> {}
}

object! {
    /// MiniMax's status inside an answer: 0 is a success.
    struct BaseResponse<'a> {
        status_code: Text<'a> = "status_code",
    }
}

object! {
    /// A body that is only an error: in an envelope, or bare.
    struct Body<'a> {
        error: Raw<'a> = "error",
        errors: Raw<'a> = "errors",
        detail: Raw<'a> = "detail",
        message: Raw<'a> = "message",
        capital_message: Raw<'a> = "Message",
        msg: Raw<'a> = "msg",
        error_message: Raw<'a> = "error_message",
        error_msg: Raw<'a> = "error_msg",
        base_resp: Option<BaseResponse<'a>> = "base_resp",
        object: Text<'a> = "object",
        kind: Text<'a> = "type",
        choices: Raw<'a> = "choices",
    }
}

/// How certain it is that a body is an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certainty {
    /// It says so.
    Certain,
    /// It has a message, and nothing of an answer.
    Likely,
}

impl WireError {
    /// Reads a body that is an error, in an envelope or bare.
    pub fn from_body<D: Dialect>(body: &str, dialect: &D) -> Option<Self> {
        Self::found(body, dialect).map(|(error, _)| error)
    }

    /// Reads a body that may be an error, and returns how certain that is.
    pub fn found<D: Dialect>(body: &str, dialect: &D) -> Option<(Self, Certainty)> {
        let mut value: Raw<'_> = from_str(text_of_body(body)).ok()?;
        if value.is_list() {
            // Google puts the object in a list.
            let list = std::mem::take(&mut value);
            list.for_each(|item: Raw<'_>| value = if value.is_object() { value } else { item });
        }
        if !value.is_object() {
            return None;
        }
        let body: Body<'_> = value.read().unwrap_or_default();
        if says(body.error) {
            let object = if body.error.is_object() { body.error } else { value };
            return Some((Self::of(object, Words::of(value), dialect), Certainty::Certain));
        }
        if body.base_resp.is_some_and(|told| !matches!(told.status_code.as_str(), "" | "0")) {
            return Some((Self::of(value, Words::of(value), dialect), Certainty::Certain));
        }
        let is_called_error = [&body.object, &body.kind].iter().any(|name| name.as_str() == "error");
        let is_text = |raw: &Raw<'_>| raw.is_string() && says(*raw);
        let has_message = [body.message, body.capital_message, body.msg, body.error_message, body.error_msg]
            .iter()
            .any(is_text);
        let has_problems = says(body.detail) || says(body.errors);
        if body.choices.get().is_some() || !(is_called_error || has_message || has_problems) {
            return None;
        }
        let words = Words::of(value);
        let is_certain = is_called_error || words.status.is_some();
        (is_called_error || words.message.is_some()).then(|| {
            let certainty = if is_certain { Certainty::Certain } else { Certainty::Likely };
            (Self::of(value, words, dialect), certainty)
        })
    }

    /// Reads an event that is called an error, or a text that must be one.
    pub fn from_text<D: Dialect>(text: &str, dialect: &D) -> Self {
        Self::from_body(text, dialect)
            .unwrap_or_else(|| Self { words: Words::of_text(text), ..Self::default() })
    }

    /// Reads the value of an `error` field: an object, or just a text.
    pub fn read<D: Dialect>(raw: Raw<'_>, dialect: &D) -> Self {
        Self::of(raw, Words::of(raw), dialect)
    }

    fn of<D: Dialect>(raw: Raw<'_>, words: Words, dialect: &D) -> Self {
        let object: ErrorObject<'_> = raw.read().unwrap_or_default();
        let owned = |text: &Text<'_>| text.filled().map(str::to_owned);
        let message = object.message.text().into_cow();
        let is_json =
            message.trim_start().starts_with(['{', '[']) && words.message.as_deref() != Some(message.trim());
        let mut error = Self {
            code: owned(&object.code).or_else(|| owned(&object.http_status)),
            words,
            details: is_json.then(|| message.into_owned()),
            ..Self::default()
        };
        dialect.read_error(raw, &mut error);
        error
    }
}

/// Whether a value says anything. Some services send an empty error beside a good answer; an object whose
/// values all say nothing is empty, too.
pub fn says(raw: Raw<'_>) -> bool {
    let is_empty = |json: &str| matches!(json, "false" | "0" | "\"\"" | "{}" | "[]");
    match raw.get() {
        None => false,
        Some(json) if is_empty(json) => false,
        Some(_) if raw.is_object() => {
            let fields: Fields<'_> = raw.read().unwrap_or_default();
            fields.unknown.iter().any(|(_, value)| !is_empty(value))
        }
        Some(_) => true,
    }
}

/// Makes the error that the service reports, inside a success or with a status of failure.
pub fn from_wire<D: Dialect>(wire: &WireError, head: &ResponseHead, dialect: &D) -> Error {
    let code = wire.code.as_deref().and_then(|code| code.parse::<f64>().ok()).map(|code| code as u16);
    let refused = (!head.is_success()).then_some(head.status());
    let wrapped = wire.words.status.or_else(|| wire.upstream.as_ref().and_then(|upstream| upstream.status));
    let told = code.filter(|code| (400..600).contains(code)).or(refused).or(wrapped);
    let (rule, _) = rules::decide(wire, told.unwrap_or(UNTOLD), dialect.rules());
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
    advised(error, rule, wire, &hints, dialect)
}

/// Makes the error of an answer whose status is no success.
pub fn from_response<D: Dialect>(body: &str, head: &ResponseHead, dialect: &D) -> Error {
    let error = refused(body, head, dialect);
    misdirected(error, body, dialect)
}

fn refused<D: Dialect>(body: &str, head: &ResponseHead, dialect: &D) -> Error {
    if let Some(wire) = WireError::from_body(event_data(body), dialect) {
        return with_usage(from_wire(&wire, head, dialect), body, dialect);
    }
    // A service reports errors in its own JSON; this is from a machine on the way.
    let (wire, words) = match text_of_body(body) {
        "" => (WireError::default(), "an empty body".to_owned()),
        text if text.starts_with('<') => (WireError::default(), "a web page".to_owned()),
        text => {
            let wire = WireError::from_text(text, dialect);
            let words = head.redact(wire.words.message.as_deref().unwrap_or(text));
            (wire, words)
        }
    };
    let (rule, _) = rules::decide(&wire, head.status(), dialect.rules());
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
    advised(error.with_retry(hints.advice(rule)), rule, &wire, &hints, dialect)
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
        Ok(chunk) if chunk.usage.is_object() => {
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
    let (rule, _) = rules::decide(&wire, wire.words.status.unwrap_or(UNTOLD), dialect.rules());
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
fn advised<D: Dialect>(
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
pub fn no_answer<D: Dialect>(
    body: &str,
    cause: &serde_json::Error,
    head: &ResponseHead,
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
    number: usize,
    text_bytes: usize,
    data: &str,
    cause: &serde_json::Error,
    head: &ResponseHead,
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
