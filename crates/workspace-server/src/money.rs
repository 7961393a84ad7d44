//! Amounts of money in JSON that other crates write, as the exact texts that they are everywhere in the API.

use std::collections::BTreeMap;

use provider_core::{RawJson, Usd};
use serde::Serialize;
use serde_json::Value;

/// The names of amounts in reports and answers. One that has no number is looked into.
const AMOUNTS: [&str; 9] = [
    "cost",
    "limit",
    "limit_remaining",
    "server_tool_cost",
    "upstream_completion_cost",
    "upstream_cost",
    "upstream_prompt_cost",
    "usage",
    "usd",
];

/// The names of what has amounts in it. A service's own JSON (`raw`, `details`) is none of these.
const AROUND: [&str; 11] = [
    "attempts",
    "cells",
    "error",
    "free_requests",
    "limits",
    "next_limit",
    "partial",
    "remaining",
    "response",
    "totals",
    "used",
];

/// Writes a value as JSON whose amounts are texts. A number would lose digits in most clients.
pub(crate) fn exact(value: &impl Serialize) -> Value {
    let json = RawJson::new(value).unwrap_or_default();
    // It was written from JSON.
    with_texts(&json).read().unwrap_or_default()
}

fn with_texts(json: &RawJson) -> RawJson {
    let written = match json.get().as_bytes().first() {
        Some(b'{') => json.read::<BTreeMap<String, RawJson>>().and_then(|mut fields| {
            fields.iter_mut().for_each(|(name, value)| *value = field(name, value));
            RawJson::new(&fields)
        }),
        Some(b'[') => json
            .read::<Vec<RawJson>>()
            .and_then(|items| RawJson::new(&items.iter().map(with_texts).collect::<Vec<_>>())),
        _ => return json.clone(),
    };
    written.unwrap_or_else(|_| json.clone())
}

fn field(name: &str, value: &RawJson) -> RawJson {
    let is_number = value.get().starts_with(|first: char| first == '-' || first.is_ascii_digit());
    match (AMOUNTS.contains(&name), is_number) {
        (true, true) => match value.read::<Usd>() {
            Ok(amount) => Value::from(amount.to_string()).into(),
            Err(_) => value.clone(),
        },
        (true, false) => with_texts(value),
        _ if AROUND.contains(&name) => with_texts(value),
        _ => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn amounts_become_texts_with_all_digits() {
        let json: RawJson = r#"{"cells": [{"response": {"usage": {"cost": 0.000123456789012345678901,
            "prompt_tokens": 3, "raw": {"cost": 0.1}}}}, {"error": {"partial": {"usage": {"cost": null}},
            "limit": {"used": {"usd": 25.130}}, "details": {"cost": 1e-7}}}],
            "totals": {"cost": 2.0, "models": 2}, "limit_remaining": -1.50, "usage": 7.0}"#
            .parse()
            .expect("JSON");
        let expected = json!({"cells": [{"response": {"usage": {"cost": "0.000123456789012345678901",
            "prompt_tokens": 3, "raw": {"cost": 0.1}}}}, {"error": {"partial": {"usage": {"cost": null}},
            "limit": {"used": {"usd": "25.13"}}, "details": {"cost": 1e-7}}}],
            "totals": {"cost": "2", "models": 2}, "limit_remaining": "-1.5", "usage": "7"});
        assert_eq!(exact(&json), expected);
    }
}
