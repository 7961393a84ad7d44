//! The server at its outermost door: HTTP.

#![allow(clippy::expect_used, clippy::panic, reason = "tests fail by panicking, their helpers too")]

mod support;

mod access;
mod connect;
mod manage;
mod openai;
mod openapi;
mod page;
mod runs;
mod serving;
