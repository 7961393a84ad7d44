//! Tests of every fault, byte by byte, through a bare socket: an HTTP client would correct some of them.

#![allow(clippy::expect_used, clippy::panic, reason = "tests fail by panicking, their helpers too")]

mod bodies;
mod client;
mod ends;
mod framing;
mod heads;
mod requests;
mod serving;
