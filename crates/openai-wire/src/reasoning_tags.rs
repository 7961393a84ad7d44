//! Reads thoughts that a model writes into its text: `<think>…</think>` at the beginning of an answer.

use provider_core::author::ResponseAccumulator;

/// The tag that begins the thoughts.
const OPEN: &str = "<think>";
/// The tag that ends them.
const CLOSE: &str = "</think>";
/// How many bytes are held back at most while they may become the first tag. A model writes a line break or
/// two before it.
const MAX_HELD: usize = 64;

/// Sorts the text of an answer into thoughts and text, piece by piece, wherever the pieces cut a tag.
///
/// Only white space may come before the first tag. The tags, and the white space before the first one and
/// behind the last one, are in neither. Thoughts without an end are thoughts up to the end of the answer.
/// A text without tags costs no allocation, unless a piece cuts what may become the first one.
#[derive(Debug, Default)]
pub(crate) struct ReasoningTags {
    state: State,
    /// The text as it came, tags included. Empty where the answer does not begin with one: then it is the
    /// answer's own.
    raw: String,
}

#[derive(Debug, Default)]
enum State {
    /// Whether the answer begins with the tag is open. `raw` is held back.
    #[default]
    Beginning,
    /// Within the tags. So many bytes of the last one have come.
    Thoughts(usize),
    /// Behind the tags, and before any text.
    Gap,
    /// No tag counts any more.
    Text,
}

impl ReasoningTags {
    /// Collects a piece of the text.
    pub(crate) fn push(&mut self, piece: &str, out: &mut ResponseAccumulator) {
        if let State::Beginning = self.state {
            let mut held = std::mem::take(&mut self.raw);
            if held.is_empty() {
                return self.begin(piece, out);
            }
            held.push_str(piece);
            return self.begin(&held, out);
        }
        if !self.raw.is_empty() {
            self.raw.push_str(piece);
        }
        match self.state {
            State::Gap => self.push_behind(piece, out),
            State::Thoughts(_) => self.push_thoughts(piece, out),
            State::Beginning | State::Text => out.push_text(piece),
        }
    }

    /// The text as it came, where that is not the text of the answer: with tags, or held back.
    pub(crate) fn raw(&mut self) -> &mut String {
        &mut self.raw
    }

    /// Collects what was held back, since no more will come.
    pub(crate) fn finish(&mut self, out: &mut ResponseAccumulator) {
        match std::mem::replace(&mut self.state, State::Text) {
            State::Beginning => out.push_text(&std::mem::take(&mut self.raw)),
            State::Thoughts(come) => out.push_reasoning(&CLOSE[..come]),
            State::Gap | State::Text => {}
        }
    }

    fn begin(&mut self, text: &str, out: &mut ResponseAccumulator) {
        let beginning = text.trim_start();
        if let Some(thoughts) = beginning.strip_prefix(OPEN) {
            text.clone_into(&mut self.raw);
            self.state = State::Thoughts(0);
            self.push_thoughts(thoughts, out);
        } else if OPEN.starts_with(beginning) && text.len() <= MAX_HELD {
            text.clone_into(&mut self.raw);
        } else {
            self.state = State::Text;
            out.push_text(text);
        }
    }

    fn push_thoughts(&mut self, piece: &str, out: &mut ResponseAccumulator) {
        let State::Thoughts(come) = self.state else { return };
        // `CLOSE` has its first character once, so a beginning of it that goes on otherwise holds no other.
        let rest = &CLOSE[come..];
        if come > 0 && piece.len() < rest.len() && rest.starts_with(piece) {
            self.state = State::Thoughts(come + piece.len());
            return;
        }
        if let Some(text) = piece.strip_prefix(rest).filter(|_| come > 0) {
            self.state = State::Gap;
            return self.push_behind(text, out);
        }
        out.push_reasoning(&CLOSE[..come]);
        if let Some((thoughts, text)) = piece.split_once(CLOSE) {
            out.push_reasoning(thoughts);
            self.state = State::Gap;
            return self.push_behind(text, out);
        }
        let come = (1..CLOSE.len()).rev().find(|length| piece.ends_with(&CLOSE[..*length])).unwrap_or(0);
        out.push_reasoning(&piece[..piece.len() - come]);
        self.state = State::Thoughts(come);
    }

    fn push_behind(&mut self, piece: &str, out: &mut ResponseAccumulator) {
        let text = piece.trim_start();
        if !text.is_empty() {
            self.state = State::Text;
            out.push_text(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns thoughts and text of pieces that are cut at each of these places.
    fn read(text: &str, cuts: &[usize]) -> (Option<String>, String) {
        let (mut tags, mut out) = (ReasoningTags::default(), ResponseAccumulator::without_events());
        let mut from = 0;
        for to in cuts.iter().copied().chain([text.len()]) {
            tags.push(&text[from..to], &mut out);
            from = to;
        }
        tags.finish(&mut out);
        let message = &out.response().message;
        (message.reasoning.clone(), message.text.clone())
    }

    #[test]
    fn tags_are_read_wherever_they_are_cut() {
        for (text, thoughts, rest) in [
            ("<think>Hm.</think>Hi", Some("Hm."), "Hi"),
            (" \n<think>\nHm.\n</think>\n\nHi \n", Some("\nHm.\n"), "Hi \n"),
            (
                "<think>a < b </thin </ </think> <think>x</think>",
                Some("a < b </thin </ "),
                "<think>x</think>",
            ),
            ("<think><</think>Hi", Some("<"), "Hi"),
            ("<think>never ends</thi", Some("never ends</thi"), ""),
            ("<think></think>Hi", None, "Hi"),
            ("<thinking>Hi", None, "<thinking>Hi"),
            ("Hi <think>x</think>", None, "Hi <think>x</think>"),
            ("</think>Hi", None, "</think>Hi"),
            (" \n Hi", None, " \n Hi"),
            (" <th", None, " <th"),
            ("", None, ""),
        ] {
            let expected = (thoughts.map(str::to_owned), rest.to_owned());
            let every: Vec<usize> = (1..text.len()).collect();
            assert_eq!(read(text, &[]), expected, "{text:?}");
            assert_eq!(read(text, &every), expected, "{text:?} by character");
            for first in 0..text.len() {
                for second in first..text.len() {
                    assert_eq!(read(text, &[first, second]), expected, "{text:?} at {first} and {second}");
                }
            }
        }
    }

    #[test]
    fn white_space_without_end_is_not_held_back() {
        let mut tags = ReasoningTags::default();
        let mut out = ResponseAccumulator::without_events();
        for _ in 0..=MAX_HELD {
            tags.push(" ", &mut out);
        }
        assert_eq!(out.response().text().len(), MAX_HELD + 1);
    }
}
