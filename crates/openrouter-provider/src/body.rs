//! The bodies of `POST /chat/completions` as text: to show what would be sent, to take a request from an
//! OpenAI-compatible client.
//!
//! To store a conversation, serialise the [`ChatRequest`] itself, or its messages: a body does not have all
//! of it.

use provider_core::{ChatRequest, Error, ErrorKind, RawJson};

pub use openai_wire::ReadBody;

use crate::ID;
use crate::dialect::OpenRouterDialect;

/// Writes the body that a request is sent as, without a workspace's preferences; for those see
/// [`OpenRouter::body_of`](crate::OpenRouter::body_of).
///
/// The body does not contain the options that travel as headers, nor which model made an assistant's message.
/// Thoughts that another model made are left out, as when sending.
///
/// ```
/// use openrouter_provider::body;
/// use provider_core::ChatRequest;
///
/// let request = ChatRequest::new("openai/gpt-4o").user("Hello").temperature(0.0);
/// let json = body::to_json(&request)?;
/// assert_eq!(body::from_json(json.get())?.request, request);
/// # Ok::<(), provider_core::Error>(())
/// ```
///
/// # Errors
/// [`ErrorKind::InvalidRequest`] with every field that cannot be sent.
pub fn to_json(request: &ChatRequest) -> Result<RawJson, Error> {
    write(request, &OpenRouterDialect::default())
}

pub(crate) fn write(request: &ChatRequest, dialect: &OpenRouterDialect) -> Result<RawJson, Error> {
    let with_context = |error: Error| error.with_provider(ID).with_model(&request.model);
    let body = openai_wire::encode(request, false, dialect).map_err(with_context)?;
    let unreadable =
        |cause| Error::new(ErrorKind::InvalidRequest, "the request is no JSON").with_source(cause);
    serde_json::from_slice(&body).map_err(|cause| with_context(unreadable(cause)))
}

/// Reads a body. What has no typed place stays JSON, for OpenRouter alone: unknown fields in
/// [`ChatRequest::extra`], unknown messages, parts, tools and plugins in the `Other` of their types; it goes
/// out again as it came. `null` counts as absent.
///
/// # Errors
/// [`ErrorKind::InvalidRequest`] when the text is no JSON object, when `model`, `messages` or `stream` cannot
/// be read, or when an unknown field has a value that nothing can hold (`1e999`, half a character). What can
/// be read but not sent is refused when it is sent.
pub fn from_json(json: &str) -> Result<ReadBody, Error> {
    openai_wire::decode(json, &OpenRouterDialect::default()).map_err(|error| error.with_provider(ID))
}
