//! The helpers that the tests share: a server that plays scripts over a real socket, and a client of it.

mod asking;
mod memory;
mod scripted;

pub use asking::{chunk, openrouter, request};
pub use memory::Answers;
pub use scripted::{Reply, Request, ScriptedServer};
pub use wire_properties::{Cut, cut, same_json, without_repeated_ids};

/// The examples of the README, which must compile.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
