//! Characters that were cut in half.
//!
//! A character outside the basic plane is two escapes in JSON, and a service that counts in UTF-16 may put
//! the first into one chunk and the second into the next: a pair of surrogates, of which the high one waits
//! here for the low one. There is a place to wait for every text that is put together from pieces, so that
//! pieces of several texts may come in turns.

use std::borrow::Cow;

use lenient_json::{Raw, SurrogateJoiner, UNPAIRED};
use provider_core::author::{ResponseAccumulator, ToolCallPiece};

use super::collect::spoken;
use super::details;
use super::stop::Stop;

/// Joins the pieces of an answer's texts, and counts the arguments of its tool calls.
#[derive(Debug, Default)]
pub(crate) struct Halves {
    joiner: SurrogateJoiner<Place>,
    /// How large the arguments of all calls are so far.
    argument_bytes: usize,
}

/// A text that is put together from pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    Reasoning,
    /// A field of a structured thought, by the thought's position.
    Detail(usize, &'static str),
    Content,
    Refusal,
    Sound,
    Transcript,
    /// The name of a tool call, by the call's number.
    Name(usize),
    /// The arguments of a tool call.
    Arguments(usize),
}

impl Halves {
    /// The text of a piece, with the surrogate that waited before it and without one that has to wait behind
    /// it. `None` for what is no text.
    pub(super) fn join<'s>(&'s mut self, raw: Raw<'s>, place: Place) -> Option<&'s str> {
        match raw.string() {
            Some(text) => Some(self.join_text(text, place)),
            None => raw.number(),
        }
    }

    /// The same for the inside of a JSON string.
    pub(super) fn join_text<'s>(&'s mut self, text: &'s str, place: Place) -> &'s str {
        self.joiner.join(text, || place)
    }

    /// A tool call's name, or a piece of it. `call` gives the call's number, and is asked only if it matters.
    pub(super) fn join_name<'a>(&mut self, raw: Raw<'a>, call: impl FnOnce() -> usize) -> Cow<'a, str> {
        match raw.string() {
            Some(text) if !self.joiner.is_empty() || text.contains('\\') => {
                Cow::Owned(self.joiner.join(text, || Place::Name(call())).to_owned())
            }
            _ => raw.text().into_cow(),
        }
    }

    /// A piece of a call's arguments, or against the rules the object itself, whose text is then taken. Empty
    /// for anything else.
    pub(super) fn join_arguments<'s>(&'s mut self, raw: Raw<'s>, call: impl FnOnce() -> usize) -> &'s str {
        match raw.string() {
            Some(text) => self.argument_text(text, call),
            None => {
                let is_json = raw.is_list() || raw.is_object();
                let piece = if is_json { raw.get() } else { raw.number() }.unwrap_or_default();
                self.count_arguments(piece);
                piece
            }
        }
    }

    /// The same for the inside of a JSON string.
    pub(super) fn argument_text<'s>(&'s mut self, text: &'s str, call: impl FnOnce() -> usize) -> &'s str {
        let piece = self.joiner.join(text, || Place::Arguments(call()));
        self.argument_bytes = self.argument_bytes.saturating_add(piece.len());
        piece
    }

    /// Counts a piece of arguments that was joined elsewhere.
    pub(super) fn count_arguments(&mut self, piece: &str) {
        self.argument_bytes = self.argument_bytes.saturating_add(piece.len());
    }

    /// Whether the arguments of all calls are within their limit.
    pub(crate) fn within(&self, limit: usize) -> Result<(), Stop> {
        if self.argument_bytes > limit { Err(Stop::TooManyArguments { limit }) } else { Ok(()) }
    }

    /// Has the surrogate at the end of a text wait in the place of the one that waits now.
    pub(super) fn wait(&mut self, place: Place, half: Option<&str>) {
        self.joiner.buffer(place, half);
    }

    /// The end: what waits will not be completed.
    pub(crate) fn finish(&mut self, accumulator: &mut ResponseAccumulator) {
        for place in self.joiner.finish() {
            let call = |call, name, arguments| ToolCallPiece {
                call: Some(call),
                name,
                arguments,
                ..ToolCallPiece::default()
            };
            match place {
                Place::Reasoning => accumulator.push_reasoning(UNPAIRED),
                Place::Detail(item, key) => details::give_up(item, key, UNPAIRED, accumulator),
                Place::Content => accumulator.push_text(UNPAIRED),
                Place::Refusal => accumulator.push_refusal(UNPAIRED),
                Place::Sound => accumulator.push_audio(spoken(UNPAIRED.to_owned(), String::new())),
                Place::Transcript => accumulator.push_audio(spoken(String::new(), UNPAIRED.to_owned())),
                Place::Name(number) => accumulator.push_tool_call(call(number, Some(UNPAIRED), "")),
                Place::Arguments(number) => accumulator.push_tool_call(call(number, None, UNPAIRED)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use lenient_json::Raw;

    use super::{Halves, Place};

    #[test]
    fn every_text_has_a_place_of_its_own_to_wait() {
        let mut halves = Halves::default();
        assert_eq!(halves.join_text(r"a\ud83d", Place::Content), "a");
        assert_eq!(halves.join_name(Raw(Some(r#""n\ud83d""#)), || 0), "n");
        assert_eq!(halves.join_name(Raw(Some(r#""m\ud83d""#)), || 1), "m");
        assert_eq!(halves.join_arguments(Raw(Some(r#""\ud83d""#)), || 1), "");
        assert_eq!(halves.join_text("plain", Place::Detail(0, "text")), "plain");
        assert_eq!(halves.join_name(Raw(Some(r#""\ude80""#)), || 0), "🚀");
        assert_eq!(halves.join_arguments(Raw(Some(r#""\ude81""#)), || 1), "🚁");
        assert_eq!(halves.join_name(Raw(Some(r#""\ude82s""#)), || 1), "🚂s");
        assert_eq!(halves.join_text("", Place::Content), "");
        assert_eq!(halves.join_text(r"\ude83", Place::Content), "🚃");
        assert!(halves.joiner.is_empty());
    }
}
