use openrouter_provider::options::{DataCollection, MaxPrice, ProviderPreferences, SortBy};
use openrouter_provider::{OpenRouter, OpenRouterOptions, OpenRouterResponse};
use provider_core::{ChatRequest, Error, Usd};

pub async fn routing(openrouter: &OpenRouter, most_per_million: Usd) -> Result<(), Error> {
    let preferences = ProviderPreferences::new()
        .order(["azure", "openai"])
        .sort(SortBy::Price)
        .data_collection(DataCollection::Deny)
        .max_price(MaxPrice::new().prompt(most_per_million));
    let options = OpenRouterOptions::new()
        .models(["openai/gpt-4o-mini"]) // the service falls back to it; three at most
        .provider(preferences)
        .metadata(true);
    let request = ChatRequest::new("openai/gpt-4o").user("Hello").options(options);
    let reply = openrouter.chat(&request).await?;
    println!("asked for {}, answered by {} at {}", reply.requested, reply.model, reply.served_by);
    if let Some(routing) = reply.routing() {
        for attempt in &routing.attempts {
            println!("tried {:?}: {:?}", attempt.provider, attempt.status);
        }
    }
    Ok(())
}
