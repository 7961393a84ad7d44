//! Collects a piece of a message, or a whole one, into the accumulator.

use lenient_json::{Raw, UnknownFields};
use provider_core::author::{ResponseAccumulator, ToolCallPiece};
use provider_core::{Annotation, Audio, ExtraFields, Image, RawJson};

use crate::chunk::{AudioPiece, IN_FUNCTION, Piece, WireToolCall};
use crate::content::{self, Said};
use crate::reasoning;
use crate::texts::{JoinedText, TextJoiner};
use crate::values::Keep as _;

/// Collects a piece of a message. `whole`: it is a message of its own, whose items do not join others.
///
/// A value of the wrong type is kept beside the message, under its name.
pub(crate) fn collect_piece(
    piece: Piece<'_>,
    whole: bool,
    out: &mut ResponseAccumulator,
    joiner: &mut TextJoiner,
) {
    let reasoning = plain_reasoning(&piece, out).unwrap_or_default();
    let reasoning = joiner.join(reasoning, JoinedText::Reasoning).unwrap_or_default();
    let has_plain_reasoning = !reasoning.is_empty();
    out.push_reasoning(reasoning);
    let structured = list_of(piece.reasoning_details, "reasoning_details", out);
    reasoning::collect(structured, !whole, !has_plain_reasoning, joiner, out);
    if !joiner.collect_text(piece.content, out) {
        content::read(piece.content, |said| collect_said(said, out, joiner));
    }
    out.push_refusal(joiner.join(piece.refusal, JoinedText::Refusal).unwrap_or_default());
    let mut before = None;
    list_of(piece.tool_calls, "tool_calls", out).for_each(|call: WireToolCall<'_>| {
        let bare = bare_name(&call);
        // Two names in one list are two calls, where nothing else tells them apart.
        let is_next = bare.is_some() && std::mem::replace(&mut before, bare) == bare;
        collect_call(call, whole || is_next, out, joiner);
    });
    collect_old_call(piece.function_call, whole, out, joiner);
    list_of(piece.annotations, "annotations", out).for_each(|raw: Raw<'_>| {
        raw.keep().into_iter().for_each(|raw| out.push_annotation(Annotation::new(raw)));
    });
    list_of(piece.images, "images", out).for_each(|raw: Raw<'_>| {
        raw.keep().into_iter().for_each(|raw| out.push_image(Image::new(raw)));
    });
    if piece.audio.is_object() {
        collect_audio(piece.audio.read().unwrap_or_default(), out, joiner);
    }
    collect_odd(&piece, out);
    collect_fields(piece.unknown, out);
}

/// Returns the plain text of the reasoning, which services have under one name or another: the first that is
/// not blank. Anything else under these names is kept beside the message.
pub(crate) fn plain_reasoning<'a>(piece: &Piece<'a>, out: &mut ResponseAccumulator) -> Option<Raw<'a>> {
    let mut found = None::<Raw<'a>>;
    for (name, raw) in piece.reasoning_texts() {
        match (raw.inside(), found) {
            _ if raw.is_blank() => {}
            (Some(_), None) => found = Some(raw),
            (Some(text), Some(found)) if found.inside() == Some(text) => {}
            _ => raw.keep().into_iter().for_each(|odd| out.set_message_extra(name, odd)),
        }
    }
    found
}

/// Collects what is new in a piece's content that is a list of parts.
fn collect_said(said: Said<'_>, out: &mut ResponseAccumulator, joiner: &mut TextJoiner) {
    match said {
        Said::Text(text) => joiner.push_text(text, out),
        Said::Reasoning(text) => out.push_reasoning(joiner.join_text(text, JoinedText::Reasoning)),
        Said::Refusal(text) => out.push_refusal(joiner.join_text(text, JoinedText::Refusal)),
        Said::Image(json) => out.push_image(Image::new(RawJson::from_checked(json))),
        Said::Annotation(json) => out.push_annotation(Annotation::new(RawJson::from_checked(json))),
        Said::Other(json) => out.push_message_extra("content", RawJson::from_checked(json)),
        Said::Field(name, json) => collect_part_field(&name, json, out),
    }
}

/// Keeps a field of a content's part that has no place of its own.
pub(crate) fn collect_part_field(name: &str, json: &str, out: &mut ResponseAccumulator) {
    out.set_message_extra(&format!("content.{name}"), RawJson::from_checked(json));
}

/// Keeps the fields of a message that have no place of their own.
pub(crate) fn collect_fields(fields: UnknownFields<'_>, out: &mut ResponseAccumulator) {
    for (name, value) in fields {
        out.set_message_extra(&name, RawJson::from_checked(value));
    }
}

/// Keeps the values whose types do not fit their names.
pub(crate) fn collect_odd(piece: &Piece<'_>, out: &mut ResponseAccumulator) {
    let is_nested = |raw: Raw<'_>| raw.is_list() || raw.is_object();
    for (name, raw, is_good) in [
        ("content", piece.content, piece.content.inside().is_some() || is_nested(piece.content)),
        ("refusal", piece.refusal, piece.refusal.inside().is_some()),
        ("audio", piece.audio, piece.audio.is_object()),
        ("function_call", piece.function_call, piece.function_call.is_object()),
    ] {
        if let (false, Some(odd)) = (is_good, raw.get()) {
            out.set_message_extra(name, RawJson::from_checked(odd));
        }
    }
}

/// Returns a list, or the one object that stands in its place. Any other value is kept beside the message.
pub(crate) fn list_of<'a>(raw: Raw<'a>, name: &str, out: &mut ResponseAccumulator) -> Raw<'a> {
    if let (false, Some(odd)) = (raw.is_list() || raw.is_object(), raw.0) {
        out.set_message_extra(name, RawJson::from_checked(odd));
        return Raw(None);
    }
    raw
}

/// Collects the one call of an answer in the old style, or a piece of it.
pub(crate) fn collect_old_call(
    function: Raw<'_>,
    whole: bool,
    out: &mut ResponseAccumulator,
    joiner: &mut TextJoiner,
) {
    if function.is_object() {
        let function = function.read().unwrap_or_default();
        collect_call(WireToolCall { function, ..WireToolCall::default() }, whole, out, joiner);
    }
}

/// Returns the index of a call that has a name, but no id and no arguments.
fn bare_name(call: &WireToolCall<'_>) -> Option<u64> {
    let is_bare = call.function.arguments.is_blank() && call.id.filled().is_none();
    call.index.0.filter(|_| is_bare && !call.function.name.is_blank())
}

/// Collects a tool call, or a piece of one. `whole`: it does not join others.
pub(crate) fn collect_call(
    call: WireToolCall<'_>,
    whole: bool,
    out: &mut ResponseAccumulator,
    joiner: &mut TextJoiner,
) {
    let extra = call_extra(&call);
    let (index, id) = (call.index.0, call.id.filled());
    let spelled = call.function.name.text();
    let name = spelled.filled();
    let said = call.function.arguments.inside().unwrap_or_default();
    let piece = ToolCallPiece { index, id, name, arguments: said, whole, ..ToolCallPiece::default() };
    let name = joiner.join_name(call.function.name, || number_of(&piece, out));
    let name = Some(&*name).filter(|name| !name.is_empty());
    let arguments = joiner.join_arguments(call.function.arguments, || number_of(&piece, out));
    out.push_tool_call(ToolCallPiece { index, id, name, arguments, extra, whole, call: None });
}

/// Returns the position of the call that a piece belongs to. A piece that continues no call begins the next.
pub(crate) fn number_of(piece: &ToolCallPiece<'_>, out: &ResponseAccumulator) -> usize {
    out.position_of_call(piece).unwrap_or(out.response().message.tool_calls.len())
}

/// Returns the fields of a tool call that have no place of their own.
pub(crate) fn call_extra(call: &WireToolCall<'_>) -> ExtraFields {
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

fn collect_audio(piece: AudioPiece<'_>, out: &mut ResponseAccumulator, joiner: &mut TextJoiner) {
    let mut text = |raw, place| joiner.join(raw, place).unwrap_or_default().to_owned();
    let mut audio =
        audio_piece(text(piece.data, JoinedText::Sound), text(piece.transcript, JoinedText::Transcript));
    describe_audio(&mut audio, piece);
    out.push_audio(audio);
}

/// The next piece of a spoken answer.
pub(crate) fn audio_piece(data: String, transcript: String) -> Audio {
    let filled = |text: String| Some(text).filter(|text| !text.is_empty());
    let mut audio = Audio::default();
    audio.data = filled(data);
    audio.transcript = filled(transcript);
    audio
}

/// Adds what a piece says beside sound and words.
pub(crate) fn describe_audio(audio: &mut Audio, piece: AudioPiece<'_>) {
    audio.id = piece.id.filled().map(str::to_owned);
    audio.expires_at = piece.expires_at.0;
    for (name, value) in piece.unknown {
        audio.extra.insert(&name, RawJson::from_checked(value));
    }
}
