//! The server at its outermost door: HTTP.

#![allow(clippy::expect_used, reason = "tests fail by panicking, their helpers too")]

mod support;

mod access;
mod manage;
mod openapi;
