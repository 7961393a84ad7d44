//! Joins the pieces of an answer's texts.
//!
//! Each text has a [`JoinedText`] as its key. A high surrogate at the end of one piece is buffered under this
//! key for the next one (see [`SurrogateJoiner`]). The arguments of all tool calls are counted.

use std::borrow::Cow;

use lenient_json::{Raw, SurrogateJoiner};
use provider_core::author::ResponseAccumulator;

use crate::reasoning_tags::ReasoningTags;

/// Joins the pieces of an answer's texts, and counts the arguments of its tool calls.
#[derive(Debug, Default)]
pub(crate) struct TextJoiner {
    joiner: SurrogateJoiner<JoinedText>,
    /// The size of the arguments of all calls so far, in bytes.
    argument_bytes: usize,
    /// Reads thoughts in the text, where that is asked for.
    tags: Option<ReasoningTags>,
}

/// A text that comes in pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum JoinedText {
    Reasoning,
    /// A field of a reasoning detail, by the detail's position.
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

impl TextJoiner {
    /// Has thoughts read that stand in the text, between tags.
    pub(crate) fn read_reasoning_tags(&mut self) {
        self.tags.get_or_insert_default();
    }

    /// Collects a piece of the answer's text. False for a value that is no text.
    pub(crate) fn collect_text(&mut self, raw: Raw<'_>, out: &mut ResponseAccumulator) -> bool {
        match (raw.string(), raw.number()) {
            (Some(text), _) => self.push_text(text, out),
            (None, Some(number)) => self.push_joined_text(number, out),
            (None, None) => return false,
        }
        true
    }

    /// Collects a piece of the answer's text that is the inside of a JSON string.
    pub(crate) fn push_text(&mut self, text: &str, out: &mut ResponseAccumulator) {
        let text = self.joiner.join(text, || JoinedText::Content);
        push(&mut self.tags, text, out);
    }

    /// Collects a piece of the answer's text that was joined elsewhere.
    pub(crate) fn push_joined_text(&mut self, text: &str, out: &mut ResponseAccumulator) {
        push(&mut self.tags, text, out);
    }

    /// Collects what the reader of tags has held back.
    pub(crate) fn finish_tags(&mut self, out: &mut ResponseAccumulator) {
        if let Some(tags) = &mut self.tags {
            tags.finish(out);
        }
    }

    /// Takes the answer's text as it came, where its reader of tags has made something else of it. To be
    /// [put back](Self::put_back) before the next piece. Empty: the text is the answer's own.
    pub(crate) fn take_tagged(&mut self) -> String {
        self.tags.as_mut().map(|tags| std::mem::take(tags.raw())).unwrap_or_default()
    }

    /// Puts back what [`take_tagged`](Self::take_tagged) took.
    pub(crate) fn put_back(&mut self, tagged: String) {
        if let Some(tags) = &mut self.tags {
            *tags.raw() = tagged;
        }
    }

    /// Returns how long that text is, in bytes.
    pub(crate) fn tagged_bytes(&mut self) -> usize {
        self.tags.as_mut().map_or(0, |tags| tags.raw().len())
    }

    /// Returns the text of a piece; `None` for a value that is no text.
    pub(crate) fn join<'s>(&'s mut self, raw: Raw<'s>, place: JoinedText) -> Option<&'s str> {
        match raw.string() {
            Some(text) => Some(self.join_text(text, place)),
            None => raw.number(),
        }
    }

    /// Returns the text of a piece that is the inside of a JSON string.
    pub(crate) fn join_text<'s>(&'s mut self, text: &'s str, place: JoinedText) -> &'s str {
        self.joiner.join(text, || place)
    }

    /// Returns a tool call's name, or a piece of it. `call` gives the call's number; it runs only if the
    /// number matters.
    pub(crate) fn join_name<'a>(&mut self, raw: Raw<'a>, call: impl FnOnce() -> usize) -> Cow<'a, str> {
        match raw.string() {
            Some(text) if !self.joiner.is_empty() || text.contains('\\') => {
                Cow::Owned(self.joiner.join(text, || JoinedText::Name(call())).to_owned())
            }
            _ => raw.text().into_cow(),
        }
    }

    /// Returns a piece of a call's arguments. Some services send the object itself and not its text: then
    /// this is the text of the object. Empty for anything else.
    pub(crate) fn join_arguments<'s>(&'s mut self, raw: Raw<'s>, call: impl FnOnce() -> usize) -> &'s str {
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

    /// Returns a piece of a call's arguments that is the inside of a JSON string.
    pub(crate) fn argument_text<'s>(&'s mut self, text: &'s str, call: impl FnOnce() -> usize) -> &'s str {
        let piece = self.joiner.join(text, || JoinedText::Arguments(call()));
        self.argument_bytes = self.argument_bytes.saturating_add(piece.len());
        piece
    }

    /// Counts a piece of arguments that was joined elsewhere.
    pub(crate) fn count_arguments(&mut self, piece: &str) {
        self.argument_bytes = self.argument_bytes.saturating_add(piece.len());
    }

    /// Takes the texts whose last character will not be completed.
    pub(crate) fn finish(&mut self) -> impl Iterator<Item = JoinedText> + use<> {
        self.joiner.finish()
    }

    /// Returns how many bytes the arguments of all calls have so far.
    pub(crate) fn argument_bytes(&self) -> usize {
        self.argument_bytes
    }

    /// Buffers the surrogate at the end of a text that was joined elsewhere, in place of the one that is
    /// buffered now.
    pub(crate) fn buffer(&mut self, place: JoinedText, half: Option<&str>) {
        self.joiner.buffer(place, half);
    }
}

fn push(tags: &mut Option<ReasoningTags>, text: &str, out: &mut ResponseAccumulator) {
    match tags {
        Some(tags) => tags.push(text, out),
        None => out.push_text(text),
    }
}

#[cfg(test)]
mod tests {
    use lenient_json::Raw;

    use super::{JoinedText, TextJoiner};

    #[test]
    fn every_text_has_a_place_of_its_own_to_wait() {
        let mut texts = TextJoiner::default();
        assert_eq!(texts.join_text(r"a\ud83d", JoinedText::Content), "a");
        assert_eq!(texts.join_name(Raw(Some(r#""n\ud83d""#)), || 0), "n");
        assert_eq!(texts.join_name(Raw(Some(r#""m\ud83d""#)), || 1), "m");
        assert_eq!(texts.join_arguments(Raw(Some(r#""\ud83d""#)), || 1), "");
        assert_eq!(texts.join_text("plain", JoinedText::Detail(0, "text")), "plain");
        assert_eq!(texts.join_name(Raw(Some(r#""\ude80""#)), || 0), "🚀");
        assert_eq!(texts.join_arguments(Raw(Some(r#""\ude81""#)), || 1), "🚁");
        assert_eq!(texts.join_name(Raw(Some(r#""\ude82s""#)), || 1), "🚂s");
        assert_eq!(texts.join_text("", JoinedText::Content), "");
        assert_eq!(texts.join_text(r"\ude83", JoinedText::Content), "🚃");
        assert!(texts.joiner.is_empty());
    }
}
