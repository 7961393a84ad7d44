//! The wire: requests to bytes, bytes to what they mean. Sans-IO throughout: no async, no sockets, so that it
//! can be fed byte by byte by a test, a fuzzer or a benchmark.

mod beyond;
pub(crate) mod catalogue;
mod check;
pub(crate) mod chunk;
pub(crate) mod collect;
mod content;
pub(crate) mod data;
pub(crate) mod decoder;
pub(crate) mod details;
pub(crate) mod endpoint;
pub(crate) mod envelope;
pub(crate) mod error;
mod fields;
pub(crate) mod generation;
pub(crate) mod halves;
mod keep;
pub(crate) mod key;
mod logprobs;
pub(crate) mod message;
pub(crate) mod metadata;
pub(crate) mod model;
mod model_id;
mod part;
pub(crate) mod pricing;
pub(crate) mod providers;
pub(crate) mod read;
pub(crate) mod request;
pub(crate) mod sse;
pub(crate) mod stop;
mod tool;
pub(crate) mod usage;
mod write;

/// The text of a body, without the byte order mark and the white space around it.
pub(crate) fn text_of_body(body: &str) -> &str {
    body.trim_start_matches('\u{feff}').trim()
}
