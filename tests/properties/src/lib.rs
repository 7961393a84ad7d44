//! The properties that hold for whatever comes in.
//!
//! Each property is a function of bytes that panics when it does not hold. The fuzz targets in `fuzz/` look
//! for bytes that break one; the tests in `tests/generated` try the stored corpus and made-up input of a
//! likely shape. Everything goes through the whole client, from the bytes of an HTTP answer to what a caller
//! gets; only the socket is left out.

#![allow(clippy::expect_used, clippy::panic, reason = "a property fails by panicking")]

mod answer;
mod body;
mod call_ids;
mod client;
mod config;
mod cuts;
mod decoder;
mod error;
mod headers;
mod json;
mod json_text;
mod model_ref;
mod outcome;
mod pairs;
mod plain;
mod repeats;
mod sse;
mod usd;

pub use answer::answer;
pub use body::body;
pub use call_ids::without_repeated_ids;
pub use client::KEY;
pub use config::{MARKER, config};
pub use cuts::{Cut, cut};
pub use decoder::{decoder, read};
pub use error::{error, failed};
pub use headers::headers;
pub use json::same_json;
pub use json_text::json_text;
pub use model_ref::model_ref;
pub use outcome::{Outcome, check_error};
pub use pairs::lines;
pub use repeats::repeats;
pub use sse::sse;
pub use usd::usd;

/// A property: panics when it does not hold for these bytes.
pub type Property = fn(&[u8]);

/// All of them, by the name of their fuzz target and their folder in `fuzz/corpus`.
pub const ALL: [(&str, Property); 10] = [
    ("answer", answer),
    ("body", body),
    ("config", config),
    ("decoder", decoder),
    ("error", error),
    ("headers", headers),
    ("json", json_text),
    ("model_ref", model_ref),
    ("sse", sse),
    ("usd", usd),
];

/// Where pseudo-random choices about this input begin, so that the same input is always treated the same.
fn seed(data: &[u8]) -> u64 {
    // FNV-1a
    data.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
