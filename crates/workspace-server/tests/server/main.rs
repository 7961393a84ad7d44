//! The server at its outermost door: HTTP.

#![allow(clippy::expect_used, clippy::panic, reason = "tests fail by panicking, their helpers too")]

mod bench;
mod door;
mod support;

mod access;
mod comparisons;
mod connect;
mod faults;
mod leaving;
mod manage;
mod media;
mod openai;
mod openapi;
mod page;
mod reach;
mod refusals;
mod runs;
mod serving;
#[path = "../page/snippet.rs"]
mod snippet;
