//! Reads a content that is a list of parts.

use std::borrow::Cow;

use lenient_json::{Raw, Text, object};

/// An item of a content. Texts are the inside of a JSON string, escapes and all.
pub(crate) enum Said<'a> {
    Text(&'a str),
    Reasoning(&'a str),
    Refusal(&'a str),
    /// An image, as JSON.
    Image(&'a str),
    /// A note on the text, as JSON.
    Annotation(&'a str),
    /// A part of a type that this crate does not know, as JSON.
    Other(&'a str),
    /// A field of a part that has no place of its own, by its name.
    Field(Cow<'a, str>, &'a str),
}

object! {
    /// A part of a content.
    pub(crate) struct Part<'a> {
        kind: Text<'a> = "type",
        text: Raw<'a> = "text",
        thinking: Raw<'a> = "thinking",
        reasoning: Raw<'a> = "reasoning",
        summary: Raw<'a> = "summary",
        refusal: Raw<'a> = "refusal",
        annotations: Raw<'a> = "annotations",
    }
    skip "index" | "id"
}

/// Reads a content that is a list of parts, or the one part that stands in its place, and calls `each` with
/// its items in order.
pub(crate) fn read<'a>(content: Raw<'a>, mut each: impl FnMut(Said<'a>)) {
    content.for_each(|part: Raw<'a>| read_part(part, &mut each));
}

fn read_part<'a>(raw: Raw<'a>, each: &mut impl FnMut(Said<'a>)) {
    let Some(json) = raw.get() else { return };
    if let Some(text) = raw.string() {
        return each(Said::Text(text));
    }
    let part: Part<'a> = raw.read().unwrap_or_default();
    match part.kind.as_str() {
        "image_url" => return each(Said::Image(json)),
        // A part without a type counts as a text if it has one.
        "text" | "output_text" | "" => match part.text.inside().or_else(|| value_of(part.text)) {
            Some(text) => each(Said::Text(text)),
            None => return each(Said::Other(json)),
        },
        "thinking" | "reasoning" | "reasoning_text" | "reasoning_content" | "thought" => {
            let places = [part.thinking, part.reasoning, part.text, part.summary];
            match places.into_iter().find(|place| has_text(*place)) {
                Some(reasoning) => read_reasoning(reasoning, each),
                None => return each(Said::Other(json)),
            }
        }
        "refusal" => match part.refusal.inside().or(part.text.inside()) {
            Some(text) => each(Said::Refusal(text)),
            None => return each(Said::Other(json)),
        },
        _ => return each(Said::Other(json)),
    }
    part.annotations
        .for_each(|note: Raw<'a>| note.get().into_iter().for_each(|json| each(Said::Annotation(json))));
    for (name, value) in part.unknown {
        each(Said::Field(name, value));
    }
}

object! {
    /// A text as OpenAI's Assistants have it.
    pub(crate) struct TextObject<'a> {
        value: Raw<'a> = "value",
    }
}

fn value_of(text: Raw<'_>) -> Option<&str> {
    if text.is_object() { text.read::<TextObject<'_>>()?.value.inside() } else { None }
}

/// Whether the value is a text, or a list of texts.
fn has_text(raw: Raw<'_>) -> bool {
    let mut found = false;
    read_reasoning(raw, &mut |_| found = true);
    found
}

/// Calls `each` with reasoning: a text, or a list of parts with texts.
fn read_reasoning<'a>(raw: Raw<'a>, each: &mut impl FnMut(Said<'a>)) {
    if let Some(text) = raw.inside() {
        return each(Said::Reasoning(text));
    }
    raw.for_each(|part: Raw<'a>| {
        let inner: Part<'a> = part.read().unwrap_or_default();
        let text = [part, inner.text, inner.thinking].into_iter().find_map(Raw::inside);
        text.into_iter().for_each(|text| each(Said::Reasoning(text)));
    });
}
