//! From a decoded chunk to the collected answer.

use lenient_json::{Raw, UnknownFields, object};
use provider_core::author::{ResponseAccumulator, ToolCallPiece};
use provider_core::{Annotation, Audio, ExtraFields, Image, RawJson};

use super::beyond::Messages;
use super::chunk::{AudioPiece, Choice, Chunk, Piece, WireToolCall};
use super::content::{self, Said};
use super::halves::{Halves, Place};
use super::{details, logprobs, usage};
use crate::response::DEBUG_FIELD;
use crate::wire::keep::Keep as _;

/// Stands before the names of fields that came inside a tool call's `function`.
pub(super) const IN_FUNCTION: &str = "function.";

object! {
    /// The field in which Groq has the usage of a stream.
    pub(crate) struct Groq<'a> {
        usage: Raw<'a> = "usage",
    }
}

/// State between the chunks of an answer, beside the collected answer itself.
#[derive(Debug, Default)]
pub(crate) struct CollectState {
    pub(crate) halves: Halves,
    messages: Messages,
}

/// Hands everything a chunk says to the accumulator, its errors excepted.
pub(crate) fn collect(chunk: Chunk<'_>, accumulator: &mut ResponseAccumulator, state: &mut CollectState) {
    accumulator.set_id(chunk.id.as_str());
    accumulator.set_model(chunk.model.as_str());
    accumulator.set_served_by(chunk.provider.as_str());
    if let Some(created) = chunk.created.0 {
        accumulator.set_created(created);
    }
    accumulator.set_service_tier(chunk.service_tier.as_str());
    accumulator.set_system_fingerprint(chunk.system_fingerprint.as_str());
    let mut usage = chunk.usage;
    if let Some(choice) = chunk.choices.0 {
        if usage.0.is_none() {
            usage = choice.usage;
        }
        collect_choice(choice, accumulator, state);
    }
    for (_, value) in chunk.unknown.iter().filter(|(name, _)| *name == "x_groq") {
        if usage.0.is_none() {
            usage = Raw::of(value).read::<Groq<'_>>().unwrap_or_default().usage;
        }
    }
    match (usage.is_object(), usage.0) {
        (true, _) => accumulator.update_usage(usage::read(usage).unwrap_or_default()),
        (false, Some(odd)) => accumulator.set_extra("usage", RawJson::from_checked(odd)),
        (false, None) => {}
    }
    for (name, value) in chunk.unknown {
        let value = RawJson::from_checked(value);
        // Of most fields the last value counts. This one comes once for each provider that was tried.
        match &*name {
            DEBUG_FIELD => accumulator.push_extra(&name, value),
            _ => accumulator.set_extra(&name, value),
        }
    }
}

fn collect_choice(choice: Choice<'_>, accumulator: &mut ResponseAccumulator, state: &mut CollectState) {
    let contents = [choice.delta.as_ref(), choice.message.as_deref()].map(|piece| piece?.content.get());
    if let Some(delta) = choice.delta {
        collect_piece(delta, false, accumulator, &mut state.halves);
    }
    if let Some(message) = choice.message {
        if accumulator.response().message.is_empty() {
            collect_piece(*message, true, accumulator, &mut state.halves);
            state.messages.began(accumulator);
        } else {
            let ended = choice.finish_reason.filled().is_some();
            state.messages.collect(*message, ended, accumulator, &mut state.halves);
        }
    }
    collect_old_text(choice.text, contents, accumulator, &mut state.halves);
    accumulator.set_finish_reason(choice.finish_reason.as_str());
    accumulator.set_native_finish_reason(choice.native_finish_reason.as_str());
    logprobs::collect(choice.logprobs, accumulator);
    for (name, value) in choice.unknown {
        accumulator.set_extra(&name, RawJson::from_checked(value));
    }
}

/// Collects the text that stands beside the message: what was asked by `prompt` is answered there, old style.
/// Some repeat there what the content of the delta or the message says.
fn collect_old_text(
    text: Raw<'_>,
    contents: [Option<&str>; 2],
    accumulator: &mut ResponseAccumulator,
    halves: &mut Halves,
) {
    if text.is_blank() || contents.contains(&text.get()) {
        return;
    }
    let is_content = contents.iter().all(|content| Raw(*content).is_blank()) && text.inside().is_some();
    if is_content {
        accumulator.push_text(halves.join(text, Place::Content).unwrap_or_default());
    } else if let Some(other) = text.keep() {
        accumulator.set_message_extra("text", other);
    }
}

/// Collects a piece of a message. `whole`: it is a message of its own, whose items are not to be joined with
/// others.
///
/// What has the wrong type is kept beside the message, under its name.
fn collect_piece(piece: Piece<'_>, whole: bool, accumulator: &mut ResponseAccumulator, halves: &mut Halves) {
    let thoughts = plain_thoughts(&piece, accumulator).unwrap_or_default();
    let thoughts = halves.join(thoughts, Place::Reasoning).unwrap_or_default();
    let has_plain_thoughts = !thoughts.is_empty();
    accumulator.push_reasoning(thoughts);
    let structured = list_of(piece.reasoning_details, "reasoning_details", accumulator);
    details::collect(structured, !whole, !has_plain_thoughts, halves, accumulator);
    match halves.join(piece.content, Place::Content) {
        Some(text) => accumulator.push_text(text),
        None => content::read(piece.content, |said| collect_said(said, accumulator, halves)),
    }
    accumulator.push_refusal(halves.join(piece.refusal, Place::Refusal).unwrap_or_default());
    let mut before = None;
    list_of(piece.tool_calls, "tool_calls", accumulator).for_each(|call: WireToolCall<'_>| {
        let bare = bare_name(&call);
        // Two names in one list are two calls, where nothing else tells them apart.
        let is_next = bare.is_some() && std::mem::replace(&mut before, bare) == bare;
        collect_call(call, whole || is_next, accumulator, halves);
    });
    collect_old_call(piece.function_call, whole, accumulator, halves);
    list_of(piece.annotations, "annotations", accumulator).for_each(|raw: Raw<'_>| {
        raw.keep().into_iter().for_each(|raw| accumulator.push_annotation(Annotation::new(raw)));
    });
    list_of(piece.images, "images", accumulator).for_each(|raw: Raw<'_>| {
        raw.keep().into_iter().for_each(|raw| accumulator.push_image(Image::new(raw)));
    });
    if piece.audio.is_object() {
        collect_audio(piece.audio.read().unwrap_or_default(), accumulator, halves);
    }
    collect_odd(&piece, accumulator);
    collect_fields(piece.unknown, accumulator);
}

/// The plain text of thoughts, which services have under one name or another: the first that says something.
/// Anything else under these names is kept beside the message.
pub(super) fn plain_thoughts<'a>(
    piece: &Piece<'a>,
    accumulator: &mut ResponseAccumulator,
) -> Option<Raw<'a>> {
    let mut found = None::<Raw<'a>>;
    for (name, raw) in piece.thoughts() {
        match (raw.inside(), found) {
            _ if raw.is_blank() => {}
            (Some(_), None) => found = Some(raw),
            (Some(text), Some(found)) if found.inside() == Some(text) => {}
            _ => raw.keep().into_iter().for_each(|odd| accumulator.set_message_extra(name, odd)),
        }
    }
    found
}

/// Collects what is new in a piece's content that is a list of parts.
fn collect_said(said: Said<'_>, accumulator: &mut ResponseAccumulator, halves: &mut Halves) {
    match said {
        Said::Text(text) => accumulator.push_text(halves.join_text(text, Place::Content)),
        Said::Thought(text) => accumulator.push_reasoning(halves.join_text(text, Place::Reasoning)),
        Said::Refusal(text) => accumulator.push_refusal(halves.join_text(text, Place::Refusal)),
        Said::Image(json) => accumulator.push_image(Image::new(RawJson::from_checked(json))),
        Said::Annotation(json) => accumulator.push_annotation(Annotation::new(RawJson::from_checked(json))),
        Said::Other(json) => accumulator.push_message_extra("content", RawJson::from_checked(json)),
        Said::Field(name, json) => collect_part_field(&name, json, accumulator),
    }
}

/// Keeps a field of a content's part that has no place of its own.
pub(super) fn collect_part_field(name: &str, json: &str, accumulator: &mut ResponseAccumulator) {
    accumulator.set_message_extra(&format!("content.{name}"), RawJson::from_checked(json));
}

/// Keeps the fields of a message that have no place of their own.
pub(super) fn collect_fields(fields: UnknownFields<'_>, accumulator: &mut ResponseAccumulator) {
    for (name, value) in fields {
        accumulator.set_message_extra(&name, RawJson::from_checked(value));
    }
}

/// Keeps what cannot be what its name says.
pub(super) fn collect_odd(piece: &Piece<'_>, accumulator: &mut ResponseAccumulator) {
    let is_nested = |raw: Raw<'_>| raw.is_list() || raw.is_object();
    for (name, raw, is_good) in [
        ("content", piece.content, piece.content.inside().is_some() || is_nested(piece.content)),
        ("refusal", piece.refusal, piece.refusal.inside().is_some()),
        ("audio", piece.audio, piece.audio.is_object()),
        ("function_call", piece.function_call, piece.function_call.is_object()),
    ] {
        if let (false, Some(odd)) = (is_good, raw.get()) {
            accumulator.set_message_extra(name, RawJson::from_checked(odd));
        }
    }
}

/// A list, or the one object that stands in its place; what is neither is kept beside the message.
pub(super) fn list_of<'a>(raw: Raw<'a>, name: &str, accumulator: &mut ResponseAccumulator) -> Raw<'a> {
    if let (false, Some(odd)) = (raw.is_list() || raw.is_object(), raw.0) {
        accumulator.set_message_extra(name, RawJson::from_checked(odd));
        return Raw(None);
    }
    raw
}

/// Collects the one call of an answer in the old style, or a piece of it.
pub(super) fn collect_old_call(
    function: Raw<'_>,
    whole: bool,
    accumulator: &mut ResponseAccumulator,
    halves: &mut Halves,
) {
    if function.is_object() {
        let function = function.read().unwrap_or_default();
        collect_call(WireToolCall { function, ..WireToolCall::default() }, whole, accumulator, halves);
    }
}

/// The index of a call of which nothing else is there than its name.
fn bare_name(call: &WireToolCall<'_>) -> Option<u64> {
    let is_bare = call.function.arguments.is_blank() && call.id.filled().is_none();
    call.index.0.filter(|_| is_bare && !call.function.name.is_blank())
}

/// Collects a tool call, or a piece of one. `whole`: it is not to be joined with others.
pub(super) fn collect_call(
    call: WireToolCall<'_>,
    whole: bool,
    accumulator: &mut ResponseAccumulator,
    halves: &mut Halves,
) {
    let extra = call_extra(&call);
    let (index, id) = (call.index.0, call.id.filled());
    let spelled = call.function.name.text();
    let name = spelled.filled();
    let said = call.function.arguments.inside().unwrap_or_default();
    let piece = ToolCallPiece { index, id, name, arguments: said, whole, ..ToolCallPiece::default() };
    let name = halves.join_name(call.function.name, || number_of(&piece, accumulator));
    let name = Some(&*name).filter(|name| !name.is_empty());
    let arguments = halves.join_arguments(call.function.arguments, || number_of(&piece, accumulator));
    accumulator.push_tool_call(ToolCallPiece { index, id, name, arguments, extra, whole, call: None });
}

/// The number of the call that a piece belongs to: one that goes on with no call begins the next.
pub(super) fn number_of(piece: &ToolCallPiece<'_>, accumulator: &ResponseAccumulator) -> usize {
    accumulator.position_of_call(piece).unwrap_or(accumulator.response().message.tool_calls.len())
}

/// The fields of a tool call that have no place of their own.
pub(super) fn call_extra(call: &WireToolCall<'_>) -> ExtraFields {
    let mut extra = ExtraFields::default();
    if let Some(kind) = call.kind.filled().filter(|kind| *kind != "function") {
        extra.insert("type", serde_json::Value::from(kind).into());
    }
    for (name, value) in &call.unknown {
        extra.insert(name, RawJson::from_checked(value));
    }
    for (name, value) in &call.function.unknown {
        extra.insert(&format!("{IN_FUNCTION}{}", &**name), RawJson::from_checked(value));
    }
    extra
}

fn collect_audio(piece: AudioPiece<'_>, accumulator: &mut ResponseAccumulator, halves: &mut Halves) {
    let mut text = |raw, place| halves.join(raw, place).unwrap_or_default().to_owned();
    let mut audio = spoken(text(piece.data, Place::Sound), text(piece.transcript, Place::Transcript));
    describe_audio(&mut audio, piece);
    accumulator.push_audio(audio);
}

/// The next piece of a spoken answer.
pub(super) fn spoken(data: String, transcript: String) -> Audio {
    let filled = |text: String| Some(text).filter(|text| !text.is_empty());
    let mut audio = Audio::default();
    audio.data = filled(data);
    audio.transcript = filled(transcript);
    audio
}

/// Adds what a piece says beside sound and words.
pub(super) fn describe_audio(audio: &mut Audio, piece: AudioPiece<'_>) {
    audio.id = piece.id.filled().map(str::to_owned);
    audio.expires_at = piece.expires_at.0;
    for (name, value) in piece.unknown {
        audio.extra.insert(&name, RawJson::from_checked(value));
    }
}
