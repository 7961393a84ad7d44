//! Models that a workspace has not enabled are reached in no way.

use serde_json::{Value, json};
use workspace_store::{Actor, Amount, NewProvider, Period, Scope};

use crate::bench::{Bench, node};
use crate::door::{Door, hello};

/// A provider of which one model is enabled.
async fn few(door: &Door) {
    door.add_sandbox("few", &[], |provider: NewProvider| provider.enabled_models(["openai/gpt-4o"])).await;
}

/// Fields of a body by which another model may answer.
fn bypasses() -> Vec<(&'static str, Value)> {
    vec![
        ("models[0]", json!({"models": ["openai/gpt-4o-mini"]})),
        ("models[1]", json!({"models": ["openai/gpt-4o", "openai/gpt-4o-mini"]})),
        ("preset", json!({"preset": "email-copywriter"})),
        ("plugins[0]", json!({"plugins": [{"id": "fusion"}]})),
        (
            "plugins[0].judge_model",
            json!({"plugins": [{"id": "switchyard-router", "judge_model": "openai/gpt-4o-mini"}]}),
        ),
        ("tools", json!({"tools": [{"type": "openrouter:subagent"}]})),
        ("tools", json!({"tools": [{"type": "openrouter:advisor", "parameters": {"model": "openai/o1"}}]})),
    ]
}

#[tokio::test]
async fn model_that_is_not_enabled_is_reached_by_no_field() {
    let door = Door::open().await;
    few(&door).await;
    assert_eq!(door.ask(&hello("few:openai/gpt-4o", false)).await.status, 200);
    let asked = door.host.sandbox.requests().len();
    for (field, more) in bypasses() {
        for stream in [false, true] {
            let mut body = hello("few:openai/gpt-4o", stream);
            for (name, value) in more.as_object().expect("an object") {
                body[name] = value.clone();
            }
            let answer = door.ask(&body).await;
            let error = answer.json()["error"].clone();
            assert_eq!(
                (answer.status, &error["code"]),
                (403, &json!("model_not_enabled")),
                "{field}: {error}"
            );
        }
    }
    for model in [
        "few:@preset/mine",
        "few:openai/gpt-4o@preset/mine",
        "few:openrouter/auto",
        "few:openai/gpt-4o:online",
    ] {
        assert_eq!(door.ask(&hello(model, false)).await.status, 403, "{model}");
    }
    assert_eq!(door.host.sandbox.requests().len(), asked, "nothing was sent");
    // A list of enabled models narrows nothing of a provider without one.
    let mut body = hello("openrouter:openai/gpt-4o", false);
    body["models"] = json!(["openai/gpt-4o-mini"]);
    assert_eq!(door.ask(&body).await.status, 200);
    let mut body = hello("few:openai/gpt-4o", false);
    body["plugins"] = json!([{"id": "web"}]);
    assert_eq!(door.ask(&body).await.status, 200, "a plugin that asks no model");
    door.host.stop().await;
}

#[tokio::test]
async fn node_reaches_no_model_that_is_not_enabled() {
    let door = Door::open().await;
    few(&door).await;
    let bench = Bench { token: door.token.clone(), host: door.host };
    for (field, more) in bypasses() {
        let config =
            json!({"model": "few:openai/gpt-4o", "x_provider": {"parameters": {"openrouter": more}}});
        let (status, answer) =
            bench.json("chat", json!({"message": "Hello", "node": node(config.clone())})).await;
        assert_eq!((status, &answer["code"]), (403, &json!("model_not_enabled")), "{field}: {answer}");
        let body = json!({"models": ["few:openai/gpt-4o"], "message": "Hello", "node": node(config)});
        let (_, answer) = bench.json("comparisons", body).await;
        let error = &answer["data"]["report"]["cells"][0]["error"];
        assert_eq!(error["code"], "model_not_enabled", "{field}: {answer}");
    }
    // The options are those of whoever answers, the fallback included.
    let config = json!({"model": "openrouter:sandbox/upstream-error", "x_provider": {
        "fallback": ["few:openai/gpt-4o"], "allow_paid": true,
        "parameters": {"openrouter": {"models": ["openai/gpt-4o-mini"]}}}});
    let (status, answer) = bench.json("chat", json!({"message": "Hello", "node": node(config)})).await;
    assert_eq!((status, &answer["code"]), (403, &json!("model_not_enabled")), "{answer}");
    let config =
        json!({"model": "few:openai/gpt-4o", "x_provider": {"fallback": ["few:openai/gpt-4o-mini"]}});
    let (status, _) = bench.json("chat", json!({"message": "Hello", "node": node(config)})).await;
    assert_eq!(status, 403);
    let sent = bench.host.sandbox.requests();
    assert!(sent.iter().all(|request| !request.path.ends_with("/chat/completions")), "nothing was sent");
    bench.host.stop().await;
}

#[tokio::test]
async fn budget_reserves_for_the_dearest_model_that_the_service_may_go_on_to() {
    let door = Door::open().await;
    let (limit, by) = (Amount::Usd("0.0005".parse().expect("an amount")), Actor::new("tests"));
    door.host.store.add_budget("acme", Scope::Workspace, limit, Period::Total, &by).await.expect("a budget");
    let mut body = hello("openai/gpt-oss-20b:free", false);
    assert_eq!(door.ask(&body).await.status, 200);
    body["models"] = json!(["openai/gpt-4o"]);
    let refused = door.ask(&body).await;
    assert_eq!(refused.json()["error"]["code"], "budget_exceeded", "{:?}", refused.json());
    door.host.stop().await;
}
