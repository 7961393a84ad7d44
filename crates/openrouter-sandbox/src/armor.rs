//! The plugin `armor`: judges each function call of an answer, and withholds those that a rule matches.
//!
//! A rule matches a call if its words name the function.

use serde_json::{Map, Value, json};

use crate::answer::{Answer, FinishReason};

/// Judges the calls of an answer by the request's plugin, and takes out those that it withholds. Returns
/// `safeguard_results`, if the plugin is on.
pub(crate) fn judge(request: &Value, answer: &mut Answer) -> Option<Value> {
    let mut plugins = request["plugins"].as_array().into_iter().flatten();
    let plugin = plugins.find(|plugin| plugin["id"] == "armor" && plugin["enabled"] != false)?;
    let rules = &plugin["classifier_context"]["auto_mode"];
    let mut verdicts = Map::new();
    let mut withheld = Vec::new();
    for (place, call) in answer.tool_calls.iter().enumerate() {
        let hard = matching(&rules["hard_deny"], &call.name);
        let soft = matching(&rules["soft_deny"], &call.name)
            .filter(|_| matching(&rules["allow"], &call.name).is_none());
        let verdict = match hard.or(soft) {
            Some(rule) => {
                let explanation = format!("The call matches the rule: {rule}");
                withheld.push((place, explanation.clone()));
                json!({"type": "evaluated", "outcome": "flagged", "explanation": explanation})
            }
            None => json!({"type": "evaluated", "outcome": "not_flagged"}),
        };
        verdicts.insert(call.id.clone(), verdict);
    }
    if plugin["mode"] != "audit" {
        for (place, explanation) in withheld.into_iter().rev() {
            answer.tool_calls.remove(place);
            let marker = format!("<openrouter_armor_blocked>{explanation}</openrouter_armor_blocked>");
            answer.content.get_or_insert_default().push_str(&marker);
        }
        if answer.tool_calls.is_empty() && answer.finish == FinishReason::ToolCalls {
            answer.finish = FinishReason::Stop;
        }
    }
    Some(json!([{
        "type": "dangerous_tool_use",
        "status": {"type": "available", "tool_uses": verdicts},
    }]))
}

/// The words of the first rule that names a function.
fn matching<'a>(rules: &'a Value, function: &str) -> Option<&'a str> {
    let words = |rule: &'a Value| rule.as_str().or(rule["instructions"].as_str());
    rules.as_array()?.iter().filter_map(words).find(|words| words.contains(function))
}
