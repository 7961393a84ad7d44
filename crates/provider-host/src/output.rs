//! The output of the program: results on standard output, notes on standard error.
//!
//! Standard output has results alone; if its reader is gone, the program ends quietly. Standard error has
//! notes; if its reader is gone, the program goes on.

pub(crate) mod markdown;
pub(crate) mod number;
pub(crate) mod progress;
pub(crate) mod style;
pub(crate) mod table;
pub(crate) mod text;

use std::io::{self, IsTerminal, Write};

use serde::Serialize;
use terminal_size::{Height, Width, terminal_size_of};

use self::style::{ColorChoice, Paint};

/// The version of all JSON output. New fields do not change it.
const SCHEMA_VERSION: u32 = 1;

/// The error of a standard output without a reader.
#[derive(Debug)]
pub(crate) struct StdoutError(pub(crate) io::Error);

/// The indent of continued lines, in columns.
const HANGING_INDENT: usize = 2;

#[derive(Serialize)]
struct Document<'a, T> {
    schema_version: u32,
    #[serde(flatten)]
    body: &'a T,
}

/// A JSON document, and whether it is from the sandbox.
#[derive(Serialize)]
struct Labelled<'a, T> {
    #[serde(flatten)]
    document: &'a T,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    sandbox: bool,
}

/// A line of JSON.
#[derive(Serialize)]
struct JsonLine<'a, T> {
    #[serde(rename = "type")]
    kind: &'static str,
    data: &'a T,
}

/// The two channels, and the abilities of their terminals.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    /// The colours of standard output.
    pub(crate) out: Paint,
    /// The colours of standard error.
    pub(crate) err: Paint,
    /// Whether standard output is a terminal.
    pub(crate) out_is_terminal: bool,
    /// Whether standard error is a terminal.
    pub(crate) err_is_terminal: bool,
    /// The columns of standard output; `None` for lines of any length.
    pub(crate) columns: Option<usize>,
    /// The columns of standard error; `None` for lines of any length.
    pub(crate) err_columns: Option<usize>,
    /// Whether to report failed attempts.
    pub(crate) verbose: bool,
    /// Whether the sandbox answers, which all JSON output says.
    pub(crate) sandbox: bool,
    /// Whether a conversation is held at the terminal, in which commands stand for flags.
    pub(crate) conversation: bool,
    /// Whether JSON is written in lines, each an object with a `type` and `data`.
    pub(crate) json_lines: bool,
}

impl Output {
    /// The channels of this process. `verbose` reports failed attempts, `sandbox` marks all JSON output.
    pub(crate) fn new(color: ColorChoice, verbose: bool, sandbox: bool) -> Self {
        let (out_is_terminal, err_is_terminal) = (io::stdout().is_terminal(), io::stderr().is_terminal());
        let columns = |size: Option<(Width, Height)>| size.map(|(Width(columns), _)| usize::from(columns));
        Self {
            out: Paint::new(color, out_is_terminal),
            err: Paint::new(color, err_is_terminal),
            out_is_terminal,
            err_is_terminal,
            columns: columns(terminal_size_of(io::stdout())),
            err_columns: columns(terminal_size_of(io::stderr())),
            verbose,
            sandbox,
            conversation: false,
            json_lines: false,
        }
    }

    /// Writes a result and flushes it.
    ///
    /// # Errors
    /// When standard output takes no more.
    pub(crate) fn write(&self, text: &str) -> Result<(), StdoutError> {
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(StdoutError)
    }

    /// Writes untrusted text: unchanged into a pipe or a file, without control characters on a terminal.
    ///
    /// # Errors
    /// When standard output takes no more.
    pub(crate) fn write_untrusted(&self, text: &str) -> Result<(), StdoutError> {
        if self.out_is_terminal { self.write(&text::strip_controls(text)) } else { self.write(text) }
    }

    /// Writes a JSON object with `schema_version` in front.
    ///
    /// # Errors
    /// When standard output takes no more.
    pub(crate) fn write_json(&self, body: &impl Serialize) -> Result<(), StdoutError> {
        self.write_document(&Document { schema_version: SCHEMA_VERSION, body })
    }

    /// Writes a JSON object that has its own `schema_version`.
    ///
    /// # Errors
    /// When standard output takes no more.
    pub(crate) fn write_document(&self, document: &impl Serialize) -> Result<(), StdoutError> {
        let labelled = Labelled { document, sandbox: self.sandbox };
        if self.json_lines {
            return self.write_line("outcome", &labelled);
        }
        let json = serde_json::to_string_pretty(&labelled).map_err(|error| StdoutError(error.into()))?;
        self.write_untrusted(&(json + "\n"))
    }

    /// Writes a line of JSON with this type.
    ///
    /// # Errors
    /// When standard output takes no more.
    pub(crate) fn write_line(&self, kind: &'static str, data: &impl Serialize) -> Result<(), StdoutError> {
        self.write_event(&JsonLine { kind, data })
    }

    /// Writes an object that has its own `type` as a line of JSON.
    ///
    /// # Errors
    /// When standard output takes no more.
    pub(crate) fn write_event(&self, event: &impl Serialize) -> Result<(), StdoutError> {
        let json = serde_json::to_string(event).map_err(|error| StdoutError(error.into()))?;
        self.write_untrusted(&(json + "\n"))
    }

    /// Writes to standard error without a line end.
    pub(crate) fn remark(&self, text: &str) {
        let mut err = io::stderr().lock();
        // Without a reader, there is nowhere to report the error.
        let _ = err.write_all(text.as_bytes()).and_then(|()| err.flush());
    }

    /// Writes a note on a line of its own, wrapped to the width of the terminal.
    pub(crate) fn note(&self, line: &str) {
        match self.err_columns {
            Some(columns) => {
                let begins = line.len() - line.trim_start_matches(' ').len();
                self.remark(&format!(
                    "{}\n",
                    text::wrap_parts(line, columns, begins + HANGING_INDENT).join("\n")
                ));
            }
            None => self.remark(&format!("{line}\n")),
        }
    }
}
