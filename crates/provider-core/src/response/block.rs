//! The blocks of an answer, in the order in which they came.

use serde::{Deserialize, Serialize};

use super::{AssistantMessage, Image, ReasoningDetail, ToolCall};
use crate::stored::{read, read_by_tag};
use crate::{Part, ProviderJson, Secret};

/// A block of an answer, borrowed from its message. [`AssistantMessage::blocks`] has them in order.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum BlockRef<'a> {
    /// Thoughts, in either form or in both.
    Reasoning {
        /// The text.
        text: &'a str,
        /// The items of the service's own structure.
        details: &'a [ReasoningDetail],
    },
    /// Text.
    Text(&'a str),
    /// A part of a message that is built by hand. Parts stand in the place of its text.
    Part(&'a Part),
    /// A tool call.
    ToolCall(&'a ToolCall),
    /// An image.
    Image(&'a Image),
    /// A block that has no place in these types: the result of a tool that the service runs, for example. It
    /// goes back to its provider alone; others leave it out, as they do thoughts.
    Provider(&'a ProviderJson),
}

/// The kind of a block that a decoder [begins](crate::author::ResponseAccumulator::start_block).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BlockKind {
    /// Thoughts, as text or structured.
    Reasoning,
    /// Text.
    Text,
    /// One tool call or several.
    ToolCall,
    /// One image or several.
    Image,
}

/// Where the blocks of a message begin. Empty where the wire has no order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Blocks(Vec<Block>);

/// Where a block begins. It ends where the next one of its kind begins.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Block {
    Reasoning(ReasoningStart),
    Text(Start),
    ToolCall(Start),
    Image(Start),
    Provider(ProviderJson),
}

/// A byte of the text, or a place in a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Start {
    start: usize,
}

/// A byte of the thoughts' text, and a place among the structured ones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct ReasoningStart {
    text: usize,
    details: usize,
}

read_by_tag! {
    Block, "type",
    "reasoning" => |json| Block::Reasoning(read(json)?),
    "text" => |json| Block::Text(read(json)?),
    "tool_call" => |json| Block::ToolCall(read(json)?),
    "image" => |json| Block::Image(read(json)?),
    "provider" => |json| Block::Provider(read(json)?),
}

impl Blocks {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether no block has anything that is not in the message's other fields.
    pub(super) fn says_nothing(&self) -> bool {
        !self.0.iter().any(|block| matches!(block, Block::Provider(_)))
    }

    /// Whether the wire's order of the tool calls is known.
    pub(crate) fn has_tool_calls(&self) -> bool {
        self.0.iter().any(|block| matches!(block, Block::ToolCall(_)))
    }

    /// Moves the beginnings of texts to where they are behind a text of so many bytes, once these bytes at
    /// their own beginning are gone.
    pub(super) fn move_text(&mut self, length: usize, repeated: usize) {
        for block in &mut self.0 {
            if let Block::Text(block) = block {
                block.start = block.start.saturating_sub(repeated) + length;
            }
        }
    }

    pub(crate) fn push_provider(&mut self, json: ProviderJson) {
        self.0.push(Block::Provider(json));
    }

    /// The JSON of providers, to be changed.
    pub(crate) fn provider_json_mut(&mut self) -> impl Iterator<Item = &mut ProviderJson> {
        self.0.iter_mut().filter_map(|block| match block {
            Block::Provider(json) => Some(json),
            _ => None,
        })
    }

    /// Moves the beginnings of blocks to where they are once the secret is taken out of these texts.
    pub(crate) fn redact_starts(&mut self, text: &str, reasoning: &str, secret: &Secret) {
        for block in &mut self.0 {
            match block {
                Block::Text(block) => block.start = secret.redacted_offset(text, block.start),
                Block::Reasoning(block) => block.text = secret.redacted_offset(reasoning, block.text),
                Block::ToolCall(_) | Block::Image(_) | Block::Provider(_) => {}
            }
        }
    }
}

impl AssistantMessage {
    /// The blocks of the answer in their order: thoughts, text, tool calls, images, and those that only their
    /// provider understands.
    ///
    /// Where the wire has no order, as chat completions, these are the thoughts, the text, the tool calls and
    /// the images, in this order. Blocks without anything in them are left out. All text, thoughts, calls and
    /// images of the message are in a block, also after a change by hand: what was added belongs to the last
    /// block of its kind. Refusal, sound and annotations are no blocks.
    pub fn blocks(&self) -> impl Iterator<Item = BlockRef<'_>> {
        let mut order = Order::of(self);
        let recorded = &self.blocks.0;
        let has = |is_kind: fn(&Block) -> bool| recorded.iter().any(is_kind);
        if !has(|block| matches!(block, Block::Reasoning(_))) {
            order.reasoning(usize::MAX, usize::MAX);
        }
        for (place, block) in recorded.iter().enumerate() {
            let mut later = recorded.iter().skip(place + 1);
            match block {
                Block::Reasoning(_) => {
                    let next = later.find_map(|block| match block {
                        Block::Reasoning(next) => Some((next.text, next.details)),
                        _ => None,
                    });
                    let (text, details) = next.unwrap_or((usize::MAX, usize::MAX));
                    order.reasoning(text, details);
                }
                Block::Text(_) => order.text(end(later, |block| match block {
                    Block::Text(next) => Some(next),
                    _ => None,
                })),
                Block::ToolCall(_) => order.calls(end(later, |block| match block {
                    Block::ToolCall(next) => Some(next),
                    _ => None,
                })),
                Block::Image(_) => order.images(end(later, |block| match block {
                    Block::Image(next) => Some(next),
                    _ => None,
                })),
                Block::Provider(json) => order.blocks.push(BlockRef::Provider(json)),
            }
        }
        // The rest is of kinds that no block was recorded for.
        order.text(usize::MAX);
        order.calls(usize::MAX);
        order.images(usize::MAX);
        order.blocks.into_iter()
    }

    /// Records that a block begins behind all that is in the message.
    pub(crate) fn start_block(&mut self, kind: BlockKind) {
        let block = match kind {
            BlockKind::Reasoning => Block::Reasoning(ReasoningStart {
                text: self.reasoning.as_ref().map_or(0, String::len),
                details: self.reasoning_details.as_ref().map_or(0, Vec::len),
            }),
            BlockKind::Text => Block::Text(Start { start: self.text.len() }),
            BlockKind::ToolCall => Block::ToolCall(Start { start: self.tool_calls.len() }),
            BlockKind::Image => Block::Image(Start { start: self.images.len() }),
        };
        self.blocks.0.push(block);
    }
}

/// Where the next block of a kind begins; behind everything where there is none.
fn end<'a>(
    mut later: impl Iterator<Item = &'a Block>,
    of_kind: impl Fn(&'a Block) -> Option<&'a Start>,
) -> usize {
    later.find_map(of_kind).map_or(usize::MAX, |next| next.start)
}

/// The blocks so far, and what of the message is in none of them yet.
struct Order<'a> {
    blocks: Vec<BlockRef<'a>>,
    text: Rest<&'a str>,
    parts: &'a [Part],
    reasoning: Rest<&'a str>,
    details: Rest<&'a [ReasoningDetail]>,
    calls: Rest<&'a [ToolCall]>,
    images: Rest<&'a [Image]>,
}

/// The rest of a text or of a list, and how much of it was taken.
struct Rest<T> {
    rest: T,
    taken: usize,
}

impl<'a> Order<'a> {
    fn of(message: &'a AssistantMessage) -> Self {
        let AssistantMessage { text, parts, reasoning, reasoning_details, tool_calls, images, .. } = message;
        // Parts are sent in place of the text.
        let text = if parts.is_empty() { text } else { "" };
        Self {
            blocks: Vec::new(),
            text: Rest { rest: text, taken: 0 },
            parts,
            reasoning: Rest { rest: reasoning.as_deref().unwrap_or_default(), taken: 0 },
            details: Rest { rest: reasoning_details.as_deref().unwrap_or_default(), taken: 0 },
            calls: Rest { rest: tool_calls, taken: 0 },
            images: Rest { rest: images, taken: 0 },
        }
    }

    fn reasoning(&mut self, text_end: usize, details_end: usize) {
        let (text, details) = (self.reasoning.take(text_end), self.details.take(details_end));
        if !text.is_empty() || !details.is_empty() {
            self.blocks.push(BlockRef::Reasoning { text, details });
        }
    }

    fn text(&mut self, end: usize) {
        self.blocks.extend(std::mem::take(&mut self.parts).iter().map(BlockRef::Part));
        let text = self.text.take(end);
        if !text.is_empty() {
            self.blocks.push(BlockRef::Text(text));
        }
    }

    fn calls(&mut self, end: usize) {
        self.blocks.extend(self.calls.take(end).iter().map(BlockRef::ToolCall));
    }

    fn images(&mut self, end: usize) {
        self.blocks.extend(self.images.take(end).iter().map(BlockRef::Image));
    }
}

impl<'a> Rest<&'a str> {
    /// Takes the text up to this byte of the whole, or to the beginning of the character that it is in.
    fn take(&mut self, end: usize) -> &'a str {
        let end = end.saturating_sub(self.taken).min(self.rest.len());
        // Byte 0 is a boundary.
        let end = (0..=end).rev().find(|at| self.rest.is_char_boundary(*at)).unwrap_or(0);
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        self.taken += end;
        taken
    }
}

impl<'a, T> Rest<&'a [T]> {
    /// Takes the items in front of this place in the whole list.
    fn take(&mut self, end: usize) -> &'a [T] {
        let (taken, rest) = self.rest.split_at(end.saturating_sub(self.taken).min(self.rest.len()));
        self.rest = rest;
        self.taken += taken.len();
        taken
    }
}
