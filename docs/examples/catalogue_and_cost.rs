use openrouter_provider::OpenRouter;
use provider_core::{ChatRequest, Error, ModelQuery, ModelSort, TimeOfDay};

pub async fn catalogue_and_cost(openrouter: &OpenRouter) -> Result<(), Error> {
    let catalogue = openrouter.models().await?; // what this key may use
    let query =
        ModelQuery::new("claude").supports("tools").min_context(100_000).sort(ModelSort::Price).limit(5);
    for model in catalogue.select(&query) {
        println!("{} ({:?} tokens of context)", model.id, model.context_length);
    }

    // The catalogue tells before the call what a model cannot do, and roughly what the call would cost.
    let request = ChatRequest::new("openai/gpt-4o").user("Hello").max_tokens(500);
    let Some(model) = catalogue.find(&request.model) else { return Ok(()) };
    assert!(model.problems(&request).is_empty());
    println!("{}", model.estimate(&request, TimeOfDay::now())); // "about 0.00500… USD (estimate)"

    // The answer comes with its exact cost.
    let reply = openrouter.chat(&request).await?;
    println!("{:?}", reply.usage.cost);

    // The account keeps a record of it.
    if let Some(id) = &reply.id {
        let generation = openrouter.generation(id).await?; // waits shortly while it is not there yet
        println!("{:?} run by {:?}", generation.total_cost, generation.provider_name);
    }
    for endpoint in openrouter.endpoints("openai/gpt-4o").await?.endpoints {
        println!("{}: up {:?} %", endpoint.provider_name, endpoint.uptime_last_1d);
    }
    println!("{:?} left on the key", openrouter.key().await?.limit_remaining);
    Ok(())
}
