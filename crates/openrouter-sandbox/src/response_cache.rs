//! The cache of whole answers: the same request again gets the answer that was given before, for nothing.
//!
//! Two requests are the same if key, streaming and body are, where white space between the body's values does
//! not count, but the order of its fields does.

use std::collections::VecDeque;
use std::time::Duration;

use axum::http::HeaderMap;
use tokio::time::Instant;

use crate::completion::Completion;

/// The newest answers are kept, up to this many.
const MAX_ENTRIES: usize = 1_000;
const DEFAULT_TTL: u64 = 300;
const MAX_TTL: u64 = 24 * 60 * 60;

/// The use that a request makes of the cache, read from its headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CacheOptions {
    pub(crate) ttl: Duration,
    /// Whether an answer that is kept is to be replaced.
    clear: bool,
}

impl CacheOptions {
    /// `None` if the request does not turn the cache on.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
        let is_on = |name: &str| header(name).is_some_and(|value| value.eq_ignore_ascii_case("true"));
        let ttl = header("x-openrouter-cache-ttl").and_then(leading_number).unwrap_or(DEFAULT_TTL);
        let ttl = Duration::from_secs(ttl.clamp(1, MAX_TTL));
        is_on("x-openrouter-cache").then(|| Self { ttl, clear: is_on("x-openrouter-cache-clear") })
    }
}

/// The digits that a text begins with; what follows is ignored, as the service does.
fn leading_number(text: &str) -> Option<u64> {
    let end = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    let digits = &text[..end];
    // More digits than fit are a large number all the same.
    (!digits.is_empty()).then(|| digits.parse().unwrap_or(u64::MAX))
}

/// The key of a request: two requests with the same key are the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CacheKey {
    user_id: String,
    /// Says whether the answer is streamed, too.
    body: Vec<u8>,
}

impl CacheKey {
    pub(crate) fn new(user_id: String, body: &[u8]) -> Self {
        Self { user_id, body: compact(body) }
    }
}

/// JSON without the white space between its values.
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

/// An answer that was found.
#[derive(Clone, Debug)]
pub(crate) struct CacheHit {
    pub(crate) completion: Completion,
    pub(crate) age: Duration,
    /// How much longer it is kept.
    pub(crate) remaining: Duration,
}

#[derive(Debug)]
struct Entry {
    key: CacheKey,
    completion: Completion,
    since: Instant,
    ttl: Duration,
}

/// The answers that are kept, oldest first.
#[derive(Debug, Default)]
pub(crate) struct ResponseCache(VecDeque<Entry>);

impl ResponseCache {
    /// The answer to this request, if there is one that may be used.
    pub(crate) fn find(&mut self, key: &CacheKey, wish: CacheOptions) -> Option<CacheHit> {
        let now = Instant::now();
        self.0.retain(|entry| now - entry.since < entry.ttl && !(wish.clear && entry.key == *key));
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

    fn wish(headers: &[(&'static str, &'static str)]) -> Option<(u64, bool)> {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        let headers: HeaderMap = headers.iter().map(pair).collect();
        CacheOptions::of(&headers).map(|wish| (wish.ttl.as_secs(), wish.clear))
    }

    #[test]
    fn headers_turn_it_on_and_say_for_how_long() {
        let on = ("x-openrouter-cache", "true");
        assert_eq!(wish(&[]), None);
        assert_eq!(wish(&[("x-openrouter-cache", "false")]), None);
        assert_eq!(wish(&[on]), Some((300, false)));
        assert_eq!(wish(&[on, ("x-openrouter-cache-clear", "true")]), Some((300, true)));
        for (ttl, kept) in
            [("60", 60), ("60abc", 60), ("1.5", 1), ("0", 1), ("1000000", 86_400), ("soon", 300)]
        {
            assert_eq!(wish(&[on, ("x-openrouter-cache-ttl", ttl)]), Some((kept, false)), "{ttl}");
        }
        assert_eq!(leading_number("99999999999999999999999"), Some(u64::MAX));
    }

    #[test]
    fn white_space_does_not_count_and_order_does() {
        let key = |body: &str| CacheKey::new("user".into(), body.as_bytes());
        assert_eq!(key(r#"{"a":1,"b":2}"#), key("{ \"a\": 1,\n \"b\": 2 }"));
        assert_ne!(key(r#"{"a":1,"b":2}"#), key(r#"{"b":2,"a":1}"#));
        assert_eq!(compact(br#"{ "a b" : "c \" d\\" , "e" : 1 }"#), br#"{"a b":"c \" d\\","e":1}"#);
        assert_ne!(key("{}"), CacheKey::new("other".into(), b"{}"));
    }
}
