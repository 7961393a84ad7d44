//! Connections: when they are made, when they close, and that they are used again. Over real sockets.

#![allow(clippy::expect_used, reason = "tests fail by panicking, their helpers too")]

mod support;

use std::time::Duration;

use fault_server::{FaultServer, RefusedPort, Script};
use provider_core::{ErrorKind, Event};
use provider_http::{HttpClient, HttpLimits};
use support::{Words, builder, endpoint, event, events, streamed, whole};
use tokio::time::timeout;

fn done() -> String {
    event("w:Hello") + &event(".")
}

#[tokio::test]
async fn endpoint_sends_nothing_by_itself() {
    let server = FaultServer::always(Script::json(200, "w:Hi")).await.expect("a free port");
    let http = HttpClient::new();
    let endpoint = builder(&server.url()).build(&http).expect("good settings");
    let _request = endpoint.post("chat").json("Hi");
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(server.connection_count(), 0);
    assert_eq!(format!("{http:?}"), "HttpClient { transport: None, .. }");
}

#[tokio::test]
async fn warm_connection_serves_the_next_request() {
    let server = FaultServer::start(|request| match &*request.method {
        "HEAD" => Script::new(404),
        _ => Script::events(done()),
    });
    let server = server.await.expect("a free port");
    let endpoint = endpoint(&server.url());
    endpoint.warm_up("models/count").await.expect("a connection");
    assert_eq!(streamed(&endpoint).await.expect("an answer").text(), "Hello");
    assert_eq!((server.connection_count(), server.request_count()), (1, 2));
    let refused = RefusedPort::new().expect("a port");
    let error = support::endpoint(&refused.url()).warm_up("x").await.expect_err("no server");
    assert_eq!((error.kind(), error.provider()), (ErrorKind::Connection, Some("toy")));
}

#[tokio::test]
async fn answers_in_a_row_use_one_connection() {
    let late = Script::new(200).header("content-type", "text/event-stream").write(done());
    for script in [
        Script::events(done()),
        // Services send the last bytes of a body a little after the mark of the answer's end.
        late.wait(Duration::from_millis(3)),
        Script::json(200, "w:Hello"),
        Script::with_body(200, "application/jsonl", "w:Hello\n.\n"),
        Script::json(429, "{}"),
    ] {
        let server = FaultServer::always(script).await.expect("a free port");
        let endpoint = endpoint(&server.url());
        for _ in 0..20 {
            let _ = streamed(&endpoint).await;
            let _ = whole(&endpoint).await;
        }
        assert_eq!((server.connection_count(), server.request_count()), (1, 40));
    }
}

#[tokio::test]
async fn providers_of_one_client_share_its_connections() {
    let server = FaultServer::always(Script::json(200, "w:Hello")).await.expect("a free port");
    let http = HttpClient::new();
    for key in ["first", "second", "third"] {
        let endpoint = builder(&server.url()).bearer(key).build(&http).expect("settings");
        whole(&endpoint).await.expect("an answer");
    }
    assert_eq!(server.connection_count(), 1);
    let keys =
        server.requests().into_iter().map(|request| request.header("authorization").map(str::to_owned));
    let keys: Vec<_> = keys.flatten().collect();
    assert_eq!(keys, ["Bearer first", "Bearer second", "Bearer third"]);
}

#[tokio::test]
async fn streams_do_not_wait_for_each_other() {
    let script = events().write(event("w:Hello")).stall();
    let server = FaultServer::always(script).await.expect("a free port");
    let endpoint = endpoint(&server.url());
    let mut open = Vec::new();
    for _ in 0..100 {
        let mut stream = endpoint.post("chat").stream(Words::new).await.expect("a stream");
        let event = stream.next().await.expect("an event").expect("a good one");
        assert_eq!(event, Event::Text("Hello".into()));
        open.push(stream);
    }
    assert_eq!(server.open_connections(), 100);
    drop(open);
    server.wait_for_client_close(100).await.expect("all are closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn dropping_a_call_closes_its_socket() {
    for (stage, script) in [
        ("before the head", Script::no_response().stall()),
        ("inside the head", Script::raw("HTTP/1.1 200 OK\r\ncontent-").stall()),
        ("behind the head", events().stall()),
        ("inside the body", events().write(event("w:Hi")).stall()),
        ("inside an error response", Script::json(500, "").content_length(9).stall()),
    ] {
        for is_whole in [false, true] {
            let server = FaultServer::always(script.clone()).await.expect("a free port");
            let endpoint = builder(&server.url()).limits(HttpLimits::default()).build(&HttpClient::new());
            let endpoint = endpoint.expect("good settings");
            let call = async {
                if is_whole {
                    drop(whole(&endpoint).await);
                } else {
                    drop(streamed(&endpoint).await);
                }
            };
            assert!(timeout(Duration::from_millis(300), call).await.is_err(), "{stage}: it goes on");
            server.wait_for_client_close(1).await.expect(stage);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn connection_that_died_in_the_pool_costs_no_answer() {
    // Each connection is closed after its first answer without a word.
    let server = FaultServer::always(Script::json(200, "w:Hi").then_close()).await.expect("a free port");
    let endpoint = endpoint(&server.url());
    for _ in 0..20 {
        whole(&endpoint).await.expect("an answer");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn thousand_calls_leave_nothing_behind() {
    let server = FaultServer::start(move |request| match request.number % 5 {
        0 => Script::json(429, "{}"),
        1 => Script::events(done()),
        2 => Script::json(200, "w:Hi"),
        3 => Script::events(event("w:Hi")).close(),
        _ => Script::no_response().reset(),
    });
    let server = server.await.expect("a free port");
    let endpoint = endpoint(&server.url());
    let mut calls = tokio::task::JoinSet::new();
    for call in 0..1_000 {
        let endpoint = endpoint.clone();
        calls.spawn(async move {
            if let Ok(mut stream) = endpoint.post("chat").stream(Words::new).await {
                // Some leave after the first event, some read to the end.
                while stream.next().await.is_some() && call % 3 != 0 {}
            }
        });
        if calls.len() >= 50 {
            calls.join_next().await;
        }
    }
    calls.join_all().await;
    drop(endpoint);
    server.wait_for_all_closed().await.expect("all connections are closed");
}
