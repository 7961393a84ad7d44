//! Connections: when they are made, and that they are used again. Over real sockets, through the public API.

#![allow(clippy::expect_used, reason = "tests fail by panicking, their helpers too")]

use std::sync::Arc;
use std::time::Duration;

use openrouter_provider::{Limits, OpenRouter};
use provider_core::{ErrorKind, Event, LlmProvider};
use provider_registry::Registry;
use provider_tests::{Reply, ScriptedServer, chunk, openrouter, request};

const END: &str = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";

/// The provider alone, and with the layers that a registry puts around it.
fn providers(server: &ScriptedServer) -> [Arc<dyn LlmProvider>; 2] {
    let registry = Registry::discover().expect("no duplicates");
    let values = [("api_key", "sk-or-v1-abc"), ("base_url", &*server.url())];
    let standard = registry.connect("openrouter", values).expect("good settings");
    [Arc::new(openrouter(server, Limits::default())), standard]
}

#[tokio::test]
async fn nothing_is_sent_before_the_first_use() {
    let server = ScriptedServer::always(Reply::events(chunk("Hello") + END)).await.expect("a free port");
    let providers = providers(&server);
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!((server.connections(), providers.len()), (0, 2));
}

#[tokio::test]
async fn a_connection_made_ahead_is_used_by_the_next_request() {
    for at in 0..2 {
        let server = ScriptedServer::always(Reply::events(chunk("Hello") + END)).await.expect("a free port");
        let provider = &providers(&server)[at];
        provider.warm_up().await.expect("a connection");
        assert_eq!(server.connections(), 1);
        let reply = provider.stream(&request()).await.expect("a stream").collect().await;
        assert_eq!(reply.expect("an answer").text(), "Hello");
        assert_eq!(server.connections(), 1, "no second connection was made");
        let requests = server.requests();
        assert_eq!(requests[0].method, "HEAD");
        assert_eq!(requests[0].header("authorization"), requests[1].header("authorization"));
    }
}

#[tokio::test]
async fn warming_up_says_when_there_is_no_connection_to_be_had() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", port.local_addr().expect("an address"));
    drop(port);
    let provider = OpenRouter::builder().api_key("k").base_url(url).build().expect("good settings");
    let error = provider.warm_up().await.expect_err("nobody is there");
    assert_eq!(error.kind(), ErrorKind::Connection, "{error}");
}

/// Services send the last bytes of a body a little after the mark of the answer's end.
#[tokio::test]
async fn streams_in_a_row_use_one_connection() {
    let reply = Reply::events(chunk("Hello") + END).late_end(Duration::from_millis(3));
    for at in 0..2 {
        let server = ScriptedServer::always(reply.clone()).await.expect("a free port");
        let provider = &providers(&server)[at];
        for _ in 0..50 {
            let mut stream = provider.stream(&request()).await.expect("a stream");
            while let Some(event) = stream.next().await {
                event.expect("a good answer");
            }
        }
        assert_eq!(server.connections(), 1);
    }
}

#[tokio::test]
async fn whole_answers_in_a_row_use_one_connection() {
    let body = r#"{"choices":[{"message":{"content":"Hello"},"finish_reason":"stop"}]}"#;
    for at in 0..2 {
        let server = ScriptedServer::always(Reply::json(200, body)).await.expect("a free port");
        let provider = &providers(&server)[at];
        for _ in 0..50 {
            provider.chat(&request()).await.expect("an answer");
        }
        assert_eq!(server.connections(), 1);
    }
}

/// One handle does not make streams wait for each other.
#[tokio::test]
async fn any_number_of_streams_goes_through_one_provider() {
    let server = ScriptedServer::always(Reply::events(chunk("Hello")).stall()).await.expect("a free port");
    for provider in providers(&server) {
        let mut open = Vec::new();
        for _ in 0..250 {
            let mut stream = provider.stream(&request()).await.expect("a stream");
            let event = stream.next().await.expect("an event").expect("a good one");
            assert_eq!(event, Event::Text("Hello".into()));
            open.push(stream);
        }
    }
    assert_eq!(server.connections(), 500);
}
