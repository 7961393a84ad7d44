//! From a decoded chunk to the collected answer.

use std::borrow::Cow;

use provider_core::{
    Annotation, Audio, Collector, ExtraFields, Image, RawJson, TokenLogprob, ToolCallPiece, TopLogprob,
};

use super::chunk::{AudioPiece, Choice, Chunk, ContentPart, Logprobs, Piece, WireToolCall};
use super::halves::{Half, Halves};
use super::json::{Json, Read};
use super::lenient::{Count, Raw, Str, object};
use super::{details, usage};
use crate::response::DEBUG_FIELD;

/// Stands before the names of fields that came inside a tool call's `function`.
pub(super) const IN_FUNCTION: &str = "function.";

/// Hands everything a chunk says to the collector, its errors excepted.
pub(crate) fn collect(chunk: Chunk<'_>, collector: &mut Collector, halves: &mut Halves) {
    collector.id(chunk.id.as_str());
    collector.model(chunk.model.as_str());
    collector.served_by(chunk.provider.as_str());
    if let Some(created) = chunk.created.0 {
        collector.created(created);
    }
    collector.service_tier(chunk.service_tier.as_str());
    collector.system_fingerprint(chunk.system_fingerprint.as_str());
    if let Some(choice) = chunk.choices.0 {
        collect_choice(choice, collector, halves);
    }
    match (chunk.usage.is_object(), chunk.usage.0) {
        (true, _) => collector.usage(usage::read(chunk.usage).unwrap_or_default()),
        (false, Some(odd)) => collector.extra("usage", RawJson::from_checked(odd)),
        (false, None) => {}
    }
    for (name, value) in chunk.unknown {
        let value = RawJson::from_checked(value);
        // Of most fields the last value counts. This one comes once for each provider that was tried.
        match &*name {
            DEBUG_FIELD => collector.extra_item(&name, value),
            _ => collector.extra(&name, value),
        }
    }
}

fn collect_choice(choice: Choice<'_>, collector: &mut Collector, halves: &mut Halves) {
    if let Some(delta) = choice.delta {
        collect_piece(delta, false, collector, halves);
    }
    // Some repeat the whole message beside or after its deltas.
    if let Some(message) = choice.message.filter(|_| collector.response().message.is_empty()) {
        collect_piece(*message, true, collector, halves);
    }
    // What was asked by `prompt` is answered here, old style.
    let text = text_of(choice.text, &mut halves.content, "text", collector);
    collector.text(text);
    collector.finish_reason(choice.finish_reason.as_str());
    collector.native_finish_reason(choice.native_finish_reason.as_str());
    if let Some(logprobs) = choice.logprobs.read::<Logprobs<'_>>() {
        logprobs.content.for_each(|token: WireLogprob<'_>| collector.logprobs([token.into()]));
        logprobs
            .refusal
            .0
            .into_iter()
            .for_each(|raw| collector.extra_item("logprobs.refusal", RawJson::from_checked(raw)));
    }
    for (name, value) in choice.unknown {
        collector.extra(&name, RawJson::from_checked(value));
    }
}

/// Collects a piece of a message. `whole`: it is a message of its own, whose items are not to be joined with others.
///
/// What has the wrong type is kept beside the message, under its name.
fn collect_piece(piece: Piece<'_>, whole: bool, collector: &mut Collector, halves: &mut Halves) {
    // Two names of one thing.
    let reasoning = if piece.reasoning.0.is_some() { piece.reasoning } else { piece.reasoning_content };
    let reasoning = text_of(reasoning, &mut halves.reasoning, "reasoning", collector);
    let has_plain_reasoning = !reasoning.is_empty();
    collector.reasoning(reasoning);
    let details = list_of(piece.reasoning_details, "reasoning_details", collector);
    details::collect(details, !whole, !has_plain_reasoning, collector);
    if piece.content.is_list() || piece.content.is_object() {
        piece.content.for_each(|part: Raw<'_>| collect_part(part, collector));
    } else {
        let text = text_of(piece.content, &mut halves.content, "content", collector);
        collector.text(text);
    }
    let refusal = text_of(piece.refusal, &mut halves.refusal, "refusal", collector);
    collector.refusal(refusal);
    let calls = list_of(piece.tool_calls, "tool_calls", collector);
    calls.for_each(|call: WireToolCall<'_>| collect_call(call, whole, collector, halves));
    list_of(piece.annotations, "annotations", collector).for_each(|raw: Raw<'_>| {
        raw.0.into_iter().for_each(|raw| collector.annotation(Annotation::new(RawJson::from_checked(raw))));
    });
    list_of(piece.images, "images", collector).for_each(|raw: Raw<'_>| {
        raw.0.into_iter().for_each(|raw| collector.image(Image::new(RawJson::from_checked(raw))));
    });
    if piece.audio.is_object() {
        collect_audio(piece.audio.read().unwrap_or_default(), collector);
    } else if let Some(odd) = piece.audio.0 {
        collector.message_extra("audio", RawJson::from_checked(odd));
    }
    for (name, value) in piece.unknown {
        collector.message_extra(&name, RawJson::from_checked(value));
    }
}

/// A text, or nothing; what is neither is kept beside the message.
fn text_of<'s>(raw: Raw<'s>, half: &'s mut Half, name: &str, collector: &mut Collector) -> &'s str {
    match (half.join(raw), raw.0) {
        (Some(text), _) => text,
        (None, Some(odd)) => {
            collector.message_extra(name, RawJson::from_checked(odd));
            ""
        }
        (None, None) => "",
    }
}

/// A list, or the one object that stands in its place; what is neither is kept beside the message.
fn list_of<'a>(raw: Raw<'a>, name: &str, collector: &mut Collector) -> Raw<'a> {
    if let (false, Some(odd)) = (raw.is_list() || raw.is_object(), raw.0) {
        collector.message_extra(name, RawJson::from_checked(odd));
        return Raw(None);
    }
    raw
}

fn collect_call(call: WireToolCall<'_>, whole: bool, collector: &mut Collector, halves: &mut Halves) {
    let mut extra = ExtraFields::default();
    if let Some(kind) = call.kind.filled().filter(|kind| *kind != "function") {
        extra.insert("type", serde_json::Value::from(kind).into());
    }
    for (name, value) in call.unknown {
        extra.insert(&name, RawJson::from_checked(value));
    }
    for (name, value) in call.function.unknown {
        extra.insert(&format!("{IN_FUNCTION}{}", &*name), RawJson::from_checked(value));
    }
    let arguments = halves.arguments(call.function.arguments, call.index.0, collector);
    collector.tool_call(ToolCallPiece {
        index: call.index.0,
        id: call.id.filled(),
        name: call.function.name.filled(),
        arguments: arguments.unwrap_or_default(),
        extra,
        whole,
        call: None,
    });
}

fn collect_audio(piece: AudioPiece<'_>, collector: &mut Collector) {
    let owned = |text: Str<'_>| text.0.map(Cow::into_owned);
    let mut audio = Audio::default();
    audio.id = owned(piece.id);
    audio.data = owned(piece.data);
    audio.transcript = owned(piece.transcript);
    audio.expires_at = piece.expires_at.0;
    for (name, value) in piece.unknown {
        audio.extra.insert(&name, RawJson::from_checked(value));
    }
    collector.audio(audio);
}

/// Collects one part of a content that came as a list.
fn collect_part(raw: Raw<'_>, collector: &mut Collector) {
    let part = raw.read::<ContentPart<'_>>().unwrap_or_default();
    match (part.kind.as_str(), raw.0) {
        ("text" | "output_text", _) => collector.text(part.text.as_str()),
        ("image_url", Some(raw)) => collector.image(Image::new(RawJson::from_checked(raw))),
        (_, Some(raw)) => collector.message_extra_item("content", RawJson::from_checked(raw)),
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

impl<'a> Read<'a> for Bytes {
    fn read(json: &mut Json<'a>) -> Option<Self> {
        let mut bytes = Some(Vec::new());
        Raw::of(json.value()?).for_each(|byte: Count| {
            match byte.0.and_then(|byte| u8::try_from(byte).ok()) {
                Some(byte) => bytes.iter_mut().for_each(|bytes| bytes.push(byte)),
                None => bytes = None,
            }
        });
        Some(Bytes(bytes))
    }
}

impl From<WireLogprob<'_>> for TokenLogprob {
    fn from(wire: WireLogprob<'_>) -> Self {
        let number = |raw: Raw<'_>| raw.get().and_then(|text| text.parse::<f64>().ok());
        let mut top = Vec::new();
        wire.top.for_each(|other: WireLogprob<'_>| {
            let mut token = TopLogprob::new(other.token.into_cow().into_owned(), number(other.logprob));
            token.bytes = other.bytes.read::<Bytes>().and_then(|bytes| bytes.0);
            top.push(token);
        });
        let mut token = TokenLogprob::new(wire.token.into_cow().into_owned(), number(wire.logprob), top);
        token.bytes = wire.bytes.read::<Bytes>().and_then(|bytes| bytes.0);
        token
    }
}
