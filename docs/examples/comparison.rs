use std::sync::Arc;
use std::time::Duration;

use provider_compare::{CellStep, Comparison};
use provider_core::{ChatRequest, Error, LlmProvider};

pub async fn comparison(openrouter: Arc<dyn LlmProvider>) -> Result<String, Error> {
    let question = ChatRequest::default().user("Why is the sky blue?").max_tokens(200);
    let mut report = Comparison::new(question)
        .cell("GPT", openrouter.clone(), "openai/gpt-4o")
        .cell("Claude", openrouter.clone(), "anthropic/claude-sonnet-4.5")
        .cell("busy", openrouter.clone(), "sandbox/overload") // fails, and stops no other
        .concurrency(2)
        .deadline(Duration::from_secs(60))
        .run_with(|progress| {
            if let CellStep::Finished(cell) = progress.step {
                println!("{} is done: {:?}", cell.label, cell.timings.total);
            }
        })
        .await;
    report.add_listings("openrouter", &openrouter.models().await?); // prices and context
    println!("{} cost the least", report.cheapest().map_or("nobody", |cell| &cell.label));
    Ok(report.to_markdown()) // or serde_json::to_string(&report)
}
