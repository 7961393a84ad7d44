use openrouter_provider::OpenRouter;
use provider_core::{ChatRequest, Error, Event};

pub async fn stream(openrouter: &OpenRouter) -> Result<(), Error> {
    let request = ChatRequest::new("openai/gpt-4o").user("Tell me a story.");
    let mut stream = openrouter.stream(&request).await?;
    while let Some(event) = stream.next().await {
        match event {
            Ok(Event::Text(piece)) => print!("{piece}"),
            Ok(Event::Reasoning(thought)) => eprint!("{thought}"),
            Ok(_) => {}
            Err(error) => {
                // The error keeps the part of the answer that came before it broke off.
                if let Some(partial) = error.partial() {
                    eprintln!("{} characters came", partial.text().len());
                }
                return Err(error);
            }
        }
    }
    let reply = stream.into_response()?; // everything was collected
    println!("\n{:?}, {:?} tokens", reply.finish_reason, reply.usage.total_tokens);
    Ok(())
}
