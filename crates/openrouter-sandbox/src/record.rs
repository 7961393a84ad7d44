//! The log of requests, for tests that check what a client sends.

use std::collections::VecDeque;
use std::fmt;

use axum::http::request::Parts;
use serde_json::Value;

/// The capacity of a log, so that a sandbox can run for days.
const MAX_ENTRIES: usize = 10_000;

/// A request as the sandbox received it.
///
/// `Debug` hides the authorization header; [`header`](Self::header) returns it.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct RecordedRequest {
    /// The method: `GET`, `POST`, …
    pub method: String,
    /// The path without the query, e.g. `/api/v1/chat/completions`, still percent-encoded.
    pub path: String,
    /// The query behind the question mark, as sent; empty if there is none.
    pub query: String,
    /// All headers in order of arrival, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The JSON body: `Null` if there is none, a string if it is not JSON.
    pub body: Value,
}

impl RecordedRequest {
    pub(crate) fn new(parts: &Parts, body: &[u8]) -> Self {
        let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
        Self {
            method: parts.method.to_string(),
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            headers: parts
                .headers
                .iter()
                .map(|(name, value)| (name.to_string(), text(value.as_bytes())))
                .collect(),
            body: match body {
                [] => Value::Null,
                _ => serde_json::from_slice(body).unwrap_or_else(|_| Value::String(text(body))),
            },
        }
    }

    /// The first header of this name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

impl fmt::Debug for RecordedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let show = |(name, value): &(String, String)| match name.as_str() {
            "authorization" => (name.clone(), "<redacted>".to_owned()),
            _ => (name.clone(), value.clone()),
        };
        f.debug_struct("RecordedRequest")
            .field("method", &self.method)
            .field("path", &self.path)
            .field("query", &self.query)
            .field("headers", &self.headers.iter().map(show).collect::<Vec<_>>())
            .field("body", &self.body)
            .finish()
    }
}

/// A log that drops its oldest entry once it is full.
#[derive(Debug)]
pub(crate) struct BoundedLog<T>(VecDeque<T>);

impl<T> Default for BoundedLog<T> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<T> BoundedLog<T> {
    pub(crate) fn push(&mut self, entry: T) {
        if self.0.len() == MAX_ENTRIES {
            self.0.pop_front();
        }
        self.0.push_back(entry);
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.0.iter_mut()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::{BoundedLog, MAX_ENTRIES, RecordedRequest};
    use serde_json::Value;

    #[test]
    fn debug_hides_the_key_and_header_returns_it() {
        let request = RecordedRequest {
            method: "GET".into(),
            path: "/".into(),
            query: String::new(),
            headers: vec![("authorization".into(), "Bearer hush".into())],
            body: Value::Null,
        };
        assert!(!format!("{request:?}").contains("hush"));
        assert_eq!(request.header("Authorization"), Some("Bearer hush"));
    }

    #[test]
    fn full_log_drops_its_oldest_entries() {
        let mut list = BoundedLog::default();
        (0..MAX_ENTRIES + 2).for_each(|n| list.push(n));
        assert_eq!(list.iter().next(), Some(&2));
        assert_eq!(list.iter().count(), MAX_ENTRIES);
    }
}
