//! The events that a stream hands out.

use serde::Serialize;

use crate::{Annotation, AudioDelta, FinishReason, Image, RawJson, Seam, TextDelta, Usage};

/// Something that happened in a stream.
///
/// The law of a stream: any number of deltas, then exactly one [`Finished`](Event::Finished) or exactly one
/// error, then the end. Empty deltas, keep-alives and repeated finish reasons never show.
///
/// Everything is collected as well: [`ChatStream::so_far`](crate::ChatStream::so_far) while it runs,
/// [`ChatStream::into_response`](crate::ChatStream::into_response) at the end.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", content = "data", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// A piece of the answer's text.
    Text(TextDelta),
    /// A piece of the visible thoughts.
    Reasoning(TextDelta),
    /// A piece of a refusal.
    Refusal(TextDelta),
    /// A piece of a tool call.
    ToolCall(ToolCallDelta),
    /// An image, whole.
    Image(Image),
    /// A piece of a spoken answer.
    Audio(AudioDelta),
    /// A source or a parsed file. May come before any text.
    Annotation(Annotation),
    /// The JSON of the chunk that the next events are made of, where the request asked to
    /// [keep it](crate::ChatRequest::keep_raw) or to [hand it out](crate::ChatRequest::raw_events). What
    /// [`so_far`](crate::ChatStream::so_far) returns has the whole chunk already.
    Raw(RawJson),
    /// The answer broke off here, and another request goes on with it. Whatever was handed out stays; the
    /// next text follows it. Only where a host has asked for a layer that does so.
    Seam(Box<Seam>),
    /// The end of a complete answer.
    Finished(Box<Finished>),
}

/// A piece of a tool call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ToolCallDelta {
    /// Which call: calls are counted from 0 in the order they begin, and all pieces of one call have the same
    /// number. The answer lists them in the order of the service's own numbers, which is nearly always the
    /// same.
    pub call: usize,
    /// The call's id as the service sent it, with the piece that brings it.
    pub id: Option<String>,
    /// The tool's name, with the piece that brings it. A few services send it in several pieces.
    pub name: Option<String>,
    /// The next piece of the arguments' text; empty when the piece brings only the id or the name.
    pub arguments: TextDelta,
}

/// How a complete answer ended.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Finished {
    /// Why the model stopped, where the service says so.
    pub finish_reason: Option<FinishReason>,
    /// The same in the upstream provider's own word.
    pub native_finish_reason: Option<String>,
    /// The usage and the cost of the answer.
    pub usage: Usage,
}
