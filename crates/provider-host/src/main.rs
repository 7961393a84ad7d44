//! The reference host as a command line: discovers the linked providers, connects one from settings, and asks its models.
//!
//! It speaks the vocabulary of `provider-core` and `provider-registry` only; what travels on the wire is the provider's
//! business.

mod ask;
mod chat;
mod cli;
mod compare;
mod connect;
mod exit;
mod hint;
mod key;
mod models;
mod output;
mod params;
mod prompt;
mod providers;
mod sandbox;
mod summary;

use std::process::ExitCode;

use clap::Parser;
use tokio::runtime::Runtime;

use crate::cli::{Cli, Command};
use crate::exit::Failure;
use crate::output::Output;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let output = Output::new(cli.color, cli.verbose);
    match Runtime::new() {
        Ok(runtime) => {
            let result = runtime.block_on(until_interrupted(&cli, output));
            // A thread may still be waiting for standard input.
            runtime.shutdown_background();
            end(result, output)
        }
        Err(error) => end(Err(Failure::Io("cannot start the runtime".to_owned(), error)), output),
    }
}

fn end(result: Result<(), Failure>, output: Output) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.tell(output);
            ExitCode::from(failure.code())
        }
    }
}

/// Runs the command. Ctrl-C drops it, which closes its connections; for the sandbox that is the way to end well. A
/// comparison hears it itself, since it has something to show.
async fn until_interrupted(cli: &Cli, output: Output) -> Result<(), Failure> {
    let listens_itself = matches!(cli.command, Command::Compare(_));
    tokio::select! {
        result = run(cli, output) => result,
        Ok(()) = tokio::signal::ctrl_c(), if !listens_itself => match cli.command {
            Command::Sandbox(_) => Ok(()),
            _ => Err(Failure::Interrupted),
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
