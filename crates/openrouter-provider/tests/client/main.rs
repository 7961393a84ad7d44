//! The client against servers that answer as told: requests, answers, errors, catalogue, account. Over real
//! sockets, through the public API.

#![allow(clippy::expect_used, clippy::panic, reason = "tests fail by panicking, their helpers too")]

mod account;
mod advice;
mod answers;
mod base_url;
mod bounds;
mod error_words;
mod failures;
mod limits_met;
mod newer_fields;
mod options;
#[cfg(feature = "pkce")]
mod pkce;
mod requests;
mod schema;
mod settings;
mod support;
mod workload_identity;
