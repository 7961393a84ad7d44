//! `compare`: one question to several models at once. One cell for each, in the order they were named.

mod table;

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use provider_compare::{Cell, CellStep, Comparison, Ended, Report};
use provider_core::{Catalogue, Error};
use tokio::signal::ctrl_c;
use tokio::time::timeout;

use crate::cli::{CompareArgs, CompareOutput, ConnectArgs};
use crate::connect::Host;
use crate::exit::{Failure, tell_attempts};
use crate::output::Output;
use crate::output::progress::Progress;
use crate::prompt;

/// How long the catalogue is waited for when the answers are there.
const PATIENCE: Duration = Duration::from_secs(2);

/// Hears Ctrl-C itself: what is finished by then is shown.
pub(crate) async fn run(args: &CompareArgs, connect: &ConnectArgs, output: Output) -> Result<(), Failure> {
    let mut interrupt = pin!(async {
        // Where signals cannot be heard, none comes.
        if ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    });
    // The host stays while its models are asked: the sandbox goes with it.
    let (comparison, host) = tokio::select! {
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
    let (mut report, catalogue) = progress.during(with_catalogue(asked, &host)).await;
    if let (Some(catalogue), Ok(instance)) = (catalogue, host.instance()) {
        report.add_listings(instance.id(), &catalogue);
    }
    // Here this has always been the text on the command line, which may name the provider, too.
    for cell in &mut report.cells {
        cell.requested.clone_from(&cell.label);
    }
    match args.output {
        CompareOutput::Table => output.write(&table::render(&report, output))?,
        CompareOutput::Markdown => output.write_foreign(&report.to_markdown())?,
        CompareOutput::Json => output.write_document(&report)?,
    }
    for cell in &report.cells {
        let attempts = cell.result.as_ref().map_or_else(Error::attempts, |answer| &answer.attempts);
        tell_attempts(&format!("{}: ", cell.label), attempts, output);
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

/// Fetches the catalogue, for the prices, while the models answer. It is waited for a little, and not insisted on.
async fn with_catalogue(
    asked: impl Future<Output = Report>,
    host: &Host,
) -> (Report, Option<Arc<Catalogue>>) {
    let (mut asked, mut fetched) = (pin!(asked), None);
    let mut catalogue = pin!(async { host.instance().ok()?.catalogue().await.ok() });
    loop {
        tokio::select! {
            report = &mut asked => {
                if fetched.is_none() && report.ended != Ended::Stopped {
                    fetched = timeout(PATIENCE, &mut catalogue).await.ok();
                }
                return (report, fetched.flatten());
            }
            catalogue = &mut catalogue, if fetched.is_none() => fetched = Some(catalogue),
        }
    }
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
