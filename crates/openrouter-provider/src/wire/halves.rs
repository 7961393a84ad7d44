//! Characters that were cut in half.
//!
//! A character outside the basic plane is two escapes in JSON, and a service that counts in UTF-16 may put the first into
//! one chunk and the second into the next. The first half waits here.

use std::borrow::Cow;

use provider_core::{Collector, ToolCallPiece};

use super::escape::unescape;
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

/// The escape of a first half that waits for its second.
#[derive(Debug, Default)]
pub(super) struct Half(Option<String>);

impl Half {
    /// The text of a piece, with the half that waited before it and without one that has to wait behind it.
    pub(super) fn join<'a>(&mut self, raw: Raw<'a>) -> Option<Cow<'a, str>> {
        let Some(text) = raw.string() else { return raw.text().0 };
        if text.is_empty() {
            return Some(Cow::Borrowed(""));
        }
        let (text, half) = split_half(text);
        match (std::mem::replace(&mut self.0, half.map(str::to_owned)), half) {
            (None, None) => raw.text().0,
            (None, Some(_)) => Some(unescape(text).into()),
            (Some(before), _) => Some(unescape(&(before + text)).into()),
        }
    }

    /// What is left of a half whose other half never came.
    fn give_up(&mut self) -> &'static str {
        if self.0.take().is_some() { "\u{fffd}" } else { "" }
    }
}

impl Halves {
    /// Whether the arguments of all calls are within their limit.
    pub(crate) fn within(&self, limit: usize) -> Result<(), Stop> {
        if self.argument_bytes > limit { Err(Stop::TooManyArguments { limit }) } else { Ok(()) }
    }

    /// The text of a piece of a call's arguments.
    pub(super) fn arguments<'a>(
        &mut self,
        raw: Raw<'a>,
        call: Option<u64>,
        collector: &mut Collector,
    ) -> Option<Cow<'a, str>> {
        if call.is_some() && call != self.call {
            self.give_up_arguments(collector);
            self.call = call;
        }
        self.arguments.join(raw)
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
                arguments: left.into(),
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
