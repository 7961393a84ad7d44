//! HTTP for AI model providers: everything between a wire and its sockets.

pub mod settings;

mod framing;
mod limits;
mod redact;
mod retry_after;

pub use framing::{FrameTooLarge, Framer, JsonLinesFramer, SseFramer};
pub use limits::HttpLimits;
pub use redact::Redactor;
pub use retry_after::{MAX_RETRY_AFTER, RetryHints, parse_duration, parse_moment};
