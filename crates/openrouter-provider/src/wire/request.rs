//! The body of a chat request: checked, and written once.

use bytes::Bytes;
use provider_core::{ChatRequest, Error, ErrorKind};

use super::check;
use super::fields::Body;
use crate::options::ProviderPreferences;

/// Writes the body of a request. `defaults` are the workspace's.
///
/// # Errors
/// [`ErrorKind::InvalidRequest`] with every field that cannot be sent.
pub(crate) fn body(
    request: &ChatRequest,
    defaults: &ProviderPreferences,
    stream: bool,
) -> Result<Bytes, Error> {
    let body = Body::new(request, defaults, stream);
    let problems = check::problems(&body);
    if !problems.is_empty() {
        return Err(Error::invalid_request(problems));
    }
    match serde_json::to_vec(&body) {
        Ok(body) => Ok(body.into()),
        Err(cause) => {
            Err(Error::new(ErrorKind::InvalidRequest, "the request cannot be written as JSON")
                .with_source(cause))
        }
    }
}
