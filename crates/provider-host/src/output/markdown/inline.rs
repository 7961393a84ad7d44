//! Marks within a line: emphasis, code, links.

use super::{MAX_SPAN, Markdown, Style};

/// A span between two marks.
enum Span<'a> {
    /// The text between them, and the length of all.
    Whole(&'a str, usize),
    /// Its end may still come.
    Open,
    /// It has no end: the mark is text.
    None,
}

impl Markdown {
    /// Writes the words of a text, and returns the length of what is decided: all of it, if it is complete.
    pub(super) fn inline(&mut self, text: &str, is_complete: bool, style: Style, out: &mut String) -> usize {
        let codes = style.codes().filter(|_| self.paint.is_on());
        let mut at = 0;
        while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
            let before = text.get(..at).and_then(|before| before.chars().next_back());
            let Some(c) = rest.chars().next() else { break };
            if c == ' ' || c == '\t' {
                self.wrap.space(out);
                at += 1;
                continue;
            }
            if !self.paint.is_on() || style.code {
                self.wrap.push(c, codes.as_deref(), out);
                at += c.len_utf8();
                continue;
            }
            let (span, inner) = match c {
                '\\' => {
                    let escaped = rest.chars().nth(1);
                    if escaped.is_none() && !is_complete {
                        return at;
                    }
                    if let Some(mark) = escaped.filter(char::is_ascii_punctuation) {
                        self.wrap.push(mark, codes.as_deref(), out);
                        at += 1 + mark.len_utf8();
                        continue;
                    }
                    (Span::None, style)
                }
                '`' => (code(rest, is_complete), Style { code: true, ..style }),
                '*' | '_' | '~' => {
                    let run = run(rest, c);
                    let looks = match (c, run) {
                        ('~', 2) => Some(Style { struck: true, ..style }),
                        ('*' | '_', 1) => Some(Style { italic: true, ..style }),
                        ('*' | '_', 2) => Some(Style { bold: true, ..style }),
                        ('*' | '_', 3) => Some(Style { bold: true, italic: true, ..style }),
                        _ => None,
                    };
                    match looks {
                        // The run may go on.
                        _ if run == rest.len() && !is_complete => return at,
                        Some(inner) => (emphasis(rest, c, before, is_complete), inner),
                        None => (Span::None, style),
                    }
                }
                '[' => match self.link(rest, is_complete, style, out) {
                    Span::Whole(_, length) => {
                        at += length;
                        continue;
                    }
                    open_or_none => (open_or_none, style),
                },
                _ => (Span::None, style),
            };
            match span {
                Span::Whole(within, length) => {
                    self.inline(within, true, inner, out);
                    at += length;
                }
                Span::Open => return at,
                Span::None => {
                    // All of a run, or its second mark would be taken for a beginning.
                    let length = if "`*_~".contains(c) { run(rest, c) } else { c.len_utf8() };
                    for c in rest.get(..length).unwrap_or_default().chars() {
                        self.wrap.push(c, codes.as_deref(), out);
                    }
                    at += length;
                }
            }
        }
        text.len()
    }

    /// Writes a link that a text begins with: its words, and its address unless that is the same.
    fn link<'a>(&mut self, text: &'a str, is_complete: bool, style: Style, out: &mut String) -> Span<'a> {
        let window = window(text);
        let missing = || if is_complete || text.len() > MAX_SPAN { Span::None } else { Span::Open };
        let Some(middle) = window.find(']') else { return missing() };
        let words = window.get(1..middle).unwrap_or_default();
        let behind = window.get(middle + 1..).unwrap_or_default();
        if behind.is_empty() {
            return missing();
        }
        let Some(address) = behind.strip_prefix('(') else { return Span::None };
        let Some(end) = address.find(')') else { return missing() };
        let address = address.get(..end).unwrap_or_default();
        self.inline(words, true, Style { link: true, ..style }, out);
        if address != words {
            self.wrap.space(out);
            let dim = Style { dim: true, ..Style::default() }.codes();
            for c in ["(", address, ")"].concat().chars() {
                self.wrap.push(c, dim.as_deref(), out);
            }
        }
        Span::Whole(words, middle + 1 + 1 + end + 1)
    }
}

/// The part of a text in which a mark's end is looked for.
fn window(text: &str) -> &str {
    let end = (0..=MAX_SPAN.min(text.len())).rev().find(|at| text.is_char_boundary(*at));
    text.get(..end.unwrap_or_default()).unwrap_or_default()
}

fn run(text: &str, mark: char) -> usize {
    text.chars().take_while(|c| *c == mark).count()
}

/// Code that a text begins with.
fn code(text: &str, is_complete: bool) -> Span<'_> {
    closed(text, '`', is_complete, |_, _| true)
}

/// Emphasis that a text begins with, behind the character `before`: its mark stands before a word, and ends
/// behind one. Within a word, underscores are text.
fn emphasis(text: &str, mark: char, before: Option<char>, is_complete: bool) -> Span<'_> {
    let opens = text.get(run(text, mark)..).and_then(|rest| rest.chars().next());
    let is_in_word = |c: Option<char>| mark == '_' && c.is_some_and(char::is_alphanumeric);
    if opens.is_none_or(char::is_whitespace) || is_in_word(before) {
        return Span::None;
    }
    closed(text, mark, is_complete, |before, behind| {
        before.is_some_and(|c| !c.is_whitespace()) && !is_in_word(behind)
    })
}

/// The text from a run of marks to the next run of the same length that `ends` it, given the characters on
/// both sides.
fn closed(
    text: &str,
    mark: char,
    is_complete: bool,
    ends: impl Fn(Option<char>, Option<char>) -> bool,
) -> Span<'_> {
    let (window, length) = (window(text), run(text, mark));
    let is_all = window.len() == text.len() && is_complete;
    let mut at = length;
    while let Some(found) = window.get(at..).and_then(|rest| rest.find(mark)) {
        let begin = at + found;
        let count = run(window.get(begin..).unwrap_or_default(), mark);
        at = begin + count;
        let behind = window.get(at..).and_then(|rest| rest.chars().next());
        if behind.is_none() && !is_all {
            break;
        }
        let within = window.get(length..begin).unwrap_or_default();
        if count == length && !within.is_empty() && ends(within.chars().next_back(), behind) {
            return Span::Whole(within, at);
        }
    }
    if is_complete || text.len() > MAX_SPAN { Span::None } else { Span::Open }
}
