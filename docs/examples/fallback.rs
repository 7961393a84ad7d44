use std::sync::Arc;

use provider_core::{ChatRequest, Error, ErrorKind, LlmProvider};
use provider_layers::{FallbackLayer, FallbackSettings, Stack};

pub async fn fallback(
    openrouter: Arc<dyn LlmProvider>,
    at_home: Arc<dyn LlmProvider>,
) -> Result<String, Error> {
    let settings = FallbackSettings::default()
        .kinds([FallbackSettings::OUTAGES, &[ErrorKind::NoEndpoint]].concat()) // the errors that count
        .to(openrouter.clone(), "anthropic/claude-sonnet-4.5")
        .to(at_home, "openai/gpt-4o-mini")
        .allow_paid(); // else a free model never falls back to one that is billed
    let provider = Stack::new(openrouter).layer(FallbackLayer::new(settings)).build();
    let reply = provider.chat(&ChatRequest::new("sandbox/overload").user("Hello")).await?;
    println!("asked for {}, answered by {}", reply.requested, reply.model);
    for failed in &reply.attempts {
        println!("before that: {failed}");
    }
    Ok(reply.model)
}
