//! A client of a scripted server, and what it asks and reads.

use std::fs::OpenOptions;
use std::io::Write as _;

use fault_server::{FaultServer, Script};
use openrouter_provider::{Limits, OpenRouter};
use provider_core::{ChatRequest, ChatResponse, Error, Event};
use serde_json::Value;

/// A client of the server, with these limits.
pub(crate) fn openrouter(server: &FaultServer, limits: Limits) -> OpenRouter {
    let builder = OpenRouter::builder().api_key("sk-or-v1-test").base_url(server.url());
    builder.limits(limits).build().expect("good settings")
}

/// A request, where it does not matter which.
pub(crate) fn request() -> ChatRequest {
    ChatRequest::new("openai/gpt-4o").user("Hello")
}

/// A chunk of a stream, with this content.
pub(crate) fn chunk(content: &str) -> String {
    format!(
        r#"data: {{"id":"gen-1","model":"openai/gpt-4o-2024-08-06","provider":"OpenAI","choices":[{{"index":0,"delta":{{"role":"assistant","content":"{content}"}},"finish_reason":null}}]}}"#
    ) + "\n\n"
}

/// Reads a stream to its end: its text as it was handed out, and how it ended. It must keep the law: one
/// terminal event, and no other after it.
pub(crate) async fn read(client: OpenRouter) -> (String, Result<ChatResponse, Error>) {
    let mut text = String::new();
    let mut stream = match client.stream(&request()).await {
        Ok(stream) => stream,
        Err(error) => return (text, Err(error)),
    };
    let mut ends = 0;
    while let Some(event) = stream.next().await {
        match event {
            Ok(Event::Text(piece)) => text.push_str(&piece),
            Ok(Event::Finished(_)) | Err(_) => ends += 1,
            Ok(_) => {}
        }
    }
    assert_eq!(ends, 1, "exactly one terminal event");
    assert!(stream.next().await.is_none(), "the end is the end");
    (text, stream.into_response())
}

/// The end of a whole answer, when the server plays this.
pub(crate) async fn chat(script: Script) -> Result<ChatResponse, Error> {
    let server = FaultServer::always(script).await.expect("a free port");
    openrouter(&server, Limits::default()).chat(&request()).await
}

/// The text of a stream as it was handed out, and the stream's end, when the server plays this.
pub(crate) async fn stream(script: Script) -> (String, Result<ChatResponse, Error>) {
    let server = FaultServer::always(script).await.expect("a free port");
    read(openrouter(&server, Limits::default())).await
}

/// Adds a body to the file that `OPENROUTER_BODIES` names, a line each: for
/// `tests/outside/openrouter_client`, which holds them against the official client's types.
pub(crate) fn keep_body(body: &Value) {
    let Some(path) = std::env::var_os("OPENROUTER_BODIES").filter(|path| !path.is_empty()) else { return };
    let mut file = OpenOptions::new().create(true).append(true).open(path).expect("a file");
    // One write, since tests run side by side.
    file.write_all(format!("{body}\n").as_bytes()).expect("room");
}
