//! Finds the problems of a request before it is sent.
//!
//! The checks find fields that cannot be sent at all, fields that would be sent as something else, and fields
//! that the service refuses for every model. The service itself checks the fields that it may refuse for some
//! models (an effort, a tool, a length).

use std::collections::{BTreeMap, BTreeSet};

use provider_core::author::{foreign_json, range_problems};
use provider_core::{ChatRequest, FieldProblem, JsonSchema, ResponseFormat, Tool};

use super::{Body, Extra, extra_of};
use crate::dialect::{Dialect, WIRE};
use crate::fields::Problems;

/// The most stop texts.
const MAX_STOPS: usize = 4;
/// The longest name of a tool or of a schema.
const MAX_NAME: usize = 64;
/// The most labels, and the longest of their keys and values.
const MAX_LABELS: (usize, usize, usize) = (16, 64, 512);

impl Problems {
    /// Adds a problem for each parameter of a request that a service does not take, by its name: one of
    /// [`ChatRequest::PARAMETERS`], `tools`, or an extra parameter of the wire or of the dialect's provider.
    pub fn refuse(&mut self, request: &ChatRequest, is_refused: impl Fn(&str) -> bool) {
        const WHY: &str = "is a parameter that the service does not take; leave it out";
        let tools = (!request.tools.is_empty()).then_some("tools");
        let names = tools.into_iter().chain(request.parameters().map(|parameter| parameter.name));
        names.filter(|name| is_refused(name)).for_each(|name| self.add(name, WHY));
        let wire = request.extra.iter().filter(|(provider, _)| *provider == WIRE);
        let others = request.extra.iter().filter(|(provider, _)| *provider != WIRE);
        for (provider, set) in wire.chain(others) {
            set.keys().filter(|name| is_refused(name)).for_each(|name| self.add_extra(provider, name, WHY));
        }
    }
}

/// Returns all problems of the body that would be sent.
pub(super) fn problems<D: Dialect>(body: &Body<'_, D>) -> Vec<FieldProblem> {
    let mut problems = Problems::default();
    let request = body.request;
    problems.model_id("model", &request.model);
    lengths(request, body.dialect.has_prompt(request), &mut problems);
    numbers(request, &mut problems);
    names(request, &mut problems);
    body.dialect.validate(request, &mut problems);
    let provider = body.dialect.provider();
    problems.extend(foreign_json(request, &[provider, WIRE]));
    if !request.extra.is_empty() {
        extra(body, provider, &mut problems);
    }
    problems.into_vec(provider)
}

/// Adds the extra parameters that would be written twice.
fn extra<D: Dialect>(body: &Body<'_, D>, provider: &str, problems: &mut Problems) {
    let own = body.names();
    let mut seen = BTreeSet::new();
    for Extra { provider, name, .. } in extra_of(body.request, provider) {
        let field = || format!("extra.{provider}.{name}");
        if own.contains(name) {
            problems.add(
                field(),
                "is set in its own place as well; set it in one of the two (`stream` comes from the method that is called)",
            );
        } else if !seen.insert(name) {
            problems.add(field(), format!("is set for {WIRE} as well; set it in one of the two"));
        }
    }
}

fn lengths(request: &ChatRequest, has_prompt: bool, problems: &mut Problems) {
    let no_messages = request.messages.is_empty() && !has_prompt;
    problems.when(no_messages, "messages", "there must be at least one message");
    let stops = request.stop.len() > MAX_STOPS;
    problems.when(stops, "stop", "has more than four texts, which the service refuses; leave some out");
    let (most, key, value) = MAX_LABELS;
    let long = |text: &str, limit: usize| text.chars().count() > limit;
    let labels = &request.metadata;
    problems.when(labels.len() > most, "metadata", "has more than 16 labels, which the service refuses");
    let long_label = labels.iter().any(|(name, text)| long(name, key) || long(text, value));
    let limits = "has a key of more than 64 characters or a value of more than 512; shorten it";
    problems.when(long_label, "metadata", limits);
}

fn numbers(request: &ChatRequest, problems: &mut Problems) {
    problems.extend(range_problems(request));
    if request.max_tokens.is_some() && request.max_completion_tokens.is_some() {
        problems.add("max_completion_tokens", "is another name of max_tokens; set one of them");
    }
    if request.top_logprobs.is_some() && request.logprobs != Some(true) {
        problems.add("top_logprobs", "needs `logprobs` to be true");
    }
}

fn names(request: &ChatRequest, problems: &mut Problems) {
    let fits = |name: &str| {
        (1..=MAX_NAME).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
    };
    let alphabet = "must be 1 to 64 letters, digits, `_` and `-`";
    let mut seen = BTreeMap::new();
    for (place, tool) in request.tools.iter().enumerate() {
        let Tool::Function(function) = tool else { continue };
        let field = format!("tools[{place}].function.name");
        if !fits(&function.name) {
            problems.add(field, format!("is {:?}, but {alphabet}", function.name));
        } else if let Some(first) = seen.insert(function.name.as_str(), place) {
            problems.add(field, format!("is {:?}, and so is that of tools[{first}]", function.name));
        }
    }
    if let Some(ResponseFormat::JsonSchema(JsonSchema { name, .. })) = &request.response_format {
        if !fits(name) {
            problems.add("response_format.json_schema.name", format!("is {name:?}, but {alphabet}"));
        }
    }
}
