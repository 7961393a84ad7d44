//! What repeats from chunk to chunk, recognised instead of read.
//!
//! Of the three hundred bytes of a chunk, ten are new: ids, names and the shape of the choice are those of the chunk before. So
//! the latest chunk that was read in full is kept, with the places where the texts of its `delta` stand. When the next one has the
//! same bytes all around these places, and a JSON string in each of them, then only those strings are read.
//!
//! It comes to the same as reading the chunk in full:
//! - JSON in which strings are replaced by other strings is the same value with these strings replaced.
//! - What a chunk says beside these texts, it has said the moment before, and saying it once more changes nothing. A chunk of
//!   which that is not certain (one with an error, usage, an end, the beginning of a call, a field that is not known) is not kept.
//! - The texts go where they go from a chunk that is read in full, and in the same order.
//!
//! The tests read recorded and made-up streams both ways, and compare what comes of them.

mod places;

use provider_core::{ChatResponse, Collector, ToolCallPiece};

use self::places::{Field, Known, places};
use super::chunk::Chunk;
use super::details;
use super::halves::Halves;
use super::json::Json;

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
}

impl Envelope {
    /// Remembers the chunk that was read from `json`, if the next one may be told by it. `so_far` is the answer before this chunk
    /// is collected.
    pub(crate) fn remember(&mut self, json: &str, chunk: &Chunk<'_>, so_far: &ChatResponse) {
        self.forget();
        if json.len() <= LARGEST && places(json, chunk, so_far, &mut self.known) {
            self.json.push_str(json);
        }
    }

    /// The next chunk is to be read in full.
    pub(crate) fn forget(&mut self) {
        self.json.clear();
    }

    /// Collects a chunk, if it is the one that is remembered with other texts. Gives how many of its bytes are those of the one that is
    /// remembered; nothing when it is to be read in full.
    pub(crate) fn collect(
        &self,
        json: &str,
        collector: &mut Collector,
        halves: &mut Halves,
    ) -> Option<usize> {
        let texts = self.open(json)?;
        let reasoning = texts.reasoning.map(|text| halves.reasoning.join_text(text)).unwrap_or_default();
        let has_plain_reasoning = !reasoning.is_empty();
        collector.reasoning(reasoning);
        if let Some(text) = texts.detail {
            details::go_on(self.known.detail, text, !has_plain_reasoning, collector);
        }
        if let Some(text) = texts.content {
            collector.text(halves.content.join_text(text));
        }
        if let Some(text) = texts.arguments {
            let index = self.known.call;
            let arguments = halves.argument_text(text, index, collector);
            collector.tool_call(ToolCallPiece { index, arguments, ..ToolCallPiece::default() });
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
            let mut rest = Json::new(new.strip_prefix(self.json.get(known..place.from)?)?);
            let text = rest.string()?;
            match place.field {
                Field::Content => texts.content = Some(text),
                Field::Reasoning => texts.reasoning = Some(text),
                Field::Detail => texts.detail = Some(text),
                Field::Arguments => texts.arguments = Some(text),
            }
            (known, new) = (place.to, rest.rest());
        }
        (new == self.json.get(known..)?).then_some(texts)
    }
}
