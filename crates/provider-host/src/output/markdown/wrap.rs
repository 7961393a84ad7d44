//! Fills lines with words of several styles.

use unicode_width::UnicodeWidthChar;

use crate::output::text;

/// Characters that do not begin a line: they stay with the character in front of them.
const CLOSING: &str = "、。，．！？：；）」』】》〉";

/// Writes words, and begins a line where the next one does not fit.
#[derive(Debug)]
pub(super) struct Wrap {
    columns: usize,
    /// The columns of the current line that are taken.
    used: usize,
    /// The beginning of continued lines.
    hanging: String,
    /// The word that is not whole yet: its pieces, each with its ANSI codes.
    word: Vec<(String, Option<String>)>,
    width: usize,
    /// Whether a space comes before the word.
    is_spaced: bool,
}

impl Wrap {
    pub(super) fn new(columns: usize) -> Self {
        Self { columns, used: 0, hanging: String::new(), word: Vec::new(), width: 0, is_spaced: false }
    }

    pub(super) fn columns(&self) -> usize {
        self.columns
    }

    /// Begins a line with a text, and continued lines with another one.
    pub(super) fn begin(&mut self, text: String, hanging: String, out: &mut String) {
        out.push_str(&text);
        self.used = text::width(&text);
        self.hanging = hanging;
    }

    /// Adds a character to the word; `codes` are those of its style. A wide character other than Hangul, of
    /// which words have spaces between them, is a word of its own.
    pub(super) fn push(&mut self, c: char, codes: Option<&str>, out: &mut String) {
        let width = c.width().unwrap_or(0);
        let is_hangul =
            matches!(c, '\u{1100}'..='\u{11ff}' | '\u{3130}'..='\u{318f}' | '\u{ac00}'..='\u{d7af}');
        if width > 1 && !is_hangul && !CLOSING.contains(c) {
            self.flush(out);
        }
        self.width += width;
        match self.word.last_mut() {
            Some((piece, of_piece)) if of_piece.as_deref() == codes => piece.push(c),
            _ => self.word.push((c.to_string(), codes.map(str::to_owned))),
        }
    }

    /// Ends the word.
    pub(super) fn space(&mut self, out: &mut String) {
        self.flush(out);
        self.is_spaced = true;
    }

    /// Writes the word, on a new line if it does not fit. One that is wider than a line is cut only if it has
    /// wide characters: terminals wrap it, and a link can be copied.
    pub(super) fn flush(&mut self, out: &mut String) {
        if self.word.is_empty() {
            return;
        }
        let indent = text::width(&self.hanging);
        let is_first = self.used <= indent;
        let space = usize::from(self.is_spaced && !is_first);
        let fits = |used: usize, width: usize, columns: usize| used.saturating_add(width) <= columns;
        if !fits(self.used, space + self.width, self.columns) && !is_first {
            self.continue_line(out);
        } else if space > 0 {
            out.push(' ');
            self.used += 1;
        }
        let is_cut = !fits(self.used, self.width, self.columns)
            && self.word.iter().flat_map(|(piece, _)| piece.chars()).any(|c| c.width() == Some(2));
        for (piece, codes) in std::mem::take(&mut self.word) {
            let mut lines = String::new();
            for c in piece.chars() {
                let width = c.width().unwrap_or(0);
                if is_cut && !fits(self.used, width, self.columns) && self.used > indent {
                    self.continue_line(&mut lines);
                }
                lines.push(c);
                self.used += width;
            }
            match codes {
                Some(codes) => out.push_str(&format!("\x1b[{codes}m{lines}\x1b[0m")),
                None => out.push_str(&lines),
            }
        }
        (self.width, self.is_spaced) = (0, false);
    }

    /// Ends the line of the text.
    pub(super) fn new_line(&mut self, out: &mut String) {
        out.push('\n');
        self.hanging.clear();
        (self.used, self.is_spaced) = (0, false);
    }

    fn continue_line(&mut self, out: &mut String) {
        out.push('\n');
        out.push_str(&self.hanging);
        self.used = text::width(&self.hanging);
    }
}
