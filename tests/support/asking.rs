//! A client of a scripted server, and what it asks.

use openrouter_provider::{Limits, OpenRouter};
use provider_core::ChatRequest;

use crate::ScriptedServer;

/// A client of the server, with these limits.
///
/// # Panics
/// When the settings are refused.
#[expect(clippy::expect_used, reason = "tests fail by panicking")]
pub fn openrouter(server: &ScriptedServer, limits: Limits) -> OpenRouter {
    let builder = OpenRouter::builder().api_key("sk-or-v1-test").base_url(server.url());
    builder.limits(limits).build().expect("good settings")
}

/// A request, where it does not matter which.
pub fn request() -> ChatRequest {
    ChatRequest::new("openai/gpt-4o").user("Hello")
}

/// A chunk of a stream, with this content.
pub fn chunk(content: &str) -> String {
    format!(
        r#"data: {{"id":"gen-1","model":"openai/gpt-4o-2024-08-06","provider":"OpenAI","choices":[{{"index":0,"delta":{{"role":"assistant","content":"{content}"}},"finish_reason":null}}]}}"#
    ) + "\n\n"
}
