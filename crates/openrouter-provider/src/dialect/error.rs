//! The facts in OpenRouter's error object beside its words: the provider behind the service, the limit that
//! was met, whether to try again.

use std::borrow::Cow;
use std::time::Duration;

use lenient_json::{Flag, Raw, Text, object, texts};
use openai_wire::error::{LimitFacts, PreviousError, WireError, Words};
use openai_wire::rules::Source;
use openai_wire::{amount, is_truthy};
use provider_core::author::parse_moment;

object! {
    struct ErrorObject<'a> {
        metadata: Raw<'a> = "metadata",
        availability: Option<Availability<'a>> = "availability",
    }
}

object! {
    struct Metadata<'a> {
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
    struct Headers<'a> {}
}

object! {
    struct Previous<'a> {
        provider: Text<'a> = "provider",
        provider_name: Text<'a> = "provider_name",
        code: Text<'a> = "code",
        status: Text<'a> = "status",
        message: Text<'a> = "message",
    }
}

object! {
    /// Why a model could not be served, and whether that can change.
    struct Availability<'a> {
        code: Text<'a> = "code",
        retryable: Flag = "retryable",
        retry_after: Text<'a> = "retry_after",
        fallback_models: Raw<'a> = "fallback_models",
        excluded_by: Raw<'a> = "excluded_by",
    }
    skip "docs_url"
}

object! {
    /// A limit, as the metadata tell it.
    struct Limit<'a> {
        limit_source: Text<'a> = "limit_source",
        reason: Text<'a> = "reason",
        scope: Text<'a> = "scope",
        reset_interval: Text<'a> = "reset_interval",
        limit_reset: Text<'a> = "limit_reset",
        limit: Raw<'a> = "limit_usd",
        spent: Raw<'a> = "spend_usd",
        remaining: Raw<'a> = "remaining_usd",
        resets_at: Text<'a> = "resets_at",
    }
}

/// Adds what the error object says.
pub(super) fn read(error: Raw<'_>, out: &mut WireError) {
    let object: ErrorObject<'_> = error.read().unwrap_or_default();
    read_metadata(object.metadata, out);
    if let Some(availability) = object.availability {
        let seconds = availability.retry_after.as_str().parse().ok();
        out.retryable = availability.retryable.0;
        out.retry_after = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        out.alternatives = texts(availability.fallback_models);
        let excluded = texts(availability.excluded_by).into_iter().map(|reason| (Source::Excluded, reason));
        out.facts.extend(excluded);
        out.facts.extend(owned(&availability.code).map(|code| (Source::Availability, code)));
    }
}

fn read_metadata(raw: Raw<'_>, out: &mut WireError) {
    let metadata: Metadata<'_> = raw.read().unwrap_or_default();
    if let Some(word) = metadata.error_type.filled() {
        out.words.codes.insert(0, word.to_owned());
    }
    out.words.add_retry_delay(metadata.retry_after.as_str());
    out.words.add_retry_delay(metadata.retry_after_seconds.as_str());
    out.upstream_name = owned(&metadata.provider_name);
    out.upstream = is_truthy(metadata.raw).then(|| Words::of(metadata.raw));
    if let Some(upstream) = &mut out.upstream {
        // JSON without words for people is its own text.
        let words = upstream.message.take().map(|words| words.trim().to_owned());
        upstream.message = words.or_else(|| metadata.raw.get().map(str::to_owned));
    }
    if let Some(code) = metadata.provider_code.filled() {
        out.upstream.get_or_insert_default().add_code(code);
    }
    let telling = metadata.unknown.iter().filter(|(_, value)| is_truthy(Raw::of(value)));
    out.facts.extend(telling.map(|(name, _)| (Source::Field, name.to_string())));
    out.limit = limit(raw);
    out.facts.extend(out.limit.source.clone().map(|source| (Source::Limit, source)));
    out.headers = metadata.headers.into_pairs();
    out.previous = previous(metadata.previous_errors);
    if let Some(json) = raw.get() {
        out.details = Some(json.to_owned());
    }
}

/// Reads the limit of the metadata; everything is `None` where they are of something else.
fn limit(metadata: Raw<'_>) -> LimitFacts {
    let object: Limit<'_> = metadata.read().unwrap_or_default();
    let mut limit = LimitFacts::default();
    limit.source = owned(&object.limit_source).or_else(|| owned(&object.reason));
    limit.scope = owned(&object.scope);
    limit.window = owned(&object.reset_interval)
        .or_else(|| owned(&object.limit_reset).filter(|word| parse_moment(word).is_none()));
    limit.limit = amount(object.limit);
    limit.spent = amount(object.spent);
    limit.remaining = amount(object.remaining);
    limit.resets_at =
        parse_moment(object.resets_at.as_str()).or_else(|| parse_moment(object.limit_reset.as_str()));
    limit
}

fn owned(text: &Text<'_>) -> Option<String> {
    text.filled().map(str::to_owned)
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

/// The most earlier failures that are kept.
const MAX_PREVIOUS: usize = 16;

fn previous(list: Raw<'_>) -> Vec<PreviousError> {
    let mut previous = Vec::new();
    list.for_each(|error: Previous<'_>| {
        if previous.len() < MAX_PREVIOUS {
            let mut one = PreviousError::default();
            one.provider = owned(&error.provider).or_else(|| owned(&error.provider_name));
            one.code = owned(&error.status).or_else(|| owned(&error.code));
            one.message = owned(&error.message);
            previous.push(one);
        }
    });
    previous
}
