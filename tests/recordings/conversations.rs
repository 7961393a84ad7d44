//! Recorded requests, read into our types and written again, and recorded conversations, carried on from the
//! answers.

use std::collections::{BTreeMap, BTreeSet};

use openrouter_provider::{OpenRouterOptions, body};
use provider_core::{ChatRequest, Message};
use provider_tests::{same_json, without_repeated_ids};
use serde_json::{Value, json};

use crate::case::Case;

/// Reads a recorded request and writes it again; says what differs.
pub(crate) fn round_trip(case: &Case) -> Vec<String> {
    let mut recorded = case.request.clone();
    for message in recorded["messages"].as_array_mut().into_iter().flatten() {
        // Providers refuse blank text beside calls, so it goes out as none.
        if message["role"] == "assistant" && message["content"] == "" && !message["tool_calls"].is_null() {
            message["content"].take();
        }
    }
    let mut read = match body::from_json(&recorded.to_string()) {
        Ok(read) => read,
        Err(error) => return vec![format!("the request is not read: {error}")],
    };
    if read.stream != (recorded["stream"] == true) {
        return vec!["the request is not the stream that it was".to_owned()];
    }
    if let Some(options) = read.request.options.remove::<OpenRouterOptions>() {
        // Somebody meant it.
        read.request = read.request.options(options.allow_paid_fallback());
    }
    let mut written: Value = match body::to_json(&read.request).map(|json| json.read()) {
        Ok(Ok(written)) => written,
        other => return vec![format!("the request is not written: {other:?}")],
    };
    without_repeated_ids(&mut recorded, &mut written);
    let names = |object: &Value| -> BTreeSet<String> {
        object.as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect()
    };
    names(&recorded)
        .union(&names(&written))
        .filter(|name| *name != "stream" && !same_json(&recorded[name.as_str()], &written[name.as_str()]))
        .map(|name| format!("{name} was {} and became {}", recorded[name.as_str()], written[name.as_str()]))
        .collect()
}

/// A recorded request with an assistant's turn in it, and the exchange that gave that turn.
pub(crate) struct Turn<'a> {
    pub(crate) next: &'a Case,
    pub(crate) previous: &'a Case,
    /// Where the turn stands.
    pub(crate) place: usize,
}

/// All assistant's turns whose own exchange was recorded as well: asked the same, in the same place, and
/// answered so.
pub(crate) fn turns(cases: &[Case]) -> Vec<Turn<'_>> {
    let mut by_prompt: BTreeMap<(&str, String), Vec<&Case>> = BTreeMap::new();
    for case in cases.iter().filter(|case| case.request.is_object()) {
        let prompt = case.request["messages"].to_string();
        by_prompt.entry((&case.origin, prompt)).or_default().push(case);
    }
    let mut turns = Vec::new();
    for next in cases.iter().filter(|case| !case.request_is_shortened) {
        let messages = next.request["messages"].as_array().map_or(&[][..], Vec::as_slice);
        for place in (0..messages.len()).filter(|place| messages[*place]["role"] == "assistant") {
            let prompt = Value::from(&messages[..place]).to_string();
            let candidates = by_prompt.get(&(&*next.origin, prompt));
            let previous =
                candidates.into_iter().flatten().find(|case| has_said(&case.expected, &messages[place]));
            turns.extend(previous.map(|previous| Turn { next, previous, place }));
        }
    }
    turns
}

/// Whether an answer is the one that a later request repeats. The same question was often recorded several
/// times.
fn has_said(expected: &Value, turn: &Value) -> bool {
    let answered = calls(expected["tool_calls"].as_array(), |call| call);
    let repeated = calls(turn["tool_calls"].as_array(), |call| &call["function"]);
    expected["text"] == text(&turn["content"])
        && contains(&json!(answered), &json!(repeated))
        && contains(&expected["reasoning_details"], &turn["reasoning_details"])
}

impl Turn<'_> {
    /// Returns the request of the previous exchange.
    pub(crate) fn request(&self) -> ChatRequest {
        body::from_json(&self.previous.request.to_string()).map(|read| read.request).unwrap_or_default()
    }

    /// Whether the next request can be made of the previous answer: whether what goes back is what came, and
    /// what the recorded client sent back is in it.
    pub(crate) fn compare(&self, answer: Message) -> Vec<String> {
        let request = self.request().message(answer);
        let Ok(Ok(mut rebuilt)) = body::to_json(&request).map(|json| json.read::<Value>()) else {
            return vec!["the request is not written".to_owned()];
        };
        take_back_new_ids(&mut rebuilt["messages"], self.place, &self.previous.expected["tool_calls"]);
        let ours = &rebuilt["messages"][self.place];
        let theirs = &self.next.request["messages"][self.place];
        let expected = &self.previous.expected;
        let mut problems = Vec::new();
        let mut unlike = |what: &str, ours: &Value, theirs: &Value| {
            problems.push(format!("{what} were {theirs} and would be {ours}"));
        };
        if text(&ours["content"]) != expected["text"] || text(&theirs["content"]) != text(&ours["content"]) {
            unlike("words", &ours["content"], &theirs["content"]);
        }
        if !expected["tool_calls"].as_array().is_none_or(Vec::is_empty) {
            // Byte for byte what came, except that nothing at all becomes an empty object.
            let came = calls(expected["tool_calls"].as_array(), |call| call);
            let sent = calls(ours["tool_calls"].as_array(), |call| &call["function"]);
            if came != sent {
                unlike("calls", &ours["tool_calls"], &expected["tool_calls"]);
            }
            if text(&ours["content"]).is_empty() && !ours["content"].is_null() {
                unlike("words beside the calls", &ours["content"], &Value::Null);
            }
        }
        if !theirs["tool_calls"].is_null() && !contains(&ours["tool_calls"], &theirs["tool_calls"]) {
            unlike("calls", &ours["tool_calls"], &theirs["tool_calls"]);
        }
        for (who, details) in
            [("came", &expected["reasoning_details"]), ("sent", &theirs["reasoning_details"])]
        {
            // Our readers' list of what came is empty where nothing came.
            if details.as_array().is_some_and(|list| !list.is_empty())
                && !contains(&ours["reasoning_details"], details)
            {
                unlike(&format!("thoughts that {who}"), &ours["reasoning_details"], details);
            }
        }
        problems
    }
}

/// Gives calls of the turn in this place the ids that they came with, if these were replaced because earlier
/// turns have them.
fn take_back_new_ids(messages: &mut Value, place: usize, came: &Value) {
    let earlier: BTreeSet<String> = (0..place)
        .flat_map(|place| calls(messages[place]["tool_calls"].as_array(), |call| call))
        .map(|[id, _, _]| id)
        .collect();
    let sent = messages[place]["tool_calls"].as_array_mut().into_iter().flatten();
    for (call, came) in sent.zip(came.as_array().into_iter().flatten()) {
        if came["id"].as_str().is_some_and(|id| earlier.contains(id)) {
            call["id"] = came["id"].clone();
        }
    }
}

/// Ids, names and arguments of calls; `function` says where the latter two are.
fn calls(calls: Option<&Vec<Value>>, function: fn(&Value) -> &Value) -> Vec<[String; 3]> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let arguments = |value: &Value| match text(value) {
        blank if blank.trim().is_empty() => "{}".to_owned(),
        arguments => arguments,
    };
    let call = |call: &Value| {
        let function = function(call);
        [text(&call["id"]), text(&function["name"]), arguments(&function["arguments"])]
    };
    calls.into_iter().flatten().map(call).collect()
}

/// Whether everything that is in `part` is in `whole`. Clients leave fields out, and lay the JSON of
/// arguments out anew.
fn contains(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (_, Value::Null) => true,
        (Value::Object(whole), Value::Object(part)) => {
            part.iter().all(|(name, part)| contains(whole.get(name).unwrap_or(&Value::Null), part))
        }
        (Value::Array(whole), Value::Array(part)) => {
            whole.len() == part.len() && whole.iter().zip(part).all(|(whole, part)| contains(whole, part))
        }
        (Value::String(whole), Value::String(part)) => {
            let json = |text: &str| serde_json::from_str::<Value>(text).ok().filter(Value::is_object);
            whole == part || json(whole).is_some_and(|whole| Some(whole) == json(part))
        }
        (whole, part) => same_json(whole, part),
    }
}

/// The text of a content, whole or in parts.
fn text(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().filter_map(|part| part["text"].as_str()).collect(),
        _ => String::new(),
    }
}
