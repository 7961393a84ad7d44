use openrouter_provider::options::{CacheControl, ResponseCache};
use openrouter_provider::{OpenRouter, OpenRouterOptions, OpenRouterResponse};
use provider_core::{CacheMark, ChatRequest, Error, Part};

pub async fn caching(openrouter: &OpenRouter, manual: &str) -> Result<(), Error> {
    // The prompt up to the mark is cached at the provider, for an hour.
    let request = ChatRequest::new("anthropic/claude-sonnet-4.5")
        .system([Part::text(manual).cached(CacheMark::ttl("1h"))])
        .user("How do I reset it?");
    let reply = openrouter.chat(&request).await?;
    println!(
        "{:?} tokens read from the cache, {:?} written",
        reply.usage.cached_tokens, reply.usage.cache_write_tokens
    );

    // Or let OpenRouter set the marks, and keep the conversation where its cache is warm.
    let options =
        OpenRouterOptions::new().cache_control(CacheControl::ephemeral()).session_id("conversation-7");
    openrouter.chat(&request.clone().options(options)).await?;

    // Another cache keeps whole answers: the same request, the same answer, for nothing.
    let options = OpenRouterOptions::new().response_cache(ResponseCache::new().ttl_seconds(60_u32));
    let request = request.options(options);
    for _ in 0..2 {
        let reply = openrouter.chat(&request).await?;
        if let Some(cache) = reply.response_cache() {
            println!("{}, for {:?}", cache.status, reply.usage.cost); // MISS, then HIT for nothing
        }
    }
    Ok(())
}
