//! A decoded chunk, or a whole answer, to the accumulator.

use lenient_json::{Raw, UNPAIRED, object};
use provider_core::RawJson;
use provider_core::author::{ResponseAccumulator, ToolCallPiece};

use crate::chunk::{Choice, Chunk, GROQ_FIELD};
use crate::dialect::Dialect;
use crate::messages::Messages;
use crate::piece::{audio_piece, collect_piece};
use crate::texts::{JoinedText, TextJoiner};
use crate::usage::{UsageField, usage_of};
use crate::values::Keep as _;
use crate::{logprobs, reasoning};

object! {
    /// The value of [`GROQ_FIELD`].
    pub(crate) struct Groq<'a> {
        usage: UsageField<'a> = "usage",
    }
}

/// State between the chunks of an answer, beside the collected answer itself.
#[derive(Debug, Default)]
pub(crate) struct ApplyState {
    pub(crate) texts: TextJoiner,
    messages: Messages,
}

/// Hands everything a chunk says to the accumulator, its errors excepted.
pub(crate) fn apply<D: Dialect>(
    chunk: Chunk<'_>,
    dialect: &D,
    out: &mut ResponseAccumulator,
    state: &mut ApplyState,
) {
    out.set_id(chunk.id.as_str());
    out.set_model(chunk.model.as_str());
    out.set_served_by(chunk.provider.as_str());
    if let Some(created) = chunk.created.0 {
        out.set_created(created);
    }
    out.set_service_tier(chunk.service_tier.as_str());
    out.set_system_fingerprint(chunk.system_fingerprint.as_str());
    let mut usage = chunk.usage;
    if let Some(mut choice) = chunk.choices.0 {
        let usage_of_choice = std::mem::take(&mut choice.usage);
        if usage.raw.0.is_none() {
            usage = usage_of_choice;
        }
        apply_choice(choice, out, state);
    }
    for (_, value) in chunk.unknown.iter().filter(|(name, _)| *name == GROQ_FIELD) {
        if usage.raw.0.is_none() {
            usage = Raw::of(value).read::<Groq<'_>>().unwrap_or_default().usage;
        }
    }
    let odd = usage.raw.get();
    match (usage_of(usage, dialect), odd) {
        (Some(usage), _) => out.update_usage(usage),
        (None, Some(odd)) => out.set_extra("usage", RawJson::from_checked(odd)),
        (None, None) => {}
    }
    for (name, value) in chunk.unknown {
        let value = RawJson::from_checked(value);
        match dialect.is_repeated_field(&name) {
            true => out.push_extra(&name, value),
            false => out.set_extra(&name, value),
        }
    }
}

/// Applies choice 0, which is the only one that anybody asks for.
fn apply_choice(choice: Choice<'_>, out: &mut ResponseAccumulator, state: &mut ApplyState) {
    let contents = [choice.delta.as_ref(), choice.message.as_deref()].map(|piece| piece?.content.get());
    if let Some(delta) = choice.delta {
        collect_piece(delta, false, out, &mut state.texts);
    }
    if let Some(message) = choice.message {
        if out.response().message.is_empty() && state.texts.tagged_bytes() == 0 {
            collect_piece(*message, true, out, &mut state.texts);
            state.messages.began(out, &mut state.texts);
        } else {
            let ended = choice.finish_reason.filled().is_some();
            state.messages.collect(*message, ended, out, &mut state.texts);
        }
    }
    apply_old_text(choice.text, contents, out, &mut state.texts);
    out.set_finish_reason(choice.finish_reason.as_str());
    out.set_native_finish_reason(choice.native_finish_reason.as_str());
    logprobs::collect(choice.logprobs, out);
    for (name, value) in choice.unknown {
        out.set_extra(&name, RawJson::from_checked(value));
    }
}

/// Applies the text that stands beside the message: an old-style `prompt` is answered there. Some services
/// repeat there what the content of the delta or the message says.
fn apply_old_text(
    text: Raw<'_>,
    contents: [Option<&str>; 2],
    out: &mut ResponseAccumulator,
    joiner: &mut TextJoiner,
) {
    if text.is_blank() || contents.contains(&text.get()) {
        return;
    }
    let is_content = contents.iter().all(|content| Raw(*content).is_blank()) && text.inside().is_some();
    if is_content {
        joiner.collect_text(text, out);
    } else if let Some(other) = text.keep() {
        out.set_message_extra("text", other);
    }
}

/// Ends the texts of an answer: U+FFFD takes the place of a high surrogate whose low one never came.
pub(crate) fn finish_texts(joiner: &mut TextJoiner, out: &mut ResponseAccumulator) {
    let call = |call, name, arguments| ToolCallPiece {
        call: Some(call),
        name,
        arguments,
        ..ToolCallPiece::default()
    };
    for text in joiner.finish() {
        match text {
            JoinedText::Reasoning => out.push_reasoning(UNPAIRED),
            JoinedText::Detail(item, key) => reasoning::append_unpaired(item, key, UNPAIRED, out),
            JoinedText::Content => joiner.push_joined_text(UNPAIRED, out),
            JoinedText::Refusal => out.push_refusal(UNPAIRED),
            JoinedText::Sound => out.push_audio(audio_piece(UNPAIRED.to_owned(), String::new())),
            JoinedText::Transcript => out.push_audio(audio_piece(String::new(), UNPAIRED.to_owned())),
            JoinedText::Name(number) => out.push_tool_call(call(number, Some(UNPAIRED), "")),
            JoinedText::Arguments(number) => out.push_tool_call(call(number, None, UNPAIRED)),
        }
    }
    joiner.finish_tags(out);
}
