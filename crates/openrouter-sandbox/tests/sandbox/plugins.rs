//! Tests of the plugins that judge answers, and of fields that are newer than the schema of August 2026.

use serde_json::{Value, json};

use crate::support::{ask, chat, start, stream};

const MODEL: &str = "openai/gpt-4o";

fn tool(name: &str) -> Value {
    json!({"type": "function", "function": {"name": name, "description": "A tool"}, "defer_loading": false})
}

fn armor(mode: &str) -> Value {
    let rules = json!({
        "hard_deny": [{"id": "no-mail", "instructions": "Never call send_mail."}],
        "soft_deny": ["Do not call open_file.", "Do not call tell_clock."],
        "allow": ["You may call tell_clock."],
    });
    json!({"id": "armor", "mode": mode, "classifier_context": {"v": 1, "auto_mode": rules}})
}

#[tokio::test]
async fn armor_withholds_the_calls_that_a_rule_matches() {
    let sandbox = start().await;
    let ask = |text: &str, mode: &str| {
        let tools = json!([tool("send_mail"), tool("open_file"), tool("tell_clock")]);
        ask(MODEL, text, json!({"tools": tools, "plugins": [armor(mode)]}))
    };
    let (_, body) = chat(&sandbox, &ask("send_mail tell_clock", "enforce")).await;
    let message = &body["choices"][0]["message"];
    assert!(message["content"].as_str().unwrap().starts_with("<openrouter_armor_blocked>"), "{body}");
    assert_eq!(message["tool_calls"].as_array().unwrap().len(), 1);
    assert_eq!(message["tool_calls"][0]["function"]["name"], "tell_clock");
    assert_eq!(body["choices"][0]["finish_reason"], "tool_calls");
    let verdicts = body["safeguard_results"][0]["status"]["tool_uses"].as_object().unwrap();
    let flagged = verdicts.values().filter(|verdict| verdict["outcome"] == "flagged").count();
    assert_eq!((verdicts.len(), flagged), (2, 1));

    let all = ask("send_mail open_file", "enforce");
    let (_, body) = chat(&sandbox, &all).await;
    let message = &body["choices"][0]["message"];
    assert_eq!(
        (&body["choices"][0]["finish_reason"], &message["tool_calls"]),
        (&json!("stop"), &Value::Null)
    );
    let events = stream(&sandbox, &all).await;
    assert_eq!(message["content"], events.joined("content"));
    assert_eq!(events.chunks.last().unwrap()["safeguard_results"], body["safeguard_results"]);

    let (_, body) = chat(&sandbox, &ask("send_mail", "audit")).await;
    assert_eq!(body["choices"][0]["message"]["tool_calls"][0]["function"]["name"], "send_mail");
    assert!(body["safeguard_results"].to_string().contains("flagged"), "{body}");
}

#[tokio::test]
async fn alignment_judges_each_answer_and_holds_some_back() {
    let sandbox = start().await;
    let ask = |words: &str, mode: &str| {
        let rules = [json!({"rule": format!("Never say \"{words}\"."), "watch": ["content"]})];
        ask(
            MODEL,
            "Tell me of the almanac",
            json!({"plugins": [{"id": "alignment", "rules": rules, "mode": mode}]}),
        )
    };
    let (status, body) = chat(&sandbox, &ask("almanac", "audit")).await;
    assert_eq!((status, &body["alignment"]["calls"][0]["outcome"]), (200, &json!("blocked")));
    let (status, body) = chat(&sandbox, &ask("zebra", "enforce")).await;
    assert_eq!((status, &body["alignment"]["calls"][0]["outcome"]), (200, &json!("allowed")));

    let (status, body) = chat(&sandbox, &ask("almanac", "enforce")).await;
    let alignment = &body["error"]["metadata"]["alignment"];
    assert_eq!((status, alignment["calls"].as_array().unwrap().len()), (403, 2));
    assert!(alignment["rejected"]["content"].as_str().unwrap().contains("almanac"), "{body}");
    assert!(body["usage"]["cost"].is_number());
    let events = stream(&sandbox, &ask("almanac", "enforce")).await;
    assert_eq!(
        (&events.chunks[0]["error"]["code"], events.chunks.len(), events.done),
        (&json!(403), 2, true)
    );

    let mut private = ask("zebra", "audit");
    private["provider"] = json!({"zdr": true});
    assert_eq!(chat(&sandbox, &private).await.0, 400);
}

#[tokio::test]
async fn newer_fields_are_taken_and_checked() {
    let sandbox = start().await;
    let search = json!({"type": "bm25", "max_results": 3});
    let deferred =
        json!({"protocol": "v1", "profile": "portable", "validation": "runtime", "search": search});
    let part = |ttl: &str| json!([{"type": "text", "text": "Hi", "prompt_cache_breakpoint": {"mode": "explicit", "ttl": ttl}}]);
    let more = json!({
        "provider": {"options": {"azure": {"x": 1}}},
        "deferred_tools": deferred,
        "tools": [tool("f")],
        "service_tier": "ultrafast",
        "messages": [{"role": "user", "content": part("12h")}],
        "prompt_cache_options": {"mode": "explicit", "ttl": "30m"},
    });
    let (status, body) = chat(&sandbox, &ask(MODEL, "Hi", more)).await;
    assert_eq!((status, &body["service_tier"]), (200, &json!("ultrafast")), "{body}");

    let update =
        json!({"role": "system", "content": "", "configuration_update": {"reasoning": {"effort": "high"}}});
    let user = json!({"role": "user", "content": "Hi"});
    for model in ["openai/gpt-6-astra", "anthropic/claude-fable-5.1"] {
        let changed = json!({"messages": [user, {"role": "assistant", "content": "Hello"}, update, user]});
        assert_eq!(chat(&sandbox, &ask(model, "Hi", changed)).await.0, 200, "{model}");
    }
    for (field, more) in [
        ("deferred_tools.protocol", json!({"deferred_tools": {"protocol": "v2"}})),
        ("messages[0].configuration_update", json!({"messages": [update, update, user]})),
        (
            "messages[0].content[0].prompt_cache_breakpoint.ttl",
            json!({"messages": [{"role": "user", "content": part("1h")}]}),
        ),
        ("plugins.alignment.rules", json!({"plugins": [{"id": "alignment", "rules": []}]})),
        ("openai/gpt-4o does not support configuration_update", json!({"messages": [update, user]})),
    ] {
        let (status, body) = chat(&sandbox, &ask(MODEL, "Hi", more)).await;
        let message = body["error"]["message"].as_str().unwrap();
        assert_eq!((status, message.split(": ").next()), (400, Some(field)), "{message}");
    }
}

#[tokio::test]
async fn a_container_is_billed_beside_the_tokens() {
    let sandbox = start().await;
    let request = ask(MODEL, "Hi", json!({"tools": [{"type": "openrouter:bash"}], "max_tokens": 1}));
    let (_, body) = chat(&sandbox, &request).await;
    let costs = &body["usage"]["cost_details"];
    assert_eq!(costs["server_tool_cost"], json!(0.0004));
    let whole = costs["upstream_inference_cost"].as_f64().unwrap() + 0.0004;
    assert!((body["usage"]["cost"].as_f64().unwrap() - whole).abs() < 1e-12, "{body}");
}
