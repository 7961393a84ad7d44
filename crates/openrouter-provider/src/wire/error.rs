//! The service's error object, in all the shapes it comes in.

use std::borrow::Cow;

use super::json::{Json, Read as _, read};
use super::lenient::{Flag, Raw, Str, object};
use super::values::texts;

/// What the service says about a failure, owned, since errors are off the hot path.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct WireError {
    /// The code, number or word.
    pub(crate) code: Option<String>,
    /// The status that the error would have had, where the code is a word.
    pub(crate) http_status: Option<u16>,
    pub(crate) message: Option<String>,
    /// The service's fine-grained word for it (`rate_limit_exceeded`, …).
    pub(crate) error_type: Option<String>,
    /// The upstream provider that failed.
    pub(crate) provider_name: Option<String>,
    /// What the upstream provider said, dug out of whatever it was wrapped in.
    pub(crate) upstream_message: Option<String>,
    /// Why moderation refused.
    pub(crate) moderated: bool,
    /// The headers of the answer that the service got, or would have sent, by lower-case name.
    pub(crate) headers: Vec<(String, String)>,
    /// What the service tried before, and what came of it.
    pub(crate) previous: Vec<PreviousError>,
    pub(crate) availability: Option<Availability>,
    /// The JSON of `metadata`.
    pub(crate) metadata: Option<String>,
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
    /// What left no endpoint over (`data_policy:zdr`, `max_price`, …).
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
    ErrorObject<'a> {
        code: Str<'a> = "code",
        http_status: Str<'a> = "http_status",
        message: Str<'a> = "message",
        error_type: Str<'a> = "error_type",
        kind: Str<'a> = "type",
        metadata: Raw<'a> = "metadata",
        availability: Option<AvailabilityObject<'a>> = "availability",
    }
    skip "param"
}

object! {
    Metadata<'a> {
        provider_name: Str<'a> = "provider_name",
        error_type: Str<'a> = "error_type",
        raw: Raw<'a> = "raw",
        reasons: Raw<'a> = "reasons",
        flagged_input: Raw<'a> = "flagged_input",
        headers: Headers<'a> = "headers",
        previous_errors: Raw<'a> = "previous_errors",
    }
}

object! {
    /// All of its fields are in `unknown`: no header has a place of its own.
    Headers<'a> {}
}

object! {
    Previous<'a> {
        provider: Str<'a> = "provider",
        provider_name: Str<'a> = "provider_name",
        code: Str<'a> = "code",
        status: Str<'a> = "status",
        message: Str<'a> = "message",
    }
}

object! {
    AvailabilityObject<'a> {
        code: Str<'a> = "code",
        retryable: Flag = "retryable",
        retry_after: Str<'a> = "retry_after",
        fallback_models: Raw<'a> = "fallback_models",
        excluded_by: Raw<'a> = "excluded_by",
    }
    skip "docs_url"
}

object! {
    /// A body that is only an error.
    Envelope<'a> {
        error: Raw<'a> = "error",
    }
    skip "user_id"
}

impl WireError {
    /// Reads the error object of a body, if the body is JSON and has one.
    pub(crate) fn from_body(body: &str) -> Option<Self> {
        let envelope: Envelope<'_> = read(body).ok()?;
        Some(envelope.error).filter(|error| error.0.is_some()).map(Self::read)
    }

    /// Takes a text that is not in an error object for the message.
    pub(crate) fn from_text(text: &str) -> Self {
        Self::from_body(text).unwrap_or_else(|| Self {
            message: Some(dig(text).unwrap_or(text.into()).into_owned()),
            ..Self::default()
        })
    }

    /// Reads the value of an `error` field: an object, or just a text.
    pub(crate) fn read(raw: Raw<'_>) -> Self {
        if let Some(text) = raw.get().filter(|json| json.starts_with('"')).and_then(|_| raw.read::<Str<'_>>())
        {
            return Self { message: Some(text.into_cow().into_owned()), ..Self::default() };
        }
        let object: ErrorObject<'_> = raw.read().unwrap_or_default();
        let metadata: Metadata<'_> = object.metadata.read().unwrap_or_default();
        let owned = |text: &Str<'_>| text.filled().map(str::to_owned);
        Self {
            code: owned(&object.code).or_else(|| owned(&object.http_status)),
            http_status: object.http_status.as_str().parse().ok(),
            message: owned(&object.message),
            error_type: owned(&metadata.error_type)
                .or_else(|| owned(&object.error_type))
                .or_else(|| owned(&object.kind)),
            provider_name: owned(&metadata.provider_name),
            upstream_message: upstream_words(metadata.raw),
            moderated: metadata.reasons.0.is_some() || metadata.flagged_input.0.is_some(),
            headers: metadata.headers.into_pairs(),
            previous: previous(metadata.previous_errors),
            availability: object.availability.map(|availability| Availability {
                code: owned(&availability.code),
                retryable: availability.retryable.0,
                retry_after: availability.retry_after.as_str().parse().ok(),
                fallback_models: texts(availability.fallback_models),
                excluded_by: texts(availability.excluded_by),
            }),
            metadata: object.metadata.get().map(str::to_owned),
        }
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
            let owned = |text: &Str<'_>| text.filled().map(str::to_owned);
            previous.push(PreviousError {
                provider: owned(&error.provider).or_else(|| owned(&error.provider_name)),
                code: owned(&error.status).or_else(|| owned(&error.code)),
                message: owned(&error.message),
            });
        }
    });
    previous
}

/// The words in `metadata.raw`: a text, JSON in a text, or an object.
fn upstream_words(raw: Raw<'_>) -> Option<String> {
    let text = if raw.is_string() { raw.text().into_cow() } else { Cow::Borrowed(raw.get()?) };
    let words = dig(&text).unwrap_or(Cow::Borrowed(text.trim()));
    (!words.is_empty()).then(|| words.into_owned())
}

object! {
    /// Any of the objects in which providers wrap a message.
    Wrapped<'a> {
        error: Raw<'a> = "error",
        message: Raw<'a> = "message",
        detail: Raw<'a> = "detail",
    }
}

/// How deep a message is dug for. Nobody wraps deeper, and what upstream sends must not decide how long it takes.
const MAX_DEPTH: usize = 8;

/// Digs the message out of JSON: `error`, `message` or `detail`, nested or not.
fn dig(text: &str) -> Option<Cow<'_, str>> {
    let mut text = text.trim();
    for _ in 0..MAX_DEPTH {
        // Some put the object in a list.
        text = text.strip_prefix('[').unwrap_or(text).trim_start();
        let wrapped: Wrapped<'_> = first_object(text)?;
        let inner = [wrapped.error, wrapped.message, wrapped.detail];
        let inner = inner.into_iter().find(|inner| inner.get().is_some_and(|json| json != "\"\""))?;
        if inner.is_string() {
            return inner.text().0;
        }
        text = inner.get()?;
    }
    None
}

/// The object that a text begins with, whatever comes after it.
fn first_object(text: &str) -> Option<Wrapped<'_>> {
    if !text.starts_with('{') {
        return None;
    }
    Wrapped::read(&mut Json::new(text))
}
