//! Template matching: decodes a chunk by comparing it with the chunk before.
//!
//! About 290 of a chunk's 300 bytes repeat: ids, names, the shape of the choice. A [`Template`] holds the
//! last chunk that was decoded in full, and the [`Span`](lenient_json::Span) of each text in its `delta`. If
//! the next chunk has the same bytes outside the spans, and a JSON string in each of them, only these strings
//! are decoded.
//!
//! The result equals that of a full decode:
//!
//! 1. A JSON document with one string replaced by another differs in that string only.
//! 2. Fields outside the spans keep their value, and applying a value twice changes nothing. A chunk for
//!    which that is unsure becomes no template: one with an error, usage, a finish reason, the start of a
//!    tool call.
//! 3. The texts are applied in the order of a full decode.
//! 4. Of an unknown field the last value counts, so any JSON may stand in its span. The template buffers the
//!    latest value and flushes it to the accumulator before the next full decode and at the end.
//!
//! The tests decode recorded and generated streams both ways and compare the results.

mod spans;

use lenient_json::Reader;
use provider_core::author::{ResponseAccumulator, ToolCallPiece};
use provider_core::{ChatResponse, RawJson};

use self::spans::{Field, MAX_OTHERS, Spans};
use crate::chunk::Chunk;
use crate::dialect::Dialect;
use crate::piece::number_of;
use crate::reasoning;
use crate::texts::{JoinedText, TextJoiner};

/// The largest chunk that becomes a template, in bytes. A template copies its chunk, and in a larger one the
/// new bytes outnumber those that repeat.
const MAX_CHUNK: usize = 16 << 10;

/// The last chunk that was decoded in full, if the next one may match it.
#[derive(Debug, Default)]
pub(crate) struct Template {
    /// The chunk's JSON. Empty: there is no template.
    json: String,
    spans: Spans,
}

/// The texts of a chunk as they stand in its JSON, escapes and all.
#[derive(Debug, Default)]
struct Texts<'a> {
    content: Option<&'a str>,
    reasoning: Option<&'a str>,
    detail: Option<&'a str>,
    arguments: Option<&'a str>,
    /// The values of unknown fields, as JSON.
    others: [Option<&'a str>; MAX_OTHERS],
}

impl Template {
    /// Makes a template of a chunk that was decoded from `json`, unless [a rule](Spans::capture) forbids it.
    /// `so_far` is the answer before this chunk is applied. Reuses the buffers, so that a new template does
    /// not allocate once they have grown.
    pub(crate) fn capture<D: Dialect>(
        &mut self,
        json: &str,
        chunk: &Chunk<'_>,
        dialect: &D,
        so_far: &ChatResponse,
    ) {
        self.json.clear();
        if json.len() <= MAX_CHUNK && self.spans.capture(json, chunk, dialect, so_far) {
            self.json.push_str(json);
        }
    }

    /// Drops the template, since the next chunk is decoded in full or there is none, and flushes the latest
    /// values of unknown fields to the accumulator.
    pub(crate) fn clear(&mut self, out: &mut ResponseAccumulator) {
        self.json.clear();
        for other in &mut self.spans.others {
            if std::mem::take(&mut other.is_new) {
                let value = RawJson::from_checked(&other.value);
                match other.is_in_message {
                    true => out.set_message_extra(&other.name, value),
                    false => out.set_extra(&other.name, value),
                }
            }
        }
    }

    /// Applies a chunk that matches the template, and returns how many of its bytes are those of the
    /// template. `None`: the chunk needs a full decode. `raw_events`: whether its JSON is handed out as well.
    pub(crate) fn apply(
        &mut self,
        json: &str,
        out: &mut ResponseAccumulator,
        joiner: &mut TextJoiner,
        raw_events: bool,
    ) -> Option<usize> {
        let texts = self.matched(json)?;
        if raw_events {
            out.show_raw(json);
        }
        // The order is that of a full decode.
        let reasoning = texts.reasoning.map(|text| joiner.join_text(text, JoinedText::Reasoning));
        let reasoning = reasoning.unwrap_or_default();
        let has_plain_reasoning = !reasoning.is_empty();
        out.push_reasoning(reasoning);
        if let Some(text) = texts.detail {
            reasoning::append_text(self.spans.detail, text, !has_plain_reasoning, joiner, out);
        }
        if let Some(text) = texts.content {
            joiner.push_text(text, out);
        }
        if let Some(text) = texts.arguments {
            let piece = ToolCallPiece { index: self.spans.call, arguments: text, ..ToolCallPiece::default() };
            let arguments = joiner.argument_text(text, || number_of(&piece, out));
            out.push_tool_call(ToolCallPiece { arguments, ..piece });
        }
        for (other, value) in self.spans.others.iter_mut().zip(texts.others) {
            if let Some(value) = value.filter(|value| *value != "null") {
                other.value.clear();
                other.value.push_str(value);
                other.is_new = true;
            }
        }
        Some(self.spans.texts.iter().fold(self.json.len(), |rest, (span, _)| rest - span.len()))
    }

    /// Returns the texts of a chunk whose bytes outside the spans are those of the template.
    fn matched<'a>(&self, json: &'a str) -> Option<Texts<'a>> {
        if self.json.is_empty() {
            return None;
        }
        let mut texts = Texts::default();
        // `at` is how far the template is matched, `rest` what is left of the chunk.
        let (mut at, mut rest) = (0, json);
        for (span, field) in &self.spans.texts {
            debug_assert!(at <= span.start && span.end <= self.json.len(), "spans are sorted and apart");
            let mut reader = Reader::new(rest.strip_prefix(self.json.get(at..span.start)?)?);
            match *field {
                Field::Content => texts.content = Some(reader.string()?),
                Field::Reasoning => texts.reasoning = Some(reader.string()?),
                Field::Detail => texts.detail = Some(reader.string()?),
                Field::Arguments => texts.arguments = Some(reader.string()?),
                Field::Other(number) => *texts.others.get_mut(number)? = Some(reader.value()?),
            }
            (at, rest) = (span.end, reader.rest());
        }
        (rest == self.json.get(at..)?).then_some(texts)
    }
}
