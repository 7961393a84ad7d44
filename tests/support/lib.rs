//! What the tests share: a server that plays scripts over a real socket, and a client of it.

mod asking;
mod cuts;
mod json;
mod scripted;

pub use asking::{chunk, openrouter, read, request};
pub use cuts::{Cut, cut};
pub use json::same_json;
pub use scripted::{Reply, Request, ScriptedServer};

/// The examples of the README, which must compile.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
