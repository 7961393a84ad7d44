//! The server at its outermost door: HTTP.

#![allow(clippy::expect_used, clippy::panic, reason = "tests fail by panicking, their helpers too")]

mod bench;
mod door;
mod support;

mod access;
mod comparisons;
mod manage;
mod openai;
mod openapi;
mod page;
mod runs;
mod serving;
