//! The response cache: a repeated request gets the stored completion, with a cost of zero.
//!
//! Requests are equal if their keys and bodies are, streaming included. White space between the body's values
//! does not count, the order of its fields does.

use std::collections::VecDeque;
use std::time::Duration;

use axum::http::HeaderMap;
use tokio::time::Instant;

use crate::completion::Completion;

/// The capacity; a full cache drops its oldest entry.
const MAX_ENTRIES: usize = 1_000;
const DEFAULT_TTL: u64 = 300;
const MAX_TTL: u64 = 24 * 60 * 60;

/// The cache headers of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CacheOptions {
    pub(crate) ttl: Duration,
    /// Whether to replace a stored completion.
    clear: bool,
}

impl CacheOptions {
    /// Reads the headers. Returns `None` if they do not turn the cache on.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
        let is_on = |name: &str| header(name).is_some_and(|value| value.eq_ignore_ascii_case("true"));
        let ttl = header("x-openrouter-cache-ttl").and_then(leading_number).unwrap_or(DEFAULT_TTL);
        let ttl = Duration::from_secs(ttl.clamp(1, MAX_TTL));
        is_on("x-openrouter-cache").then(|| Self { ttl, clear: is_on("x-openrouter-cache-clear") })
    }
}

/// The number with which a text begins. The service ignores the rest, too.
fn leading_number(text: &str) -> Option<u64> {
    let end = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    let digits = &text[..end];
    // A number that overflows is clamped.
    (!digits.is_empty()).then(|| digits.parse().unwrap_or(u64::MAX))
}

/// The cache key of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CacheKey {
    user_id: String,
    /// The body without white space; its field `stream` is part of the key.
    body: Vec<u8>,
}

impl CacheKey {
    pub(crate) fn new(user_id: String, body: &[u8]) -> Self {
        Self { user_id, body: compact(body) }
    }
}

/// Removes the white space between the values of JSON.
fn compact(json: &[u8]) -> Vec<u8> {
    let (mut in_text, mut is_escaped) = (false, false);
    let kept = json.iter().filter(|byte| {
        let keep = in_text || !byte.is_ascii_whitespace();
        if !is_escaped && **byte == b'"' {
            in_text = !in_text;
        }
        is_escaped = in_text && !is_escaped && **byte == b'\\';
        keep
    });
    kept.copied().collect()
}

/// A stored completion.
#[derive(Clone, Debug)]
pub(crate) struct CacheHit {
    pub(crate) completion: Completion,
    pub(crate) age: Duration,
    /// The time until it expires.
    pub(crate) remaining: Duration,
}

#[derive(Debug)]
struct Entry {
    key: CacheKey,
    completion: Completion,
    since: Instant,
    ttl: Duration,
}

/// The stored completions, oldest first.
#[derive(Debug, Default)]
pub(crate) struct ResponseCache(VecDeque<Entry>);

impl ResponseCache {
    /// Finds the completion for a key, after it has removed expired ones, and this one if the request clears
    /// it.
    pub(crate) fn find(&mut self, key: &CacheKey, options: CacheOptions) -> Option<CacheHit> {
        let now = Instant::now();
        self.0.retain(|entry| now - entry.since < entry.ttl && !(options.clear && entry.key == *key));
        let entry = self.0.iter().find(|entry| entry.key == *key)?;
        let age = now - entry.since;
        Some(CacheHit { completion: entry.completion.clone(), age, remaining: entry.ttl - age })
    }

    pub(crate) fn keep(&mut self, key: CacheKey, completion: Completion, ttl: Duration) {
        if self.0.len() == MAX_ENTRIES {
            self.0.pop_front();
        }
        self.0.push_back(Entry { key, completion, since: Instant::now(), ttl });
    }
}

#[cfg(test)]
mod tests {
    use super::{CacheKey, CacheOptions, compact, leading_number};
    use axum::http::{HeaderMap, HeaderName, HeaderValue};

    fn options(headers: &[(&'static str, &'static str)]) -> Option<(u64, bool)> {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        let headers: HeaderMap = headers.iter().map(pair).collect();
        CacheOptions::of(&headers).map(|options| (options.ttl.as_secs(), options.clear))
    }

    #[test]
    fn headers_enable_the_cache_and_set_its_ttl() {
        let on = ("x-openrouter-cache", "true");
        assert_eq!(options(&[]), None);
        assert_eq!(options(&[("x-openrouter-cache", "false")]), None);
        assert_eq!(options(&[on]), Some((300, false)));
        assert_eq!(options(&[on, ("x-openrouter-cache-clear", "true")]), Some((300, true)));
        for (ttl, kept) in
            [("60", 60), ("60abc", 60), ("1.5", 1), ("0", 1), ("1000000", 86_400), ("soon", 300)]
        {
            assert_eq!(options(&[on, ("x-openrouter-cache-ttl", ttl)]), Some((kept, false)), "{ttl}");
        }
        assert_eq!(leading_number("99999999999999999999999"), Some(u64::MAX));
    }

    #[test]
    fn cache_key_ignores_white_space_not_order() {
        let key = |body: &str| CacheKey::new("user".into(), body.as_bytes());
        assert_eq!(key(r#"{"a":1,"b":2}"#), key("{ \"a\": 1,\n \"b\": 2 }"));
        assert_ne!(key(r#"{"a":1,"b":2}"#), key(r#"{"b":2,"a":1}"#));
        assert_eq!(compact(br#"{ "a b" : "c \" d\\" , "e" : 1 }"#), br#"{"a b":"c \" d\\","e":1}"#);
        assert_ne!(key("{}"), CacheKey::new("other".into(), b"{}"));
    }
}
