use provider_core::{ChatRequest, OtherModel};
use serde_json::{Value, json};

use super::other_models;

/// The models that a body reaches, as `field=model`; `*` stands for any.
fn reached(body: Value) -> Vec<String> {
    let mut fields = json!({"model": "a/b", "messages": [{"role": "user", "content": "Hi"}]});
    fields.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
    let (request, _) = crate::provider::OPENROUTER.chat_completions().unwrap()(&fields.to_string()).unwrap();
    shown(other_models(&request))
}

fn shown(found: Vec<OtherModel>) -> Vec<String> {
    found
        .into_iter()
        .map(|OtherModel { field, model, .. }| format!("{field}={}", model.unwrap_or("*".into())))
        .collect()
}

#[test]
fn fields_that_bring_in_models_are_found() {
    let tool = |kind: &str, parameters: Value| json!({"tools": [{"type": kind, "parameters": parameters}]});
    let cases = [
        (json!({"models": ["c/d", "e/f"]}), &["models[0]=c/d", "models[1]=e/f"][..]),
        (json!({"models": "c/d"}), &["models=c/d"]),
        (json!({"models": [{"id": "c/d"}]}), &["models[0]=*"]),
        (json!({"preset": "mine"}), &["preset=*"]),
        (json!({"plugins": [{"id": "web"}, {"id": "auto-router", "allowed_models": ["x/*"]}]}), &[]),
        (json!({"plugins": [{"id": "fusion"}]}), &["plugins[0]=*"]),
        (json!({"plugins": [{"id": "fusion", "enabled": false}]}), &[]),
        (
            json!({"plugins": [{"id": "fusion", "analysis_models": ["c/d"], "model": "e/f"}]}),
            &["plugins[0].analysis_models[0]=c/d", "plugins[0].model=e/f"],
        ),
        (
            json!({"plugins": [{"id": "switchyard-router", "judge_model": "c/d"}]}),
            &["plugins[0].judge_model=c/d"],
        ),
        (tool("openrouter:web_search", json!({})), &[]),
        (tool("openrouter:advisor", json!({})), &["*"]),
        (tool("openrouter:advisor", json!({"model": "c/d"})), &["c/d"]),
        (tool("openrouter:new", json!({"model": "c/d"})), &["c/d"]),
        (
            tool("openrouter:subagent", json!({"model": "c/d", "tools": [{"type": "openrouter:fusion"}]})),
            &["c/d", "*"],
        ),
        (
            json!({"tools": [{"type": "function", "function": {"name": "f", "parameters": {"model": "c/d"}}}]}),
            &[],
        ),
    ];
    for (body, expected) in cases {
        let found = reached(body.clone());
        assert_eq!(found.len(), expected.len(), "{body}: {found:?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.ends_with(expected), "{body}: {found} is no {expected}");
        }
    }
}

#[test]
fn parameters_without_a_field_are_read_as_well() {
    let request = ChatRequest::new("a/b").extra("openrouter", "models", json!(["c/d"]));
    let request = request.extra("openrouter", "plugins", json!([{"id": "fusion"}]));
    assert_eq!(shown(other_models(&request)), ["models[0]=c/d", "plugins[0]=*"]);
}
