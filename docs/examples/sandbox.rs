use openrouter_provider::OpenRouter;
use openrouter_sandbox::Sandbox;
use provider_core::{ChatRequest, ErrorKind};

pub async fn sandbox() -> Result<(), Box<dyn std::error::Error>> {
    let sandbox = Sandbox::start().await?; // on a free port of this machine
    let openrouter = OpenRouter::builder().api_key("any").base_url(sandbox.base_url()).build()?;
    let reply = openrouter.chat(&ChatRequest::new("openai/gpt-4o").user("Hello")).await?;
    println!("{}, for {:?}", reply.text(), reply.usage.cost);

    // A bad day is a model id.
    let outcome = openrouter.chat(&ChatRequest::new("sandbox/overload").user("Hello")).await;
    assert_eq!(outcome.map_err(|error| error.kind()).err(), Some(ErrorKind::Overloaded));

    // A test looks at what was sent.
    for request in sandbox.requests() {
        println!("{} {}: {}", request.method, request.path, request.body);
    }
    sandbox.stop().await;
    Ok(())
}
