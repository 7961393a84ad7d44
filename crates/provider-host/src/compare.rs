//! `compare`: one question to several models at once, with a cell for each in the order of their names.

mod table;

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use provider_compare::{Cell, CellStep, Comparison, Ended, Report};
use provider_core::{Catalogue, ChatRequest, Error, ErrorKind};
use provider_registry::{Instance, ModelRef};
use serde::Serialize;
use tokio::time::timeout;

use crate::answer_check::AnswerForm;
use crate::cli::{CompareArgs, CompareOutput, ConnectArgs};
use crate::connect::Host;
use crate::exit::{Exit, Failure};
use crate::output::progress::Progress;
use crate::output::{Output, text};
use crate::run_log::{Call, RunLog};
use crate::target::{Prepared, Target};
use crate::{diagnostics, prompt, signal};

/// The most columns of the prompt in a hint.
const MAX_QUOTED_COLUMNS: usize = 60;
/// The longest wait for the catalogues once the answers are there; they only add prices.
const CATALOGUE_TIMEOUT: Duration = Duration::from_secs(2);

/// A report, and the answers that are not of the requested form.
#[derive(Serialize)]
struct Judged<'a> {
    #[serde(flatten)]
    report: &'a Report,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    problems: Vec<Problem<'a>>,
}

/// The error of an answer that is not of the requested form.
#[derive(Serialize)]
struct Problem<'a> {
    /// The index of the cell, from 0.
    index: usize,
    label: &'a str,
    problem: &'a Error,
}

/// Runs the command. It handles signals itself, to show the finished answers.
pub(crate) async fn run(args: &CompareArgs, connect: &ConnectArgs, output: Output) -> Result<(), Failure> {
    let mut stop = pin!(signal::shutdown());
    // The host lives until all answers are complete, since dropping it stops the sandbox.
    let mut log = RunLog::new(connect, &args.log);
    let Asking { comparison, request, references, form, host } = tokio::select! {
        biased;
        () = &mut stop => return Err(Failure::Interrupted(None)),
        prepared = prepared(args, connect, &mut log, output) => prepared?,
    };

    log.open();
    let progress = Progress::new(output, "asking");
    let mut done = 0;
    let asked = comparison.run_until(stop.as_mut(), |happened| {
        if let CellStep::Finished(_) = happened.step {
            done += 1;
            progress.relabel(format!("{done} of {} done", args.models.len()));
        }
    });
    let (mut report, catalogues) = progress.during(with_catalogues(asked, &host)).await;
    for (provider, catalogue) in &catalogues {
        report.add_listings(provider, catalogue);
    }
    if report.ended != Ended::Stopped {
        tokio::select! {
            biased;
            () = stop => {}
            () = explain(&mut report, &host) => {}
        }
    }
    for cell in &mut report.cells {
        // A promise of the JSON: the text of the command line, which may name the provider, too.
        cell.requested.clone_from(&cell.label);
    }
    let problems: Vec<Option<Error>> =
        report.cells.iter().map(|cell| form.problem(cell.result.as_ref().ok()?)).collect();
    match args.form() {
        CompareOutput::Table => output.write(&table::render(&report, &problems, output))?,
        CompareOutput::Markdown => {
            let mut page = report.to_markdown_with(diagnostics::sentence);
            for (cell, problem) in report.cells.iter().zip(&problems) {
                if let Some(problem) = problem {
                    let told = text::one_line(&diagnostics::sentence(problem)).replace('<', "\\<");
                    page.push_str(&format!("\n**{}:** {told}\n", text::one_line(&cell.label)));
                }
            }
            output.write_untrusted(&page)?;
        }
        CompareOutput::Json => {
            let labelled = report.cells.iter().zip(&problems).enumerate();
            let problems = labelled.filter_map(|(index, (cell, problem))| {
                Some(Problem { index, label: &cell.label, problem: problem.as_ref()? })
            });
            output.write_document(&Judged { report: &report, problems: problems.collect() })?;
        }
    }
    remarks(args, &report, &problems, output);
    for (cell, asked) in report.cells.iter().zip(&references) {
        // One that was not asked has no time.
        let (Some(requested), Some(_)) = (asked, cell.timings.total) else { continue };
        let mut request = request.clone();
        request.model.clone_from(&requested.model);
        let call = Call {
            requested,
            provider: cell.provider.as_deref().unwrap_or(&requested.provider),
            request: &request,
            result: cell.result.as_ref(),
            timings: cell.timings,
        };
        log.record(call, None, output).await;
    }
    log.settled(output).await;
    end(&report, &problems, output)
}

/// A comparison that is to be made.
struct Asking {
    comparison: Comparison,
    request: ChatRequest,
    /// The models, in the order of the cells; `None` for one that cannot be asked.
    references: Vec<Option<ModelRef>>,
    form: AnswerForm,
    host: Host,
}

async fn prepared(
    args: &CompareArgs,
    connect: &ConnectArgs,
    log: &mut RunLog,
    output: Output,
) -> Result<Asking, Failure> {
    let prompt = prompt::read(Some(&args.prompt), output).await?;
    let request = args.params.request(&prompt)?;
    let form = AnswerForm::of(&request)?;
    let host = Host::open(connect, output).await?;
    let budgets = log.budgets(connect, output).await?;
    let Prepared { request, targets } =
        host.prepare(&args.models, &args.params, None, budgets.as_ref(), request).await?;
    let mut comparison =
        Comparison::new(request.clone()).concurrency(args.concurrency.into()).cell_timeout(args.timeout);
    if let Some(deadline) = args.deadline {
        comparison = comparison.deadline(deadline);
    }
    let reference = |target: &Result<Target, Error>| Some(target.as_ref().ok()?.reference().clone());
    let references = targets.iter().map(reference).collect();
    for (requested, target) in args.models.iter().zip(targets) {
        let cell = match target {
            Ok(target) => Cell::new(requested, target.provider().clone(), target.id())
                .provider_name(&target.reference().provider),
            Err(error) => Cell::not_asked(requested, error),
        };
        comparison = comparison.cells([cell]);
    }
    Ok(Asking { comparison, request, references, form, host })
}

/// Fetches the catalogues for their prices while the models answer. Where one is missing, so are its prices.
async fn with_catalogues(
    asked: impl Future<Output = Report>,
    host: &Host,
) -> (Report, Vec<(String, Arc<Catalogue>)>) {
    let (mut asked, mut fetched) = (pin!(asked), Vec::new());
    let fetch = |instance: &'_ Instance| {
        let (id, cache) = (instance.id().to_owned(), instance.catalogue_cache().clone());
        async move { Some((id, cache.get().await.ok()?.catalogue)) }
    };
    let mut catalogues: FuturesUnordered<_> = host.instances().map(fetch).collect();
    let report = loop {
        tokio::select! {
            report = &mut asked => break report,
            Some(catalogue) = catalogues.next() => fetched.extend(catalogue),
        }
    };
    if report.ended != Ended::Stopped {
        let rest = async {
            while let Some(catalogue) = catalogues.next().await {
                fetched.extend(catalogue);
            }
        };
        // A list that does not come in time is left out.
        let _ = timeout(CATALOGUE_TIMEOUT, rest).await;
    }
    (report, fetched)
}

/// Adds similar models to the errors of unknown ones.
async fn explain(report: &mut Report, host: &Host) {
    for cell in &mut report.cells {
        if let Err(error) = &cell.result {
            cell.result = Err(host.explained(error.clone()).await);
        }
    }
}

/// Reports on standard error the failed attempts, the problems of answers and each piece of advice once,
/// since the report does not show them.
fn remarks(args: &CompareArgs, report: &Report, problems: &[Option<Error>], output: Output) {
    for cell in &report.cells {
        let attempts = cell.result.as_ref().map_or_else(Error::attempts, |answer| &answer.attempts);
        diagnostics::attempts(&format!("{}: ", cell.label), attempts, output);
    }
    let is_shown = args.form() == CompareOutput::Table;
    for (cell, problem) in report.cells.iter().zip(problems) {
        if let Some(problem) = problem.as_ref().filter(|_| !is_shown) {
            diagnostics::line(&format!("{}: {}", cell.label, diagnostics::sentence(problem)), output);
        }
    }
    if report.ended == Ended::Stopped {
        return;
    }
    let mut hints: Vec<String> = failures(report, problems).filter_map(diagnostics::hint).collect();
    hints.sort();
    hints.dedup();
    for hint in hints {
        diagnostics::tell_hint(&hint, output);
    }
    // Arguments in the other order end so.
    let unknown = report.cells.iter().find(|cell| {
        let kind = cell.result.as_ref().err().map(Error::kind);
        matches!(kind, Some(ErrorKind::ModelNotFound | ErrorKind::NotFound))
            && !cell.label.contains(['/', ':'])
    });
    if let Some(cell) = unknown {
        let prompt = text::cut(&args.prompt, MAX_QUOTED_COLUMNS);
        let told = format!("{:?} was read as a model, and {prompt:?} as the prompt", cell.label);
        let prompt = "the prompt comes first, in quotes, and then the models";
        diagnostics::tell_hint(&format!("{told}; {prompt}"), output);
    }
}

/// The errors of all models whose answer failed or is not of the requested form.
fn failures<'a>(report: &'a Report, problems: &'a [Option<Error>]) -> impl Iterator<Item = &'a Error> {
    report
        .cells
        .iter()
        .zip(problems)
        .filter_map(|(cell, problem)| cell.result.as_ref().err().or(problem.as_ref()))
}

/// A success if at least one answer is complete and of the requested form, else the first failure. A report
/// that a signal ended is no success.
fn end(report: &Report, problems: &[Option<Error>], output: Output) -> Result<(), Failure> {
    if report.ended == Ended::Stopped {
        // The report is written already, and main would write the failure again.
        diagnostics::failure(&Failure::Interrupted(None), output);
        return Err(Failure::Told(Exit::Interrupted));
    }
    let mut failures = failures(report, problems).peekable();
    match failures.peek().map(|first| first.kind()) {
        Some(first) if failures.count() == report.cells.len() => Err(Failure::Told(first.into())),
        _ => Ok(()),
    }
}
