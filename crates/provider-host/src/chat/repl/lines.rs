//! The lines that are typed: editing, history, several lines.

use std::io::Write as _;
use std::path::PathBuf;

use rustyline::DefaultEditor;
use rustyline::config::Config;
use rustyline::error::ReadlineError;

use crate::exit::Failure;
use crate::signal::{Signal, Signals};
use crate::terminal::Restore;

/// How many lines the history keeps.
const MAX_HISTORY: usize = 1000;
/// Ends the mode in which a terminal says what is pasted.
const PASTE_OFF: &str = "\x1b[?2004l";
/// Stands around a text of several lines.
const QUOTES: &str = "\"\"\"";

/// A line editor. A line that ends in `\` goes on in the next one, and so does all between two `"""`. What is
/// pasted is one text.
#[derive(Debug)]
pub(super) struct Lines {
    /// Away while a thread waits for a line.
    editor: Option<DefaultEditor>,
    history: Option<PathBuf>,
}

impl Lines {
    /// Opens the editor, with the history of this file, which is made.
    ///
    /// # Errors
    /// When there is no terminal.
    pub(super) fn open(history: Option<PathBuf>) -> Result<Self, Failure> {
        let config = Config::builder().max_history_size(MAX_HISTORY).map_err(failed)?;
        let config = config.history_ignore_space(true).bracketed_paste(true).build();
        let mut editor = DefaultEditor::with_config(config).map_err(failed)?;
        if let Some(path) = &history {
            // The first time there is none.
            let _ = editor.load_history(path);
        }
        Ok(Self { editor: Some(editor), history })
    }

    /// Waits for a text; `None` after Ctrl-D. Ctrl-C drops what was typed.
    ///
    /// # Errors
    /// When the terminal fails, and at SIGTERM.
    pub(super) async fn next(&mut self) -> Result<Option<String>, Failure> {
        loop {
            let Some(mut editor) = self.editor.take() else { return Ok(None) };
            let mut typing = Typing::begin();
            let read = tokio::task::spawn_blocking(move || {
                let read = text(|prompt| editor.readline(prompt));
                (editor, read)
            });
            let read = tokio::select! {
                read = read => read,
                () = terminated() => return Err(Failure::Interrupted(None)),
            };
            typing.is_over = true;
            let (mut editor, read) =
                read.map_err(|error| Failure::Io("cannot read the terminal".to_owned(), error.into()))?;
            let read = match read {
                Ok(text) => {
                    self.remember(&mut editor, &text);
                    Some(Ok(Some(text)))
                }
                Err(ReadlineError::Interrupted) => None,
                Err(ReadlineError::Eof) => Some(Ok(None)),
                Err(error) => Some(Err(failed(error))),
            };
            self.editor = Some(editor);
            if let Some(read) = read {
                return read;
            }
        }
    }

    fn remember(&self, editor: &mut DefaultEditor, text: &str) {
        let is_new = !text.trim().is_empty() && editor.add_history_entry(text).unwrap_or(false);
        if let Some(path) = self.history.as_ref().filter(|_| is_new) {
            // A history that cannot be written is no reason to stop. Its folder is made with the store.
            let _ = editor.append_history(path);
        }
    }
}

/// A terminal that is in the hands of the line editor. Dropped before that is over, it is put back: the
/// thread of the editor cannot be stopped.
struct Typing {
    is_over: bool,
    _restore: Restore,
}

impl Typing {
    fn begin() -> Self {
        Self { is_over: false, _restore: Restore::new() }
    }
}

impl Drop for Typing {
    fn drop(&mut self) {
        if !self.is_over {
            let mut out = std::io::stdout();
            // A terminal that is gone needs no state.
            let _ = out.write_all(PASTE_OFF.as_bytes()).and_then(|()| out.flush());
        }
    }
}

/// Waits for SIGTERM. Ctrl-C is a key of the editor.
async fn terminated() {
    let mut signals = Signals::listen();
    while signals.next().await != Signal::Terminated {}
}

/// Reads a text of one line or of several.
fn text(mut read: impl FnMut(&str) -> Result<String, ReadlineError>) -> Result<String, ReadlineError> {
    let mut text = read("> ")?;
    if let Some(begun) = text.trim_start().strip_prefix(QUOTES) {
        text = begun.to_owned();
        while !text.trim_end().ends_with(QUOTES) {
            text = format!("{text}\n{}", read("… ")?);
        }
        let text = text.trim_end();
        return Ok(text.strip_suffix(QUOTES).unwrap_or(text).trim_matches('\n').to_owned());
    }
    while let Some(line) = text.strip_suffix('\\') {
        text = format!("{line}\n{}", read("… ")?);
    }
    Ok(text)
}

fn failed(error: ReadlineError) -> Failure {
    Failure::Io("cannot read the terminal".to_owned(), std::io::Error::other(error))
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn backslash_and_quotes_join_lines() {
        for (typed, expected) in [
            (&["one"][..], "one"),
            (&["one\\", "two\\", "three"], "one\ntwo\nthree"),
            (&["\"\"\"", "one", "", "two\"\"\""], "one\n\ntwo"),
            (&["\"\"\"one\"\"\""], "one"),
            (&["\"\"\"", "a\\", "\"\"\""], "a\\"),
        ] {
            let mut typed = typed.iter().map(|line| (*line).to_owned());
            assert_eq!(text(|_| Ok(typed.next().unwrap())).unwrap(), expected);
            assert_eq!(typed.next(), None);
        }
    }
}
