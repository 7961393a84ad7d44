//! The spans of a template: where the texts of a chunk stand.

use lenient_json::{Locator, Raw, Span};
use provider_core::ChatResponse;

use crate::chunk::{Choice, Chunk, GROQ_FIELD, Piece, WireToolCall};
use crate::dialect::Dialect;
use crate::reasoning::{DetailText, text_of_only_detail};

/// The most unknown fields of a template. With more of them the new bytes outnumber those that repeat.
pub(super) const MAX_OTHERS: usize = 4;

/// The spans of a chunk, and the items that its texts belong to.
#[derive(Debug, Default)]
pub(super) struct Spans {
    /// Where the texts stand, quotes included, sorted and apart.
    pub(super) texts: Vec<(Span, Field)>,
    /// The wire's index of the tool call that the chunk continues.
    pub(super) call: Option<u64>,
    /// The text of a reasoning detail that the chunk continues.
    pub(super) detail: DetailText,
    /// The unknown fields, in their order.
    pub(super) others: Vec<Other>,
}

/// An unknown field, and its latest value if the accumulator does not have it yet.
#[derive(Debug)]
pub(super) struct Other {
    pub(super) name: String,
    pub(super) is_in_message: bool,
    /// JSON.
    pub(super) value: String,
    /// Whether there is such a value.
    pub(super) is_new: bool,
}

/// The meaning of a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Content,
    Reasoning,
    /// The text of a reasoning detail, or its summary.
    Detail,
    /// The next piece of a tool call's arguments.
    Arguments,
    /// An unknown field, by its number. Any JSON may stand there.
    Other(usize),
}

impl Spans {
    /// Finds the texts of a chunk. False: this chunk must not become a template.
    pub(super) fn capture<D: Dialect>(
        &mut self,
        json: &str,
        chunk: &Chunk<'_>,
        dialect: &D,
        so_far: &ChatResponse,
    ) -> bool {
        self.texts.clear();
        self.others.clear();
        let Some((choice, delta)) = only_delta(chunk) else { return false };
        let locator = Locator::new(json);
        let mut put = |field, text: Raw<'_>| {
            if let Some(text) = text.get() {
                self.texts.push((locator.span_of(text), field));
            }
        };
        let Some(reasoning) = only_reasoning(delta) else { return false };
        for (field, text) in [(Field::Content, delta.content), (Field::Reasoning, reasoning)] {
            match text.0 {
                None => {}
                Some(_) if text.is_string() => put(field, text),
                // A value that is no text has to be the same again, which a span does not check.
                Some(_) => return false,
            }
        }
        if delta.reasoning_details.0.is_some() {
            let Some((detail, text)) = text_of_only_detail(delta.reasoning_details, so_far) else {
                return false;
            };
            self.detail = detail;
            put(Field::Detail, text);
        }
        if delta.tool_calls.0.is_some() {
            let Some((call, arguments)) = arguments_of_only_call(delta.tool_calls) else { return false };
            self.call = call;
            put(Field::Arguments, arguments);
        }
        let beside = chunk.unknown.iter().chain(&choice.unknown).map(|field| (field, false));
        for ((name, value), is_in_message) in beside.chain(delta.unknown.iter().map(|field| (field, true))) {
            let is_same = |other: &Other| (other.is_in_message, &*other.name) == (is_in_message, &**name);
            // Of two fields of one name the last counts, unless it is absent. Of repeated fields every value
            // counts. Groq's field has usage in it, and the dialect's may have reasoning in the next chunk.
            let is_special =
                dialect.is_repeated_field(name) || *name == GROQ_FIELD || *name == dialect.reasoning_field();
            if self.others.len() == MAX_OTHERS || self.others.iter().any(is_same) || is_special {
                return false;
            }
            put(Field::Other(self.others.len()), Raw(Some(value)));
            let (name, value) = (name.clone().into_owned(), String::new());
            self.others.push(Other { name, is_in_message, value, is_new: false });
        }
        self.texts.sort_unstable_by_key(|(span, _)| span.start);
        true
    }
}

/// Returns the plain text of the reasoning, absent or under one name alone. `None`: there are several, and
/// their texts decide which of them counts.
fn only_reasoning<'a>(delta: &Piece<'a>) -> Option<Raw<'a>> {
    let mut present = delta.reasoning_texts().into_iter().map(|(_, raw)| raw).filter(|raw| raw.0.is_some());
    let only = present.next().unwrap_or_default();
    present.next().is_none().then_some(only)
}

/// Returns the delta of a chunk, if the chunk has nothing beside it but what every chunk repeats.
///
/// The structs are destructured without `..` on purpose: a new field does not compile until somebody decides
/// whether a chunk that has it may become a template.
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
    let others = [&usage.raw, error, text, logprobs, error_of_choice, refusal, annotations, images, audio];
    let others = others.into_iter().chain([&usage_of_choice.raw, function_call]);
    let nothing_else = others.into_iter().all(|raw| raw.0.is_none()) && message.is_none();
    let goes_on = finish_reason.filled().is_none() && native_finish_reason.filled().is_none();
    (nothing_else && goes_on).then_some((choice, delta))
}

/// Returns the index of the call that a piece continues, and the piece of its arguments, if the piece has
/// nothing else in it.
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
