//! Names and values of headers: which of them a setting or a caller may set.

use std::sync::Arc;

use http::header::USER_AGENT;
use http::{HeaderMap, HeaderName, HeaderValue};
use provider_core::Secret;

/// The headers that the endpoint or the HTTP client writes; neither a request nor a setting sets them.
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
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
];

pub(crate) const IS_OURS: &str = "is written by the provider itself";
pub(crate) const NO_NAME: &str = "is no name that a header can have";
pub(crate) const UNSENDABLE: &str =
    "has a character that no header can carry; headers are visible ASCII and spaces";

pub(crate) fn is_ours(name: &HeaderName) -> bool {
    OURS.contains(&name.as_str())
}

/// Whether a header says who asks, which `Debug` may show.
fn is_attribution(name: &HeaderName) -> bool {
    name == USER_AGENT || matches!(name.as_str(), "http-referer") || name.as_str().ends_with("-title")
}

/// The shortest value of a header that is taken for a secret, in bytes. A shorter one may be any word, which
/// errors need.
const MIN_SECRET: usize = 16;

/// Returns the values that may be secrets.
pub(crate) fn secrets(headers: &HeaderMap) -> Arc<[Secret]> {
    let hidden = headers.values().filter(|value| value.is_sensitive() && value.len() >= MIN_SECRET);
    hidden.filter_map(|value| value.to_str().ok()).map(Secret::new).collect()
}

/// Reads a header that goes out with every request. `Debug` hides its value, which may be a key of a gateway,
/// unless it says who asks.
///
/// # Errors
/// The fault, without the value.
pub(crate) fn of_every_request(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), &'static str> {
    match (HeaderName::try_from(name), HeaderValue::from_str(value)) {
        (Err(_), _) => Err(NO_NAME),
        (Ok(name), _) if name != USER_AGENT && is_ours(&name) => Err(IS_OURS),
        (Ok(name), Ok(mut value)) if value.to_str().is_ok() => {
            value.set_sensitive(!is_attribution(&name));
            Ok((name, value))
        }
        (Ok(_), _) => Err(UNSENDABLE),
    }
}
