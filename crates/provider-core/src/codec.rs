//! The codec of a wire: how a chat is written, and how its answer is read.

use std::fmt;

use crate::frame::{FrameDecoder, ResponseHead};
use crate::{ChatRequest, Error};

/// The wire of a service, sans-IO: it writes the bodies of chats, and reads answers and errors.
///
/// A provider over HTTP gives one to the `ChatApi` of `provider-http`, which sends and receives. A service
/// that speaks chat completions has one ready made: `openai_wire::ChatCompletions`.
///
/// ```
/// use provider_core::author::{
///     ChatCodec, DecodeError, Frame, FrameDecoder, Progress, ResponseAccumulator, ResponseHead,
///     refuse_all_but,
/// };
/// use provider_core::{ChatRequest, Error, ErrorKind, Message};
///
/// /// A service that echoes a prompt.
/// #[derive(Debug)]
/// struct Echo;
///
/// impl ChatCodec for Echo {
///     type Decoder = Text;
///
///     fn path(&self) -> &str {
///         "echo"
///     }
///
///     fn encode(&self, request: &ChatRequest, _stream: bool) -> Result<Vec<u8>, Error> {
///         refuse_all_but(request, "echo", &[])?; // the wire has user messages and no parameter
///         let words = request.messages.iter().filter_map(|message| match message {
///             Message::User(said) => Some(said.content.text()),
///             _ => None,
///         });
///         Ok(serde_json::json!({ "prompt": words.collect::<String>() }).to_string().into_bytes())
///     }
///
///     fn decoder(&self, _request: &ChatRequest, _head: ResponseHead) -> Text {
///         Text
///     }
///
///     fn decode_error(&self, head: &ResponseHead, body: &str) -> Error {
///         Error::new(ErrorKind::Server, head.redact(body))
///     }
/// }
///
/// struct Text;
///
/// impl FrameDecoder for Text {
///     fn decode(
///         &mut self,
///         frame: Frame<'_>,
///         out: &mut ResponseAccumulator,
///     ) -> Result<Progress, DecodeError> {
///         out.push_text(&frame.data);
///         out.set_finish_reason("stop");
///         Ok(Progress::End)
///     }
/// }
///
/// let body = Echo.encode(&ChatRequest::new("m").user("Hi"), false)?;
/// assert_eq!(body, br#"{"prompt":"Hi"}"#);
/// assert!(Echo.encode(&ChatRequest::new("m").user("Hi").seed(1), false).is_err());
/// # Ok::<(), Error>(())
/// ```
pub trait ChatCodec: fmt::Debug + Send + Sync + 'static {
    /// The decoder of one answer.
    type Decoder: FrameDecoder + 'static;

    /// Returns the path that chats are posted to, below the base URL: `chat/completions`.
    fn path(&self) -> &str;

    /// Writes the body of a chat, as JSON. `stream`: whether the answer is to be streamed.
    ///
    /// # Behavior
    /// Writes all that the request has as it is, and adds nothing. A request with something that the wire has
    /// no place for is refused by its name ([`refuse_all_but`](crate::author::refuse_all_but)).
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`](crate::ErrorKind::InvalidRequest) with every field that cannot be sent.
    fn encode(&self, request: &ChatRequest, stream: bool) -> Result<Vec<u8>, Error>;

    /// Makes the decoder of the answer that has this head, streamed or whole. It keeps the JSON of the answer
    /// where the request [asks for it](ChatRequest#structfield.keep_raw), and
    /// [hands it out](ChatRequest#structfield.raw_events) alone where that is asked for.
    fn decoder(&self, request: &ChatRequest, head: ResponseHead) -> Self::Decoder;

    /// Makes the error of an answer whose status is no success. The body may be any text: a proxy on the way
    /// answers in words of its own.
    fn decode_error(&self, head: &ResponseHead, body: &str) -> Error;
}
