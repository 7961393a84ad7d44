//! Text from elsewhere, made fit to be shown: answers, errors and names are other people's words.

use std::borrow::Cow;

pub(crate) use provider_compare::show::one_line;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// `text` without control characters other than line breaks and tabs, so that it cannot steer a terminal.
pub(crate) fn harmless(text: &str) -> Cow<'_, str> {
    let steers = |c: char| c.is_control() && c != '\n' && c != '\t';
    if text.contains(steers) {
        Cow::Owned(text.chars().filter(|&c| !steers(c)).collect())
    } else {
        Cow::Borrowed(text)
    }
}

/// How many columns `text` takes.
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

/// `text` cut to so many columns; an ellipsis takes the last one if anything is missing.
pub(crate) fn cut(text: &str, columns: usize) -> Cow<'_, str> {
    if width(text) <= columns {
        return Cow::Borrowed(text);
    }
    let mut kept = String::new();
    let mut room = columns.saturating_sub(1);
    for c in text.chars() {
        let wide = c.width().unwrap_or(0);
        if wide > room {
            break;
        }
        room -= wide;
        kept.push(c);
    }
    if columns > 0 {
        kept.push('…');
    }
    Cow::Owned(kept)
}

#[cfg(test)]
mod tests {
    use super::{cut, harmless, width};

    #[test]
    fn a_terminal_cannot_be_steered() {
        assert_eq!(harmless("a\x1b[31m\tb\r\n\u{9b}c"), "a[31m\tb\nc");
    }

    #[test]
    fn cutting_counts_columns() {
        assert_eq!(cut("short", 5), "short");
        assert_eq!(cut("longer", 5), "long…");
        assert_eq!(cut("日本語", 5), "日本…");
        assert_eq!(cut("日本語", 4), "日…");
        assert_eq!(cut("x y", 0), "");
        assert!((0..9).all(|columns| width(&cut("aé日本語🙂b", columns)) <= columns));
    }
}
