//! The catalogue and the account: what can be asked beside chats. Over real sockets, through the public API.

#![allow(clippy::expect_used, reason = "tests fail by panicking, their helpers too")]

mod oddities;
mod sandbox;
mod schema;

use openrouter_provider::{Limits, OpenRouter};
use provider_tests::{Reply, Request, ScriptedServer};

/// A server that answers by path and query.
async fn server(script: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> ScriptedServer {
    ScriptedServer::start(script).await.expect("a free port")
}

/// A client of a server that answers everything with this.
async fn answered(body: &str) -> (ScriptedServer, OpenRouter) {
    let server = ScriptedServer::always(Reply::json(200, body)).await.expect("a free port");
    let client = provider_tests::openrouter(&server, Limits::default());
    (server, client)
}

/// The paths that were asked for, in order.
fn paths(server: &ScriptedServer) -> Vec<String> {
    server.requests().into_iter().map(|request| request.path).collect()
}
