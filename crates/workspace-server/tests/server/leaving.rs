//! Clients that leave, and clients that read slowly, at both APIs.

use std::time::{Duration, Instant};

use fault_server::{FaultServer, Script};
use openai_compatible_provider as _;
use provider_http::AddressPolicy;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use workspace_store::{Role, Run, RunFilter};

use crate::door::{Door, ROLE, TEXT, hello, stream_of};
use crate::support::Host;

fn paths_and_bodies(model: &str, stream: bool) -> [(&'static str, Value); 2] {
    let node = json!({"type": "ai-agent-node", "config": {"model": model}});
    [
        ("/w/acme/v1/chat/completions", hello(model, stream)),
        ("/api/v1/workspaces/acme/chat", json!({"message": "Hello", "node": node, "stream": stream})),
    ]
}

async fn closed(server: &FaultServer, count: usize) {
    let closed = timeout(Duration::from_secs(10), server.wait_for_client_close(count)).await;
    closed.expect("the call upstream ends in time").expect("closed");
}

async fn recorded(host: &Host, count: usize) -> Vec<Run> {
    let begun = Instant::now();
    loop {
        let runs = host.store.runs("acme", &RunFilter::new(), None, 100).await.expect("runs");
        if runs.len() >= count {
            return runs;
        }
        assert!(begun.elapsed() < Duration::from_secs(10), "{} of {count} runs", runs.len());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn client_that_leaves_ends_the_call_upstream() {
    let door = Door::open().await;
    // One that has not begun, and one in the midst of its answer.
    let scripts = [Script::no_response().stall(), stream_of(&[ROLE, TEXT]).stall()];
    let mut runs = 0;
    for (number, script) in scripts.into_iter().enumerate() {
        let server = FaultServer::start(move |request| match request.path.ends_with("/chat/completions") {
            true => script.clone(),
            // The catalogue, for the price.
            false => Script::json(404, "{}"),
        });
        let server = server.await.expect("a server");
        let settings = [("read_timeout", "60"), ("idle_timeout", "60"), ("max_attempts", "1")];
        door.add_compatible(&format!("s{number}"), server.url(), &settings).await;
        let mut left = 0;
        for stream in [true, false] {
            for (path, body) in paths_and_bodies(&format!("s{number}:m"), stream) {
                let url = format!("{}{path}", door.host.url);
                let asked = door.host.http.post(url).bearer_auth(&door.token).json(&body).send();
                let answer = timeout(Duration::from_secs(1), asked).await;
                // Dropping the future of the request closes its connection, and so does dropping the answer.
                assert_eq!(answer.is_ok(), stream && number == 1, "{path}");
                drop(answer);
                left += 1;
                closed(&server, left).await;
            }
        }
        runs += left;
    }
    let runs = recorded(&door.host, runs).await;
    assert!(runs.iter().all(|run| run.error_kind.as_deref() == Some("cancelled")), "{runs:?}");
    door.host.stop().await;
}

/// A client that takes nothing holds the upstream back, and is cut off in time.
#[tokio::test(flavor = "multi_thread")]
async fn client_that_reads_nothing_is_cut_off_with_its_call() {
    let policy = AddressPolicy::public().allow("127.0.0.0/8".parse().expect("a network"));
    let host =
        Host::start_with(|settings| settings.addresses(policy).write_timeout(Duration::from_millis(700)));
    let host = host.await;
    let token = host.token("acme", Role::Member).await;
    let door = Door { host, token };
    let text =
        format!(r#"{{"id":"c-1","choices":[{{"index":0,"delta":{{"content":"{}"}}}}]}}"#, "x".repeat(4096));
    let script = stream_of(&[ROLE]).repeat_forever(format!("data: {text}\n\n"), Duration::ZERO);
    let server = FaultServer::always(script).await.expect("a server");
    door.add("OpenAI-Compatible", "flood", server.url()).await;
    for (number, (path, body)) in paths_and_bodies("flood:m", true).into_iter().enumerate() {
        let address = door.host.url.strip_prefix("http://").expect("an address");
        let mut socket = TcpStream::connect(address).await.expect("a connection");
        let body = body.to_string();
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n",
            door.token,
            body.len()
        );
        socket.write_all((head + &body).as_bytes()).await.expect("written");
        let mut first = [0; 64];
        socket.read_exact(&mut first).await.expect("a head");
        assert!(first.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&first));
        closed(&server, number + 1).await;
        drop(socket);
    }
    let runs = recorded(&door.host, 2).await;
    assert!(runs.iter().all(|run| run.error_kind.as_deref() == Some("cancelled")), "{runs:?}");
    door.host.stop().await;
}

/// A client that reads slowly, but reads, gets all of its answer.
#[tokio::test(flavor = "multi_thread")]
async fn client_that_reads_slowly_gets_all() {
    let door = Door::open().await;
    let piece =
        format!(r#"{{"id":"c-1","choices":[{{"index":0,"delta":{{"content":"{}"}}}}]}}"#, "x".repeat(4096));
    let stop = r#"{"id":"c-1","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;
    let script = stream_of(&[ROLE]).repeat(format!("data: {piece}\n\n"), 200, Duration::ZERO);
    let script = script.write(format!("data: {stop}\n\ndata: [DONE]\n\n"));
    let server = FaultServer::always(script).await.expect("a server");
    door.add("OpenAI-Compatible", "long", server.url()).await;
    for (path, body) in paths_and_bodies("long:m", true) {
        let url = format!("{}{path}", door.host.url);
        let asked = door.host.http.post(url).bearer_auth(&door.token).json(&body).send();
        let mut answer = asked.await.expect("an answer");
        let (mut letters, mut seen) = (0, String::new());
        while let Some(chunk) = answer.chunk().await.expect("a chunk") {
            letters += chunk.iter().filter(|byte| **byte == b'x').count();
            seen = String::from_utf8_lossy(&chunk).into_owned();
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        assert!(letters >= 200 * 4096, "{letters}");
        assert!(seen.ends_with("data: [DONE]\n\n") || seen.ends_with("event: done\ndata: {}\n\n"), "{seen}");
    }
    door.host.stop().await;
}
