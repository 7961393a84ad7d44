//! Whoever leaves takes the connection along: at every stage, and ten thousand times.

use std::time::Duration;

use fault_server::{FaultServer, Script};
use tokio::time::timeout;

use crate::{client, hello};

const CHUNK: &str = "data: {\"id\":\"gen-1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi\"}}]}\n\n";

/// The scripts that the server plays while the caller goes away.
fn stages() -> [(&'static str, Script); 4] {
    let events = || Script::new(200).header("content-type", "text/event-stream");
    [
        ("before the head", Script::no_response().stall()),
        ("inside the head", Script::raw("HTTP/1.1 200 OK\r\ncontent-").stall()),
        ("behind the head", events().stall()),
        ("inside the body", events().write(CHUNK).stall()),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn dropping_a_call_closes_its_socket() {
    for (stage, script) in stages() {
        for whole in [false, true] {
            let server = FaultServer::always(script.clone()).await.expect("a free port");
            let client = client(&server.url());
            let call = async {
                if whole {
                    drop(client.chat(&hello()).await);
                } else if let Ok(mut stream) = client.stream(&hello()).await {
                    while stream.next().await.is_some() {}
                }
            };
            assert!(timeout(Duration::from_millis(500), call).await.is_err(), "{stage}: it goes on");
            server.wait_for_client_close(1).await.expect(stage);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_calls_leave_nothing_behind() {
    let answer = r#"{"id":"gen-1","choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}]}"#;
    let good = format!("{CHUNK}data: [DONE]\n\n");
    // Good answers, broken ones, and refusals in turn.
    let server = FaultServer::start(move |request| match request.number % 5 {
        0 => Script::json(429, "{}"),
        1 => Script::events(good.clone()),
        2 => Script::json(200, answer),
        3 => Script::events(CHUNK).close(),
        _ => Script::no_response().reset(),
    })
    .await
    .expect("a free port");
    let client = client(&server.url());
    let descriptors = || std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
    let mut calls = tokio::task::JoinSet::new();
    let mut before = 0;
    for call in 0..10_000 {
        if call == 1_000 {
            before = descriptors();
        }
        let client = client.clone();
        calls.spawn(async move {
            if let Ok(mut stream) = client.stream(&hello()).await {
                // Some leave after the first event, some read to the end.
                while stream.next().await.is_some() && call % 3 != 0 {}
            }
        });
        if calls.len() >= 50 {
            calls.join_next().await;
        }
    }
    while calls.join_next().await.is_some() {}
    drop(client);
    server.wait_for_all_closed().await.expect("all connections are closed");
    assert!(descriptors() <= before, "{} descriptors, {before} before", descriptors());
}
