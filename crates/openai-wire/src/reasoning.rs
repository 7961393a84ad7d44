//! Collects reasoning details: joins pieces to the items that they continue.

use std::borrow::Cow;

use lenient_json::{FromJson, Raw, Reader, Text, plain, split_high_surrogate};
use provider_core::author::ResponseAccumulator;
use provider_core::{ChatResponse, DetailValue, RawJson, ReasoningDetail};

use crate::texts::{JoinedText, TextJoiner};

/// The fields whose pieces are joined.
const TEXTS: [&str; 2] = ["text", "summary"];
/// How many items the search for the one that a piece continues visits, from the newest. This bound keeps
/// very many items from costing the square of their number.
const LOOK_BACK: usize = 256;

/// An item of `reasoning_details`, or a piece of one: its fields in order.
#[derive(Debug, Default)]
struct DetailPiece<'a> {
    kind: Text<'a>,
    id: Text<'a>,
    index: Option<&'a str>,
    fields: Fields<'a>,
}

/// Fields on the stack; no item seen so far has more than eight.
#[derive(Debug, Default)]
struct Fields<'a> {
    first: [Option<(Cow<'a, str>, &'a str)>; 10],
    rest: Vec<(Cow<'a, str>, &'a str)>,
}

impl<'a> Fields<'a> {
    fn push(&mut self, key: Cow<'a, str>, value: &'a str) {
        match self.first.iter_mut().find(|place| place.is_none()) {
            Some(place) => *place = Some((key, value)),
            None => self.rest.push((key, value)),
        }
    }

    fn iter(&self) -> impl Iterator<Item = &(Cow<'a, str>, &'a str)> {
        self.first.iter().flatten().chain(&self.rest)
    }
}

impl<'a> FromJson<'a> for DetailPiece<'a> {
    fn from_json(reader: &mut Reader<'a>) -> Option<Self> {
        let mut piece = DetailPiece::default();
        if reader.peek()? != b'{' {
            return reader.value().map(|_| piece);
        }
        reader.object(|reader, name| {
            let value = reader.value()?;
            match &*name {
                "type" => piece.kind = Raw::of(value).text(),
                "id" => piece.id = Raw::of(value).text(),
                "index" => piece.index = Some(value),
                _ => {}
            }
            piece.fields.push(name, value);
            Some(())
        })?;
        Some(piece)
    }
}

impl DetailPiece<'_> {
    /// Returns the item that this piece continues: for a text or a summary the newest one of its type and
    /// index, unless both have an id and the ids differ. Anything else is an item of its own.
    fn continued(&self, items: &[ReasoningDetail]) -> Option<usize> {
        let kind = Some(self.kind.as_str())
            .filter(|kind| matches!(*kind, "reasoning.text" | "reasoning.summary"))?;
        let index = self.index.and_then(|index| index.parse().ok());
        let (at, newest) = items
            .iter()
            .enumerate()
            .rev()
            .take(LOOK_BACK)
            .find(|(_, item)| item.kind() == Some(kind) && item.index() == index)?;
        match (self.id.filled(), newest.id()) {
            (Some(mine), Some(theirs)) if !theirs.is_empty() && mine != theirs => None,
            _ => Some(at),
        }
    }

    /// Returns which of the first `before` items a whole one repeats: the one in its position, or else the
    /// newest with its index.
    fn repeated(&self, position: usize, before: usize, items: &[ReasoningDetail]) -> Option<usize> {
        let index = self.index.and_then(|index| index.parse().ok());
        let is_same = |item: &ReasoningDetail| {
            let ids = (self.id.filled(), item.id().filter(|id| !id.is_empty()));
            let differ = matches!(ids, (Some(mine), Some(theirs)) if mine != theirs);
            item.kind() == self.kind.0.as_deref() && item.index() == index && !differ
        };
        let items = items.get(..before)?;
        if items.get(position).is_some_and(is_same) {
            return Some(position);
        }
        // Without an index no other item can be told to be the same.
        index?;
        items.iter().enumerate().rev().take(LOOK_BACK).find(|(_, item)| is_same(item)).map(|(at, _)| at)
    }

    /// Whether a person may read it.
    fn is_readable(&self) -> bool {
        self.kind.as_str() != "reasoning.encrypted"
    }
}

/// Collects the reasoning details of a chunk (`join`) or of a whole message. `show`: whether to show their
/// readable parts, because no plain text comes with them.
pub(crate) fn collect(
    details: Raw<'_>,
    join: bool,
    show: bool,
    joiner: &mut TextJoiner,
    out: &mut ResponseAccumulator,
) {
    if details.0.is_none() {
        return;
    }
    // An empty list is kept as well.
    out.reasoning_details_mut();
    details.for_each(|piece: DetailPiece<'_>| {
        if piece.fields.iter().next().is_none() {
            return;
        }
        let items = out.reasoning_details_mut();
        let at = if join { piece.continued(items) } else { None };
        let at = at.unwrap_or_else(|| {
            items.push(ReasoningDetail::new());
            items.len() - 1
        });
        add(&piece, at, show, joiner, out);
    });
}

/// Collects the new reasoning details of a message that comes behind others. `of_messages` is how
/// many of the items messages have brought.
pub(crate) fn collect_beyond(
    details: Raw<'_>,
    show: bool,
    of_messages: &mut usize,
    joiner: &mut TextJoiner,
    out: &mut ResponseAccumulator,
) {
    if details.0.is_none() {
        return;
    }
    let before = out.reasoning_details_mut().len();
    let has_deltas = before > *of_messages;
    let mut position = 0;
    details.for_each(|piece: DetailPiece<'_>| {
        let items = out.reasoning_details_mut();
        match piece.repeated(position, before, items) {
            Some(at) => add_beyond(&piece, at, has_deltas, show, joiner, out),
            None if piece.fields.iter().next().is_none() => {}
            None => {
                items.push(ReasoningDetail::new());
                let at = items.len() - 1;
                add(&piece, at, show, joiner, out);
            }
        }
        position += 1;
    });
    *of_messages += out.reasoning_details_mut().len() - before;
}

/// Adds a piece to an item, field by field, since the item keeps the order in which they come.
fn add(
    piece: &DetailPiece<'_>,
    at: usize,
    show: bool,
    joiner: &mut TextJoiner,
    out: &mut ResponseAccumulator,
) {
    let show = show && piece.is_readable();
    for (key, value) in piece.fields.iter() {
        match text_field(key, value) {
            Some((key, text)) => {
                append(at, key, joiner.join_text(text, JoinedText::Detail(at, key)), show, out)
            }
            None => set(at, key, value, out),
        }
    }
}

/// Adds to an item the new parts of a piece that repeats it. Of a text that begins with the item's text, the
/// rest is new. Another text is the next piece, unless deltas brought the item; then it is another wording of
/// the same.
fn add_beyond(
    piece: &DetailPiece<'_>,
    at: usize,
    has_deltas: bool,
    show: bool,
    joiner: &mut TextJoiner,
    out: &mut ResponseAccumulator,
) {
    let show = show && piece.is_readable();
    for (key, value) in piece.fields.iter() {
        let Some((key, text)) = text_field(key, value) else {
            set(at, key, value, out);
            continue;
        };
        let (inside, half) = split_high_surrogate(text);
        let said = plain(inside);
        let so_far = out.reasoning_details_mut().get(at).and_then(|item| item.text_of(key));
        match said.strip_prefix(so_far.unwrap_or_default()) {
            Some(rest) => {
                joiner.buffer(JoinedText::Detail(at, key), half);
                append(at, key, rest, show, out);
            }
            None if has_deltas => {}
            None => append(at, key, joiner.join_text(text, JoinedText::Detail(at, key)), show, out),
        }
    }
}

/// Returns a field whose pieces are joined, as it stands in the JSON.
fn text_field<'a>(key: &str, value: &'a str) -> Option<(&'static str, &'a str)> {
    let key = TEXTS.into_iter().find(|text| *text == key)?;
    Some((key, Raw::of(value).string()?))
}

/// Appends to the text of an item.
fn append(at: usize, key: &str, text: &str, show: bool, out: &mut ResponseAccumulator) {
    if let Some(item) = out.reasoning_details_mut().get_mut(at) {
        item.append(key, text);
    }
    if show {
        out.show_reasoning(text);
    }
}

/// Sets a field of an item whose pieces are not joined.
fn set(at: usize, key: &str, value: &str, out: &mut ResponseAccumulator) {
    let Some(item) = out.reasoning_details_mut().get_mut(at) else { return };
    let raw = Raw::of(value);
    match raw.text().0.filter(|_| raw.is_string()) {
        Some(text) if text.is_empty() && item.get(key).is_some() => {}
        Some(text) => {
            if item.text_of(key) != Some(&*text) {
                item.set(key, DetailValue::Text(text.into_owned()));
            }
        }
        None => {
            let same = matches!(item.get(key), Some(DetailValue::Json(old)) if old.get() == value);
            if !same && (value != "null" || item.get(key).is_none()) {
                item.set(key, DetailValue::Json(RawJson::from_checked(value)));
            }
        }
    }
}

/// Appends the replacement of an unpaired surrogate to the text of an item.
pub(crate) fn append_unpaired(at: usize, key: &str, text: &str, out: &mut ResponseAccumulator) {
    let is_shown = out.response().message.reasoning.is_none();
    append(at, key, text, is_shown, out);
}

/// The text of a reasoning detail that later pieces continue.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct DetailText {
    /// The detail's position.
    item: usize,
    /// The name of the field.
    key: &'static str,
}

/// Returns the text of a list's only piece and the item that it continues, if the same piece with another
/// text would only add that text.
pub(crate) fn text_of_only_detail<'a>(
    details: Raw<'a>,
    so_far: &ChatResponse,
) -> Option<(DetailText, Raw<'a>)> {
    let (mut number, mut only) = (0, None);
    details.for_each(|piece: DetailPiece<'_>| {
        number += 1;
        only = Some(piece);
    });
    let piece = only.filter(|_| number == 1 && details.is_list())?;
    let items = so_far.message.reasoning_details.as_deref().unwrap_or_default();
    // A piece never continues an item of another type.
    if !matches!(piece.kind.as_str(), "reasoning.text" | "reasoning.summary") {
        return None;
    }
    let item = piece.continued(items).unwrap_or(items.len());
    let fields_of = |key: &'static str| piece.fields.iter().filter(move |(name, _)| **name == *key);
    let is_text = |key: &&'static str| fields_of(key).any(|(_, value)| Raw::of(value).is_string());
    // One field alone is a text, and it is there once.
    let mut keys = TEXTS.into_iter().filter(is_text);
    let (Some(key), None) = (keys.next(), keys.next()) else { return None };
    let mut values = fields_of(key);
    match (values.next(), values.next()) {
        (Some((_, text)), None) => Some((DetailText { item, key }, Raw::of(text))),
        _ => None,
    }
}

/// Continues the text of a reasoning detail. `text` is the inside of a JSON string.
pub(crate) fn append_text(
    detail: DetailText,
    text: &str,
    show: bool,
    joiner: &mut TextJoiner,
    out: &mut ResponseAccumulator,
) {
    let text = joiner.join_text(text, JoinedText::Detail(detail.item, detail.key));
    append(detail.item, detail.key, text, show, out);
}
