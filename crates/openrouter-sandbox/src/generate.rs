//! Generates the answer: short prose about the last message, tool calls, JSON; the same for the same request.

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::conversation::Conversation;
use crate::failures::Failure;
use crate::reasoning::{Reasoning, ReasoningMode};
use crate::rng::Rng;
use crate::routing::Route;
use crate::words::{Words, quote};
use crate::{schema_fill, tools};

/// A PNG image of one pixel.
const PIXEL: &str = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

/// Generates the answer to a valid request.
pub(crate) fn answer(request: &Value, route: &Route<'_>, mode: ReasoningMode, rng: &mut Rng) -> Answer {
    let conversation = Conversation::of(request);
    let mut answer = match route.failure.map(Failure::name) {
        Some("refusal") => Answer::refusal("I am sorry, but that is something I would rather not help with."),
        Some("truncated-tool-call") => Answer {
            capped: true,
            ..Answer::with_tool_calls(vec![tools::truncated_call(request, conversation, rng)])
        },
        _ => match tools::calls(request, conversation, rng) {
            calls if calls.is_empty() => Answer::text(content(request, conversation, rng)),
            calls => Answer::with_tool_calls(calls),
        },
    };
    if mode != ReasoningMode::None {
        let topic = quote(&conversation.user_text(), 40);
        answer.reasoning = Some(Reasoning::about(&topic, route, mode == ReasoningMode::Hidden, rng));
    }
    if answer.content.is_some() && searches_the_web(request, route) {
        answer.annotations.push(citation());
    }
    if request["modalities"].as_array().is_some_and(|list| list.contains(&json!("image"))) {
        answer.images.push(PIXEL.to_owned());
    }
    answer.stop_at(&stop_sequences(request));
    if let Some(limit) = conversation.max_output_tokens() {
        answer.truncate(limit);
    }
    if route.failure.map(Failure::name) == Some("content-filter-cut") {
        answer.cut_by_content_filter();
    }
    answer
}

fn stop_sequences(request: &Value) -> Vec<&str> {
    match &request["stop"] {
        Value::String(one) => vec![one],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn content(request: &Value, conversation: Conversation<'_>, rng: &mut Rng) -> String {
    let said = conversation.user_text();
    let format = &request["response_format"];
    match format["type"].as_str() {
        Some("json_schema") => {
            let any = json!({"type": "object"});
            let schema = format["json_schema"].get("schema").unwrap_or(&any);
            schema_fill::fill(schema, &mut Words::of(&said)).to_string()
        }
        Some("json_object") => {
            json!({"about": quote(&said, 40), "answer": "All is well — nothing to add.", "ok": true})
                .to_string()
        }
        _ => prose(conversation, &said, rng),
    }
}

fn prose(conversation: Conversation<'_>, said: &str, rng: &mut Rng) -> String {
    if conversation.is_prefilled() {
        return " and that is how it goes on: one small step after the other, until the work is done."
            .to_owned();
    }
    if let Some(result) = conversation.tool_result() {
        let result = quote(&result, 80);
        return format!(
            "The tool came back with “{result}”. That settles it, I think; tell me if you would like to know \
             more, and I will gladly look again."
        );
    }
    let opening =
        rng.pick(&["Happy to help!", "Good to hear from you.", "Sure — with pleasure.", "Let us see… ☕"]);
    let subject = match quote(said, 60) {
        empty if empty.is_empty() => "You sent me no words this time, which is fine.".to_owned(),
        said => format!("You wrote “{said}”."),
    };
    let middle = rng.pick(&[
        "The short answer is that it depends, and mostly on what you need it for.",
        "I would begin with the simplest thing that could work and look at it again tomorrow.",
        "There are two ways to go about it, and the quiet one is usually the better one.",
    ]);
    let closing = rng.pick(&[
        "Ask me for details whenever you like 😊",
        "Shall we go through it step by step?",
        "À bientôt, and good luck with it!",
    ]);
    format!("{opening} {subject} {middle} {closing}")
}

fn searches_the_web(request: &Value, route: &Route<'_>) -> bool {
    let plugins = request["plugins"].as_array().into_iter().flatten();
    let mut web = plugins.filter(|plugin| plugin["id"] == "web" && plugin["enabled"] != false);
    route.variants.contains(&"online") || web.next().is_some()
}

fn citation() -> Value {
    json!({
        "type": "url_citation",
        "url_citation": {
            "url": "https://example.com/almanac",
            "title": "An almanac",
            "content": "A page that knows a little about everything.",
            "start_index": 0,
            "end_index": 0,
        },
    })
}
