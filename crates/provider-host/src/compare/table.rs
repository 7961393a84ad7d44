//! A comparison for the terminal: a row of figures for each model, and below it the beginning of what it said.

use provider_compare::{CellReport, Figures, Report};

use crate::output::table::{self, Table};
use crate::output::{Output, text};

/// How much of an answer is shown where the terminal sets no limit.
const ANSWER_COLUMNS: usize = 100;

pub(super) fn render(report: &Report, output: Output) -> String {
    let wide = wide(report, output);
    let fits = output.columns.is_none_or(|columns| wide.width() <= columns);
    let table = if fits { wide } else { narrow(report, output) };
    let totals = output.out.bold(report.totals.to_string());
    format!("{}{totals}\n", table.render(output.columns, output.out))
}

/// All figures in one row.
fn wide(report: &Report, output: Output) -> Table {
    let mut table = with_figures(Table::new().left("REQUESTED").left("SERVED").left("PROVIDER"));
    for cell in &report.cells {
        let figures = cell.figures();
        let who = [cell.label.clone(), figures.served.clone(), figures.provider.clone()];
        table.row(who.into_iter().chain(row(figures)));
        below(&mut table, cell, output);
    }
    table
}

/// The same with who served on a line of its own.
fn narrow(report: &Report, output: Output) -> Table {
    let mut table = with_figures(Table::new().left("REQUESTED"));
    for cell in &report.cells {
        let figures = cell.figures();
        let served = format!("served by {} (model {})", figures.provider, figures.served);
        table.row([cell.label.clone()].into_iter().chain(row(figures)));
        if cell.response().is_some() {
            table.below(text::one_line(&served));
        }
        below(&mut table, cell, output);
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

/// The beginning of the answer, and the error.
fn below(table: &mut Table, cell: &CellReport, output: Output) {
    let room = output.columns.map_or(ANSWER_COLUMNS, |columns| columns.saturating_sub(table::INDENT.len()));
    if let Some(listing) = &cell.listing {
        table.below(listing.to_string());
    }
    if let Some(said) = cell.said() {
        table.below(output.out.dim(text::cut(&text::one_line(&said), room)).to_string());
    }
    if let Err(error) = &cell.result {
        // Cut short it would help nobody.
        table.below(output.out.red(format!("error: {}", text::one_line(&error.to_string()))).to_string());
    }
}
