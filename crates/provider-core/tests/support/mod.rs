//! Readings of requests, and a cost.

#![allow(clippy::expect_used, reason = "tests fail by panicking, their helpers too")]
#![allow(dead_code, reason = "each test uses what it needs")]

use provider_core::{ChatRequest, Message, RawJson, Usage};

/// The usage of a turn that costs so many dollars.
pub(crate) fn cost(usd: &str) -> Usage {
    let mut usage = Usage::default();
    usage.completion_tokens = Some(10);
    usage.cost = Some(usd.parse().expect("an amount"));
    usage.raw = Some(RawJson::default());
    usage
}

/// The ids of the calls in a request.
pub(crate) fn call_ids(request: &ChatRequest) -> Vec<&str> {
    let turns = request.messages.iter().filter_map(|message| match message {
        Message::Assistant(turn) => Some(turn),
        _ => None,
    });
    turns.flat_map(|turn| &turn.tool_calls).map(|call| call.id.as_str()).collect()
}

/// The tool messages of a request, as `id: text`.
pub(crate) fn results(request: &ChatRequest) -> Vec<String> {
    let messages = request.messages.iter();
    messages
        .filter_map(|message| match message {
            Message::Tool(message) => Some(format!("{}: {}", message.tool_call_id, message.content.text())),
            _ => None,
        })
        .collect()
}
