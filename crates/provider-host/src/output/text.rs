//! Prepares untrusted text for the terminal: answers, errors and names come from elsewhere.

use std::borrow::Cow;

pub(crate) use provider_compare::display::one_line;
use provider_compare::display::visible;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The character with which an ANSI sequence begins.
const ESCAPE: char = '\x1b';

/// Removes control characters other than line breaks and tabs, so that a text cannot control the terminal,
/// and shows those that reverse the order of text as escapes.
pub(crate) fn strip_controls(text: &str) -> Cow<'_, str> {
    let steers = |c: char| c.is_control() && c != '\n' && c != '\t';
    if text.contains(steers) {
        let plain: String = text.chars().filter(|&c| !steers(c)).collect();
        Cow::Owned(visible(&plain).into_owned())
    } else {
        visible(text)
    }
}

/// The columns that a text takes. Colours take none.
pub(crate) fn width(text: &str) -> usize {
    if !text.contains(ESCAPE) {
        return text.width();
    }
    let mut parts = text.split(ESCAPE);
    let plain = parts.next().unwrap_or_default().width();
    // The split leaves `[31m` of a colour in front of the coloured text.
    plain + parts.map(|part| part.split_once('m').map_or(0, |(_, text)| text.width())).sum::<usize>()
}

/// Cuts a text to so many columns, between two words if possible, with an ellipsis in the last column.
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
    if !rest.starts_with(char::is_whitespace)
        && let Some((words, _)) = beginning.rsplit_once(char::is_whitespace)
    {
        beginning = words;
    }
    let ellipsis = if columns > 0 { "…" } else { "" };
    Cow::Owned(format!("{}{ellipsis}", beginning.trim_end()))
}

/// Wraps a text between words into lines of at most so many columns, and indents continued lines. A longer
/// word has a line of its own, and is not cut.
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

/// Wraps a line of short parts between bars as [`wrap`] does, but within no part that takes less than half of
/// a line.
pub(crate) fn wrap_parts(line: &str, columns: usize, indent: usize) -> Vec<String> {
    const BAR: &str = " | ";
    const GLUE: &str = "\u{a0}";
    if !line.contains(BAR) {
        return wrap(line, columns, indent);
    }
    let whole = |part: &str| match width(part) * 2 < columns {
        true => part.replace(' ', GLUE),
        false => part.to_owned(),
    };
    let glued: Vec<String> = line.split(BAR).map(whole).collect();
    wrap(&glued.join(BAR), columns, indent).into_iter().map(|line| line.replace(GLUE, " ")).collect()
}

/// The width of a text's widest word.
pub(crate) fn widest_word(text: &str) -> usize {
    text.split(' ').map(width).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{cut, strip_controls, width, wrap, wrap_parts};

    #[test]
    fn strip_controls_removes_sequences() {
        assert_eq!(strip_controls("a\x1b[31m\tb\r\n\u{9b}c"), "a[31m\tb\nc");
        assert_eq!(strip_controls("a\u{202e}\x1bb"), "a<U+202E>b");
    }

    #[test]
    fn cut_counts_columns_and_keeps_words() {
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
    fn wrap_breaks_between_words() {
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
    fn wrap_parts_breaks_at_bars() {
        assert_eq!(wrap_parts("2 of 2 | cost $1 | 767 ms", 22, 2), ["2 of 2 | cost $1 |", "  767 ms"]);
        assert_eq!(wrap_parts("no bar in it", 6, 0), ["no bar", "in it"]);
        assert_eq!(wrap_parts("a long part | b", 12, 0), ["a long part", "| b"]);
    }

    #[test]
    fn colours_take_no_columns() {
        assert_eq!(width("\x1b[31merror:\x1b[0m x"), 8);
        assert_eq!(wrap("\x1b[31mone two\x1b[0m three", 7, 0), ["\x1b[31mone two\x1b[0m", "three"]);
    }
}
