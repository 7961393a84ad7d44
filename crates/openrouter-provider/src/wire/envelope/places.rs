//! Where the texts of a chunk stand.

use lenient_json::Raw;
use provider_core::ChatResponse;

use crate::response::DEBUG_FIELD;
use crate::wire::chunk::{Choice, Chunk, Piece, WireToolCall};
use crate::wire::details::{DetailText, text_of_only_detail};

/// With more fields that are not known, a chunk is not remembered: what is new in it outweighs what repeats.
pub(super) const MOST_OTHERS: usize = 4;

/// What is known of a chunk beside its JSON.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Where its texts stand, in their order.
    pub(super) places: Vec<Place>,
    /// The number of the tool call that it goes on with.
    pub(super) call: Option<u64>,
    /// The structured thought that it goes on with.
    pub(super) detail: DetailText,
    /// The fields that are not known, in their order.
    pub(super) others: Vec<Other>,
}

/// A field that is not known, and its latest value that the accumulator does not have.
#[derive(Debug)]
pub(super) struct Other {
    pub(super) name: String,
    pub(super) is_in_message: bool,
    /// JSON.
    pub(super) value: String,
    /// Whether there is such a value.
    pub(super) is_new: bool,
}

/// The place of a text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// Where the string begins and ends in the JSON, its quotes included.
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) field: Field,
}

/// What a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Content,
    Reasoning,
    /// The text of a structured thought, or its summary.
    Detail,
    /// The next piece of a tool call's arguments.
    Arguments,
    /// A field that is not known, by its number. Any JSON may stand there.
    Other(usize),
}

/// Finds the texts of a chunk. False when the next chunk must not be told by this one.
pub(super) fn places(json: &str, chunk: &Chunk<'_>, so_far: &ChatResponse, known: &mut Known) -> bool {
    known.places.clear();
    known.others.clear();
    let Some((choice, delta)) = only_delta(chunk) else { return false };
    let mut put = |field, text: Raw<'_>| {
        if let Some(text) = text.get() {
            // The text is a part of the JSON.
            let from = text.as_ptr() as usize - json.as_ptr() as usize;
            known.places.push(Place { from, to: from + text.len(), field });
        }
    };
    let Some(thoughts) = only_thoughts(delta) else { return false };
    for (field, text) in [(Field::Content, delta.content), (Field::Reasoning, thoughts)] {
        // What is no text is the same again, or the next chunk is another one.
        match text.0 {
            None => {}
            Some(_) if text.is_string() => put(field, text),
            Some(_) => return false,
        }
    }
    if delta.reasoning_details.0.is_some() {
        let Some((detail, text)) = text_of_only_detail(delta.reasoning_details, so_far) else { return false };
        known.detail = detail;
        put(Field::Detail, text);
    }
    if delta.tool_calls.0.is_some() {
        let Some((call, arguments)) = arguments_of_only_call(delta.tool_calls) else { return false };
        known.call = call;
        put(Field::Arguments, arguments);
    }
    let beside = chunk.unknown.iter().chain(&choice.unknown).map(|field| (field, false));
    for ((name, value), is_in_message) in beside.chain(delta.unknown.iter().map(|field| (field, true))) {
        let is_same = |other: &Other| (other.is_in_message, &*other.name) == (is_in_message, &**name);
        // Of two with one name the last counts, unless it is absent; and of some, every value.
        let is_special = *name == DEBUG_FIELD || *name == "x_groq";
        if known.others.len() == MOST_OTHERS || known.others.iter().any(is_same) || is_special {
            return false;
        }
        put(Field::Other(known.others.len()), Raw(Some(value)));
        let (name, value) = (name.clone().into_owned(), String::new());
        known.others.push(Other { name, is_in_message, value, is_new: false });
    }
    known.places.sort_unstable_by_key(|place| place.from);
    true
}

/// The plain text of thoughts, absent or under one name alone; nothing when there are several, since it is
/// the texts then that decide which of them counts.
fn only_thoughts<'a>(delta: &Piece<'a>) -> Option<Raw<'a>> {
    let mut present = delta.thoughts().into_iter().map(|(_, raw)| raw).filter(|raw| raw.0.is_some());
    let only = present.next().unwrap_or_default();
    present.next().is_none().then_some(only)
}

/// The delta of a chunk that has nothing beside it but what every chunk repeats.
fn only_delta<'c, 'a>(chunk: &'c Chunk<'a>) -> Option<(&'c Choice<'a>, &'c Piece<'a>)> {
    let Chunk {
        // The first or the latest of these counts: the same once more changes nothing.
        id: _,
        model: _,
        provider: _,
        created: _,
        service_tier: _,
        system_fingerprint: _,
        choices,
        usage,
        error,
        unknown: _,
    } = chunk;
    let choice = choices.0.as_ref()?;
    let Choice {
        index: _,
        delta,
        message,
        text,
        finish_reason,
        native_finish_reason,
        logprobs,
        usage: usage_of_choice,
        error: error_of_choice,
        unknown: _,
    } = choice;
    let delta = delta.as_ref()?;
    let Piece {
        content: _,
        reasoning: _,
        reasoning_content: _,
        reasoning_text: _,
        thinking: _,
        reasoning_details: _,
        refusal,
        tool_calls: _,
        function_call,
        annotations,
        images,
        audio,
        unknown: _,
    } = delta;
    let others = [usage, error, text, logprobs, error_of_choice, refusal, annotations, images, audio];
    let others = others.into_iter().chain([usage_of_choice, function_call]);
    let nothing_else = others.into_iter().all(|raw| raw.0.is_none()) && message.is_none();
    let goes_on = finish_reason.filled().is_none() && native_finish_reason.filled().is_none();
    (nothing_else && goes_on).then_some((choice, delta))
}

/// The number of the call that a piece goes on with, and the piece of its arguments, if there is nothing else
/// in it.
fn arguments_of_only_call(calls: Raw<'_>) -> Option<(Option<u64>, Raw<'_>)> {
    let (mut number, mut only) = (0, None);
    calls.for_each(|call: WireToolCall<'_>| {
        number += 1;
        only = Some(call);
    });
    let WireToolCall { index, id, kind, function, unknown } =
        only.filter(|_| number == 1 && calls.is_list())?;
    let begins = id.filled().is_some() || !function.name.is_blank();
    let is_plain = kind.filled().is_none_or(|kind| kind == "function");
    let all_known = unknown.is_empty() && function.unknown.is_empty();
    let goes_on = !begins && is_plain && all_known && function.arguments.is_string();
    goes_on.then_some((index.0, function.arguments))
}
