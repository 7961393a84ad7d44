//! The problems of a request that are OpenRouter's, found before it is sent.

use openai_wire::{NOT_FINITE, Problems};
use provider_core::{ChatRequest, FieldProblem, Reasoning, ReasoningBudget};

use crate::options::{ConfigurationUpdate, OpenRouterOptions, ProviderPreferences};

/// The most fallback models that the service takes.
const MAX_MODELS: usize = 3;

/// The most characters of a session's id.
const MAX_SESSION_ID: usize = 256;

/// Adds what is wrong with the options of a request.
pub(super) fn options(request: &ChatRequest, options: &OpenRouterOptions, problems: &mut Problems) {
    if let Some(FieldProblem { field, problem, .. }) = request.options.problem::<OpenRouterOptions>() {
        problems.add(field, problem);
    }
    models(request, options, problems);
    let both = !request.messages.is_empty() && options.prompt.is_some();
    problems.when(both, "options.prompt", "takes the place of messages; set one of them");
    let session = options.session_id.as_deref().is_some_and(|id| id.chars().count() > MAX_SESSION_ID);
    problems.when(session, "options.session_id", "is longer than 256 characters; shorten or hash it");
    thinking(request, options, problems);
    updates(request, problems);
}

/// Adds changes of the effort that follow each other, which the service refuses.
fn updates(request: &ChatRequest, problems: &mut Problems) {
    let is_update = |message| ConfigurationUpdate::of(message).is_some();
    for (place, pair) in request.messages.windows(2).enumerate() {
        if pair.iter().all(is_update) {
            problems.add(
                format!("messages[{}]", place + 1),
                "changes the effort right after another change; leave one of them out",
            );
        }
    }
}

/// Adds what is wrong with the preferences among upstream providers.
pub(super) fn preferences(preferences: &ProviderPreferences, problems: &mut Problems) {
    for field in preferences.not_finite() {
        problems.add(format!("options.provider.{field}"), NOT_FINITE);
    }
    for (name, known) in preferences.misspelt() {
        let problem = format!("is no field of the preferences; `{known}` may be meant");
        problems.add(format!("options.provider.{name}"), problem);
    }
}

fn models(request: &ChatRequest, options: &OpenRouterOptions, problems: &mut Problems) {
    let fallbacks = options.models.as_ref().map_or(&[][..], |models| models);
    let unusable = |id: &&String| id.is_empty() || id.chars().any(|c| c.is_whitespace() || c.is_control());
    let is_unusable = fallbacks.iter().any(|id| unusable(&id));
    problems.when(
        is_unusable,
        "options.models",
        "must be model ids such as openai/gpt-4o, without white space",
    );
    if fallbacks.len() > MAX_MODELS {
        let what = format!(
            "has {} models, but the service takes {MAX_MODELS} at most; for longer lists fall back on the client's side",
            fallbacks.len()
        );
        problems.add("options.models", what);
    }
    let is_free = |id: &str| id.ends_with(":free") || id == "openrouter/free";
    if is_free(&request.model) && !options.allow_paid_fallback {
        if let Some(paid) = fallbacks.iter().find(|model| !is_free(model)) {
            let what = format!(
                "{paid:?} may be billed, but {:?} is free; if that is meant, call `allow_paid_fallback`",
                request.model
            );
            problems.add("options.models", what);
        }
    }
}

fn thinking(request: &ChatRequest, options: &OpenRouterOptions, problems: &mut Problems) {
    let Some(effort) = &options.reasoning_effort else { return };
    match &request.reasoning {
        Some(Reasoning { budget: Some(ReasoningBudget::MaxTokens(_)), .. }) => problems.add(
            "options.reasoning_effort",
            "is an effort, but `reasoning` has `max_tokens`; the service takes one of them",
        ),
        Some(Reasoning { budget: Some(ReasoningBudget::Effort(other)), .. }) if other != effort => {
            problems
                .add("options.reasoning_effort", "differs from the effort in `reasoning`; set one of them");
        }
        _ => {}
    }
}
