use openrouter_provider::OpenRouter;
use provider_core::schemars::{self, JsonSchema};
use provider_core::{ChatRequest, Error, LlmProviderExt};

#[derive(serde::Deserialize, JsonSchema)]
struct Order {
    /// The customer's name
    customer: String,
    items: Vec<Item>,
}

#[derive(serde::Deserialize, JsonSchema)]
struct Item {
    name: String,
    pieces: u32,
}

pub async fn structured_output(openrouter: &OpenRouter, mail: &str) -> Result<usize, Error> {
    let request = ChatRequest::new("openai/gpt-4o").system("Extract the order.").user(mail);
    let order = openrouter.extract::<Order>(&request).await?;
    println!("an order of {}, read for {:?}", order.value.customer, order.response.usage.cost);
    for item in &order.value.items {
        println!("{} x {}", item.pieces, item.name);
    }
    Ok(order.value.items.len())
}
