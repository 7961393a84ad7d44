//! Connections of a provider with the layers that a registry puts around it: when they are made, and that
//! they are used again. `provider-http` has the same tests for an endpoint alone.

#![allow(clippy::expect_used, reason = "tests fail by panicking, their helpers too")]

use std::sync::Arc;
use std::time::Duration;

use fault_server::{FaultServer, Script};
use openrouter_provider as _; // links the provider in
use provider_core::{Event, LlmProvider};
use provider_registry::Registry;
use provider_tests::{chunk, request};

const END: &str = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";

async fn server(script: Script) -> FaultServer {
    FaultServer::always(script).await.expect("a free port")
}

fn provider(server: &FaultServer) -> Arc<dyn LlmProvider> {
    let registry = Registry::discover().expect("no duplicates");
    let values = [("api_key", "sk-or-v1-abc"), ("base_url", &*server.url())];
    registry.connect("openrouter", values).expect("good settings")
}

#[tokio::test]
async fn provider_sends_nothing_before_its_first_use() {
    let server = server(Script::events(chunk("Hello") + END)).await;
    let provider = provider(&server);
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(server.connection_count(), 0, "of {}", provider.descriptor().id);
}

#[tokio::test]
async fn warm_connection_serves_the_next_request() {
    let server = FaultServer::start(|request| match &*request.method {
        "HEAD" => Script::new(404),
        _ => Script::events(chunk("Hello") + END),
    });
    let server = server.await.expect("a free port");
    let provider = provider(&server);
    provider.warm_up().await.expect("a connection");
    assert_eq!(server.connection_count(), 1);
    let reply = provider.stream(&request()).await.expect("a stream").collect().await;
    assert_eq!(reply.expect("an answer").text(), "Hello");
    assert_eq!(server.connection_count(), 1, "no second connection was made");
    let requests = server.requests();
    assert_eq!(requests[0].method, "HEAD");
    assert_eq!(requests[0].header("authorization"), requests[1].header("authorization"));
}

/// Services send the last bytes of a body a little after the mark of the answer's end.
#[tokio::test]
async fn streams_in_a_row_use_one_connection() {
    let server = server(Script::events(chunk("Hello") + END).wait(Duration::from_millis(3))).await;
    let provider = provider(&server);
    for _ in 0..50 {
        let mut stream = provider.stream(&request()).await.expect("a stream");
        while let Some(event) = stream.next().await {
            event.expect("a good answer");
        }
    }
    assert_eq!(server.connection_count(), 1);
}

/// One handle does not make streams wait for each other.
#[tokio::test]
async fn any_number_of_streams_goes_through_one_provider() {
    let server = server(Script::events(chunk("Hello")).stall()).await;
    let provider = provider(&server);
    let mut open = Vec::new();
    for _ in 0..250 {
        let mut stream = provider.stream(&request()).await.expect("a stream");
        let event = stream.next().await.expect("an event").expect("a good one");
        assert_eq!(event, Event::Text("Hello".into()));
        open.push(stream);
    }
    assert_eq!(server.connection_count(), 250);
}
