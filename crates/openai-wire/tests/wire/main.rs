//! Chat completions against a plain server: requests, answers, errors. No socket: the answer is at hand.

#![allow(clippy::expect_used, clippy::panic, reason = "tests fail by panicking, their helpers too")]

mod dialects;
mod ends;
mod error_words;
mod failures;
mod oddities;
mod repeats;
mod requests;
mod shapes;
mod support;
mod tool_calls;
