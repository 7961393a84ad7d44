//! Everything that is written for people or programs to read: two channels, and the manners of each.
//!
//! Standard output carries results and nothing else; losing it ends the program quietly. Standard error
//! carries remarks; losing it is nobody's problem.

pub(crate) mod number;
pub(crate) mod progress;
pub(crate) mod style;
pub(crate) mod table;
pub(crate) mod text;

use std::io::{self, IsTerminal, Write};

use serde::Serialize;
use terminal_size::{Height, Width, terminal_size_of};

use self::style::Paint;
use crate::cli::Cli;

/// The version of everything that is written as JSON. New fields do not change it.
const SCHEMA_VERSION: u32 = 1;

/// Standard output takes no more.
#[derive(Debug)]
pub(crate) struct StdoutError(pub(crate) io::Error);

/// How far lines stand in that go on.
const HANGING: usize = 2;

#[derive(Serialize)]
struct Document<'a, T> {
    schema_version: u32,
    #[serde(flatten)]
    body: &'a T,
}

/// A document, and whether it is from the sandbox.
#[derive(Serialize)]
struct Labelled<'a, T> {
    #[serde(flatten)]
    document: &'a T,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    sandbox: bool,
}

/// The two channels and what their readers can show.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    /// Colours for standard output.
    pub(crate) out: Paint,
    /// Colours for standard error.
    pub(crate) err: Paint,
    /// Whether a person reads standard output.
    pub(crate) out_is_terminal: bool,
    /// Whether a person reads standard error.
    pub(crate) err_is_terminal: bool,
    /// How many columns standard output has; `None` where lines may be of any length.
    pub(crate) columns: Option<usize>,
    /// The same of standard error.
    pub(crate) err_columns: Option<usize>,
    /// Whether to tell what failed on the way.
    pub(crate) verbose: bool,
    /// Whether the sandbox answers, which everything that is written as JSON says.
    pub(crate) sandbox: bool,
}

impl Output {
    pub(crate) fn new(cli: &Cli) -> Self {
        let (out_is_terminal, err_is_terminal) = (io::stdout().is_terminal(), io::stderr().is_terminal());
        let columns = |size: Option<(Width, Height)>| size.map(|(Width(columns), _)| usize::from(columns));
        Self {
            out: Paint::new(cli.color, out_is_terminal),
            err: Paint::new(cli.color, err_is_terminal),
            out_is_terminal,
            err_is_terminal,
            columns: columns(terminal_size_of(io::stdout())),
            err_columns: columns(terminal_size_of(io::stderr())),
            verbose: cli.verbose,
            sandbox: cli.connect.sandbox,
        }
    }

    /// Writes a result, at once.
    ///
    /// # Errors
    /// When standard output takes no more.
    pub(crate) fn write(&self, text: &str) -> Result<(), StdoutError> {
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(StdoutError)
    }

    /// Writes text that came from elsewhere: as it is into a pipe or a file, without control characters on a
    /// terminal.
    ///
    /// # Errors
    /// When standard output takes no more.
    pub(crate) fn write_foreign(&self, text: &str) -> Result<(), StdoutError> {
        if self.out_is_terminal { self.write(&text::harmless(text)) } else { self.write(text) }
    }

    /// Writes a result for programs: one JSON object, which begins with the version of its form.
    ///
    /// # Errors
    /// When standard output takes no more.
    pub(crate) fn write_json(&self, body: &impl Serialize) -> Result<(), StdoutError> {
        self.write_document(&Document { schema_version: SCHEMA_VERSION, body })
    }

    /// Writes a result for programs that has the version of its form in it.
    ///
    /// # Errors
    /// When standard output takes no more.
    pub(crate) fn write_document(&self, document: &impl Serialize) -> Result<(), StdoutError> {
        let labelled = Labelled { document, sandbox: self.sandbox };
        let json = serde_json::to_string_pretty(&labelled).map_err(|error| StdoutError(error.into()))?;
        self.write_foreign(&(json + "\n"))
    }

    /// Writes a remark as it is.
    pub(crate) fn remark(&self, text: &str) {
        let mut err = io::stderr().lock();
        // There is no one left to tell.
        let _ = err.write_all(text.as_bytes()).and_then(|()| err.flush());
    }

    /// Writes a remark on a line of its own, or on several where the terminal is narrow.
    pub(crate) fn note(&self, line: &str) {
        match self.err_columns {
            Some(columns) => {
                let begins = line.len() - line.trim_start_matches(' ').len();
                self.remark(&format!("{}\n", text::wrap(line, columns, begins + HANGING).join("\n")));
            }
            None => self.remark(&format!("{line}\n")),
        }
    }
}
