//! Every fault, byte by byte: seen through a bare socket, so that no client sets anything right.

#![allow(clippy::expect_used, clippy::panic, reason = "tests fail by panicking, their helpers too")]

mod bodies;
mod client;
mod ends;
mod framing;
mod heads;
mod requests;
mod serving;
