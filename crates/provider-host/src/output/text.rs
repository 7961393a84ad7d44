//! Text from elsewhere, made fit to be shown: answers, errors and names are other people's words.

use std::borrow::Cow;

pub(crate) use provider_compare::show::one_line;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The character that a colour begins with.
const ESCAPE: char = '\x1b';

/// `text` without control characters other than line breaks and tabs, so that it cannot steer a terminal.
pub(crate) fn harmless(text: &str) -> Cow<'_, str> {
    let steers = |c: char| c.is_control() && c != '\n' && c != '\t';
    if text.contains(steers) {
        Cow::Owned(text.chars().filter(|&c| !steers(c)).collect())
    } else {
        Cow::Borrowed(text)
    }
}

/// How many columns `text` takes. Colours take none.
pub(crate) fn width(text: &str) -> usize {
    if !text.contains(ESCAPE) {
        return text.width();
    }
    let mut parts = text.split(ESCAPE);
    let plain = parts.next().unwrap_or_default().width();
    // Of a colour, `[31m` is left in front of what it colours.
    plain + parts.map(|part| part.split_once('m').map_or(0, |(_, text)| text.width())).sum::<usize>()
}

/// `text` cut to so many columns, between two words if there are any; an ellipsis takes the last column if
/// anything is missing.
pub(crate) fn cut(text: &str, columns: usize) -> Cow<'_, str> {
    if width(text) <= columns {
        return Cow::Borrowed(text);
    }
    let mut kept = 0;
    let mut room = columns.saturating_sub(1);
    for (at, c) in text.char_indices() {
        let wide = c.width().unwrap_or(0);
        if wide > room {
            break;
        }
        room -= wide;
        kept = at + c.len_utf8();
    }
    let (mut beginning, rest) = text.split_at(kept);
    if !rest.starts_with(char::is_whitespace) {
        if let Some((words, _)) = beginning.rsplit_once(char::is_whitespace) {
            beginning = words;
        }
    }
    let ellipsis = if columns > 0 { "…" } else { "" };
    Cow::Owned(format!("{}{ellipsis}", beginning.trim_end()))
}

/// `text` broken between words into lines of at most so many columns; lines that go on stand in by `indent`.
/// A word that is longer than a line has one of its own, and is not cut.
pub(crate) fn wrap(text: &str, columns: usize, indent: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for line in text.lines() {
        let mut current = String::new();
        let mut used = 0;
        let mut is_begun = false;
        for (place, word) in line.split(' ').enumerate() {
            let wide = width(word);
            if is_begun && wide > 0 && used + 1 + wide > columns {
                lines.push(std::mem::replace(&mut current, " ".repeat(indent)).trim_end().to_owned());
                used = indent;
            } else if place > 0 {
                current.push(' ');
                used += 1;
            }
            current.push_str(word);
            used += wide;
            is_begun |= wide > 0;
        }
        lines.push(current.trim_end().to_owned());
    }
    lines
}

/// The widest word of a text.
pub(crate) fn widest_word(text: &str) -> usize {
    text.split(' ').map(width).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{cut, harmless, width, wrap};

    #[test]
    fn a_terminal_cannot_be_steered() {
        assert_eq!(harmless("a\x1b[31m\tb\r\n\u{9b}c"), "a[31m\tb\nc");
    }

    #[test]
    fn cutting_counts_columns_and_leaves_words_whole() {
        assert_eq!(cut("short", 5), "short");
        assert_eq!(cut("longer", 5), "long…");
        assert_eq!(cut("日本語", 5), "日本…");
        assert_eq!(cut("日本語", 4), "日…");
        assert_eq!(cut("x y", 0), "");
        assert_eq!(cut("two words", 9), "two words");
        assert_eq!(cut("two words", 8), "two…");
        assert_eq!(cut("two words", 4), "two…");
        assert_eq!(cut("three more words", 11), "three more…");
        assert!((0..9).all(|columns| width(&cut("aé日本語🙂b c", columns)) <= columns));
    }

    #[test]
    fn lines_are_broken_between_words() {
        assert_eq!(wrap("one two three", 13, 2), ["one two three"]);
        assert_eq!(wrap("one two three", 12, 2), ["one two", "  three"]);
        assert_eq!(wrap("one two three", 7, 0), ["one two", "three"]);
        assert_eq!(wrap("a/long/address is kept", 5, 1), ["a/long/address", " is", " kept"]);
        assert_eq!(wrap("key        the value of it", 20, 11), ["key        the value", "           of it"]);
        assert_eq!(wrap("  in by two words", 9, 4), ["  in by", "    two", "    words"]);
        assert_eq!(wrap("two\nlines", 20, 0), ["two", "lines"]);
        assert_eq!(wrap("\n", 20, 0), [""]);
    }

    #[test]
    fn colours_take_no_room() {
        assert_eq!(width("\x1b[31merror:\x1b[0m x"), 8);
        assert_eq!(wrap("\x1b[31mone two\x1b[0m three", 7, 0), ["\x1b[31mone two\x1b[0m", "three"]);
    }
}
