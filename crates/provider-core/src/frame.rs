//! The seam between bytes and a wire: frames, and the sans-IO decoder that reads them.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::accumulator::ResponseAccumulator;
use crate::stream::Progress;
use crate::{Error, RawJson, Secret};

/// One frame of a streamed answer: an event of an SSE stream, or a line of JSON lines.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Frame<'a> {
    /// The event's name, where the format has names and the event has one.
    pub event: Option<Cow<'a, str>>,
    /// The data. Bytes that are no UTF-8 have been replaced by U+FFFD.
    pub data: Cow<'a, str>,
}

impl<'a> Frame<'a> {
    /// A frame without a name.
    pub fn new(data: impl Into<Cow<'a, str>>) -> Self {
        Self { event: None, data: data.into() }
    }

    /// Names the event.
    #[must_use]
    pub fn named(mut self, event: impl Into<Cow<'a, str>>) -> Self {
        self.event = Some(event.into());
        self
    }
}

/// Decodes one answer of a service, frame by frame, into a [`ResponseAccumulator`].
///
/// A decoder is sans-IO: it knows no socket and no clock, and a test feeds it by hand. `provider-http` reads
/// the body, cuts it into frames, keeps the limits and the clocks, and calls the decoder.
///
/// ```
/// use provider_core::author::{DecodeError, Frame, FrameDecoder, Progress, ResponseAccumulator};
///
/// /// A service that sends one word per frame.
/// struct Words;
///
/// impl FrameDecoder for Words {
///     fn decode(
///         &mut self,
///         frame: Frame<'_>,
///         out: &mut ResponseAccumulator,
///     ) -> Result<Progress, DecodeError> {
///         match &*frame.data {
///             "." => {
///                 out.set_finish_reason("stop");
///                 Ok(Progress::End)
///             }
///             word => {
///                 out.push_text(word);
///                 Ok(Progress::More)
///             }
///         }
///     }
/// }
///
/// let mut out = ResponseAccumulator::without_events();
/// assert_eq!(Words.decode(Frame::new("Hello"), &mut out), Ok(Progress::More));
/// assert_eq!(Words.decode(Frame::new("."), &mut out), Ok(Progress::End));
/// assert_eq!(out.finish()?.text(), "Hello");
/// # Ok::<(), provider_core::Error>(())
/// ```
pub trait FrameDecoder: Send {
    /// Decodes the next frame.
    ///
    /// # Behavior
    /// - [`Progress::End`] is the wire's own mark of the end: frames behind it do not count.
    /// - A keep-alive is [`Progress::More`], and leaves the accumulator alone.
    ///
    /// # Errors
    /// [`DecodeError::Reported`] when the service says that it failed, and [`DecodeError::Fatal`] when the
    /// answer cannot be read on.
    fn decode(&mut self, frame: Frame<'_>, out: &mut ResponseAccumulator) -> Result<Progress, DecodeError>;

    /// Decodes an answer whose body came whole, in one JSON document, whether a stream was asked for or not.
    /// By default the body is one frame.
    ///
    /// # Errors
    /// As [`decode`](Self::decode).
    fn decode_body(&mut self, body: &str, out: &mut ResponseAccumulator) -> Result<(), DecodeError> {
        self.decode(Frame::new(body), out).map(drop)
    }

    /// Decodes the frame at the end of a stream that its format does not call finished: an SSE event without
    /// the empty line behind it. By default it does not count, since the connection may have cut it off.
    ///
    /// # Errors
    /// As [`decode`](Self::decode).
    fn decode_unfinished(
        &mut self,
        frame: Frame<'_>,
        out: &mut ResponseAccumulator,
    ) -> Result<Progress, DecodeError> {
        let _ = (frame, out);
        Ok(Progress::More)
    }

    /// Decodes the lines of a stream that its format has no place for, all at once and behind the last frame.
    /// Some services write an error, or a web page, into an event stream as it is. By default they do not
    /// count.
    ///
    /// # Errors
    /// As [`decode`](Self::decode).
    fn decode_stray(&mut self, lines: &str, out: &mut ResponseAccumulator) -> Result<Progress, DecodeError> {
        let _ = (lines, out);
        Ok(Progress::More)
    }

    /// Hands over what the decoder held back, since no more will come. Called once and last, whatever the
    /// stream ends in.
    ///
    /// # Errors
    /// The error that the stream ends in, where a frame that could not be read did not stop the decoder.
    fn finish(&mut self, out: &mut ResponseAccumulator) -> Result<(), DecodeError> {
        let _ = out;
        Ok(())
    }

    /// Whether a frame came that was more than a keep-alive. A stream that ends in good order without one is
    /// an empty answer, and not one that broke off. Default: true.
    fn has_begun(&self) -> bool {
        true
    }

    /// Returns how many of the decoded bytes were equal to those before them and were not kept, so that they
    /// do not count towards the limit of a body. Default: 0.
    fn repeated_bytes(&self) -> usize {
        0
    }
}

/// A decoder's reason to end an answer.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum DecodeError {
    /// The service says that it failed. Frames behind it are still decoded: the usage often follows.
    Reported(Error),
    /// The answer cannot be read on.
    Fatal(Error),
}

impl DecodeError {
    /// Returns the error.
    pub fn into_error(self) -> Error {
        match self {
            Self::Reported(error) | Self::Fatal(error) => error,
        }
    }
}

/// The head of an answer: its status and headers, and the secret that went out with the request.
///
/// Decoders make errors with it: headers say how long to wait and which request it was, and text from outside
/// goes into an error only through [`redact`](Self::redact), since a server may echo the key. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ResponseHead(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    status: u16,
    headers: Box<dyn Headers>,
    received: Instant,
    secret: Secret,
}

/// The headers of an answer, by name.
pub trait Headers: fmt::Debug + Send + Sync {
    /// Returns the value of the header of this name, which is lower-case, if it is text.
    fn get(&self, name: &str) -> Option<&str>;
}

/// No headers: for tests, and wires that have none.
impl Headers for () {
    fn get(&self, _: &str) -> Option<&str> {
        None
    }
}

/// Pairs of a lower-case name and a value: for tests.
impl Headers for &'static [(&'static str, &'static str)] {
    fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(own, _)| *own == name).map(|(_, value)| *value)
    }
}

/// Pairs of a lower-case name and a value: headers that a service quotes.
impl Headers for Vec<(String, String)> {
    fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }
}

impl ResponseHead {
    /// The head of an answer that was received now. `secret` is the key that went out with the request.
    pub fn new(status: u16, headers: impl Headers + 'static, secret: Secret) -> Self {
        Self(Arc::new(Inner { status, headers: Box::new(headers), received: Instant::now(), secret }))
    }

    /// Returns the HTTP status.
    pub fn status(&self) -> u16 {
        self.0.status
    }

    /// Whether the status is one of success (2xx).
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.0.status)
    }

    /// Returns the value of a header by its lower-case name, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.0.headers.get(name)
    }

    /// Returns how long ago the head was received.
    pub(crate) fn age(&self) -> Duration {
        self.0.received.elapsed()
    }

    /// Returns the secret that went out with the request.
    pub fn secret(&self) -> &Secret {
        &self.0.secret
    }

    /// Returns text from outside with the secret taken out, cut at 8 KiB.
    pub fn redact(&self, text: &str) -> String {
        // Before it is cut: half a secret would not be found.
        let text = self.0.secret.redact(text);
        if text.len() <= MAX_EXCERPT {
            return text;
        }
        let ends = text.char_indices().map(|(at, c)| at + c.len_utf8());
        let end = ends.take_while(|end| *end <= MAX_EXCERPT - '…'.len_utf8()).last();
        format!("{}…", &text[..end.unwrap_or(0)])
    }

    /// Returns JSON from outside with the secret taken out, for the details of an error. JSON of more than
    /// 8 KiB becomes an [`excerpt`](Self::excerpt) of its text; a text that is no JSON is `None`.
    pub fn redact_json(&self, json: &str) -> Option<RawJson> {
        let redacted = self.0.secret.redact(json);
        if redacted.len() > MAX_EXCERPT { Some(self.excerpt(json)) } else { redacted.parse().ok() }
    }

    /// Returns `{"excerpt": …}` of a text from outside, [redacted](Self::redact), for the details of an
    /// error.
    pub fn excerpt(&self, text: &str) -> RawJson {
        serde_json::json!({ "excerpt": self.redact(text) }).into()
    }
}

/// How much of a text from outside an error keeps, in bytes.
const MAX_EXCERPT: usize = 8 << 10;

impl Default for ResponseHead {
    /// Status 200, no headers and no secret: for tests.
    fn default() -> Self {
        Self::new(200, (), Secret::new(""))
    }
}
