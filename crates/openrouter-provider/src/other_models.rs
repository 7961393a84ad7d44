//! The models that a request reaches besides its own.

use provider_core::{ChatRequest, OtherModel, Tool};
use serde_json::{Map, Value};

use crate::ID;
use crate::options::OpenRouterOptions;

/// Finds the models that a request reaches besides its own: its fallbacks, a preset, and the models that
/// plugins and tools of the service ask. What guides a router of the service (`openrouter/auto`) narrows the
/// choice of that model, and reaches no other.
pub(crate) fn other_models(request: &ChatRequest) -> Vec<OtherModel> {
    let mut found = Vec::new();
    if let Some(options) = request.options.get::<OpenRouterOptions>() {
        found_in(&serde_json::to_value(options).unwrap_or_default(), &mut found);
    }
    if let Some(extra) = request.extra.get(ID) {
        found_in(&extra.clone().into_iter().collect::<Map<_, _>>().into(), &mut found);
    }
    for (at, tool) in request.tools.iter().enumerate() {
        if let Tool::Other(tool) = tool {
            in_tools(&tool.json().read().unwrap_or_default(), &format!("tools[{at}]"), &mut found);
        }
    }
    found
}

fn found_in(fields: &Value, found: &mut Vec<OtherModel>) {
    named(&fields["models"], "models", found);
    if !fields["preset"].is_null() {
        found.push(OtherModel::any("preset"));
    }
    for (at, plugin) in fields["plugins"].as_array().into_iter().flatten().enumerate() {
        let place = format!("plugins[{at}]");
        if plugin["enabled"] == Value::Bool(false) {
            continue;
        }
        match plugin["id"].as_str() {
            Some("fusion") => of_fusion(plugin, &place, found),
            _ => named(&plugin["judge_model"], &format!("{place}.judge_model"), found),
        }
        in_tools(&plugin["tools"], &format!("{place}.tools"), found);
    }
    for name in ["server_tools", "tools", "deferred_tools"] {
        in_tools(&fields[name], name, found);
    }
}

/// Finds the tools of the service at any depth: tools have tools.
fn in_tools(value: &Value, place: &str, found: &mut Vec<OtherModel>) {
    match value {
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                in_tools(item, &format!("{place}[{at}]"), found);
            }
        }
        Value::Object(fields) => {
            let parameters = &value["parameters"];
            match value["type"].as_str() {
                Some("openrouter:fusion") => of_fusion(parameters, place, found),
                // Without a name the service chooses.
                Some("openrouter:advisor" | "openrouter:subagent" | "openrouter:image_generation") => {
                    match &parameters["model"] {
                        Value::Null => found.push(OtherModel::any(place)),
                        model => named(model, &format!("{place}.parameters.model"), found),
                    }
                }
                // One that is newer than this list.
                Some(kind) if kind.starts_with("openrouter:") => {
                    named(&parameters["model"], &format!("{place}.parameters.model"), found);
                }
                // The schema of a function is a text of its caller.
                Some("function") => return,
                _ => {}
            }
            for (name, inner) in fields {
                in_tools(inner, &format!("{place}.{name}"), found);
            }
        }
        _ => {}
    }
}

/// Fusion asks several models and one more, and chooses those that it is not told.
fn of_fusion(settings: &Value, place: &str, found: &mut Vec<OtherModel>) {
    named(&settings["analysis_models"], &format!("{place}.analysis_models"), found);
    named(&settings["model"], &format!("{place}.model"), found);
    let is_told = !settings["analysis_models"].is_null() && !settings["model"].is_null();
    if !is_told || !settings["preset"].is_null() {
        found.push(OtherModel::any(place));
    }
}

/// Adds the ids in a text or a list. Anything else names no model that could be checked.
fn named(value: &Value, place: &str, found: &mut Vec<OtherModel>) {
    match value {
        Value::Null => {}
        Value::String(model) => found.push(OtherModel::named(place, model)),
        Value::Array(models) => {
            for (at, model) in models.iter().enumerate() {
                named(model, &format!("{place}[{at}]"), found);
            }
        }
        _ => found.push(OtherModel::any(place)),
    }
}

#[cfg(test)]
mod tests;
