//! Renders a report as Markdown: the figures as a table, then every answer in full.

use provider_core::Error;

use super::{AskedMessage, CellReport, Report};
use crate::Ended;
use crate::display::{dollars, duration, one_line};

const HEAD: &str = "\
| Requested | Served | Provider | First token | Total | Tokens in | Tokens out | Tokens/s | Cost | Finish |
|---|---|---|---:|---:|---:|---:|---:|---:|---|
";

pub(super) fn render(report: &Report, tell: &dyn Fn(&Error) -> String) -> String {
    let mut page = format!("# Comparison\n\n{}\n{HEAD}", question(report));
    for cell in &report.cells {
        page.push_str(&row(cell));
    }
    page.push_str(&format!("\n{}\n{}", report.totals, remarks(report)));
    for cell in &report.cells {
        let label = inline(&cell.label);
        match cell.requested == cell.label {
            true => page.push_str(&format!("\n## {label}\n")),
            false => page.push_str(&format!("\n## {label} ({})\n", inline(&cell.requested))),
        }
        if let Some(listing) = &cell.listing {
            page.push_str(&format!("\n{listing}\n"));
        }
        if let Some(said) = cell.said() {
            page.push_str(&format!("\n{}", quoted(&said)));
        }
        if let Err(error) = &cell.result {
            page.push_str(&format!("\n**Error:** {}\n", inline(&tell(error))));
        }
    }
    page
}

/// The messages with their roles; a single user message without its role.
fn question(report: &Report) -> String {
    let said = |message: &AskedMessage<'_>| {
        let others = match message.other_parts {
            0 => String::new(),
            1 => "(and a part that is no text)\n".to_owned(),
            several => format!("(and {several} parts that are no text)\n"),
        };
        [quoted(&message.text), others].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>()
    };
    match report.messages().collect::<Vec<_>>().as_slice() {
        [only] if only.role == "user" => said(only).join("\n"),
        messages => {
            let blocks = messages
                .iter()
                .flat_map(|message| [format!("**{}:**\n", message.role)].into_iter().chain(said(message)));
            blocks.collect::<Vec<_>>().join("\n")
        }
    }
}

/// A row of the table.
fn row(cell: &CellReport) -> String {
    let f = cell.figures();
    let who = [cell.label.clone(), f.served, f.provider];
    let how = [f.first_token, f.total, f.tokens_in, f.tokens_out, f.tokens_per_second, f.cost, f.finish];
    let cells: Vec<String> = who.iter().chain(&how).map(|figure| inline(figure)).collect();
    format!("| {} |\n", cells.join(" | "))
}

/// The fastest and the cheapest model, and whether the comparison ended early.
fn remarks(report: &Report) -> String {
    let mut remarks = String::new();
    if report.totals.answered > 1 {
        let fastest = report.fastest().and_then(|cell| Some((cell, cell.timings.total?)));
        if let Some((cell, time)) = fastest {
            remarks.push_str(&format!("\nFastest: {}, {}.", inline(&cell.label), duration(time)));
        }
        let cheapest = report.cheapest().and_then(|cell| Some((cell, cell.cost()?)));
        if let Some((cell, cost)) = cheapest {
            remarks.push_str(&format!(" Cheapest: {}, {}.", inline(&cell.label), dollars(cost)));
        }
        remarks.push('\n');
    }
    match report.ended {
        Ended::Complete => {}
        Ended::Deadline => {
            remarks.push_str("\nThe time of the comparison was over before all had answered.\n")
        }
        Ended::Stopped => remarks.push_str("\nThe comparison was stopped before all had answered.\n"),
    }
    remarks
}

/// Puts a text on one line, and escapes characters that would end a table cell or begin a tag.
fn inline(text: &str) -> String {
    one_line(text).replace('|', "\\|").replace('<', "\\<")
}

/// Makes a text a quotation, so that headings and lists in it stay inside.
fn quoted(text: &str) -> String {
    text.replace("\r\n", "\n")
        .split_terminator(['\n', '\r'])
        .map(|line| format!("> {line}").trim_end().to_owned() + "\n")
        .collect()
}
