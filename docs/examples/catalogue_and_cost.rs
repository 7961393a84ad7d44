use openrouter_provider::OpenRouter;
use provider_core::{ChatRequest, Error, ModelQuery, ModelSort, TimeOfWeek};

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
    println!("{}", model.estimate(&request, TimeOfWeek::now())); // "about 0.00500… USD (estimate)"

    // The answer comes with its exact cost.
    let reply = openrouter.chat(&request).await?;
    println!("{:?}", reply.usage.cost);

    // The account keeps a record of it.
    if let Some(id) = &reply.id {
        let generation = openrouter.generation(id).await?; // waits shortly while it is not there yet
        println!("{:?} run by {:?}", generation.total_cost, generation.provider_name);
    }

    // Its endpoints, and whether one of them can do what the request asks for.
    let endpoints = openrouter.endpoints(&request.model).await?;
    for endpoint in &endpoints.endpoints {
        println!("{}: up {:?} %", endpoint.provider_name, endpoint.uptime_last_1d);
    }
    assert!(openrouter.endpoint_problems(&endpoints, &request).is_empty());

    // The money that the key has left, and the limit that refuses its requests now or next.
    let report = openrouter.check().await?;
    match report.blocked_by() {
        Some(limit) => println!("requests are refused: {limit}"),
        None => println!("{:?} left of {:?}", report.remaining(), report.next_limit),
    }
    Ok(())
}
