//! Characters that were cut in half.
//!
//! A character outside the basic plane is two escapes in JSON, and a service that counts in UTF-16 may put the first into
//! one chunk and the second into the next. The first half waits here.

use memchr::memchr;
use provider_core::{Collector, ToolCallPiece};

use super::escape::unescape_into;
use super::lenient::Raw;
use super::stop::Stop;

/// The halves that wait, by the field they came in.
#[derive(Debug, Default)]
pub(crate) struct Halves {
    pub(super) content: Half,
    pub(super) reasoning: Half,
    pub(super) refusal: Half,
    arguments: Half,
    /// The call that the half in `arguments` belongs to.
    call: Option<u64>,
    /// How large the arguments of all calls are so far.
    pub(crate) argument_bytes: usize,
}

/// The pieces of one text: the escape of a first half that waits for its second, and room to write a piece without its
/// escapes, which is used again and again.
#[derive(Debug, Default)]
pub(super) struct Half {
    waiting: Option<String>,
    plain: String,
}

impl Half {
    /// The text of a piece, with the half that waited before it and without one that has to wait behind it. `None` for what
    /// is no text.
    pub(super) fn join<'s>(&'s mut self, raw: Raw<'s>) -> Option<&'s str> {
        match raw.string() {
            Some(text) => Some(self.join_text(text)),
            None => raw.number(),
        }
    }

    /// The same for the inside of a JSON string.
    pub(super) fn join_text<'s>(&'s mut self, text: &'s str) -> &'s str {
        let has_escapes = memchr(b'\\', text.as_bytes()).is_some();
        if text.is_empty() || (!has_escapes && self.waiting.is_none()) {
            return text;
        }
        let (text, half) = split_half(text);
        self.plain.clear();
        match std::mem::replace(&mut self.waiting, half.map(str::to_owned)) {
            None => unescape_into(&mut self.plain, text),
            Some(before) => unescape_into(&mut self.plain, &(before + text)),
        }
        &self.plain
    }

    /// What is left of a half whose other half never came.
    fn give_up(&mut self) -> &'static str {
        if self.waiting.take().is_some() { "\u{fffd}" } else { "" }
    }
}

impl Halves {
    /// Whether the arguments of all calls are within their limit.
    pub(crate) fn within(&self, limit: usize) -> Result<(), Stop> {
        if self.argument_bytes > limit { Err(Stop::TooManyArguments { limit }) } else { Ok(()) }
    }

    /// The text of a piece of a call's arguments; or, against the rules, the object itself, whose text is then taken.
    pub(super) fn arguments<'s>(
        &'s mut self,
        raw: Raw<'s>,
        call: Option<u64>,
        collector: &mut Collector,
    ) -> Option<&'s str> {
        let piece = if raw.is_list() || raw.is_object() {
            raw.get()
        } else {
            self.turn_to(call, collector);
            self.arguments.join(raw)
        };
        let piece = piece?;
        self.argument_bytes = self.argument_bytes.saturating_add(piece.len());
        Some(piece)
    }

    /// The same for the inside of a JSON string.
    pub(super) fn argument_text<'s>(
        &'s mut self,
        text: &'s str,
        call: Option<u64>,
        collector: &mut Collector,
    ) -> &'s str {
        self.turn_to(call, collector);
        let piece = self.arguments.join_text(text);
        self.argument_bytes = self.argument_bytes.saturating_add(piece.len());
        piece
    }

    /// The next arguments are of this call; a half that waits for another one waits in vain.
    fn turn_to(&mut self, call: Option<u64>, collector: &mut Collector) {
        if call.is_some() && call != self.call {
            self.give_up_arguments(collector);
            self.call = call;
        }
    }

    /// The end: what waited will not be completed.
    pub(crate) fn finish(&mut self, collector: &mut Collector) {
        collector.text(self.content.give_up());
        collector.reasoning(self.reasoning.give_up());
        collector.refusal(self.refusal.give_up());
        self.give_up_arguments(collector);
    }

    fn give_up_arguments(&mut self, collector: &mut Collector) {
        let left = self.arguments.give_up();
        if !left.is_empty() {
            collector.tool_call(ToolCallPiece {
                index: self.call,
                arguments: left,
                ..ToolCallPiece::default()
            });
        }
    }
}

/// Splits the escape of a first half off the end of a JSON string's inside.
fn split_half(text: &str) -> (&str, Option<&str>) {
    let Some(at) = text.len().checked_sub(6) else { return (text, None) };
    match text.as_bytes()[at..] {
        [b'\\', b'u', b'd' | b'D', b'8' | b'9' | b'a' | b'b' | b'A' | b'B', _, _] => {}
        _ => return (text, None),
    }
    // A backslash that is escaped itself begins nothing.
    let backslashes = text.as_bytes()[..at].iter().rev().take_while(|byte| **byte == b'\\').count();
    if backslashes % 2 == 1 { (text, None) } else { (&text[..at], Some(&text[at..])) }
}

#[cfg(test)]
mod tests {
    use super::split_half;

    #[test]
    fn only_a_first_half_at_the_end_waits() {
        assert_eq!(split_half(r"a\ud83d"), ("a", Some(r"\ud83d")));
        assert_eq!(split_half(r"\uDBFF"), ("", Some(r"\uDBFF")));
        assert_eq!(split_half(r"\\\ud83d"), (r"\\", Some(r"\ud83d")));
        for whole in [r"\ud83d\uddfc", r"\uddfc", r"\\ud83d", r"\u00e9", "ud83d", "", "東京京京", "d83d東"]
        {
            assert_eq!(split_half(whole), (whole, None));
        }
    }
}
