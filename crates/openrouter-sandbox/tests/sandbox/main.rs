//! Tests of the sandbox with an HTTP client, over a real socket.

// Clippy lets tests unwrap, but not the helpers they call.
#![allow(clippy::unwrap_used)]

mod account;
mod caching;
mod catalogue;
mod chat;
mod failures;
mod lifecycle;
mod oauth_token;
mod pkce;
mod plugins;
mod refusals;
mod schema;
mod signatures;
mod streaming;
mod structure;
mod support;
mod validation;
