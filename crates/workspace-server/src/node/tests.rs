use std::collections::BTreeMap;

use serde_json::json;

use super::{AgentMode, AgentNode, ContextStrategy, substitute, variables};

fn read(config: serde_json::Value) -> Result<AgentNode, Vec<String>> {
    let node = json!({"id": "n1", "type": "ai-agent-node", "config": config});
    AgentNode::read(&node.into()).map_err(|problems| {
        problems.into_iter().map(|problem| format!("{} {}", problem.field, problem.problem)).collect()
    })
}

#[test]
fn node_sends_only_what_is_set() {
    let node =
        read(json!({"model": "m", "temperature": 0, "top_p": null, "stop_sequences": ["END"]})).unwrap();
    let names: Vec<&str> = node.parameters.keys().map(String::as_str).collect();
    assert_eq!(names, ["stop", "temperature"]);
    assert_eq!((node.mode, node.context_window, node.memory), (AgentMode::Standard, None, None));
}

#[test]
fn node_keeps_unknown_keys_byte_for_byte() {
    let text = r#"{"x_canvas":{"y":1.50},"id":"n","type":"ai-agent-node","config":{"model":"m","cot_config":{"a":1e2}}}"#;
    let node: AgentNode = serde_json::from_str(text).unwrap();
    let written = serde_json::to_string(&node).unwrap();
    assert!(written.contains(r#""x_canvas":{"y":1.50}"#), "{written}");
    assert!(written.contains(r#""cot_config":{"a":1e2}"#), "{written}");
    assert_eq!(serde_json::from_str::<AgentNode>(&written).unwrap(), node);
}

#[test]
fn node_refuses_by_name_what_the_host_does_not_run() {
    let problems = read(json!({
        "agent_mode": "tree_of_thoughts",
        "context_window": {"strategy": "summarize"},
        "x_provider": {"routing": {}},
        "system_prompt": 7,
    }))
    .unwrap_err();
    let all = problems.join("\n");
    for part in
        ["agent_mode is \"tree_of_thoughts\"", "strategy is \"summarize\"", "`routing`", "system_prompt"]
    {
        assert!(all.contains(part), "{part}: {all}");
    }
}

#[test]
fn node_reads_tools_and_limits_in_function_calling() {
    let node = read(json!({
        "agent_mode": "function_calling",
        "model_id": "m",
        "context_window": {"strategy": "error", "max_tokens": 100},
        "function_calling_config": {"tools": [{"name": "t"}], "max_iterations": 3},
        "x_provider": {"limits": {"max_cost_usd": "0.5"}},
    }))
    .unwrap();
    assert_eq!((node.model.as_deref(), node.max_iterations()), (Some("m"), 3));
    assert_eq!(node.context_window.unwrap().strategy, ContextStrategy::Error);
    assert_eq!(node.extension.limits.max_cost_usd.unwrap().to_string(), "0.5");
}

#[test]
fn template_is_substituted_once_and_misses_are_named() {
    let values = BTreeMap::from([("a".to_owned(), json!("{{b}}")), ("n".to_owned(), json!(3))]);
    assert_eq!(
        substitute("{{ a }}-{{n}} {{ not a name }} {{", &values).unwrap(),
        "{{b}}-3 {{ not a name }} {{"
    );
    let missing = substitute("{{b}} {{a}}", &values).unwrap_err();
    assert_eq!(missing[0].field, "variables.b");
    assert_eq!(missing.len(), 1);
    assert_eq!(variables("{{b}} {{a}} {{b}}").into_iter().collect::<Vec<_>>(), ["a", "b"]);
}
