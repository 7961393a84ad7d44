//! `sandbox`: the stand-in service for other programs, until Ctrl-C.

use std::time::Duration;

use openrouter_sandbox::{FAILURES, Sandbox};

use crate::cli::SandboxArgs;
use crate::exit::Failure;
use crate::output::Output;

pub(crate) async fn run(args: &SandboxArgs, output: Output) -> Result<(), Failure> {
    let sandbox = Sandbox::builder()
        .port(args.port)
        .seed(args.seed)
        .token_delay(Duration::from_millis(args.token_delay_ms))
        .start()
        .await
        .map_err(|error| Failure::Io(format!("cannot listen on port {}", args.port), error))?;
    output.write(&greeting(sandbox.base_url()))?;
    sandbox.wait().await;
    Ok(())
}

fn greeting(base_url: &str) -> String {
    let width = FAILURES.iter().map(|(id, _)| id.len()).max().unwrap_or(0);
    let failures: String = FAILURES.iter().map(|(id, what)| format!("  {id:<width$}  {what}\n")).collect();
    format!(
        "Sandbox at {base_url}\n\n\
         Point this program at it:\n  \
         OPENROUTER_BASE_URL={base_url} OPENROUTER_API_KEY=any provider-host chat openai/gpt-4o \"Hello\"\n\n\
         Models that fail on purpose:\n{failures}\n\
         Ctrl-C stops it.\n"
    )
}
