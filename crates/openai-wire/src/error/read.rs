//! Reads the service's error object in all its shapes.

use lenient_json::{Raw, Text, from_str, object};
use provider_core::author::text_of_body;

use crate::dialect::Dialect;
use crate::values::is_truthy;
use crate::wire_error::{WireError, Words};

object! {
    struct ErrorObject<'a> {
        code: Text<'a> = "code",
        http_status: Text<'a> = "http_status",
        message: Raw<'a> = "message",
    }
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
#[non_exhaustive]
pub enum Certainty {
    /// It has the envelope of an error, or a code of one.
    Certain,
    /// It has a message, and nothing of an answer.
    Likely,
}

impl WireError {
    /// Reads a body that is an error, in an envelope or bare.
    pub(crate) fn from_body<D: Dialect>(body: &str, dialect: &D) -> Option<Self> {
        Self::detect(body, dialect).map(|(error, _)| error)
    }

    /// Reads a body that may be an error, and returns how certain that is.
    pub fn detect<D: Dialect>(body: &str, dialect: &D) -> Option<(Self, Certainty)> {
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
        if is_truthy(body.error) {
            let object = if body.error.is_object() { body.error } else { value };
            return Some((Self::of(object, Words::of(value), dialect), Certainty::Certain));
        }
        if body.base_resp.is_some_and(|told| !matches!(told.status_code.as_str(), "" | "0")) {
            return Some((Self::of(value, Words::of(value), dialect), Certainty::Certain));
        }
        let is_called_error = [&body.object, &body.kind].iter().any(|name| name.as_str() == "error");
        let is_text = |raw: &Raw<'_>| raw.is_string() && is_truthy(*raw);
        let has_message = [body.message, body.capital_message, body.msg, body.error_message, body.error_msg]
            .iter()
            .any(is_text);
        let has_problems = is_truthy(body.detail) || is_truthy(body.errors);
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
    pub(crate) fn from_text<D: Dialect>(text: &str, dialect: &D) -> Self {
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
