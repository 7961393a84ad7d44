//! Runs a sandbox until Ctrl-C.

use std::io::Write;
use std::time::Duration;

use clap::Parser;
use openrouter_sandbox::{FAILURES, Sandbox};

/// A local stand-in for the OpenRouter service.
#[derive(Parser)]
#[command(version)]
struct Options {
    /// The port to listen on, on 127.0.0.1; 0 takes a free one
    #[arg(long, default_value_t = 8787)]
    port: u16,
    /// The seed of everything made up
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Milliseconds per token
    #[arg(long, default_value_t = 15)]
    token_delay_ms: u64,
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let options = Options::parse();
    let sandbox = Sandbox::builder()
        .port(options.port)
        .seed(options.seed)
        .token_delay(Duration::from_millis(options.token_delay_ms))
        .start()
        .await?;
    greet(&sandbox)?;
    tokio::select! {
        () = sandbox.wait() => {}
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    sandbox.stop().await;
    Ok(())
}

fn greet(sandbox: &Sandbox) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "OpenRouter sandbox at {}", sandbox.base_url())?;
    writeln!(out, "Any key works. Models that fail on purpose:")?;
    let width = FAILURES.iter().map(|(id, _)| id.len()).max().unwrap_or(0);
    for (id, what) in FAILURES {
        writeln!(out, "  {id:<width$}  {what}")?;
    }
    writeln!(out, "Ctrl-C to stop.")
}
