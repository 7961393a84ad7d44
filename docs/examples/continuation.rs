use std::sync::Arc;

use provider_core::{ChatRequest, Error, Event, LlmProvider};
use provider_layers::{ContinueLayer, ContinueSettings, Stack};

pub async fn continuation(openrouter: Arc<dyn LlmProvider>) -> Result<String, Error> {
    let settings = ContinueSettings::default()
        .to(openrouter.clone(), "anthropic/claude-sonnet-4.5") // asked when the same model does not go on
        .max_seams(3) // the default is 2
        .allow_paid(); // else a free answer is not finished by a model that is billed
    let provider = Stack::new(openrouter).layer(ContinueLayer::new(settings)).build();
    let mut stream = provider.stream(&ChatRequest::new("sandbox/reset").user("Hello")).await?;
    while let Some(event) = stream.next().await {
        match event? {
            Event::Text(text) => print!("{text}"),
            Event::Seam(seam) => eprintln!("\n[broke off: {}; {} goes on]", seam.broken_by, seam.model),
            _ => {}
        }
    }
    let reply = stream.into_response()?;
    let paid = if reply.is_usage_complete() { "" } else { " and what the broken part cost" };
    println!("\n{:?} USD{paid}", reply.usage.cost);
    Ok(reply.message.text)
}
