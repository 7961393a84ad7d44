//! Dialects: a service's additions to chat completions, and its differences from them.

use std::fmt;

use lenient_json::Raw;
use provider_core::author::{ResponseAccumulator, ResponseHead};
use provider_core::{ChatRequest, RawJson, Usage};
use serde::ser::SerializeSeq;

use crate::fields::{FieldWriter, Problems};
use crate::rules::Rule;
use crate::wire_error::WireError;

/// The name of this wire, for what any provider that speaks it understands: in
/// [`ProviderJson`](provider_core::ProviderJson), and in [`ChatRequest::extra`].
pub const WIRE: &str = "openai-chat";

/// A service's variant of chat completions.
///
/// Every method defaults to the behavior of a plain server, so a dialect implements its differences alone. It
/// is a type parameter of the codec, not a trait object: a method that keeps its default costs nothing, and
/// the decoder calls none of them for a chunk of text.
///
/// ```
/// use openai_wire::{Dialect, FieldWriter, encode};
/// use provider_core::ChatRequest;
///
/// /// A service that wants to know whose request it is.
/// #[derive(Debug)]
/// struct Acme {
///     team: String,
/// }
///
/// impl Dialect for Acme {
///     fn provider(&self) -> &str {
///         "acme"
///     }
///
///     fn write_fields<W: FieldWriter>(
///         &self,
///         _request: &ChatRequest,
///         _stream: bool,
///         body: &mut W,
///     ) -> Result<(), W::Error> {
///         body.field("team", &self.team)
///     }
/// }
///
/// let acme = Acme { team: "blue".to_owned() };
/// let body = encode(&ChatRequest::new("m").user("Hi"), false, &acme)?;
/// let expected = r#"{"model":"m","messages":[{"role":"user","content":"Hi"}],"team":"blue"}"#;
/// assert_eq!(body, expected.as_bytes());
/// # Ok::<(), provider_core::Error>(())
/// ```
pub trait Dialect: fmt::Debug + Send + Sync + 'static {
    /// Returns the [id](provider_core::ProviderDescriptor::id) of the provider. The encoder sends JSON and
    /// extra parameters that are for this provider or for the [wire](WIRE), and [`decode`](crate::decode)
    /// names after it what it keeps as JSON.
    fn provider(&self) -> &str;

    /// Writes the fields of a request's body that only this service has. `stream`: whether the answer is to
    /// be streamed.
    ///
    /// # Errors
    /// Those of the writer.
    fn write_fields<W: FieldWriter>(
        &self,
        request: &ChatRequest,
        stream: bool,
        body: &mut W,
    ) -> Result<(), W::Error> {
        let _ = (request, stream, body);
        Ok(())
    }

    /// Whether a request for a stream asks for its usage (`stream_options.include_usage`). OpenAI's own
    /// servers and vLLM leave the usage out unless asked, so the default is true.
    fn include_usage(&self) -> bool {
        true
    }

    /// Returns the name under which the service takes a parameter: for `max_tokens` and
    /// `max_completion_tokens`, which are one. Default: the parameter's own name.
    fn parameter_name(&self, name: &'static str) -> &'static str {
        name
    }

    /// Returns how many tools the service runs itself for this request: they stand behind the functions in
    /// `tools`, and [`write_tools`](Self::write_tools) writes them.
    fn tool_count(&self, request: &ChatRequest) -> usize {
        let _ = request;
        0
    }

    /// Writes the tools that the service runs itself.
    ///
    /// # Errors
    /// Those of the serializer.
    fn write_tools<S: SerializeSeq>(&self, request: &ChatRequest, tools: &mut S) -> Result<(), S::Error> {
        let _ = (request, tools);
        Ok(())
    }

    /// Whether the request has its text elsewhere (an old-style `prompt`), so that it needs no messages.
    fn has_prompt(&self, request: &ChatRequest) -> bool {
        let _ = request;
        false
    }

    /// Adds the problems that a request has with this service alone.
    fn validate(&self, request: &ChatRequest, problems: &mut Problems) {
        let _ = (request, problems);
    }

    /// Whether two ids name the same model. The encoder sends reasoning back only to the model that had it.
    /// Default: equal ids do.
    fn is_same_model(&self, one: &str, other: &str) -> bool {
        one == other
    }

    /// Takes a field of a body that is read back, and that only this service has, into the request's options.
    /// False when it is none of them, or does not fit: then it stays in [`ChatRequest::extra`].
    fn read_field(&self, name: &str, value: &RawJson, request: &mut ChatRequest) -> bool {
        let _ = (name, value, request);
        false
    }

    /// Takes the tools of a body that is read back, and that stand behind the last function, into the
    /// request's options. False when this service runs none: then they stay in [`ChatRequest::tools`].
    fn read_tools(&self, tools: &[RawJson], request: &mut ChatRequest) -> bool {
        let _ = (tools, request);
        false
    }

    /// Returns the field in which a message has the plain text of its reasoning: the encoder sends it back
    /// there, and the decoder reads it. The decoder also reads `reasoning`, `reasoning_content`,
    /// `reasoning_text` and `thinking` from every service, and `reasoning_details`; of several names in one
    /// message the first of these that is not blank counts. Default: `reasoning`.
    fn reasoning_field(&self) -> &'static str {
        "reasoning"
    }

    /// Whether a field of a chunk that has no place of its own comes several times with several values, all
    /// of which are kept. Of other fields the last value counts.
    fn is_repeated_field(&self, name: &str) -> bool {
        let _ = name;
        false
    }

    /// Reads a field of the usage object that has no place of its own: figures that only this service has.
    /// The object is read once, so this is called field by field, in their order, and never for a `null`.
    fn read_usage_field(&self, name: &str, value: Raw<'_>, figures: &mut Usage) {
        let _ = (name, value, figures);
    }

    /// Adds the facts in the head of the answer, once the answer is over.
    fn complete(&self, head: &ResponseHead, out: &mut ResponseAccumulator) {
        let _ = (head, out);
    }

    /// Reads the facts in the error object beside its words: the provider behind the service, the limit that
    /// was met, whether to try again.
    fn read_error(&self, error: Raw<'_>, out: &mut WireError) {
        let _ = (error, out);
    }

    /// Reads the facts in the head of the answer that an error came in: a header of this service for the wait
    /// ([`WireError::retry_after`]), the provider behind it. The answer has a status of failure, or is a
    /// success with an error inside; its body may be any text. [`read_error`](Self::read_error) came before
    /// if the body has an error object, and `out` holds what it read.
    ///
    /// The usual headers (`retry-after`, `retry-after-ms`, `x-should-retry`, `x-ratelimit-reset` and its
    /// kin) are read without it, and count behind `retry_after` and `retryable` of `out`.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use openai_wire::{Dialect, error};
    /// use provider_core::author::ResponseHead;
    /// use provider_core::{RetryAdvice, Secret};
    ///
    /// #[derive(Debug)]
    /// struct Acme;
    ///
    /// impl Dialect for Acme {
    ///     fn provider(&self) -> &str {
    ///         "acme"
    ///     }
    ///
    ///     fn read_error_head(&self, head: &ResponseHead, out: &mut error::WireError) {
    ///         let seconds = head.header("x-acme-wait").and_then(|seconds| seconds.parse().ok());
    ///         out.retry_after = seconds.map(Duration::from_secs).or(out.retry_after);
    ///     }
    /// }
    ///
    /// let headers: &[(&str, &str)] = &[("x-acme-wait", "20")];
    /// let head = ResponseHead::new(429, headers, Secret::new("sk-key"));
    /// let error = error::from_response(&head, r#"{"error": {"message": "Slow down"}}"#, &Acme);
    /// assert_eq!(error.retry(), RetryAdvice::After(Duration::from_secs(20)));
    /// ```
    fn read_error_head(&self, head: &ResponseHead, out: &mut WireError) {
        let _ = (head, out);
    }

    /// Returns the service's own rules about failures. They count before the
    /// [common ones](crate::rules::common).
    fn rules(&self) -> &'static [Rule] {
        &[]
    }

    /// Returns a base URL of this service, to show in an error where the one that is set is wrong.
    fn example_base_url(&self) -> &str {
        "http://localhost:8000/v1"
    }
}

/// The dialect of a plain OpenAI-compatible server: all defaults.
#[derive(Clone, Copy, Debug, Default)]
pub struct Plain;

impl Dialect for Plain {
    fn provider(&self) -> &str {
        WIRE
    }
}
