//! `compare`: one question to several models at once. One cell for each, in the order they were named.

mod cell;
mod markdown;
mod table;
mod totals;

use std::convert::Infallible;

use provider_core::ChatRequest;
use serde::Serialize;
use tokio::task::JoinSet;

use self::totals::Totals;
use crate::ask::{Outcome, Question};
use crate::cli::{CompareArgs, CompareOutput, ConnectArgs};
use crate::connect::Host;
use crate::exit::Failure;
use crate::output::Output;
use crate::output::progress::Progress;
use crate::prompt;

/// What came of a comparison.
#[derive(Debug, Serialize)]
struct Comparison {
    prompt: String,
    cells: Vec<Outcome>,
    totals: Totals,
}

pub(crate) async fn run(args: &CompareArgs, connect: &ConnectArgs, output: Output) -> Result<(), Failure> {
    let prompt = prompt::read(Some(&args.prompt), output).await?;
    let request = args.params.request(&prompt)?;
    let host = Host::open(connect, output).await?;

    let progress = Progress::new(output, "asking");
    let cells = progress.during(ask_all(args, &host, &request, &progress)).await;
    let totals = Totals::of(&cells);
    let comparison = Comparison { prompt, cells, totals };
    match args.output {
        CompareOutput::Table => output.write(&table::render(&comparison, output))?,
        CompareOutput::Markdown => output.write_foreign(&markdown::render(&comparison))?,
        CompareOutput::Json => output.write_json(&comparison)?,
    }
    comparison.end()
}

impl Comparison {
    /// A success if at least one model answered, or else the first error.
    fn end(&self) -> Result<(), Failure> {
        let errors: Vec<_> = self.cells.iter().filter_map(|cell| cell.result.as_ref().err()).collect();
        match errors.first() {
            Some(first) if errors.len() == self.cells.len() => Err(Failure::Told(first.kind())),
            _ => Ok(()),
        }
    }
}

/// Asks every model, in order and so many at a time. Dropping the future stops all of them.
async fn ask_all(
    args: &CompareArgs,
    host: &Host,
    request: &ChatRequest,
    progress: &Progress,
) -> Vec<Outcome> {
    let mut cells: Vec<(usize, Outcome)> = Vec::new();
    let mut running = JoinSet::new();
    let mut waiting = args.models.iter().enumerate();
    loop {
        while running.len() < args.concurrency.into() {
            let Some((place, requested)) = waiting.next() else { break };
            match host.model(requested).await {
                Ok(model) => {
                    let question = Question::new(requested, model, request.clone(), Some(args.timeout));
                    running.spawn(async move { (place, answer(question).await) });
                }
                Err(error) => cells.push((place, Outcome::not_asked(requested, error))),
            }
        }
        progress.relabel(format!("{} of {} done", cells.len(), args.models.len()));
        match running.join_next().await {
            Some(Ok(cell)) => cells.push(cell),
            // Nothing cancels a cell, so it panicked, and that is no answer of a model.
            Some(Err(broken)) => {
                if let Ok(panic) = broken.try_into_panic() {
                    std::panic::resume_unwind(panic);
                }
            }
            None => break,
        }
    }
    cells.sort_by_key(|(place, _)| *place);
    cells.into_iter().map(|(_, cell)| cell).collect()
}

/// Streams, so that the first token can be timed.
async fn answer(question: Question) -> Outcome {
    let Ok(outcome) = question.streamed(|_| Ok::<(), Infallible>(())).await;
    outcome
}
