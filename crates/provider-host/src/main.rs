//! The reference host as a command line: discovers the linked providers, connects one from settings, and asks
//! its models.
//!
//! It speaks the vocabulary of `provider-core` and `provider-registry` only; what travels on the wire is the
//! provider's business.

mod ask;
mod chat;
mod cli;
mod compare;
mod connect;
mod environment;
mod exit;
mod key;
mod models;
mod output;
mod params;
mod prompt;
mod providers;
mod sandbox;
mod stop;
mod summary;
mod tell;
mod verdict;

use std::process::ExitCode;

use clap::Parser;
use provider_core::Error;
use serde::Serialize;
use tokio::runtime::Runtime;

use crate::cli::{Cli, Command};
use crate::exit::{Exit, Failure};
use crate::output::Output;

/// A failure for programs, where nothing else was written for them.
#[derive(Serialize)]
struct Failed {
    error: Error,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let output = Output::new(&cli);
    match Runtime::new() {
        Ok(runtime) => {
            let result = runtime.block_on(until_stopped(&cli, output));
            // A thread may still be waiting for standard input.
            runtime.shutdown_background();
            end(&cli, result, output).code().into()
        }
        Err(error) => {
            let failure = Failure::Io("cannot start the runtime".to_owned(), error);
            end(&cli, Err(failure), output).code().into()
        }
    }
}

/// Tells how a command failed, if it did: on standard error and, where that has JSON, on standard output.
fn end(cli: &Cli, result: Result<(), Failure>, output: Output) -> Exit {
    let Err(failure) = result else { return Exit::Answered };
    if let Some(error) = failure.to_error().filter(|_| cli.command.is_json()) {
        // Should its reader be gone, the code and standard error still tell.
        let _ = output.write_json(&Failed { error });
    }
    failure.tell(output);
    failure.exit()
}

/// Runs the command. A signal drops it, which closes its connections; for the sandbox that is the way to end
/// well. Commands that have something to show by then hear the signals themselves.
async fn until_stopped(cli: &Cli, output: Output) -> Result<(), Failure> {
    let listens_itself = matches!(cli.command, Command::Chat(_) | Command::Compare(_));
    tokio::select! {
        result = run(cli, output) => result,
        () = stop::asked_for(), if !listens_itself => match cli.command {
            Command::Sandbox(_) => Ok(()),
            _ => Err(Failure::Interrupted(None)),
        },
    }
}

async fn run(cli: &Cli, output: Output) -> Result<(), Failure> {
    match &cli.command {
        Command::Chat(args) => chat::run(args, &cli.connect, output).await,
        Command::Compare(args) => compare::run(args, &cli.connect, output).await,
        Command::Models(args) => models::run(args, &cli.connect, output).await,
        Command::Key(args) => key::run(args, &cli.connect, output).await,
        Command::Providers(args) => providers::run(args, output),
        Command::Sandbox(args) => sandbox::run(args, output).await,
    }
}
