//! A comparison as a table: a row of figures for each model, and the beginning of its answer below.

use provider_compare::{CellReport, Figures, Report};
use provider_core::Error;

use crate::diagnostics;
use crate::output::table::{self, Look, Table};
use crate::output::{Output, text};

/// The columns of an answer's beginning where no terminal limits them.
const DEFAULT_ANSWER_COLUMNS: usize = 100;

/// Renders the report. `problems` has the error of each answer that is not of the requested form.
pub(super) fn render(report: &Report, problems: &[Option<Error>], output: Output) -> String {
    let wide = wide(report, problems, output);
    let fits = output.columns.is_none_or(|columns| wide.width() <= columns);
    let table = if fits { wide } else { narrow(report, problems, output) };
    let totals = report.totals.to_string();
    let totals =
        output.columns.map_or_else(|| totals.clone(), |room| text::wrap_parts(&totals, room, 0).join("\n"));
    format!("{}{}\n", table.render(output.columns, output.out), output.out.bold(totals))
}

/// Renders all figures in one row.
fn wide(report: &Report, problems: &[Option<Error>], output: Output) -> Table {
    let mut table = with_figures(Table::new().left("REQUESTED").left("SERVED").left("PROVIDER"));
    for (cell, problem) in report.cells.iter().zip(problems) {
        let figures = cell.figures();
        let who = [cell.label.clone(), figures.served.clone(), figures.provider.clone()];
        table.row(who.into_iter().chain(row(figures)));
        below(&mut table, cell, problem.as_ref(), output);
    }
    table
}

/// Renders the figures with model and provider on a line of their own.
fn narrow(report: &Report, problems: &[Option<Error>], output: Output) -> Table {
    let mut table = with_figures(Table::new().left("REQUESTED"));
    for (cell, problem) in report.cells.iter().zip(problems) {
        let figures = cell.figures();
        let served = format!("served by {} (model {})", figures.provider, figures.served);
        table.row([cell.label.clone()].into_iter().chain(row(figures)));
        if cell.response().is_some() {
            table.below(&served, Look::Plain);
        }
        below(&mut table, cell, problem.as_ref(), output);
    }
    table
}

fn with_figures(table: Table) -> Table {
    table.right("FIRST").right("TOTAL").right("IN").right("OUT").right("OUT/S").right("COST").left("FINISH")
}

/// The figures in the order of the columns.
fn row(f: Figures) -> [String; 7] {
    [f.first_token, f.total, f.tokens_in, f.tokens_out, f.tokens_per_second, f.cost, f.finish]
}

/// Adds the beginning of the answer, and its error.
fn below(table: &mut Table, cell: &CellReport, problem: Option<&Error>, output: Output) {
    let room =
        output.columns.map_or(DEFAULT_ANSWER_COLUMNS, |columns| columns.saturating_sub(table::INDENT.len()));
    if let Some(listing) = &cell.listing {
        table.below(&listing.to_string(), Look::Plain);
    }
    if let Some(said) = cell.said() {
        table.below(&text::cut(&text::one_line(&said), room), Look::Faint);
    }
    if let Some(error) = cell.result.as_ref().err().or(problem) {
        table.below(&format!("error: {}", diagnostics::sentence(error)), Look::Wrong);
    }
}
