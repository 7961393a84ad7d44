//! Renders Markdown for a terminal while it streams.
//!
//! A word is written once it is whole. Marks wait for their ends, but never beyond the line, nor for more
//! than [`MAX_SPAN`] bytes; rows of tables, fences and rules wait for the end of their line. How the text is
//! cut into pieces does not change what is written. Code is written as it is.

mod inline;
#[cfg(test)]
mod tests;
mod wrap;

use self::wrap::Wrap;
use super::style::Paint;
use super::text::{self, strip_controls};

/// The longest text between two marks, in bytes. Marks that are further apart are text.
const MAX_SPAN: usize = 400;
/// The columns of a rule, unless the terminal has fewer.
const RULE: usize = 40;
/// The least marks of a fence and of a rule.
const FENCE: usize = 3;
/// The most digits of a number in a list.
const MAX_DIGITS: usize = 9;

/// A renderer of one text. Without colours the marks stay, and only lines are wrapped.
#[derive(Debug)]
pub(crate) struct Markdown {
    paint: Paint,
    /// The part of the current line that is not yet written.
    tail: String,
    line: Line,
    /// The mark and the length of the fence that is open.
    fence: Option<(char, usize)>,
    /// The widths of the columns of the table so far; empty outside of one.
    table: Vec<usize>,
    wrap: Wrap,
}

/// How far the current line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    /// Its kind is not known.
    Start,
    /// A line of code.
    Code,
    /// Text, with this style around it.
    Text { heading: bool },
}

/// The look of a piece of text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Style {
    bold: bool,
    italic: bool,
    struck: bool,
    link: bool,
    code: bool,
    dim: bool,
}

impl Markdown {
    /// A renderer for lines of this many columns.
    pub(crate) fn new(paint: Paint, columns: usize) -> Self {
        Self {
            paint,
            tail: String::new(),
            line: Line::Start,
            fence: None,
            table: Vec::new(),
            wrap: Wrap::new(columns),
        }
    }

    /// Takes the next piece of the text, and returns all that can be written by now. Control characters are
    /// left out.
    pub(crate) fn push(&mut self, piece: &str) -> String {
        self.tail.push_str(&strip_controls(piece));
        let mut out = String::new();
        let tail = std::mem::take(&mut self.tail);
        let mut rest = tail.as_str();
        while let Some((line, next)) = rest.split_once('\n') {
            self.take(line, true, &mut out);
            self.end_line(&mut out);
            rest = next;
        }
        let taken = self.take(rest, false, &mut out);
        self.tail = rest.get(taken..).unwrap_or_default().to_owned();
        out
    }

    /// Returns all that is left, without a line end. The renderer begins anew.
    pub(crate) fn end(&mut self) -> String {
        let mut out = String::new();
        let tail = std::mem::take(&mut self.tail);
        self.take(&tail, true, &mut out);
        self.wrap.flush(&mut out);
        *self = Self::new(self.paint, self.wrap.columns());
        out
    }

    /// Takes as much of a line as is decided, and returns its length: all of a line that is complete.
    fn take(&mut self, line: &str, is_complete: bool, out: &mut String) -> usize {
        let mut taken = 0;
        if self.line == Line::Start {
            match self.begin(line, is_complete, out) {
                Some(begun) => taken = begun,
                None => return 0,
            }
        }
        let rest = line.get(taken..).unwrap_or_default();
        taken
            + match self.line {
                Line::Start => 0,
                Line::Code => {
                    out.push_str(rest);
                    rest.len()
                }
                Line::Text { heading } => {
                    let style = Style { bold: heading, ..Style::default() };
                    self.inline(rest, is_complete, style, out)
                }
            }
    }

    fn end_line(&mut self, out: &mut String) {
        self.wrap.flush(out);
        self.wrap.new_line(out);
        self.line = Line::Start;
    }

    /// Decides what a line is, writes its beginning, and returns the length of that. `None`: more of it is
    /// needed.
    fn begin(&mut self, line: &str, is_complete: bool, out: &mut String) -> Option<usize> {
        let trimmed = line.trim_start();
        let first = trimmed.chars().next();
        if let Some((mark, length)) = self.fence {
            let count = trimmed.chars().take_while(|c| *c == mark).count();
            let may_close = trimmed.trim_end().chars().all(|c| c == mark);
            if may_close && !is_complete {
                return None;
            }
            self.line = Line::Code;
            if may_close && count >= length {
                self.fence = None;
                out.push_str(&self.painted(line, Style { dim: true, ..Style::default() }));
                return Some(line.len());
            }
            return Some(0);
        }
        if !is_complete && is_undecided(trimmed) {
            return None;
        }
        let indent = line.len() - trimmed.len();
        if first != Some('|') {
            self.table.clear();
        }
        let run = |mark: char| trimmed.chars().take_while(|c| *c == mark).count();
        match first {
            Some(mark @ ('`' | '~')) if run(mark) >= FENCE => {
                self.fence = Some((mark, run(mark)));
                self.line = Line::Code;
                out.push_str(&self.painted(line, Style { dim: true, ..Style::default() }));
                return Some(line.len());
            }
            Some('|') => {
                self.line = Line::Code;
                self.row(trimmed, out);
                return Some(line.len());
            }
            Some(mark @ ('-' | '*' | '_')) if is_complete && is_rule(trimmed, mark) => {
                self.line = Line::Code;
                out.push_str(&match self.paint.is_on() {
                    true => self.painted(
                        &"─".repeat(RULE.min(self.wrap.columns())),
                        Style { dim: true, ..Style::default() },
                    ),
                    false => line.to_owned(),
                });
                return Some(line.len());
            }
            _ => {}
        }
        self.line = Line::Text { heading: false };
        let spaces = " ".repeat(indent);
        let marks = |count: usize| trimmed.get(count..).is_some_and(|rest| rest.starts_with([' ', '\t']));
        let (taken, shown, hanging) = match first {
            Some('#') if run('#') <= 6 && marks(run('#')) => {
                self.line = Line::Text { heading: true };
                let shown =
                    if self.paint.is_on() { "" } else { trimmed.get(..run('#') + 1).unwrap_or_default() };
                (run('#') + 1, shown.to_owned(), String::new())
            }
            Some('-' | '*' | '+') if marks(1) => {
                let bullet = if self.paint.is_on() { "• " } else { trimmed.get(..2).unwrap_or_default() };
                (2, format!("{spaces}{bullet}"), format!("{spaces}  "))
            }
            Some('0'..='9') if numbered(trimmed).is_some_and(marks) => {
                let length = numbered(trimmed).unwrap_or_default() + 1;
                let number = trimmed.get(..length).unwrap_or_default();
                (length, format!("{spaces}{number}"), " ".repeat(indent + length))
            }
            Some('>') => {
                let length = trimmed.find(|c| c != '>' && c != ' ').unwrap_or(trimmed.len());
                let quoted = trimmed.get(..length).unwrap_or_default();
                let bar = if self.paint.is_on() { "│ " } else { "> " };
                let bars = bar.repeat(quoted.matches('>').count());
                let bars = self.painted(&bars, Style { dim: true, ..Style::default() });
                (length, bars.clone(), bars)
            }
            _ => (0, spaces.clone(), spaces),
        };
        self.wrap.begin(shown, hanging, out);
        Some(indent + taken)
    }

    /// Writes a row of a table. Rows before it are written already, so its columns are as wide as theirs
    /// where they fit.
    fn row(&mut self, row: &str, out: &mut String) {
        let inner = row.trim().trim_start_matches('|');
        let inner = inner.strip_suffix('|').unwrap_or(inner);
        let cells: Vec<&str> = inner.split('|').map(str::trim).collect();
        let is_head = self.table.is_empty();
        let is_separator =
            cells.iter().all(|cell| cell.contains('-') && cell.chars().all(|c| c == '-' || c == ':'));
        if is_separator && !is_head {
            let rules: Vec<String> = self.table.iter().map(|width| "─".repeat(*width)).collect();
            let rule = rules.join("─┼─");
            if text::width(&rule) <= self.wrap.columns() {
                out.push_str(&self.painted(&rule, Style { dim: true, ..Style::default() }));
            }
            return;
        }
        let style = Style { bold: is_head, ..Style::default() };
        let cells: Vec<String> = cells.iter().map(|cell| self.cell(cell, style)).collect();
        self.table.resize(self.table.len().max(cells.len()), 1);
        for (width, cell) in self.table.iter_mut().zip(&cells) {
            *width = text::width(cell).max(*width);
        }
        let padded: Vec<String> = cells
            .iter()
            .zip(&self.table)
            .map(|(cell, width)| format!("{cell}{}", " ".repeat(width - text::width(cell))))
            .collect();
        let line = padded.join(" │ ");
        let line = match text::width(line.trim_end()) <= self.wrap.columns() {
            true => line.trim_end().to_owned(),
            false => text::wrap(&cells.join(" │ "), self.wrap.columns(), 2).join("\n"),
        };
        out.push_str(&line);
    }

    /// The text of a cell with its marks rendered, on one line.
    fn cell(&self, cell: &str, style: Style) -> String {
        let mut renderer = Self::new(self.paint, usize::MAX);
        let mut out = String::new();
        renderer.inline(cell, true, style, &mut out);
        renderer.wrap.flush(&mut out);
        out
    }

    fn painted(&self, text: &str, style: Style) -> String {
        match style.codes().filter(|_| self.paint.is_on() && !text.is_empty()) {
            Some(codes) => format!("\x1b[{codes}m{text}\x1b[0m"),
            None => text.to_owned(),
        }
    }
}

impl Style {
    /// The numbers of the ANSI sequence; `None` for plain text.
    fn codes(self) -> Option<String> {
        let codes = [
            (self.bold, "1"),
            (self.dim, "2"),
            (self.italic, "3"),
            (self.link, "4"),
            (self.struck, "9"),
            (self.code, "36"),
        ];
        let codes: Vec<&str> =
            codes.into_iter().filter(|(is_set, _)| *is_set).map(|(_, code)| code).collect();
        (!codes.is_empty()).then(|| codes.join(";"))
    }
}

/// Whether the kind of a line cannot be told from this beginning of it.
fn is_undecided(beginning: &str) -> bool {
    let Some(first) = beginning.chars().next() else { return true };
    let run = beginning.chars().take_while(|c| *c == first).count();
    let is_run = run == beginning.chars().count();
    match first {
        '#' => is_run && run <= 6,
        '-' | '*' | '_' => beginning.chars().all(|c| c == first || c == ' '),
        '+' => is_run && run == 1,
        '>' => beginning.chars().all(|c| c == '>' || c == ' '),
        '`' | '~' => run >= FENCE || is_run,
        '|' => true,
        '0'..='9' => match numbered(beginning) {
            Some(length) => length == beginning.len(),
            None => beginning.len() <= MAX_DIGITS && beginning.bytes().all(|byte| byte.is_ascii_digit()),
        },
        _ => false,
    }
}

/// The length of a list's number with its mark: that of `12.` in `12. twelfth`.
fn numbered(line: &str) -> Option<usize> {
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let is_marked = line.get(digits..).is_some_and(|rest| rest.starts_with(['.', ')']));
    (1..=MAX_DIGITS).contains(&digits).then_some(digits + 1).filter(|_| is_marked)
}

fn is_rule(line: &str, mark: char) -> bool {
    line.chars().all(|c| c == mark || c == ' ') && line.matches(mark).count() >= FENCE
}
