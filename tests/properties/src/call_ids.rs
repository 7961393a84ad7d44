//! Ids of tool calls in a body.

use std::collections::HashSet;

use serde_json::Value;

/// Where a body repeats ids of tool calls, takes all such ids out of it and out of what is sent for it, so
/// that the rest can be compared. What is sent repeats none.
///
/// # Panics
/// When it does.
pub fn without_repeated_ids(given: &mut Value, sent: &mut Value) {
    if !repeats(&call_ids(given)) {
        return;
    }
    let unique = call_ids(sent);
    assert!(!repeats(&unique), "{unique:?}");
    for body in [given, sent] {
        call_ids(body).into_iter().for_each(|id| *id = Value::Null);
        // Results follow their calls.
        let ids = messages(body).filter_map(|message| message.get_mut("tool_call_id"));
        ids.for_each(|id| *id = Value::Null);
    }
}

fn messages(body: &mut Value) -> impl Iterator<Item = &mut Value> {
    body.get_mut("messages").and_then(Value::as_array_mut).into_iter().flatten()
}

fn call_ids(body: &mut Value) -> Vec<&mut Value> {
    let calls = messages(body).filter_map(|message| message.get_mut("tool_calls")?.as_array_mut());
    let calls = calls.filter(|calls| calls.iter().all(Value::is_object)).flatten();
    calls.filter_map(|call| call.get_mut("id").filter(|id| id.is_string())).collect()
}

fn repeats(ids: &[&mut Value]) -> bool {
    let mut seen = HashSet::new();
    !ids.iter().all(|id| seen.insert(id.as_str()))
}
