//! The headers that one request adds to those that all have.

use provider_core::{Error, FieldProblem};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use crate::options::OpenRouterOptions;

/// The headers that the provider or the HTTP client writes; a request cannot set them.
const OURS: &[&str] = &[
    "accept",
    "accept-encoding",
    "authorization",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "host",
    "http-referer",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "x-openrouter-title",
    "x-title",
];

/// The headers that stand for options.
const METADATA: &str = "x-openrouter-metadata";
const CACHE: &str = "x-openrouter-cache";
const CACHE_TTL: &str = "x-openrouter-cache-ttl";
const CACHE_CLEAR: &str = "x-openrouter-cache-clear";
const CATEGORIES: &str = "x-openrouter-categories";

/// The headers of a request's options.
///
/// # Errors
/// [`ErrorKind::InvalidRequest`](provider_core::ErrorKind::InvalidRequest) with every header that cannot be
/// sent.
pub(crate) fn of(options: &OpenRouterOptions) -> Result<HeaderMap, Error> {
    let mut added = Added::default();
    if let Some(metadata) = options.metadata {
        added.typed("metadata", METADATA, if metadata { "enabled" } else { "disabled" });
    }
    if let Some(cache) = &options.response_cache {
        // Whoever says how to cache wants it to be done.
        added.typed("response_cache", CACHE, &cache.enabled.unwrap_or(true).to_string());
        if let Some(seconds) = cache.ttl_seconds {
            added.typed("response_cache.ttl_seconds", CACHE_TTL, &seconds.to_string());
            if !(1..=86_400).contains(&seconds) {
                let what = "must be from 1 to 86400; the service would take it for another number";
                added.problem("response_cache.ttl_seconds", what);
            }
        }
        if let Some(clear) = cache.clear {
            added.typed("response_cache.clear", CACHE_CLEAR, &clear.to_string());
        }
    }
    if let Some(categories) = &options.categories {
        added.typed("categories", CATEGORIES, &categories.join(","));
        if categories.len() > 2 {
            added.problem("categories", "the service takes two at most");
        }
    }
    for (name, value) in &options.headers {
        added.free(name, value);
    }
    if added.problems.is_empty() { Ok(added.headers) } else { Err(Error::invalid_request(added.problems)) }
}

const UNSENDABLE: &str = "has a character that no header can carry; headers are visible ASCII and spaces";

#[derive(Default)]
struct Added {
    headers: HeaderMap,
    problems: Vec<FieldProblem>,
}

impl Added {
    fn problem(&mut self, field: &str, what: &str) {
        self.problems.push(FieldProblem::new(format!("options.{field}"), what));
    }

    /// A header that stands for an option.
    fn typed(&mut self, field: &str, name: &'static str, value: &str) {
        match HeaderValue::from_str(value) {
            Ok(value) => drop(self.headers.insert(HeaderName::from_static(name), value)),
            Err(_) => self.problem(field, UNSENDABLE),
        }
    }

    /// A header that the caller names.
    fn free(&mut self, name: &str, value: &str) {
        let field = format!("headers.{}", name.escape_debug());
        match (HeaderName::try_from(name), HeaderValue::from_str(value)) {
            (Ok(name), _) if OURS.contains(&name.as_str()) => {
                self.problem(&field, "is written by the provider itself");
            }
            (Ok(name), _) if self.headers.contains_key(&name) => {
                self.problem(&field, "is set in its own place as well; set it in one of the two");
            }
            (Ok(name), Ok(mut value)) if value.to_str().is_ok() => {
                // It may be a key, for a gateway for example.
                value.set_sensitive(true);
                self.headers.insert(name, value);
            }
            (Ok(_), _) => self.problem(&field, UNSENDABLE),
            (Err(_), _) => self.problem(&field, "is no name that a header can have"),
        }
    }
}
