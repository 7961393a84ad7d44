//! From a decoded chunk to the collected answer.

use provider_core::{Annotation, Collector, ExtraFields, Image, TokenLogprob, ToolCallPiece, TopLogprob};

use super::chunk::{Choice, Chunk, ContentPart, Logprobs, Piece, WireToolCall};
use super::lenient::{Count, Raw, Str, object};
use super::{details, usage};

/// Hands everything a chunk says to the collector, its errors excepted.
pub(crate) fn collect(chunk: Chunk<'_>, collector: &mut Collector) {
    collector.id(chunk.id.as_str());
    collector.model(chunk.model.as_str());
    collector.served_by(chunk.provider.as_str());
    if let Some(created) = chunk.created.0 {
        collector.created(created);
    }
    collector.service_tier(chunk.service_tier.as_str());
    collector.system_fingerprint(chunk.system_fingerprint.as_str());
    if let Some(choice) = chunk.choice {
        collect_choice(choice, collector);
    }
    if let Some(usage) = usage::read(chunk.usage) {
        collector.usage(usage);
    }
    for (name, value) in chunk.unknown {
        collector.extra(&name, value.into());
    }
}

fn collect_choice(choice: Choice<'_>, collector: &mut Collector) {
    if let Some(delta) = choice.delta {
        collect_piece(delta, false, collector);
    }
    if let Some(message) = choice.message {
        collect_piece(*message, true, collector);
    }
    collector.finish_reason(choice.finish_reason.as_str());
    collector.native_finish_reason(choice.native_finish_reason.as_str());
    if let Some(logprobs) = choice.logprobs.read::<Logprobs<'_>>() {
        logprobs.content.for_each(|token: WireLogprob<'_>| collector.logprobs([token.into()]));
    }
    for (name, value) in choice.unknown {
        collector.extra(&name, value.into());
    }
}

/// Collects a piece of a message. `whole`: it is a message of its own, whose items are not to be joined with others.
fn collect_piece(piece: Piece<'_>, whole: bool, collector: &mut Collector) {
    let has_plain_reasoning = piece.reasoning.filled().is_some();
    collector.reasoning(piece.reasoning.into_cow());
    details::collect(piece.reasoning_details, !whole, !has_plain_reasoning, collector);
    if piece.content.is_list() {
        piece.content.for_each(|part: Raw<'_>| collect_part(part, collector));
    } else {
        collector.text(piece.content.text().into_cow());
    }
    collector.refusal(piece.refusal.as_str());
    piece.tool_calls.for_each(|call: WireToolCall<'_>| {
        let mut extra = ExtraFields::default();
        for (name, value) in call.unknown {
            extra.push(&name, value.into());
        }
        collector.tool_call(ToolCallPiece {
            index: call.index.0,
            id: call.id.filled(),
            name: call.function.name.filled(),
            arguments: call.function.arguments.0.into_cow(),
            extra,
            whole,
        });
    });
    piece.annotations.for_each(|raw: Raw<'_>| {
        raw.0.into_iter().for_each(|raw| collector.annotation(Annotation::new(raw.into())));
    });
    piece.images.for_each(|raw: Raw<'_>| {
        raw.0.into_iter().for_each(|raw| collector.image(Image::new(raw.into())));
    });
    for (name, value) in piece.unknown {
        collector.message_extra(&name, value.into());
    }
}

/// Collects one part of a content that came as a list.
fn collect_part(raw: Raw<'_>, collector: &mut Collector) {
    let part = raw.read::<ContentPart<'_>>().unwrap_or_default();
    match (part.kind.as_str(), raw.0) {
        ("text" | "output_text", _) => collector.text(part.text.into_cow()),
        ("image_url", Some(raw)) => collector.image(Image::new(raw.into())),
        (_, Some(raw)) => collector.message_extra("content", raw.into()),
        (_, None) => {}
    }
}

object! {
    /// The log probability of a token.
    WireLogprob<'a> {
        token: Str<'a> = "token",
        logprob: Raw<'a> = "logprob",
        bytes: Raw<'a> = "bytes",
        top: Raw<'a> = "top_logprobs",
    }
}

/// A list of bytes, if the value is one.
#[derive(Default)]
struct Bytes(Option<Vec<u8>>);

impl<'de> serde::Deserialize<'de> for Bytes {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut bytes = Some(Vec::new());
        Raw::deserialize(deserializer)?.for_each(|byte: Count| {
            match byte.0.and_then(|byte| u8::try_from(byte).ok()) {
                Some(byte) => bytes.iter_mut().for_each(|bytes| bytes.push(byte)),
                None => bytes = None,
            }
        });
        Ok(Bytes(bytes))
    }
}

impl From<WireLogprob<'_>> for TokenLogprob {
    fn from(wire: WireLogprob<'_>) -> Self {
        let number = |raw: Raw<'_>| raw.get().and_then(|text| text.parse::<f64>().ok());
        let mut top = Vec::new();
        wire.top.for_each(|other: WireLogprob<'_>| {
            top.push(TopLogprob::new(other.token.into_cow().into_owned(), number(other.logprob)));
        });
        let mut token = TokenLogprob::new(wire.token.into_cow().into_owned(), number(wire.logprob), top);
        token.bytes = wire.bytes.read::<Bytes>().and_then(|bytes| bytes.0);
        token
    }
}
