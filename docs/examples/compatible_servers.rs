use openai_compatible_provider as _; // links the provider in
use openrouter_provider as _;
use provider_core::Error;
use provider_registry::{Registry, Workspace};

pub async fn compatible_servers(openrouter: [(&str, &str); 2], home: &str) -> Result<Vec<String>, Error> {
    let registry = Registry::discover()?;
    let mut workspace = Workspace::new("acme");
    workspace.add(&registry, "OpenRouter", openrouter)?;
    let settings = [
        ("preset", "ollama"),      // fills what is not set
        ("base_url", home),        // with or without /v1
        ("reasoning_tags", "yes"), // <think>…</think> is reasoning
        ("not_billed", "yes"),     // a fallback to it is no question of price
    ];
    let local = workspace.add_as("local", &registry, "OpenAI-Compatible", settings)?;
    local.provider().check().await?; // whether it is there, and takes the key

    let mut answers = Vec::new();
    for text in ["openai/gpt-4o", "local:qwen3"] {
        let model = workspace.model(text).await?;
        let reply = model.chat(&model.request().user("Hello")).await?;
        answers.push(format!("{}: {}", model.reference(), reply.text()));
    }
    Ok(answers)
}
