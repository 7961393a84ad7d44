//! However much a server sends, what is kept of it is bounded.

use std::time::Duration;

use fault_server::{FaultServer, Script};
use openrouter_provider::OpenRouter;
use provider_core::ErrorKind;

use crate::hello;

/// The most memory that the whole process may take, the server and all tests included.
const PEAK_KIB: u64 = 400 << 10;

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_does_not_fill_the_memory() {
    let at_once = Duration::ZERO;
    let chunk = format!(
        "data: {{\"id\":\"gen-1\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{}\"}}}}]}}\n\n",
        "x".repeat(256 << 10)
    );
    let events = || Script::new(200).header("content-type", "text/event-stream");
    for (name, script, kind) in [
        ("events for ever", events().repeat_forever(chunk, at_once), ErrorKind::InvalidResponse),
        (
            "an event without end",
            events().repeat_forever("x".repeat(64 << 10), at_once),
            ErrorKind::InvalidResponse,
        ),
        (
            "a body for ever",
            Script::json(200, "").chunked().repeat_forever(" ".repeat(64 << 10), at_once),
            ErrorKind::InvalidResponse,
        ),
        (
            "an error for ever",
            Script::json(500, "").chunked().repeat_forever("x".repeat(64 << 10), at_once),
            ErrorKind::Server,
        ),
    ] {
        let server = FaultServer::always(script).await.expect("a free port");
        // The limits are those that everybody has.
        let client =
            OpenRouter::builder().api_key("k").base_url(server.url()).build().expect("good settings");
        let outcome = match client.stream(&hello()).await {
            Ok(stream) => stream.collect().await,
            Err(error) => Err(error),
        };
        assert_eq!(outcome.expect_err(name).kind(), kind, "{name}");
        server.wait_for_all_closed().await.expect(name);
    }
    if let Some(peak) = peak_kib() {
        assert!(peak < PEAK_KIB, "{} MiB at the peak", peak >> 10);
    }
}

/// The most memory that this process ever had, as Linux tells it.
fn peak_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.split_whitespace().next()?.parse().ok()
}
