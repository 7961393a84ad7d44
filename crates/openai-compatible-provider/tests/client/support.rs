//! A client of a scripted server, and what it asks.

use fault_server::{FaultServer, Script};
use openai_compatible_provider::OpenAiCompatible;
use provider_core::{ChatRequest, ChatResponse, ConfigValues, Error, LlmProvider as _};

/// A client of this base URL, with these settings as well.
pub(crate) fn client<const N: usize>(base_url: &str, more: [(&str, &str); N]) -> OpenAiCompatible {
    let values = ConfigValues::from([("base_url", base_url)]).or(ConfigValues::from(more));
    OpenAiCompatible::from_values(values).expect("good settings")
}

/// The base URL of a server, with the version.
pub(crate) fn v1(server: &FaultServer) -> String {
    format!("{}/v1", server.url())
}

/// A request, where it does not matter which.
pub(crate) fn request() -> ChatRequest {
    ChatRequest::new("m").user("Hello")
}

/// A whole answer that says hello.
pub(crate) const HELLO: &str =
    r#"{"choices":[{"message":{"role":"assistant","content":"Hello"},"finish_reason":"stop"}]}"#;

/// A stream of these chunks and nothing else.
pub(crate) fn events(chunks: &[&str]) -> Script {
    let body: String = chunks.iter().map(|chunk| format!("data: {chunk}\n\n")).collect();
    Script::with_body(200, "text/event-stream", body)
}

/// The end of a whole answer and that of a streamed one, when the server plays these.
pub(crate) async fn both<const N: usize>(
    whole: Script,
    streamed: Script,
    settings: [(&str, &str); N],
) -> [Result<ChatResponse, Error>; 2] {
    let server = FaultServer::sequence([whole, streamed]).await.expect("a free port");
    let client = client(&v1(&server), settings);
    let whole = client.chat(&request()).await;
    let streamed = match client.stream(&request()).await {
        Ok(stream) => stream.collect().await,
        Err(error) => Err(error),
    };
    [whole, streamed]
}
