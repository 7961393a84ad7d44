//! A bad day, byte by byte: every fault that a wire can have, and what the caller is told. Over real sockets,
//! through the public API.

#![allow(clippy::expect_used, reason = "tests fail by panicking, their helpers too")]

mod leaving;
mod memory;
mod wire;

use std::time::Duration;

use fault_server::{FaultServer, Script};
use openrouter_provider::{Limits, OpenRouter};
use provider_core::{ChatRequest, ChatResponse, Error};

/// Limits that a test can wait for.
fn limits() -> Limits {
    Limits::default()
        .read_timeout(Duration::from_secs(1))
        .connect_timeout(Duration::from_millis(500))
        .total_timeout(Duration::from_secs(4))
        .max_body_bytes(1 << 20)
        .max_frame_bytes(64 << 10)
        .max_error_bytes(16 << 10)
}

const KEY: &str = "sk-or-v1-MARKER";

fn client(url: &str) -> OpenRouter {
    OpenRouter::builder().api_key(KEY).base_url(url).limits(limits()).build().expect("good settings")
}

fn hello() -> ChatRequest {
    ChatRequest::new("openai/gpt-4o").user("Hello")
}

/// Asks for a stream and for a whole answer while the server plays this.
async fn both(script: Script, limits: Limits) -> [Result<ChatResponse, Error>; 2] {
    let server = FaultServer::always(script).await.expect("a free port");
    let client = OpenRouter::builder().api_key(KEY).base_url(server.url()).limits(limits).build();
    let client = client.expect("good settings");
    let streamed = match client.stream(&hello()).await {
        Ok(stream) => stream.collect().await,
        Err(error) => Err(error),
    };
    [streamed, client.chat(&hello()).await]
}
