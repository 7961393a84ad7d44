//! What makes a stream fail.

use super::error::WireError;
use super::sse::FrameTooLarge;

/// What makes a stream fail.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The service says that it failed. What follows is still to be read: the usage, perhaps.
    Failed(Box<WireError>),
    /// A frame was no JSON object. The rest has been read.
    Unreadable(UnreadableFrame),
    /// A page came in the place of the stream.
    NoAnswer {
        /// The page.
        text: String,
        /// Why it is no answer.
        cause: serde_json::Error,
    },
    /// A frame is larger than allowed.
    TooLarge(FrameTooLarge),
    /// The arguments of the tool calls are larger than allowed.
    TooManyArguments {
        /// The limit, in bytes.
        limit: usize,
    },
}

/// A frame that is no JSON object.
#[derive(Debug)]
pub(crate) struct UnreadableFrame {
    /// Its number in the stream, from 1.
    pub(crate) number: usize,
    /// How many bytes of text came before it.
    pub(crate) text_bytes: usize,
    pub(crate) data: String,
    pub(crate) cause: serde_json::Error,
}
