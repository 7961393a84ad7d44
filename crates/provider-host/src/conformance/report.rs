//! The report of a run as a table: a row for each case.

use provider_conformance::{CaseReport, Outcome, Report};

use crate::output::table::{Look, Table};

/// A row for each case, with what was seen or why it was left out below it. A case that went alike with the
/// provider alone and behind the layers has one row.
pub(super) fn table(report: &Report) -> Table {
    let mut table = Table::new().left("OUTCOME").left("CASE").left("PROMISE");
    for case in report.cases.iter().filter(|case| !is_repeated(case, report)) {
        let (word, below) = match &case.outcome {
            Outcome::Kept => ("kept", None),
            Outcome::Broken { seen } => ("BROKEN", Some((seen, Look::Wrong))),
            Outcome::Skipped { reason } => ("skipped", Some((reason, Look::Faint))),
        };
        table.row([word.to_owned(), case.to_string(), case.promise.to_owned()]);
        if let Some((line, look)) = below {
            table.below(line, look);
        }
    }
    table
}

/// Whether a case that was run behind the layers went as it did without them.
fn is_repeated(case: &CaseReport, report: &Report) -> bool {
    case.behind_layers
        && report.cases.iter().any(|alone| {
            !alone.behind_layers && alone.name == case.name && sort(&alone.outcome) == sort(&case.outcome)
        })
}

fn sort(outcome: &Outcome) -> u8 {
    match outcome {
        Outcome::Kept => 0,
        Outcome::Broken { .. } => 1,
        Outcome::Skipped { .. } => 2,
    }
}

/// The number of outcomes of each sort, over both runs.
pub(super) fn figures(report: &Report) -> String {
    let count =
        |wanted: fn(&Outcome) -> bool| report.cases.iter().filter(|case| wanted(&case.outcome)).count();
    format!(
        "{}: {} kept, {} broken, {} skipped, with the provider alone and behind the layers",
        report.wire,
        count(|outcome| *outcome == Outcome::Kept),
        report.broken().count(),
        count(|outcome| matches!(outcome, Outcome::Skipped { .. }))
    )
}
