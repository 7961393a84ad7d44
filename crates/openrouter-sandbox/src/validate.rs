//! Validates chat requests strictly, so that a client's mistake shows in a test and not in production.
//!
//! The service accepts unknown top-level fields. The sandbox refuses them by name, since most are
//! misspellings.

mod messages;
mod params;
mod tools;

use serde_json::{Map, Value};

use crate::api_error::ApiError;

/// The result of a check: an error is the 400 to respond with.
type Check = Result<(), ApiError>;

/// Validates the body of a chat request.
pub(crate) fn chat_request(body: &Value) -> Check {
    let Value::Object(fields) = body else {
        return Err(ApiError::bad_request("The request body must be a JSON object"));
    };
    params::check(fields)?;
    messages::check(fields.get("messages").unwrap_or(&Value::Null))?;
    tools::check(fields)
}

/// The 400 for an invalid field.
fn invalid(field: &str, problem: &str) -> ApiError {
    ApiError::bad_request(format!("{field}: {problem}"))
}

fn ensure(holds: bool, field: &str, problem: &str) -> Check {
    if holds { Ok(()) } else { Err(invalid(field, problem)) }
}

/// The value as an object.
fn object<'a>(value: &'a Value, field: &str) -> Result<&'a Map<String, Value>, ApiError> {
    value.as_object().ok_or_else(|| invalid(field, "must be an object"))
}

/// The value as a list.
fn list<'a>(value: &'a Value, field: &str) -> Result<&'a [Value], ApiError> {
    value.as_array().map(Vec::as_slice).ok_or_else(|| invalid(field, "must be an array"))
}

/// Checks the name of a function or a schema.
fn check_name(value: &Value, field: &str) -> Check {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    let good = value.as_str().is_some_and(|name| (1..=64).contains(&name.len()) && name.bytes().all(allowed));
    ensure(good, field, "must be 1 to 64 letters, digits, underscores or hyphens")
}
