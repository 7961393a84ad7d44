//! Collects the new parts of messages in a stream.
//!
//! A chunk has a `delta`, which is the next piece of the message. Some services send a `message` beside it or
//! in its place, which is either a piece, too, or the whole message so far. The texts tell which: a text that
//! begins with all that came before is the whole, and any other text is a piece. Where deltas brought the
//! text, messages only repeat it. This module collects the part of a message that is new, and no part twice.

use std::borrow::Cow;

use lenient_json::{Raw, plain, split_high_surrogate};
use provider_core::author::{ResponseAccumulator, ToolCallPiece};
use provider_core::{Annotation, Image, RawJson, ToolCall};

use crate::chunk::{AudioPiece, Piece, WireToolCall};
use crate::content::{self, Said};
use crate::piece::{
    audio_piece, call_extra, collect_call, collect_fields, collect_odd, collect_old_call, collect_part_field,
    describe_audio, list_of, plain_reasoning,
};
use crate::reasoning;
use crate::texts::{JoinedText, TextJoiner};

/// How much of each text the messages of a stream have brought, and in which form.
#[derive(Debug, Default)]
pub(crate) struct Messages {
    content: Text,
    reasoning: Text,
    refusal: Text,
    sound: Text,
    transcript: Text,
    /// The number of reasoning details that messages brought.
    details: usize,
}

/// The share of messages in a text.
#[derive(Debug, Default)]
struct Text {
    /// The bytes that messages brought. The rest of the text is from deltas.
    bytes: usize,
    form: Form,
}

/// The form in which messages bring a text.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Form {
    /// Not known yet: so far no message followed another one, except `same` messages that repeat the text
    /// so far.
    Unknown { same: usize },
    /// The whole text so far.
    Whole,
    /// The next piece.
    Piece,
}

impl Default for Form {
    fn default() -> Self {
        Self::Unknown { same: 0 }
    }
}

/// The part of a message's text that is new.
#[derive(Debug, PartialEq)]
enum Added<'m> {
    /// The text from here to its end.
    Rest(&'m str),
    /// All of it, since it is the next piece. Before it, `behind` messages that repeated the text so far were
    /// pieces as well.
    Piece { behind: usize },
    /// No part of it: the answer has all of it already.
    Nothing,
}

impl Text {
    /// Returns the new part of a message's text. `ended`: whether this is the chunk that ends the answer.
    fn added<'m>(&mut self, so_far: &str, message: &'m str, ended: bool) -> Added<'m> {
        let has_deltas = so_far.len() > self.bytes;
        if let (Form::Piece, false) = (self.form, has_deltas) {
            let is_all = ended && message == so_far;
            return if is_all { Added::Nothing } else { Added::Piece { behind: 0 } };
        }
        match (message.strip_prefix(so_far), self.form) {
            (Some(""), Form::Unknown { same }) => {
                // "ha" behind "ha" is the same again, or the next piece. A later message tells.
                let could_be_piece = !has_deltas && !ended && !message.is_empty();
                self.form = Form::Unknown { same: same + usize::from(could_be_piece) };
                Added::Nothing
            }
            (Some(rest), _) => {
                if !so_far.is_empty() {
                    self.form = Form::Whole;
                }
                Added::Rest(rest)
            }
            (None, Form::Unknown { same }) if !has_deltas => {
                self.form = Form::Piece;
                Added::Piece { behind: same }
            }
            // Another wording of the same.
            (None, _) => Added::Nothing,
        }
    }

    /// Takes the new text of a message. `inside` is the inside of a JSON string.
    fn take(
        &mut self,
        so_far: &str,
        inside: &str,
        ended: bool,
        place: JoinedText,
        joiner: &mut TextJoiner,
    ) -> String {
        if inside.is_empty() {
            return String::new();
        }
        let (whole, half) = split_high_surrogate(inside);
        let whole = plain(whole);
        let new = match self.added(so_far, &whole, ended) {
            Added::Rest(rest) => {
                joiner.buffer(place, half);
                rest.to_owned()
            }
            Added::Piece { behind } => so_far.repeat(behind) + joiner.join_text(inside, place),
            Added::Nothing => String::new(),
        };
        self.bytes += new.len();
        new
    }
}

/// The texts of a message, joined from its parts: insides of JSON strings.
#[derive(Default)]
struct Texts<'a> {
    content: Cow<'a, str>,
    reasoning: Cow<'a, str>,
    refusal: Cow<'a, str>,
}

impl Messages {
    /// Records that the first message was collected as it is.
    pub(crate) fn began(&mut self, out: &ResponseAccumulator, joiner: &mut TextJoiner) {
        let message = &out.response().message;
        let length = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        self.content.bytes = message.text.len().max(joiner.tagged_bytes());
        self.reasoning.bytes = length(&message.reasoning);
        self.refusal.bytes = length(&message.refusal);
        if let Some(audio) = &message.audio {
            self.sound.bytes = length(&audio.data);
            self.transcript.bytes = length(&audio.transcript);
        }
        self.details = message.reasoning_details.as_ref().map_or(0, Vec::len);
    }

    /// Collects the parts of a message that are new. `ended`: whether this is the chunk that ends the answer.
    pub(crate) fn collect(
        &mut self,
        message: Piece<'_>,
        ended: bool,
        out: &mut ResponseAccumulator,
        joiner: &mut TextJoiner,
    ) {
        let mut texts = Texts::default();
        if let Some(reasoning) = plain_reasoning(&message, out) {
            texts.reasoning = Cow::Borrowed(reasoning.inside().unwrap_or_default());
        }
        collect_content(message.content, &mut texts, out);
        texts.refusal += message.refusal.inside().unwrap_or_default();
        self.collect_reasoning(&texts.reasoning, message.reasoning_details, ended, out, joiner);
        let tagged = joiner.take_tagged();
        let so_far = if tagged.is_empty() { &out.response().message.text } else { &tagged };
        let text = self.content.take(so_far, &texts.content, ended, JoinedText::Content, joiner);
        joiner.put_back(tagged);
        joiner.push_joined_text(&text, out);
        let so_far = out.response().message.refusal.as_deref().unwrap_or_default();
        out.push_refusal(&self.refusal.take(so_far, &texts.refusal, ended, JoinedText::Refusal, joiner));
        collect_calls(list_of(message.tool_calls, "tool_calls", out), out, joiner);
        // Where deltas brought the call, the message only repeats it.
        if out.response().message.tool_calls.is_empty() {
            collect_old_call(message.function_call, true, out, joiner);
        }
        let before = out.response().message.annotations.len();
        for_each_of(list_of(message.annotations, "annotations", out), |position, json| {
            collect_annotation(json, position, before, out);
        });
        let before = out.response().message.images.len();
        for_each_of(list_of(message.images, "images", out), |position, json| {
            collect_image(json, position, before, out);
        });
        if message.audio.is_object() {
            self.collect_audio(message.audio.read().unwrap_or_default(), ended, out, joiner);
        }
        collect_odd(&message, out);
        collect_fields(message.unknown, out);
    }

    fn collect_reasoning(
        &mut self,
        plain: &str,
        structured: Raw<'_>,
        ended: bool,
        out: &mut ResponseAccumulator,
        joiner: &mut TextJoiner,
    ) {
        let message = &out.response().message;
        let so_far = message.reasoning.as_deref().unwrap_or_default();
        let mut details = message.reasoning_details.iter().flatten();
        // Where the structured ones were shown, the plain ones only repeat them.
        let were_shown = so_far.is_empty()
            && details.any(|detail| detail.visible_text().is_some_and(|text| !text.is_empty()));
        let show = so_far.is_empty() && (plain.is_empty() || were_shown);
        if !were_shown {
            out.push_reasoning(&self.reasoning.take(so_far, plain, ended, JoinedText::Reasoning, joiner));
        }
        let structured = list_of(structured, "reasoning_details", out);
        reasoning::collect_beyond(structured, show, &mut self.details, joiner, out);
    }

    fn collect_audio(
        &mut self,
        piece: AudioPiece<'_>,
        ended: bool,
        out: &mut ResponseAccumulator,
        joiner: &mut TextJoiner,
    ) {
        let so_far = out.response().message.audio.as_ref();
        let mut new = |text: &mut Text, so_far: Option<&String>, raw: Raw<'_>, place| {
            let so_far = so_far.map_or("", String::as_str);
            text.take(so_far, raw.inside().unwrap_or_default(), ended, place, joiner)
        };
        let data = so_far.and_then(|audio| audio.data.as_ref());
        let data = new(&mut self.sound, data, piece.data, JoinedText::Sound);
        let transcript = so_far.and_then(|audio| audio.transcript.as_ref());
        let transcript = new(&mut self.transcript, transcript, piece.transcript, JoinedText::Transcript);
        let mut audio = audio_piece(data, transcript);
        describe_audio(&mut audio, piece);
        out.push_audio(audio);
    }
}

/// Gathers the texts of a message's content, and collects its other new parts.
fn collect_content<'a>(content: Raw<'a>, texts: &mut Texts<'a>, out: &mut ResponseAccumulator) {
    if let Some(text) = content.inside() {
        texts.content = Cow::Borrowed(text);
        return;
    }
    let message = &out.response().message;
    let (images, annotations) = (message.images.len(), message.annotations.len());
    content::read(content, |said| match said {
        Said::Text(text) => texts.content += text,
        Said::Reasoning(text) => texts.reasoning += text,
        Said::Refusal(text) => texts.refusal += text,
        Said::Image(json) => collect_image(json, images, images, out),
        Said::Annotation(json) => collect_annotation(json, annotations, annotations, out),
        Said::Other(json) => {
            let known = out.response().message.extra.all("content");
            if !known.iter().rev().take(LOOK_BACK).any(|known| known.get() == json) {
                out.push_message_extra("content", RawJson::from_checked(json));
            }
        }
        Said::Field(name, json) => collect_part_field(&name, json, out),
    });
}

/// Calls `each` with the items of a list and their positions.
fn for_each_of<'a>(list: Raw<'a>, mut each: impl FnMut(usize, &'a str)) {
    let mut position = 0;
    list.for_each(|item: Raw<'a>| {
        item.get().into_iter().for_each(|json| each(position, json));
        position += 1;
    });
}

/// How many items a search for an equal one visits, from the newest. This bound keeps very many items from
/// costing the square of their number.
const LOOK_BACK: usize = 256;

/// Whether an item of a list is among those that came before this message: in its position, or elsewhere.
fn is_known<T>(json: &str, position: usize, before: &[T], raw: impl Fn(&T) -> &RawJson) -> bool {
    let is_same = |item: &T| raw(item).get() == json;
    before.get(position).is_some_and(is_same) || before.iter().rev().take(LOOK_BACK).any(is_same)
}

fn collect_annotation(json: &str, position: usize, before: usize, out: &mut ResponseAccumulator) {
    let known = &out.response().message.annotations[..before];
    if !is_known(json, position, known, Annotation::raw) {
        out.push_annotation(Annotation::new(RawJson::from_checked(json)));
    }
}

fn collect_image(json: &str, position: usize, before: usize, out: &mut ResponseAccumulator) {
    let known = &out.response().message.images[..before];
    if !is_known(json, position, known, Image::raw) {
        out.push_image(Image::new(RawJson::from_checked(json)));
    }
}

/// Collects the new parts of a message's list of tool calls.
fn collect_calls(calls: Raw<'_>, out: &mut ResponseAccumulator, joiner: &mut TextJoiner) {
    let before = out.response().message.tool_calls.len();
    let mut position = 0;
    calls.for_each(|call: WireToolCall<'_>| {
        let begins = call.id.filled().is_some() || call.function.name.text().filled().is_some();
        match repeated(&call, position, before, out) {
            Some(number) if begins => collect_rest(call, number, out, joiner),
            _ => collect_call(call, begins, out, joiner),
        }
        position += 1;
    });
}

/// Returns the text of a call's arguments.
fn arguments_of<'a>(call: &WireToolCall<'a>) -> Cow<'a, str> {
    let raw = call.function.arguments;
    if raw.is_string() { raw.text().into_cow() } else { Cow::Borrowed(raw.get().unwrap_or_default()) }
}

/// Returns which of the first `before` calls a whole one repeats: the one with its id, or without ids one
/// that it extends, by its index on the wire or else by its position.
fn repeated(
    call: &WireToolCall<'_>,
    position: usize,
    before: usize,
    out: &mut ResponseAccumulator,
) -> Option<usize> {
    let index = call.index.0;
    let by_index = out.position_of_call(&ToolCallPiece { index, ..ToolCallPiece::default() });
    let known = &out.response().message.tool_calls[..before];
    let id = call.id.filled();
    let has_id = |known: &ToolCall| id == Some(&*known.id);
    if let Some(back) = known.iter().rev().take(LOOK_BACK).position(has_id) {
        return Some(before - 1 - back);
    }
    // Some services number all their calls 0.
    let by_position = Some(position).filter(|_| matches!(index, None | Some(0)));
    let (name, arguments) = (call.function.name.text(), arguments_of(call));
    let is_repeated = |at: &usize| {
        known.get(*at).filter(|known| id.is_none() || known.id.is_empty()).is_some_and(|known| {
            let goes_on = arguments.starts_with(&known.arguments) || !known.is_complete();
            name.as_str().starts_with(&known.name) && (goes_on || is_same_json(&arguments, &known.arguments))
        })
    };
    by_index.filter(|_| index.is_some()).into_iter().chain(by_position).find(is_repeated)
}

/// Whether two texts are the same JSON, written in two ways.
fn is_same_json(one: &str, other: &str) -> bool {
    let read = |text| serde_json::from_str::<serde_json::Value>(text).ok();
    read(one).is_some_and(|one| Some(one) == read(other))
}

/// Collects the parts of a whole call that the one it repeats does not have.
fn collect_rest(
    call: WireToolCall<'_>,
    number: usize,
    out: &mut ResponseAccumulator,
    joiner: &mut TextJoiner,
) {
    let (name, arguments) = (call.function.name.text().into_cow(), arguments_of(&call));
    let known = &out.response().message.tool_calls[number];
    let new_name = name.strip_prefix(&*known.name).unwrap_or_default().to_owned();
    let new_arguments = match arguments.strip_prefix(&*known.arguments) {
        Some(rest) => {
            joiner.buffer(JoinedText::Arguments(number), None);
            joiner.count_arguments(rest);
            rest.to_owned()
        }
        // Another wording of the same.
        None if known.is_complete() => String::new(),
        None => joiner.join_arguments(call.function.arguments, || number).to_owned(),
    };
    out.push_tool_call(ToolCallPiece {
        call: Some(number),
        id: call.id.filled(),
        name: Some(&new_name),
        arguments: &new_arguments,
        extra: call_extra(&call),
        ..ToolCallPiece::default()
    });
}

#[cfg(test)]
mod tests {
    use super::{Added, Text};

    /// Returns the text that is collected of these messages, the last of which ends the answer, behind that
    /// of deltas.
    fn taken(deltas: &str, messages: &[&str]) -> String {
        let (mut text, mut so_far) = (Text::default(), deltas.to_owned());
        for (number, message) in messages.iter().enumerate() {
            let new = match text.added(&so_far, message, number + 1 == messages.len()) {
                Added::Rest(rest) => rest.to_owned(),
                Added::Piece { behind } => so_far.repeat(behind) + message,
                Added::Nothing => String::new(),
            };
            text.bytes += new.len();
            so_far += &new;
        }
        so_far
    }

    #[test]
    fn a_text_in_messages_is_taken_once() {
        for (deltas, messages, expected) in [
            // Pieces.
            ("", &["Hel", "lo"][..], "Hello"),
            ("", &["ha", "ha", "!", "ha", ""], "haha!ha"),
            ("", &["Hel", "lo", "Hello"], "Hello"),
            // The whole so far.
            ("", &["Hel", "Hello", "Hello", "Hello."], "Hello."),
            ("", &["Hello", "Hello"], "Hello"),
            ("", &["Hel", "Hello", "Other"], "Hello"),
            // Behind deltas.
            ("Hello", &["Hello"], "Hello"),
            ("Hel", &["Hello"], "Hello"),
            ("Hello ", &["Hello"], "Hello "),
            ("Hello", &["lo", "lo"], "Hello"),
            ("Hello", &["", "Hello you"], "Hello you"),
        ] {
            assert_eq!(taken(deltas, messages), expected, "{deltas:?} and {messages:?}");
        }
    }
}
