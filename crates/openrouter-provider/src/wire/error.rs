//! The service's error object, in all the shapes it comes in.

mod budget;
mod words;

use std::borrow::Cow;

pub(crate) use self::budget::{Budget, moment};
pub(crate) use self::words::{Words, duration};

use lenient_json::{Flag, Raw, Text, from_str, object, texts};

/// The service's account of a failure, owned, since errors are off the hot path.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct WireError {
    /// The code, number or word.
    pub(crate) code: Option<String>,
    /// The service's own words.
    pub(crate) words: Words,
    /// The upstream provider that failed.
    pub(crate) provider_name: Option<String>,
    /// The upstream provider's words, dug out of whatever they were wrapped in.
    pub(crate) upstream: Option<Words>,
    /// The names of the metadata's fields that say something.
    pub(crate) marks: Vec<String>,
    /// The limit that is used up.
    pub(crate) budget: Budget,
    /// The headers of the answer that the service got, or would have sent, by lower-case name.
    pub(crate) headers: Vec<(String, String)>,
    /// The upstream providers that the service tried before.
    pub(crate) previous: Vec<PreviousError>,
    pub(crate) availability: Option<Availability>,
    /// The JSON of `metadata`, or that which the message was.
    pub(crate) details: Option<String>,
}

/// Why a model could not be served, and whether that can change.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Availability {
    pub(crate) code: Option<String>,
    pub(crate) retryable: Option<bool>,
    /// In seconds.
    pub(crate) retry_after: Option<f64>,
    /// Models that could be asked instead. Their prices and abilities differ.
    pub(crate) fallback_models: Vec<String>,
    /// The reasons for which no endpoint is left over (`data_policy:zdr`, `max_price`, …).
    pub(crate) excluded_by: Vec<String>,
}

/// An upstream provider that the service tried before, and how it failed.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct PreviousError {
    pub(crate) provider: Option<String>,
    pub(crate) code: Option<String>,
    pub(crate) message: Option<String>,
}

object! {
    pub(crate) struct ErrorObject<'a> {
        code: Text<'a> = "code",
        http_status: Text<'a> = "http_status",
        message: Raw<'a> = "message",
        metadata: Raw<'a> = "metadata",
        availability: Option<AvailabilityObject<'a>> = "availability",
    }
}

object! {
    pub(crate) struct Metadata<'a> {
        provider_name: Text<'a> = "provider_name",
        error_type: Text<'a> = "error_type",
        provider_code: Text<'a> = "provider_code",
        raw: Raw<'a> = "raw",
        headers: Headers<'a> = "headers",
        previous_errors: Raw<'a> = "previous_errors",
        retry_after: Text<'a> = "retry_after",
        retry_after_seconds: Text<'a> = "retry_after_seconds",
    }
}

object! {
    /// All of its fields are in `unknown`: no header has a place of its own.
    pub(crate) struct Headers<'a> {}
}

object! {
    /// Any object: all of its fields but the `null`s are in `unknown`.
    pub(crate) struct Fields<'a> {}
}

object! {
    pub(crate) struct Previous<'a> {
        provider: Text<'a> = "provider",
        provider_name: Text<'a> = "provider_name",
        code: Text<'a> = "code",
        status: Text<'a> = "status",
        message: Text<'a> = "message",
    }
}

object! {
    pub(crate) struct AvailabilityObject<'a> {
        code: Text<'a> = "code",
        retryable: Flag = "retryable",
        retry_after: Text<'a> = "retry_after",
        fallback_models: Raw<'a> = "fallback_models",
        excluded_by: Raw<'a> = "excluded_by",
    }
    skip "docs_url"
}

object! {
    /// MiniMax says in an answer how it went: 0 is well.
    pub(crate) struct BaseResponse<'a> {
        status_code: Text<'a> = "status_code",
    }
}

object! {
    /// A body that is only an error: in an envelope, or bare.
    pub(crate) struct Body<'a> {
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

/// How sure it is that a body is an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Certainty {
    /// It says so.
    Certain,
    /// It has a message, and nothing of an answer.
    Likely,
}

impl WireError {
    /// Reads a body that is an error, in an envelope or bare.
    pub(crate) fn from_body(body: &str) -> Option<Self> {
        Self::found(body).map(|(error, _)| error)
    }

    /// Reads a body that may be an error, and says how sure that is.
    pub(crate) fn found(body: &str) -> Option<(Self, Certainty)> {
        let mut value: Raw<'_> = from_str(super::text_of_body(body)).ok()?;
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
            return Some((Self::of(object, Words::of(value)), Certainty::Certain));
        }
        if body.base_resp.is_some_and(|told| !matches!(told.status_code.as_str(), "" | "0")) {
            return Some((Self::of(value, Words::of(value)), Certainty::Certain));
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
            (Self::of(value, words), if is_certain { Certainty::Certain } else { Certainty::Likely })
        })
    }

    /// Reads an event that is called an error, and a text that can be no other thing.
    pub(crate) fn from_text(text: &str) -> Self {
        Self::from_body(text).unwrap_or_else(|| Self { words: Words::of_text(text), ..Self::default() })
    }

    /// Reads the value of an `error` field: an object, or just a text.
    pub(crate) fn read(raw: Raw<'_>) -> Self {
        Self::of(raw, Words::of(raw))
    }

    /// Reads what the service says beside the words.
    fn of(raw: Raw<'_>, mut words: Words) -> Self {
        let object: ErrorObject<'_> = raw.read().unwrap_or_default();
        let metadata: Metadata<'_> = object.metadata.read().unwrap_or_default();
        let owned = |text: &Text<'_>| text.filled().map(str::to_owned);
        if let Some(word) = metadata.error_type.filled() {
            words.codes.insert(0, word.to_owned());
        }
        words.wait_for(metadata.retry_after.as_str());
        words.wait_for(metadata.retry_after_seconds.as_str());
        let mut upstream = says(metadata.raw).then(|| Words::of(metadata.raw));
        if let Some(upstream) = &mut upstream {
            // JSON without words for people is its own text.
            let words = upstream.message.take().map(|words| words.trim().to_owned());
            upstream.message = words.or_else(|| metadata.raw.get().map(str::to_owned));
        }
        if let Some(code) = metadata.provider_code.filled() {
            upstream.get_or_insert_default().add_code(code);
        }
        let message = object.message.text().into_cow();
        let is_json =
            message.trim_start().starts_with(['{', '[']) && words.message.as_deref() != Some(message.trim());
        Self {
            code: owned(&object.code).or_else(|| owned(&object.http_status)),
            words,
            provider_name: owned(&metadata.provider_name),
            upstream,
            marks: metadata
                .unknown
                .iter()
                .filter(|(_, value)| says(Raw::of(value)))
                .map(|(name, _)| name.to_string())
                .collect(),
            budget: Budget::read(object.metadata),
            headers: metadata.headers.into_pairs(),
            previous: previous(metadata.previous_errors),
            availability: object.availability.map(|availability| Availability {
                code: owned(&availability.code),
                retryable: availability.retryable.0,
                retry_after: availability.retry_after.as_str().parse().ok(),
                fallback_models: texts(availability.fallback_models),
                excluded_by: texts(availability.excluded_by),
            }),
            details: object
                .metadata
                .get()
                .map(str::to_owned)
                .or_else(|| is_json.then(|| message.into_owned())),
        }
    }
}

/// Whether a value says anything. Some send an empty error beside a good answer: an object can be one, too,
/// all of whose values say nothing.
pub(crate) fn says(raw: Raw<'_>) -> bool {
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

impl Headers<'_> {
    fn into_pairs(self) -> Vec<(String, String)> {
        let pair = |(name, value): (Cow<'_, str>, &str)| {
            let value = Raw::of(value).text().into_cow().into_owned();
            (name.to_ascii_lowercase(), value)
        };
        self.unknown.into_iter().map(pair).collect()
    }
}

/// How many earlier failures are kept.
const MAX_PREVIOUS: usize = 16;

fn previous(list: Raw<'_>) -> Vec<PreviousError> {
    let mut previous = Vec::new();
    list.for_each(|error: Previous<'_>| {
        if previous.len() < MAX_PREVIOUS {
            let owned = |text: &Text<'_>| text.filled().map(str::to_owned);
            previous.push(PreviousError {
                provider: owned(&error.provider).or_else(|| owned(&error.provider_name)),
                code: owned(&error.status).or_else(|| owned(&error.code)),
                message: owned(&error.message),
            });
        }
    });
    previous
}
