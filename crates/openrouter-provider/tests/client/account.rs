//! The catalogue and the account: what can be asked beside chats. Over real sockets, through the public API.

mod budgets;
mod endpoints;
mod fields;
mod oddities;
mod sandbox;

use fault_server::{FaultServer, Request, Script};
use openrouter_provider::{Limits, OpenRouter};

use crate::support::openrouter;

/// A server that answers by path and query.
async fn server(script: impl FnMut(&Request) -> Script + Send + 'static) -> FaultServer {
    FaultServer::start(script).await.expect("a free port")
}

/// A client of a server that answers everything with this.
async fn answered(body: &str) -> (FaultServer, OpenRouter) {
    let server = FaultServer::always(Script::json(200, body)).await.expect("a free port");
    let client = openrouter(&server, Limits::default());
    (server, client)
}

/// The paths that were asked for, in order.
fn paths(server: &FaultServer) -> Vec<String> {
    server.requests().into_iter().map(|request| request.path).collect()
}
