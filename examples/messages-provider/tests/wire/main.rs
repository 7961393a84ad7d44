//! The wire without a socket: bodies of requests, answers, errors, the list of models.

#![allow(clippy::expect_used, reason = "tests fail by panicking, their helpers too")]

mod answers;
mod errors;
mod requests;
mod service;
