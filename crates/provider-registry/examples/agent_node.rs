//! A host in ten lines: a workspace adds OpenRouter, an agent node selects a model, the answer streams back.
//!
//! ```sh
//! OPENROUTER_API_KEY=sk-or-v1-... cargo run -p provider-registry --example agent_node
//! ```
//!
//! Without an account, run `cargo run -- sandbox` beside it and set `OPENROUTER_BASE_URL` to what it prints.

use std::io::Write;

use openrouter_provider as _; // links the provider in
use provider_core::{ConfigValues, Event};
use provider_registry::{Registry, Workspace};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let registry = Registry::discover()?;
    let mut workspace = Workspace::new("acme");
    let fields = registry.descriptor("OpenRouter")?.fields;
    workspace.add(&registry, "OpenRouter", ConfigValues::from_env(fields))?;

    let model = workspace.model("openai/gpt-4o").await?;
    let mut stream = model.stream(&model.request().user("Hello")).await?;
    let mut out = std::io::stdout();
    while let Some(event) = stream.next().await {
        if let Event::Text(text) = event? {
            write!(out, "{text}")?;
            out.flush()?;
        }
    }
    let reply = stream.into_response()?;
    writeln!(out, "\n{} by {}, cost {:?}", reply.model, reply.served_by, reply.usage.cost)?;
    Ok(())
}
