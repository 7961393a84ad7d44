//! `compare`: one question to several models at once. One cell for each, in the order they were named.

mod table;

use std::pin::pin;

use provider_compare::{Cell, CellStep, Comparison, Ended, Report};
use tokio::signal::ctrl_c;

use crate::cli::{CompareArgs, CompareOutput, ConnectArgs};
use crate::connect::Host;
use crate::exit::Failure;
use crate::output::Output;
use crate::output::progress::Progress;
use crate::prompt;

/// Hears Ctrl-C itself: what is finished by then is shown.
pub(crate) async fn run(args: &CompareArgs, connect: &ConnectArgs, output: Output) -> Result<(), Failure> {
    let mut interrupt = pin!(async {
        // Where signals cannot be heard, none comes.
        if ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    });
    // The host stays while its models are asked: the sandbox goes with it.
    let (comparison, _host) = tokio::select! {
        biased;
        () = &mut interrupt => return Err(Failure::Interrupted),
        prepared = prepared(args, connect, output) => prepared?,
    };

    let progress = Progress::new(output, "asking");
    let mut done = 0;
    let asked = comparison.run_until(interrupt, |happened| {
        if let CellStep::Finished(_) = happened.step {
            done += 1;
            progress.relabel(format!("{done} of {} done", args.models.len()));
        }
    });
    let mut report = progress.during(asked).await;
    // Here this has always been the text on the command line, which may name the provider, too.
    for cell in &mut report.cells {
        cell.requested.clone_from(&cell.label);
    }
    match args.output {
        CompareOutput::Table => output.write(&table::render(&report, output))?,
        CompareOutput::Markdown => output.write_foreign(&report.to_markdown())?,
        CompareOutput::Json => output.write_document(&report)?,
    }
    end(&report)
}

async fn prepared(
    args: &CompareArgs,
    connect: &ConnectArgs,
    output: Output,
) -> Result<(Comparison, Host), Failure> {
    let prompt = prompt::read(Some(&args.prompt), output).await?;
    let request = args.params.request(&prompt)?;
    let host = Host::open(connect, output).await?;
    let mut comparison =
        Comparison::new(request).concurrency(args.concurrency.into()).cell_timeout(args.timeout);
    if let Some(deadline) = args.deadline {
        comparison = comparison.deadline(deadline);
    }
    for requested in &args.models {
        let cell = match host.model(requested).await {
            Ok(model) => Cell::new(requested, model.provider().clone(), model.id())
                .provider_name(&model.reference().provider),
            Err(error) => Cell::not_asked(requested, error),
        };
        comparison = comparison.cells([cell]);
    }
    Ok((comparison, host))
}

/// A success if at least one model answered, or else the first error. Ctrl-C is none.
fn end(report: &Report) -> Result<(), Failure> {
    if report.ended == Ended::Stopped {
        return Err(Failure::Interrupted);
    }
    let mut errors = report.cells.iter().filter_map(|cell| cell.result.as_ref().err());
    match errors.next() {
        Some(first) if report.totals.answered == 0 => Err(Failure::Told(first.kind())),
        _ => Ok(()),
    }
}
