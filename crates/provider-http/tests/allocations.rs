//! Allocations per frame: a count does not depend on the machine.

#![allow(clippy::expect_used, reason = "tests fail by panicking, their helpers too")]

mod support;

use allocation_counter::measure;
use bytes::Bytes;
use http::Response;
use provider_http::{Body, Endpoint, HttpClient, transport_fn};
use support::{Words, event};
use tokio::runtime::Builder;

/// How many allocations a stream of so many frames takes, read event by event.
fn allocations(frames: usize, content_type: &'static str, frame: String) -> u64 {
    let (piece, end) = (Bytes::from(frame), Bytes::from(event("s:stop") + "s:stop\n"));
    let transport = transport_fn(move |_| {
        let pieces = std::iter::repeat_n(piece.clone(), frames).chain([end.clone()]);
        let mut answer = Response::new(Body::from_pieces(pieces));
        answer.headers_mut().insert("content-type", http::HeaderValue::from_static(content_type));
        async { Ok(answer) }
    });
    let endpoint = Endpoint::builder("https://acme.example").build(&HttpClient::from_transport(transport));
    let endpoint = endpoint.expect("good settings");
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    measure(|| {
        runtime.block_on(async {
            let mut stream = endpoint.post("chat").stream(Words::new).await.expect("a stream");
            let mut events = 0;
            while let Some(Ok(_)) = stream.next().await {
                events += 1;
            }
            assert!(events >= frames, "{events} events");
        });
    })
    .count_total
}

#[test]
fn frames_cost_no_allocation() {
    for (content_type, frame) in [
        ("text/event-stream", event("w:word")),
        ("text/event-stream", "event: word\r\ndata: w:word\r\n\r\n".to_owned()),
        ("application/jsonl", "w:word\n".to_owned()),
    ] {
        let few = allocations(1_000, content_type, frame.clone());
        let many = allocations(100_000, content_type, frame);
        // The collected text grows by a quarter some twenty times.
        assert!(many <= few + 25, "{content_type}: {few} for 1,000 frames, {many} for 100,000");
    }
}
