//! The reference host as a command line: it discovers the linked providers, connects those that are chosen
//! from settings, and asks their models.
//!
//! The host uses the vocabulary of `provider-core` and `provider-registry` alone, and knows no wire format.

mod account;
mod answer_check;
mod ask;
mod authorize;
mod budget;
mod chat;
mod cli;
mod compare;
mod config;
mod conformance;
mod connect;
mod cost;
mod diagnostics;
mod doctor;
mod dry_run;
mod environment;
mod estimate;
mod exit;
mod fragment;
mod key;
mod keys;
mod log;
mod models;
mod moment;
mod output;
mod params;
mod prompt;
mod providers;
mod run_log;
mod sandbox;
mod serve;
mod shell;
mod signal;
mod similar;
mod storage;
mod summary;
mod target;
mod template;
mod terminal;
mod tools;
mod value_parsers;
mod wording;

use std::process::ExitCode;

use clap::Parser;
use provider_core::Error;
use serde::Serialize;
use tokio::runtime::Runtime;

use crate::cli::{Cli, Command};
use crate::config::Config;
use crate::environment::Environment;
use crate::exit::{Exit, Failure};
use crate::output::Output;
use crate::storage::Kept;

/// The JSON of a failure, for a command that has written none.
#[derive(Serialize)]
struct Failed {
    error: Error,
}

fn main() -> ExitCode {
    let mut cli = Cli::parse();
    let mut output = Output::new(cli.color, cli.verbose, cli.connect.sandbox);
    output.json_lines = matches!(&cli.command, Command::Chat(args) if args.json_lines);
    match Runtime::new() {
        Ok(runtime) => {
            let result = match configured(&mut cli) {
                Ok(kept) => {
                    cli.connect.kept = kept;
                    runtime.block_on(until_stopped(&cli, output))
                }
                Err(failure) => Err(failure),
            };
            // A thread may still block on standard input, and dropping the runtime would wait for it.
            runtime.shutdown_background();
            end(&cli, result, output).code().into()
        }
        Err(error) => {
            let failure = Failure::Io("cannot start the runtime".to_owned(), error);
            end(&cli, Err(failure), output).code().into()
        }
    }
}

/// Reads the configuration for a command that has to do with it, and adds what the profile has to its flags.
fn configured(cli: &mut Cli) -> Result<Kept, Failure> {
    if !cli.command.is_configured() {
        return Ok(Kept::default());
    }
    let environment = Environment::of_this_program();
    let config = Config::read(cli.config.as_ref(), cli.connect.profile.as_deref(), &environment)?;
    cli.add(&config)?;
    Ok(Kept::new(config, cli.connect.sandbox, &environment))
}

/// Reports the failure of a command on standard error and, with `--json`, on standard output.
fn end(cli: &Cli, result: Result<(), Failure>, output: Output) -> Exit {
    let Err(failure) = result else { return Exit::Answered };
    if let Some(error) = failure.to_error().filter(|_| cli.command.is_json()) {
        // If the reader is gone, the exit code and standard error still report the failure.
        let _ = output.write_json(&Failed { error });
    }
    diagnostics::failure(&failure, output);
    failure.exit()
}

/// Runs the command. A signal drops it, which closes its connections, and is the regular end of the sandbox.
/// Commands with partial results handle signals themselves.
async fn until_stopped(cli: &Cli, output: Output) -> Result<(), Failure> {
    let listens_itself = matches!(cli.command, Command::Chat(_) | Command::Compare(_) | Command::Serve(_));
    tokio::select! {
        result = run(cli, output) => result,
        () = signal::shutdown(), if !listens_itself => match cli.command {
            Command::Sandbox(_) => Ok(()),
            _ => Err(Failure::Interrupted(None)),
        },
    }
}

async fn run(cli: &Cli, output: Output) -> Result<(), Failure> {
    let mut connect = cli.connect();
    if cli.command.reads_providers() && !connect.sandbox {
        connect.kept.read_providers().await?;
    }
    match &cli.command {
        Command::Chat(args) => chat::run(args, &connect, output).await,
        Command::Compare(args) => compare::run(args, &connect, output).await,
        Command::Models(args) => models::run(args, &connect, output).await,
        Command::Connect(args) => authorize::run(args, &connect, output).await,
        Command::Key(args) => key::run(args, &connect, output).await,
        Command::Keys(args) => keys::run(args, &connect, output).await,
        Command::Log(args) => log::run(args, &connect, output).await,
        Command::Cost(args) => cost::run(args, &connect, output).await,
        Command::Template(args) => template::run(args, &connect, output),
        Command::Config(args) => config::command::run(args, &connect, output),
        Command::Conformance(args) => conformance::run(args, &connect, output).await,
        Command::Providers(args) => providers::run(args, output),
        Command::Sandbox(args) => sandbox::run(args, output).await,
        Command::Serve(args) => serve::run(args, connect.sandbox, output).await,
        Command::Endpoints(args) => account::endpoints(args, &connect, output).await,
        Command::Generation(args) => account::generation(args, &connect, output).await,
        Command::Credits(args) => account::credits(args, &connect, output).await,
        Command::Presets(args) => account::presets(args, &connect, output).await,
        Command::Doctor(args) => doctor::run(args, &connect, output).await,
        Command::Completions(args) => shell::completions(args, output),
        Command::Man(args) => shell::man(args, output),
    }
}
