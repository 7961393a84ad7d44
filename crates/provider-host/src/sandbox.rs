//! `sandbox`: runs the sandbox for other programs, until Ctrl-C.

use std::time::Duration;

use openrouter_sandbox::{FAILURES, Sandbox};

use crate::cli::SandboxArgs;
use crate::exit::Failure;
use crate::output::Output;
use crate::output::table::Table;

pub(crate) async fn run(args: &SandboxArgs, output: Output) -> Result<(), Failure> {
    let sandbox = Sandbox::builder()
        .port(args.port)
        .seed(args.seed)
        .token_delay(Duration::from_millis(args.token_delay_ms))
        .start()
        .await
        .map_err(|error| Failure::Io(format!("cannot listen on port {}", args.port), error))?;
    output.write(&greeting(sandbox.base_url(), output))?;
    sandbox.wait().await;
    Ok(())
}

fn greeting(base_url: &str, output: Output) -> String {
    let mut failures = Table::new().left("MODEL THAT FAILS ON PURPOSE").left("HOW");
    for (id, how) in FAILURES {
        failures.row([(*id).to_owned(), (*how).to_owned()]);
    }
    format!(
        "Sandbox at {base_url}\n\n\
         Point this program at it:\n  \
         OPENROUTER_BASE_URL={base_url} OPENROUTER_API_KEY=any asq chat openai/gpt-4o \"Hello\"\n\n\
         {}\n\
         Ctrl-C stops it.\n",
        failures.render(output.columns, output.out)
    )
}
