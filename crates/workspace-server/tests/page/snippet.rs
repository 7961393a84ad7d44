//! The code that the page shows for a node that sets all that it can show. The walk compares what the page
//! writes with the lines between the marks, and the compiler sees that these are right.

#![allow(dead_code, clippy::print_stdout, reason = "it is compiled, and not run")]

use provider_core::{ChatResponse, Error, Event, FunctionTool, Reasoning};
use provider_registry::Workspace;
use serde_json::json;

#[rustfmt::skip]
async fn run(workspace: &Workspace) -> Result<ChatResponse, Error> {
    // begin
    let model = workspace.model("openrouter:openai/gpt-4o").await?;
    let request = model
        .request()
        .system("Answer in \"Korean\".")
        .user("Hello\nthere")
        .temperature(1.0)
        .top_p(0.9)
        .max_tokens(200)
        .stop(["END"])
        .seed(7)
        .reasoning(Reasoning::effort("low"))
        .tool(FunctionTool::new("weather", "The weather.").parameters(json!({"type":"object"})));
    let mut stream = model.stream(&request).await?;
    while let Some(event) = stream.next().await {
        if let Event::Text(text) = event? {
            print!("{text}");
        }
    }
    let reply = stream.into_response()?;
    // end
    Ok(reply)
}
