//! The headers that one request adds to those that all have.

use provider_core::{Error, FieldProblem};
use provider_http::RequestBuilder;

use crate::options::OpenRouterOptions;

/// The headers that stand for options.
const METADATA: &str = "x-openrouter-metadata";
const CACHE: &str = "x-openrouter-cache";
const CACHE_TTL: &str = "x-openrouter-cache-ttl";
const CACHE_CLEAR: &str = "x-openrouter-cache-clear";
const CATEGORIES: &str = "x-openrouter-categories";

/// Headers that the provider writes itself even where they are not set: the app's attribution.
const ATTRIBUTION: &[&str] = &["http-referer", "x-openrouter-title", "x-title"];

/// Adds the headers of a request's options. The names that callers choose are checked by
/// [`RequestBuilder::header`].
///
/// # Errors
/// [`ErrorKind::InvalidRequest`](provider_core::ErrorKind::InvalidRequest) with every option that the service
/// would take for another one.
pub(crate) fn add<'e>(
    mut request: RequestBuilder<'e>,
    options: &OpenRouterOptions,
) -> Result<RequestBuilder<'e>, Error> {
    let mut problems = Vec::new();
    let mut problem = |field: &str, what: &str| {
        problems.push(FieldProblem::new(format!("options.{field}"), what));
    };
    if let Some(metadata) = options.metadata {
        request = request.header(METADATA, if metadata { "enabled" } else { "disabled" });
    }
    if let Some(cache) = &options.response_cache {
        // Whoever says how to cache wants it to be done.
        request = request.header(CACHE, if cache.enabled.unwrap_or(true) { "true" } else { "false" });
        if let Some(seconds) = cache.ttl_seconds {
            request = request.header(CACHE_TTL, &seconds.to_string());
            if !(1..=86_400).contains(&seconds) {
                let what = "must be from 1 to 86400; the service would take it for another number";
                problem("response_cache.ttl_seconds", what);
            }
        }
        if let Some(clear) = cache.clear {
            request = request.header(CACHE_CLEAR, if clear { "true" } else { "false" });
        }
    }
    if let Some(categories) = &options.categories {
        request = request.header(CATEGORIES, &categories.join(","));
        if categories.len() > 2 {
            problem("categories", "the service takes two at most");
        }
    }
    for (name, value) in &options.headers {
        if ATTRIBUTION.iter().any(|own| name.eq_ignore_ascii_case(own)) {
            problem(&format!("headers.{name}"), "is written by the provider itself");
        } else {
            request = request.header(name, value);
        }
    }
    // The caller knows them as headers of the options.
    let added = request.problems().iter();
    problems
        .extend(added.map(|found| FieldProblem::new(format!("options.{}", found.field), &*found.problem)));
    if problems.is_empty() { Ok(request) } else { Err(Error::invalid_request(problems)) }
}
