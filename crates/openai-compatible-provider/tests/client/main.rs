//! Tests of the provider over a real socket.

#![allow(clippy::expect_used, reason = "tests fail by panicking, their helpers too")]

mod answers;
mod base_url;
mod catalogue;
mod check;
mod requests;
mod settings;
mod support;
