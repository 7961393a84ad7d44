use openrouter_provider::OpenRouter;
use provider_core::{ChatRequest, Effort, Error, Reasoning};

pub async fn reasoning(openrouter: &OpenRouter) -> Result<(), Error> {
    let mut request = ChatRequest::new("deepseek/deepseek-r1")
        .user("How many r are in strawberry?")
        .reasoning(Reasoning::effort(Effort::High)); // or max_tokens(2_000), or enabled(true)
    let reply = openrouter.chat(&request).await?;
    println!("It thought: {}", reply.reasoning());
    println!("It says: {} ({:?} tokens of thought)", reply.text(), reply.usage.reasoning_tokens);

    // The next turn carries the thoughts back, signatures and all, byte for byte.
    request = request.message(reply.message).user("And in raspberry?");
    let reply = openrouter.chat(&request).await?;
    println!("{}", reply.text());
    Ok(())
}
