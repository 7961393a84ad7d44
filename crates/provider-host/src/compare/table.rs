//! A comparison for the terminal: a row of figures for each model, and below it the beginning of what it said.

use super::Comparison;
use super::cell::{figures, said};
use crate::ask::Outcome;
use crate::output::table::{self, Table};
use crate::output::{Output, text};

/// How much of an answer is shown where the terminal sets no limit.
const ANSWER_COLUMNS: usize = 100;

pub(super) fn render(comparison: &Comparison, output: Output) -> String {
    let wide = wide(comparison, output);
    let fits = output.columns.is_none_or(|columns| wide.width() <= columns);
    let table = if fits { wide } else { narrow(comparison, output) };
    let totals = output.out.bold(comparison.totals.to_string());
    format!("{}{totals}\n", table.render(output.columns, output.out))
}

/// All figures in one row.
fn wide(comparison: &Comparison, output: Output) -> Table {
    let mut table = with_figures(Table::new().left("REQUESTED").left("SERVED").left("PROVIDER"));
    for cell in &comparison.cells {
        table.row(figures(cell));
        table.below(beginning(cell, output));
    }
    table
}

/// The same with who served on a line of its own.
fn narrow(comparison: &Comparison, output: Output) -> Table {
    let mut table = with_figures(Table::new().left("REQUESTED"));
    for cell in &comparison.cells {
        let [requested, served, provider, figures @ ..] = figures(cell);
        let [first, total, tokens_in, tokens_out, cost, finish] = figures;
        table.row([requested, first, total, tokens_in, tokens_out, cost, finish]);
        if cell.response().is_some() {
            table.below(text::one_line(&format!("served by {provider} (model {served})")));
        }
        table.below(beginning(cell, output));
    }
    table
}

fn with_figures(table: Table) -> Table {
    table.right("FIRST").right("TOTAL").right("IN").right("OUT").right("COST").left("FINISH")
}

/// The beginning of the answer, or the error.
fn beginning(cell: &Outcome, output: Output) -> String {
    let room = output.columns.map_or(ANSWER_COLUMNS, |columns| columns.saturating_sub(table::INDENT.len()));
    match &cell.result {
        Ok(response) => output.out.dim(text::cut(&text::one_line(&said(response)), room)).to_string(),
        // Cut short it would help nobody.
        Err(error) => output.out.red(format!("error: {}", text::one_line(&error.to_string()))).to_string(),
    }
}
