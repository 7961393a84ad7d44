//! A comparison as a report: the figures as a table, then every answer whole.

use super::Comparison;
use super::cell::{figures, said};
use crate::output::text;

const HEAD: &str = "\
| Requested | Served | Provider | First token | Total | Tokens in | Tokens out | Cost | Finish |
|---|---|---|---:|---:|---:|---:|---:|---|
";

pub(super) fn render(comparison: &Comparison) -> String {
    let mut report = format!("# Comparison\n\n{}\n{HEAD}", quoted(&comparison.prompt));
    for cell in &comparison.cells {
        let cells = figures(cell).map(|figure| text::one_line(&figure).replace('|', "\\|"));
        report.push_str(&format!("| {} |\n", cells.join(" | ")));
    }
    report.push_str(&format!("\n{}\n", comparison.totals));
    for cell in &comparison.cells {
        report.push_str(&format!("\n## {}\n", text::one_line(&cell.requested)));
        if let Some(response) = cell.response() {
            report.push_str(&format!("\n{}", quoted(&said(response))));
        }
        if let Err(error) = &cell.result {
            report.push_str(&format!("\n**Error:** {}\n", text::one_line(&error.to_string())));
        }
    }
    report
}

/// As a quotation, so that headings and lists in an answer stay inside it.
fn quoted(text: &str) -> String {
    text.lines().map(|line| format!("> {line}").trim_end().to_owned() + "\n").collect()
}
