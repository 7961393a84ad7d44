//! Framing: cuts the bytes of a body into frames.

mod json_lines;
mod sse;

use std::borrow::Cow;
use std::fmt;

use provider_core::author::Frame;

pub use self::json_lines::JsonLinesFramer;
pub use self::sse::SseFramer;

/// Cuts bytes into frames, incrementally and without I/O: [`feed`](Self::feed) it bytes as they come, cut
/// anywhere, and take [`next_frame`](Self::next_frame) until there is none.
///
/// A framer looks at every byte once, however many pieces a frame comes in.
///
/// ```
/// use provider_http::{Framer, SseFramer};
///
/// let mut framer = SseFramer::new(1 << 20);
/// framer.feed(b"data: Hel");
/// assert_eq!(framer.next_frame()?, None);
/// framer.feed(b"lo\n\n");
/// assert_eq!(framer.next_frame()?.map(|frame| frame.data.into_owned()).as_deref(), Some("Hello"));
/// # Ok::<(), provider_http::FrameTooLarge>(())
/// ```
pub trait Framer: Send {
    /// Whether the end of the body finishes the frame before it, as it does a line. An SSE event has a mark
    /// of its own, and counts as cut off without it.
    const BODY_END_FINISHES_FRAME: bool;

    /// Adds bytes.
    fn feed(&mut self, bytes: &[u8]);

    /// Returns the next whole frame, or `None` until more bytes are fed.
    ///
    /// # Errors
    /// When the current frame has outgrown the limit. The stream cannot be read on.
    fn next_frame(&mut self) -> Result<Option<Frame<'_>>, FrameTooLarge>;

    /// Returns the frame at the end of a stream that lacks its end, as far as it has come. Call it once no
    /// more bytes will come.
    ///
    /// # Errors
    /// When it has outgrown the limit.
    fn last_frame(&mut self) -> Result<Option<Frame<'_>>, FrameTooLarge>;

    /// Takes the lines that the format has no place for, in the order in which they came. Default: none.
    fn take_stray_lines(&mut self) -> String {
        String::new()
    }
}

/// A frame that is larger than allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FrameTooLarge {
    /// The limit, in bytes.
    pub limit: usize,
}

impl fmt::Display for FrameTooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a frame is larger than the limit of {} bytes", self.limit)
    }
}

impl std::error::Error for FrameTooLarge {}

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Whether the beginning of a stream is a byte order mark; `None` while there are too few bytes to decide.
fn begins_with_mark(bytes: &[u8]) -> Option<bool> {
    let seen = bytes.len().min(BYTE_ORDER_MARK.len());
    if bytes[..seen] != BYTE_ORDER_MARK[..seen] {
        Some(false)
    } else {
        (seen == BYTE_ORDER_MARK.len()).then_some(true)
    }
}

/// Text, with U+FFFD for bytes that are none. The check alone is several times quicker than a search for
/// bytes to replace.
fn text(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => String::from_utf8_lossy(bytes),
    }
}
