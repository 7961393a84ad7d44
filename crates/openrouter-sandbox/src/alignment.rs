//! The plugin `alignment`: judges an answer by rules, and holds one back that breaks them.
//!
//! An answer breaks a rule about its content if it contains the words that the rule has in double quotes.

use serde_json::{Value, json};

use crate::answer::Answer;

/// The verdict of the plugin on an answer.
#[derive(Clone, Debug)]
pub(crate) struct Alignment {
    /// The field `alignment`.
    pub(crate) json: Value,
    /// Whether the answer is held back.
    pub(crate) is_blocked: bool,
}

/// Judges an answer by the request's plugin, if it has that.
pub(crate) fn judge(request: &Value, answer: &Answer) -> Option<Alignment> {
    let mut plugins = request["plugins"].as_array().into_iter().flatten();
    let plugin = plugins.find(|plugin| plugin["id"] == "alignment")?;
    let content = answer.content.as_deref();
    let rules: Vec<Value> = plugin["rules"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|rule| {
            let is_about_content =
                rule["watch"].as_array().is_some_and(|fields| fields.iter().any(|field| field == "content"));
            let Some(content) = content.filter(|_| is_about_content) else {
                return json!({"applicable": false, "broken": false, "probability": null});
            };
            let forbidden = rule["rule"].as_str().and_then(|rule| rule.split('"').nth(1));
            let broken = forbidden.is_some_and(|words| content.contains(words));
            json!({"applicable": true, "broken": broken, "probability": if broken { 0.94 } else { 0.02 }})
        })
        .collect();
    let is_blocked = plugin["mode"] == "enforce" && rules.iter().any(|rule| rule["broken"] == true);
    // The model writes the same again.
    let count = if is_blocked { 1 + plugin["max_retries"].as_u64().unwrap_or(1) } else { 1 };
    let outcome = if rules.iter().any(|rule| rule["broken"] == true) { "blocked" } else { "allowed" };
    let calls: Vec<Value> =
        (1..=count).map(|call| json!({"call": call, "outcome": outcome, "rules": rules})).collect();
    Some(Alignment { json: json!({"calls": calls}), is_blocked })
}
