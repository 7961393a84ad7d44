//! Tests of the binary: arguments in; two streams and an exit code out. The service is a sandbox.

// Helpers of tests fail like tests.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod account;
mod authorize;
mod budgets;
mod chat;
mod compare;
mod conformance;
mod doctor;
mod exits;
#[cfg(unix)]
mod hosts;
mod keep;
mod key;
mod keyless;
#[cfg(unix)]
mod markdown;
mod models;
#[cfg(all(unix, feature = "otlp"))]
mod otlp;
mod providers;
#[cfg(unix)]
mod repl;
mod requests;
#[cfg(unix)]
mod sandbox;
#[cfg(unix)]
mod serve;
mod settings;
mod several;
mod shell;
#[cfg(unix)]
mod signals;
mod support;
#[cfg(unix)]
mod terminal;
#[cfg(unix)]
mod tools;
#[cfg(unix)]
mod typing;
mod unset;
mod verdicts;
mod words;
