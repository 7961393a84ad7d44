//! What repeats from chunk to chunk, recognised instead of read.
//!
//! Of the three hundred bytes of a chunk, ten are new: ids, names and the shape of the choice are those of
//! the chunk before. So the latest chunk that was read in full is kept, with the places where the texts of
//! its `delta` stand. When the next one has the same bytes all around these places, and a JSON string in each
//! of them, then only those strings are read.
//!
//! It comes to the same as reading the chunk in full:
//! - JSON in which strings are replaced by other strings is the same value with these strings replaced.
//! - What a chunk says beside these texts, it has said the moment before, and saying it once more changes
//!   nothing. A chunk of which that is not certain (one with an error, usage, an end, the beginning of a
//!   call) is not kept.
//! - The texts go where they go from a chunk that is read in full, and in the same order.
//! - Of a field that is not known the last value counts. So its values, too, may be others: the latest is
//!   written down, and goes to the answer before anything is read in full, and at the end.
//!
//! The tests read recorded and made-up streams both ways, and compare what comes of them.

mod places;

use lenient_json::Reader;
use provider_core::author::{ResponseAccumulator, ToolCallPiece};
use provider_core::{ChatResponse, RawJson};

use self::places::{Field, Known, MOST_OTHERS, places};
use super::chunk::Chunk;
use super::collect::number_of;
use super::details;
use super::halves::{Halves, Place};

/// A larger chunk is not remembered: what is new in it outweighs what repeats, and it would be kept.
const LARGEST: usize = 16 << 10;

/// The latest chunk that was read in full, if the next one may be told by it.
#[derive(Debug, Default)]
pub(crate) struct Envelope {
    /// The chunk's JSON. Empty when there is none.
    json: String,
    known: Known,
}

/// The texts of a chunk as they stand in its JSON, escapes and all.
#[derive(Debug, Default)]
struct Texts<'a> {
    content: Option<&'a str>,
    reasoning: Option<&'a str>,
    detail: Option<&'a str>,
    arguments: Option<&'a str>,
    /// The values of the fields that are not known, as JSON.
    others: [Option<&'a str>; MOST_OTHERS],
}

impl Envelope {
    /// Remembers the chunk that was read from `json`, if the next one may be told by it. `so_far` is the
    /// answer before this chunk is collected.
    pub(crate) fn remember(&mut self, json: &str, chunk: &Chunk<'_>, so_far: &ChatResponse) {
        self.json.clear();
        if json.len() <= LARGEST && places(json, chunk, so_far, &mut self.known) {
            self.json.push_str(json);
        }
    }

    /// The next chunk is to be read in full, or there is none. Hands over what was written down.
    pub(crate) fn forget(&mut self, accumulator: &mut ResponseAccumulator) {
        self.json.clear();
        for other in &mut self.known.others {
            if std::mem::take(&mut other.is_new) {
                let value = RawJson::from_checked(&other.value);
                match other.is_in_message {
                    true => accumulator.set_message_extra(&other.name, value),
                    false => accumulator.set_extra(&other.name, value),
                }
            }
        }
    }

    /// Collects a chunk, if it is the one that is remembered with other texts. Gives how many of its bytes
    /// are those of the one that is remembered; nothing when it is to be read in full.
    pub(crate) fn collect(
        &mut self,
        json: &str,
        accumulator: &mut ResponseAccumulator,
        halves: &mut Halves,
    ) -> Option<usize> {
        let texts = self.open(json)?;
        let reasoning = texts.reasoning.map(|text| halves.join_text(text, Place::Reasoning));
        let reasoning = reasoning.unwrap_or_default();
        let has_plain_reasoning = !reasoning.is_empty();
        accumulator.push_reasoning(reasoning);
        if let Some(text) = texts.detail {
            details::go_on(self.known.detail, text, !has_plain_reasoning, halves, accumulator);
        }
        if let Some(text) = texts.content {
            accumulator.push_text(halves.join_text(text, Place::Content));
        }
        if let Some(text) = texts.arguments {
            let piece = ToolCallPiece { index: self.known.call, arguments: text, ..ToolCallPiece::default() };
            let arguments = halves.argument_text(text, || number_of(&piece, accumulator));
            accumulator.push_tool_call(ToolCallPiece { arguments, ..piece });
        }
        for (other, value) in self.known.others.iter_mut().zip(texts.others) {
            if let Some(value) = value.filter(|value| *value != "null") {
                other.value.clear();
                other.value.push_str(value);
                other.is_new = true;
            }
        }
        Some(self.known.places.iter().fold(self.json.len(), |rest, place| rest - (place.to - place.from)))
    }

    /// The texts of a chunk that is otherwise the one that is remembered.
    fn open<'a>(&self, json: &'a str) -> Option<Texts<'a>> {
        if self.json.is_empty() {
            return None;
        }
        let mut texts = Texts::default();
        let (mut known, mut new) = (0, json);
        for place in &self.known.places {
            let mut rest = Reader::new(new.strip_prefix(self.json.get(known..place.from)?)?);
            match place.field {
                Field::Content => texts.content = Some(rest.string()?),
                Field::Reasoning => texts.reasoning = Some(rest.string()?),
                Field::Detail => texts.detail = Some(rest.string()?),
                Field::Arguments => texts.arguments = Some(rest.string()?),
                Field::Other(number) => *texts.others.get_mut(number)? = Some(rest.value()?),
            }
            (known, new) = (place.to, rest.rest());
        }
        (new == self.json.get(known..)?).then_some(texts)
    }
}
