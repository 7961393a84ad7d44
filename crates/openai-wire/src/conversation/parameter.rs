//! Reads the parameters of a request back, by their type.

use provider_core::author::ParameterMut;
use provider_core::{
    AudioOutput, ChatRequest, Content, Effort, PromptCacheOptions, RawJson, Reasoning, ReasoningBudget,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::exact::{exact, object};
use super::{fitting, part, text, tool};

/// Reads a parameter. False when there is none of this name, or the value does not fit. `provider` is whom
/// JSON of unknown kinds is for.
pub(super) fn read(name: &str, raw: &RawJson, provider: &str, request: &mut ChatRequest) -> bool {
    let Some(place) = request.parameter_mut(name) else { return false };
    match place {
        ParameterMut::Flag(place) => put(place, raw),
        ParameterMut::Number(place) => put(place, raw),
        ParameterMut::U8(place) => put(place, raw),
        ParameterMut::U32(place) => put(place, raw),
        ParameterMut::I64(place) => put(place, raw),
        ParameterMut::Text(place) => put(place, raw),
        ParameterMut::Texts(place) => fill(place, fitting(raw).or_else(|| only_stop(name, raw))),
        ParameterMut::NumberMap(place) => fill(place, fitting(raw)),
        ParameterMut::TextMap(place) => fill(place, fitting(raw)),
        ParameterMut::ToolChoice(place) => set(place, Some(tool::choice(raw, provider))),
        ParameterMut::ResponseFormat(place) => set(place, Some(tool::format(raw, provider))),
        ParameterMut::Reasoning(place) => set(place, reasoning(raw)),
        ParameterMut::Prediction(place) => set(place, prediction(raw, provider)),
        ParameterMut::Audio(place) => set(place, audio(raw)),
        ParameterMut::PromptCache(place) => set(place, prompt_cache(raw)),
        // A type that is newer than this crate: the value stays JSON.
        _ => false,
    }
}

fn put<T: DeserializeOwned + Serialize>(place: &mut Option<T>, raw: &RawJson) -> bool {
    set(place, exact(raw))
}

fn set<T>(place: &mut Option<T>, value: Option<T>) -> bool {
    let fits = value.is_some();
    *place = value;
    fits
}

fn fill<T>(place: &mut T, value: Option<T>) -> bool {
    value.map(|value| *place = value).is_some()
}

/// The one text that may stand for the list `stop`, and for no other.
fn only_stop(name: &str, raw: &RawJson) -> Option<Vec<String>> {
    if name == "stop" { Some(vec![text(raw)?]) } else { None }
}

fn reasoning(raw: &RawJson) -> Option<Reasoning> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Wire {
        effort: Option<String>,
        max_tokens: Option<u32>,
        enabled: Option<bool>,
        exclude: Option<bool>,
        summary: Option<String>,
        context: Option<String>,
        mode: Option<String>,
    }
    let wire: Wire = object(raw)?;
    let mut reasoning = Reasoning::default();
    reasoning.budget = match (wire.effort, wire.max_tokens) {
        // Only one of them can be meant, and only the service knows which.
        (Some(_), Some(_)) => return None,
        (Some(effort), None) => Some(ReasoningBudget::Effort(Effort::from(&*effort))),
        (None, tokens) => tokens.map(ReasoningBudget::MaxTokens),
    };
    reasoning.enabled = wire.enabled;
    reasoning.exclude = wire.exclude;
    reasoning.summary = wire.summary;
    reasoning.context = wire.context;
    reasoning.mode = wire.mode;
    Some(reasoning)
}

fn prediction(raw: &RawJson, provider: &str) -> Option<Content> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Wire {
        r#type: String,
        content: RawJson,
    }
    let wire: Wire = object(raw)?;
    if wire.r#type == "content" { part::content(&wire.content, provider) } else { None }
}

fn audio(raw: &RawJson) -> Option<AudioOutput> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Wire {
        voice: String,
        format: String,
    }
    let wire: Wire = object(raw)?;
    Some(AudioOutput::new(wire.voice, wire.format))
}

fn prompt_cache(raw: &RawJson) -> Option<PromptCacheOptions> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Wire {
        mode: String,
        ttl: Option<String>,
    }
    let wire: Wire = object(raw)?;
    let mut options = PromptCacheOptions::explicit();
    options.mode = wire.mode;
    options.ttl = wire.ttl;
    Some(options)
}
