use openrouter_provider::OpenRouter;
use provider_core::{ChatRequest, Error};

pub async fn chat(openrouter: &OpenRouter) -> Result<(), Error> {
    let mut request = ChatRequest::new("openai/gpt-4o")
        .system("You are terse.")
        .user("What is a monad?")
        .temperature(0.0) // zero is sent; what is not set is absent
        .max_tokens(200);
    let reply = openrouter.chat(&request).await?;
    println!("{}", reply.text());
    println!("{} answered, run by {}, for {:?}", reply.model, reply.served_by, reply.usage.cost);

    // The answer is a message of the next request as it is.
    request = request.message(reply.message).user("And in Haskell?");
    let reply = openrouter.chat(&request).await?;
    println!("{}", reply.text());
    Ok(())
}
