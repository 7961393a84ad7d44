//! Failures that are not the service's words: compressed bodies, empty streams, frames that are too large.

mod obstacle;
mod transport;

use provider_core::author::ResponseHead;
use provider_core::{Error, ErrorKind};

pub(crate) use self::transport::{
    body_too_large, broken_off, no_answer_in_time, not_sent, proxy_authentication, too_slow,
};
use crate::sse::FrameTooLarge;

/// A body that is compressed, although nothing was said of that being understood.
pub(crate) fn encoded(encoding: &[u8], head: &ResponseHead) -> Error {
    let encoding = String::from_utf8_lossy(encoding);
    let message = format!("the answer is compressed ({encoding:.40}), which was not asked for");
    with_ids(Error::new(ErrorKind::InvalidResponse, message).with_status(head.status()), head)
}

/// A body with a good status that ended in good order, and had nothing in it but signs of life.
pub(crate) fn nothing_came() -> Error {
    Error::new(ErrorKind::EmptyResponse, "the answer is empty")
}

/// A frame of the stream is larger than allowed.
pub(crate) fn frame_too_large(frame: FrameTooLarge) -> Error {
    let message = format!(
        "an event is larger than the limit of {} bytes; raise Limits::max_frame_bytes to read it",
        frame.limit
    );
    Error::new(ErrorKind::InvalidResponse, message)
}

/// Adds the ids that the headers have.
pub(crate) fn with_ids(mut error: Error, head: &ResponseHead) -> Error {
    if let Some(id) = head.header("x-generation-id") {
        error = error.with_generation_id(id);
    }
    if let Some(id) = head.header("x-request-id").or_else(|| head.header("cf-ray")) {
        error = error.with_request_id(id);
    }
    error
}
