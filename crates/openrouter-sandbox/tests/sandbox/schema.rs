//! Validates responses against the service's schema, if `OPENROUTER_OPENAPI` names it as JSON.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io::Write;

use jsonschema::Validator;
use openrouter_sandbox::{FAILURES, Sandbox};
use serde_json::{Value, json};

use crate::support::{Events, ask, post, start};

/// Failures whose responses the service sends although its schema does not allow them.
const BEYOND: [&str; 5] = [
    // An empty answer, or an error, with status 200.
    "sandbox/empty",
    "sandbox/error-200",
    "sandbox/mid-stream-error-bare",
    // Half of a body.
    "sandbox/truncated",
    // An HTML page.
    "sandbox/html-error",
];
/// The schema requires `error_type` in the metadata of every error of a stream. The service's own pages show
/// errors without it.
const UNTYPED_IN_STREAMS: [&str; 2] = ["sandbox/alignment", "sandbox/context-length-mid-stream"];
/// Failures whose responses never end, or end with the connection.
const ENDLESS: [&str; 3] = ["sandbox/stall", "sandbox/stall-comments", "sandbox/reset"];

struct Schema {
    document: Value,
    /// Cached, since compiling a validator takes longer than using it.
    validators: RefCell<HashMap<String, Validator>>,
}

impl Schema {
    /// Loads the document, if the variable names it.
    fn load() -> Option<Self> {
        let Some(path) = std::env::var_os("OPENROUTER_OPENAPI").filter(|path| !path.is_empty()) else {
            let _ = writeln!(std::io::stderr(), "schema: skipped: OPENROUTER_OPENAPI names no document");
            return None;
        };
        let document = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        Some(Self { document, validators: RefCell::default() })
    }

    fn check(&self, name: &str, body: &Value, what: &str) {
        let make = || {
            let (paths, components) = (&self.document["paths"], &self.document["components"]);
            let schema = json!({"$ref": name, "paths": paths, "components": components});
            jsonschema::validator_for(&schema).unwrap()
        };
        let mut validators = self.validators.borrow_mut();
        let validator = validators.entry(name.to_owned()).or_insert_with(make);
        let problems: Vec<String> =
            validator.iter_errors(body).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(problems.is_empty(), "{what}: {problems:?}\n{body:#}");
    }

    /// Validates a completion or an error that is not streamed.
    fn check_body(&self, status: u16, body: &Value, what: &str) {
        let place =
            format!("#/paths/~1chat~1completions/post/responses/{status}/content/application~1json/schema");
        self.check(&place, body, what);
    }
}

async fn check(sandbox: &Sandbox, schema: &Schema, request: &Value) {
    let mut request = request.clone();
    let what = request.to_string();
    for streamed in [false, true] {
        request["stream"] = streamed.into();
        let response = post(sandbox, &request).header("X-OpenRouter-Cache", "true").send().await.unwrap();
        let status = response.status().as_u16();
        match (streamed, status) {
            (true, 200) => {
                let events = Events::parse(response.text().await.unwrap());
                assert!(!events.chunks.is_empty(), "{what}");
                let is_untyped = UNTYPED_IN_STREAMS.iter().any(|id| request["model"] == *id);
                for chunk in events.chunks.iter().filter(|chunk| !is_untyped || chunk["error"].is_null()) {
                    schema.check("#/components/schemas/ChatStreamChunk", chunk, &what);
                }
            }
            _ => schema.check_body(status, &response.json().await.unwrap(), &what),
        }
    }
}

#[tokio::test]
async fn answers_and_errors_match_the_schema() {
    let Some(schema) = Schema::load() else { return };
    let sandbox = start().await;
    for (id, _) in FAILURES.iter().filter(|(id, _)| !BEYOND.contains(id) && !ENDLESS.contains(id)) {
        check(&sandbox, &schema, &ask(id, "Hello", json!({"max_tokens": 20}))).await;
    }
    for (model, more) in [
        ("openai/gpt-4o", json!({})),
        // From the cache.
        ("openai/gpt-4o", json!({})),
        ("openai/gpt-4o", json!({"max_tokens": 20_000})),
        ("openai/gpt-4o", json!({"max_tokens": 200_000})),
        ("openai/gpt-4o", json!({"modalities": ["image"]})),
        ("openai/gpt-4o", json!({"provider": {"only": ["groq"]}})),
        ("openai/gpt-4o", json!({"provider": {"max_price": {"prompt": 1}}})),
        ("openai/gpt-4o", json!({"provider": {"require_parameters": true}, "top_k": 3})),
    ] {
        check(&sandbox, &schema, &ask(model, "Hello", more)).await;
    }
}
