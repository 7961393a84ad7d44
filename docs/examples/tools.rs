use std::time::Duration;

use openrouter_provider::OpenRouter;
use provider_core::schemars::{self, JsonSchema};
use provider_core::{ChatRequest, Error, LlmProviderExt, LoopEvent, ToolError, ToolSet};

#[derive(serde::Deserialize, JsonSchema)]
struct Place {
    /// The city, in English
    city: String,
}

pub async fn tools(openrouter: &OpenRouter) -> Result<String, Error> {
    let tools = ToolSet::new().typed("get_weather", "The weather of a city, now", async |place: Place| {
        match place.city.as_str() {
            "" => Err(ToolError::new("which city?")), // goes back to the model
            city => Ok(format!("18 °C and sunny in {city}")),
        }
    });
    let run = openrouter
        .tool_loop(&tools)
        .max_turns(5)
        .max_cost("0.10".parse().unwrap_or_default())
        .until(tokio::time::sleep(Duration::from_secs(60)))
        .watch(|event| {
            if let LoopEvent::ToolStarted(call) = event {
                println!("it calls {}({})", call.name, call.arguments);
            }
        })
        .run(&ChatRequest::new("openai/gpt-4o").user("What is the weather in Paris?"))
        .await;
    println!("{} turns, {} calls, {:?}", run.steps.len(), run.calls().count(), run.cost());
    Ok(run.into_response()?.text().to_owned()) // a limit that was reached is an error with all of it inside
}
