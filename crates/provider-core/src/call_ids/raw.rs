//! Ids of tool calls in messages that are kept as JSON.

use std::ops::Range;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::RawJson;

#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow, default)]
    tool_calls: Option<Vec<WireCall<'a>>>,
    #[serde(borrow, default)]
    tool_call_id: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct WireCall<'a> {
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
}

/// The ids in the message, if it is of a shape that has them.
fn read(json: &RawJson) -> Option<Wire<'_>> {
    // Images in a message are large, and need not be read for this.
    if json.get().contains("\"tool_call") { json.read().ok() } else { None }
}

/// The ids of the calls in a message.
pub(super) fn call_ids(json: &RawJson) -> Vec<String> {
    let calls = read(json).and_then(|wire| wire.tool_calls).unwrap_or_default();
    calls.iter().filter_map(|call| text(call.id?)).collect()
}

/// Replaces the ids of a message's calls by what `claim` says of each, or that of the call whose result it is
/// by what `result` says.
pub(super) fn rename(
    json: &mut RawJson,
    mut claim: impl FnMut(&str) -> String,
    result: impl FnOnce(&str) -> Option<String>,
) {
    let Some(wire) = read(json) else { return };
    let mut changes: Vec<(Range<usize>, String)> = Vec::new();
    let mut change = |raw: &RawValue, before: &str, after: String| {
        if after != before {
            // The value is a part of the message's text.
            let from = raw.get().as_ptr() as usize - json.get().as_ptr() as usize;
            changes.push((from..from + raw.get().len(), serde_json::Value::from(after).to_string()));
        }
    };
    for raw in wire.tool_calls.iter().flatten().filter_map(|call| call.id) {
        if let Some(id) = text(raw) {
            change(raw, &id, claim(&id));
        }
    }
    if let Some((raw, id)) = wire.tool_call_id.and_then(|raw| Some((raw, text(raw)?))) {
        if let Some(after) = result(&id) {
            change(raw, &id, after);
        }
    }
    if changes.is_empty() {
        return;
    }
    changes.sort_by_key(|(place, _)| place.start);
    let mut text = json.get().to_owned();
    for (place, id) in changes.into_iter().rev() {
        text.replace_range(place, &id);
    }
    *json = RawJson::from_checked(&text);
}

fn text(raw: &RawValue) -> Option<String> {
    serde_json::from_str(raw.get()).ok()
}
