//! Our requests and our reader against OpenRouter's own schema.
//!
//! `OPENROUTER_OPENAPI` names the document, as JSON. It is a fair oracle for what is sent, and too strict as
//! a model of what comes back; so answers are made up from it and must be read, with fields besides that
//! nobody knows.

mod answers;
mod full;
mod generate;

use std::io::Write;

use jsonschema::Validator;
use openrouter_provider::body;
use serde_json::{Value, json};
use wire_properties::same_json;

use self::generate::Generator;
use crate::support::keep_body;

/// The fields that documentation and clients know beyond the schema.
const BEYOND: &[&str] = &[
    "audio",
    "include_reasoning",
    "max_tool_calls",
    "preset",
    "speed",
    "structured_outputs",
    "transforms",
    "usage",
    "verbosity",
    "web_search_options",
    "x_search_filter",
];

#[test]
fn a_request_with_every_field_is_one_of_the_schema() {
    let Some(document) = document() else { return };
    let validator = validator(&document, "ChatRequest");
    let known =
        document["components"]["schemas"]["ChatRequest"]["properties"].as_object().expect("properties");
    let mut sent = Vec::new();
    for request in full::requests() {
        let body: Value = body::to_json(&request).expect("a good request").read().expect("JSON");
        let problems: Vec<String> =
            validator.iter_errors(&body).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(problems.is_empty(), "{}\n{body:#}", problems.join("\n"));
        sent.extend(body.as_object().expect("an object").keys().cloned());
    }
    for name in known.keys().map(String::as_str).chain(BEYOND.iter().copied()) {
        assert!(name == "stream" || sent.iter().any(|field| field == name), "{name} cannot be said");
    }
    let unknown = |name: &&String| !known.contains_key(*name) && !BEYOND.contains(&name.as_str());
    assert_eq!(sent.iter().find(unknown), None, "a field that nobody knows");
}

#[test]
fn request_with_every_field_is_read_back_as_it_was() {
    for request in full::requests() {
        let body: Value = body::to_json(&request).expect("a good request").read().expect("JSON");
        keep_body(&body);
        let read = body::from_json(&body.to_string()).expect("a body").request;
        let again: Value = body::to_json(&read).expect("a good request").read().expect("JSON");
        assert!(same_json(&body, &again), "{body:#}\nbecame\n{again:#}");
    }
}

#[test]
fn made_up_requests_survive_our_types() {
    let Some(document) = document() else { return };
    let validator = validator(&document, "ChatRequest");
    let mut made = 0;
    for seed in 1..=3_000 {
        let mut body = Generator::new(&document, seed).named("ChatRequest");
        make_sendable(&mut body);
        let problems: Vec<String> = validator.iter_errors(&body).map(|error| error.to_string()).collect();
        assert!(problems.is_empty(), "seed {seed} makes no request: {problems:?}");
        made += 1;
        let read = match body::from_json(&body.to_string()) {
            Ok(read) => read,
            Err(error) => panic!("seed {seed}: {error:?}\n{body:#}"),
        };
        assert_eq!(read.stream, body["stream"] == true);
        let written: Value = match body::to_json(&read.request) {
            Ok(json) => json.read().expect("JSON"),
            Err(error) => panic!("seed {seed}: {error:?}\n{body:#}"),
        };
        body.as_object_mut().expect("an object").remove("stream");
        let problems: Vec<String> = validator.iter_errors(&written).map(|error| error.to_string()).collect();
        assert!(problems.is_empty(), "seed {seed}: {problems:?}\n{written:#}");
        assert!(
            same_json(&without_blanks(&body), &without_blanks(&written)),
            "seed {seed}: {body:#}\nbecame\n{written:#}"
        );
    }
    say(&format!("{made} requests made up, read and written"));
}

/// Changes a body that the schema allows so that the service allows it, too.
fn make_sendable(body: &mut Value) {
    body["model"] = json!("made/up");
    if !body["max_tokens"].is_null() {
        body["max_completion_tokens"] = Value::Null;
    }
    if !body["top_logprobs"].is_null() {
        body["logprobs"] = json!(true);
    }
    if !body["reasoning"]["effort"].is_null() {
        body["reasoning_effort"] = Value::Null;
    }
    for (place, tool) in items(body, "tools").enumerate() {
        if tool["type"] == "function" {
            tool["function"]["name"] = json!(format!("tool_{place}"));
        }
    }
    for (turn, message) in items(body, "messages").enumerate() {
        for (place, call) in items(message, "tool_calls").enumerate() {
            call["id"] = json!(format!("call_{turn}_{place}"));
        }
    }
    if body["response_format"]["type"] == "json_schema" {
        body["response_format"]["json_schema"]["name"] = json!("answer");
    }
}

/// The items of a list, if there is one.
fn items<'a>(object: &'a mut Value, name: &str) -> impl Iterator<Item = &'a mut Value> {
    object.get_mut(name).and_then(Value::as_array_mut).into_iter().flatten()
}

/// Without what says nothing: `null`, and in assistant's messages blank text and empty lists, whose absence
/// means the same.
fn without_blanks(body: &Value) -> Value {
    let mut body = body.clone();
    for message in items(&mut body, "messages") {
        if message["role"] != "assistant" {
            continue;
        }
        for name in ["content", "tool_calls", "images"] {
            if message[name] == "" || message[name] == json!([]) {
                message[name].take();
            }
        }
        // Blank arguments are no JSON; they go out as an empty object.
        for call in items(message, "tool_calls") {
            if call["function"]["arguments"] == "" {
                call["function"]["arguments"] = json!("{}");
            }
        }
    }
    for name in ["tools", "stop", "modalities"] {
        if body[name] == json!([]) {
            body[name].take();
        }
    }
    // One text and a list of one are the same.
    if let Value::String(stop) = &body["stop"] {
        body["stop"] = json!([stop]);
    }
    for name in ["logit_bias", "metadata"] {
        if body[name] == json!({}) {
            body[name].take();
        }
    }
    body
}

/// The document, if it is at hand.
fn document() -> Option<Value> {
    let Some(path) = std::env::var_os("OPENROUTER_OPENAPI").filter(|path| !path.is_empty()) else {
        say("skipped: OPENROUTER_OPENAPI names no document");
        return None;
    };
    let text = std::fs::read_to_string(path).expect("a readable document");
    Some(serde_json::from_str(&text).expect("a JSON document"))
}

/// A validator of one of the document's schemas.
fn validator(document: &Value, name: &str) -> Validator {
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$ref": format!("#/components/schemas/{name}"),
        "components": document["components"],
    });
    jsonschema::validator_for(&schema).expect("a schema")
}

/// Says something past the test runner, which keeps what a passing test prints to itself.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "schema: {line}");
}
