use std::sync::Arc;

use provider_core::{ChatRequest, Error, ErrorKind, LlmProvider};
use provider_layers::Fallback;

pub async fn fallback(
    openrouter: Arc<dyn LlmProvider>,
    at_home: Arc<dyn LlmProvider>,
) -> Result<String, Error> {
    // Which errors count is said, and so is every model that may answer.
    let kinds = [Fallback::OUTAGES, &[ErrorKind::NoEndpoint]].concat();
    let provider = Fallback::new(openrouter.clone(), &kinds)
        .to(openrouter, "anthropic/claude-sonnet-4.5")
        .to(at_home, "openai/gpt-4o-mini")
        .allow_paid(); // else a free model never falls back to one that is billed
    let reply = provider.chat(&ChatRequest::new("sandbox/overload").user("Hello")).await?;
    println!("asked for {}, answered by {}", reply.requested, reply.model);
    for failed in &reply.attempts {
        println!("before that: {failed}");
    }
    Ok(reply.model)
}
