//! Measures what gateways for chat completions add to a request: time, processor time and memory.
//!
//! `upstream` and `floor` are programs to measure against; `load` and `streams` measure whatever speaks chat
//! completions. docs/performance.md says how they are started.

mod floor;
mod load;
mod process;
mod report;
mod streams;
mod target;
mod upstream;

use anyhow::Result;
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(about = "Measures what gateways for chat completions add to a request", max_term_width = 110)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Stands in for a service that answers at once
    Upstream(upstream::Args),
    /// Passes requests on as they are: the least that a gateway can do
    Floor(floor::Args),
    /// Sends whole answers at fixed rates, to each target in turns
    Load(load::Args),
    /// Holds many paced streams open, at each target in turns
    Streams(streams::Args),
}

fn main() -> Result<()> {
    // One thread: what runs here keeps to one processor.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        match Args::parse().command {
            Command::Upstream(args) => upstream::run(args).await,
            Command::Floor(args) => floor::run(args).await,
            Command::Load(args) => load::run(args).await,
            Command::Streams(args) => streams::run(args).await,
        }
    })
}
