//! Refusals of what a caller can mend: each names the field, and nothing is sent.

use http::Method;
use serde_json::{Value, json};
use workspace_store::{Actor, NewWorkspace, Role};

use crate::bench::{Bench, node, plain};
use crate::door::{Door, hello};
use crate::support::{Client, Host, OPERATOR_KEY};

/// How many requests for an answer the sandbox has got.
fn asked(host: &Host) -> usize {
    host.sandbox.requests().iter().filter(|request| request.path.ends_with("/chat/completions")).count()
}

#[tokio::test]
async fn turn_with_a_wrong_model_or_parameter_names_the_field() {
    let door = Door::open().await;
    door.add_sandbox("second", &[], |provider| provider).await;
    let bench = Bench { token: door.token.clone(), host: door.host };
    let with = |more: Value| {
        let mut config = json!({"model": "openrouter:openai/gpt-4o"});
        config.as_object_mut().expect("an object").extend(more.as_object().cloned().expect("an object"));
        node(config)
    };
    let fallback = json!({"fallback": ["openrouter:openai/gpt-4o-mini", "no/such-model"]});
    let cases = [
        (plain("no/such-model"), 404, "model_not_found", "node.config.model"),
        (plain("openai/gpt-4o"), 400, "ambiguous_model", "node.config.model"),
        (with(json!({"x_provider": fallback})), 404, "model_not_found", "node.config.x_provider.fallback[1]"),
        (with(json!({"temperature": 9})), 422, "validation_error", "node.config.temperature"),
        (
            with(json!({"x_provider": {"request": {"top_k": -1}}})),
            422,
            "validation_error",
            "node.config.x_provider.request.top_k",
        ),
    ];
    for (node, status, code, field) in cases {
        let body = json!({"message": "Hello", "conversation_id": "new", "node": node});
        let (found, answer) = bench.json("chat", body).await;
        assert_eq!((found, answer["code"].as_str()), (status, Some(code)), "{answer}");
        assert_eq!(answer["data"]["problems"][0]["field"], field, "{answer}");
    }
    assert_eq!((asked(&bench.host), bench.runs().await.len()), (0, 0));
    let list = bench.host.store.conversations("acme", None, None, 9).await.expect("a list");
    assert!(list.is_empty(), "nothing is kept of a turn that cannot be asked");
    bench.host.stop().await;
}

#[tokio::test]
async fn completion_that_is_refused_names_the_field() {
    let door = Door::open().await;
    door.add_sandbox("second", &[], |provider| provider).await;
    let of = |field: &str, value: Value| {
        let mut body = hello("openrouter:openai/gpt-4o", false);
        body[field] = value;
        body
    };
    let cases = [
        (hello("no/such-model", false), 404, "model_not_found", "model"),
        (hello("openai/gpt-4o", false), 400, "ambiguous_model", "model"),
        (of("model", json!(7)), 400, "invalid_request", "model"),
        (json!({"messages": []}), 400, "invalid_request", "model"),
        (of("temperature", json!(9)), 400, "invalid_request", "temperature"),
    ];
    for (body, status, code, field) in cases {
        let answer = door.ask(&body).await;
        let error = &answer.json()["error"];
        assert_eq!((answer.status, error["code"].as_str()), (status, Some(code)), "{error}");
        assert_eq!(error["param"], field, "{error}");
        assert_eq!(answer.header("x-should-retry"), "false");
    }
    assert_eq!(asked(&door.host), 0);
    door.host.stop().await;
}

#[tokio::test]
async fn half_of_a_surrogate_pair_is_refused_where_it_stands() {
    let door = Door::open().await;
    let url = |path: &str| format!("{}/{path}", door.host.url);
    let good = r#""\ud83d\ude00 \\ud800""#;
    let cases = [
        (
            "w/acme/v1/chat/completions",
            r#"{"model":"openai/gpt-4o","messages":[{"role":"user","content":[{"type":"text","text":TEXT}]}]}"#,
            "messages[0].content[0].text",
        ),
        (
            "w/acme/v1/chat/completions",
            r#"{"model":"openai/gpt-4o","messages":[{"role":"user","content":"Hi"}],"stop":["a",TEXT]}"#,
            "stop[1]",
        ),
        (
            "api/v1/workspaces/acme/chat",
            r#"{"message":TEXT,"node":{"type":"ai-agent-node","config":{"model":"openai/gpt-4o"}}}"#,
            "message",
        ),
        (
            "api/v1/workspaces/acme/comparisons",
            r#"{"models":["openai/gpt-4o"],"message":"Hi","node":{"type":"ai-agent-node","config":{"stop":[TEXT]}}}"#,
            "node.config.stop[0]",
        ),
    ];
    for (path, body, field) in cases {
        let before = asked(&door.host);
        let send = async |text: &str| {
            let request = door.host.http.post(url(path)).bearer_auth(&door.token);
            let answer = request.body(body.replace("TEXT", text)).send().await.expect("an answer");
            (answer.status().as_u16(), answer.json::<Value>().await.expect("JSON"))
        };
        for bad in [r#""\ud800""#, r#""a\uDFFFb""#, r#""\ud800\ud800""#, r#""\ud83d \ude00""#] {
            let (status, answer) = send(bad).await;
            let found = answer["error"]["param"].as_str().or(answer["data"]["problems"][0]["field"].as_str());
            assert_eq!(
                (status, found),
                (if path.starts_with('w') { 400 } else { 422 }, Some(field)),
                "{answer}"
            );
        }
        assert_eq!(asked(&door.host), before, "{path}");
        let (status, answer) = send(good).await;
        assert_eq!(status, 200, "{answer}");
    }
    door.host.stop().await;
}

#[tokio::test]
async fn settings_beyond_their_range_are_refused_by_name() {
    let host = Host::start().await;
    let owner = Client::of(&host, Role::Owner).await;
    let cases = [
        (Method::PATCH, "", json!({"revision": 1, "keep_content_seconds": 0}), "keep_content_seconds"),
        (Method::PATCH, "", json!({"revision": 1, "keep_runs_seconds": u64::MAX}), "keep_runs_seconds"),
        (
            Method::POST,
            "/tokens",
            json!({"name": "a", "role": "viewer", "expires_in_seconds": 0}),
            "expires_in_seconds",
        ),
        (
            Method::POST,
            "/tokens",
            json!({"name": "a", "role": "viewer", "expires_in_seconds": 9_007_199_254_740_991_u64}),
            "expires_in_seconds",
        ),
        (
            Method::POST,
            "/comparisons",
            json!({"models": ["m"], "message": "a", "timeout_seconds": 0}),
            "timeout_seconds",
        ),
    ];
    for (method, path, body, field) in cases {
        owner.refused(method, &format!("workspaces/acme{path}"), body, field).await;
    }
    let limits = [
        ("x_provider.limits.max_cost_usd", json!({"x_provider": {"limits": {"max_cost_usd": "-1"}}})),
        ("x_provider.limits.max_cost_usd", json!({"x_provider": {"limits": {"max_cost_usd": 0}}})),
        ("x_provider.limits.max_seconds", json!({"x_provider": {"limits": {"max_seconds": 0}}})),
        ("context_window.max_tokens", json!({"context_window": {"max_tokens": 0}})),
        (
            "function_calling_config.max_iterations",
            json!({"agent_mode": "function_calling", "function_calling_config": {"max_iterations": 0}}),
        ),
    ];
    for (field, config) in limits {
        let body = json!({"message": "a", "conversation_id": "new", "node": node(config)});
        owner.refused(Method::POST, "workspaces/acme/chat", body, &format!("node.config.{field}")).await;
    }
    let operator = Client { host: &host, token: OPERATOR_KEY.to_owned() };
    for id in [".", "..", "a b", ""] {
        operator.refused(Method::POST, "workspaces", json!({"id": id}), "id").await;
    }
    host.stop().await;
}

#[tokio::test]
async fn body_of_another_shape_is_told_in_plain_words() {
    let host = Host::start().await;
    let owner = Client::of(&host, Role::Owner).await;
    let budget = |scope: Value, limit: Value| json!({"scope": scope, "limit": limit, "period": "day"});
    let (scope, limit) = (json!({"scope": "workspace"}), json!({"usd": "1"}));
    let cases = [
        ("budgets", budget(scope.clone(), json!({"usd": "1", "requests": 5})), "limit", "both are set"),
        ("budgets", budget(scope.clone(), json!({})), "limit", "neither is set"),
        ("budgets", budget(scope.clone(), json!({"usd": 1.5})), "limit.usd", "expected a text"),
        ("budgets", budget(scope, json!("1")), "limit", "expected an object"),
        ("budgets", budget(json!("workspace"), limit.clone()), "scope", "expected an object"),
        ("budgets", budget(json!({"scope": "planet"}), limit.clone()), "scope", "one of: workspace, node"),
        ("budgets", budget(json!({"scope": "node"}), limit.clone()), "scope", "the id of a node"),
        ("budgets", budget(json!({"scope": "workspace", "id": "a"}), limit), "scope", "no id"),
        ("tokens", json!({"name": "a"}), "role", "is missing"),
        ("tokens", json!(["a", "viewer", null]), "body", "expected an object"),
        ("tokens", json!({"name": 7, "role": "viewer"}), "name", "expected a text"),
        (
            "tokens",
            json!({"name": "a", "role": "viewer", "expires_in_seconds": -1}),
            "expires_in_seconds",
            "expected a whole number, 0 or more",
        ),
        ("chat", json!({"message": "a"}), "node", "is missing"),
        ("chat", json!({"message": "a", "node": {}, "stream": "yes"}), "stream", "true or false"),
        ("comparisons", json!({"models": "m", "message": "a"}), "models", "expected a list"),
        (
            "comparisons",
            json!({"models": ["m"], "message": "a", "node": node(json!({"memory": {"enabled": 1}}))}),
            "node.config.memory.enabled",
            "true or false",
        ),
    ];
    for (path, body, field, words) in cases {
        let answer = owner.refused(Method::POST, &format!("workspaces/acme/{path}"), body, field).await;
        let told = answer["message"].as_str().expect("words");
        assert!(told.contains(words), "{told}");
        for jargon in ["struct", "enum", "u64", "sequence", "at line", "deserialize"] {
            assert!(!told.contains(jargon), "{told}");
        }
    }
    let queries = [
        ("runs?limit=many", "limit", "whole number"),
        ("runs?failed=perhaps", "failed", "true or false"),
        ("runs?fish=1", "fish", "unknown field"),
        ("model", "reference", "is missing"),
    ];
    for (path, field, words) in queries {
        let (status, answer) = owner.send(Method::GET, &format!("workspaces/acme/{path}"), None).await;
        let problem = &answer["data"]["problems"][0];
        assert_eq!((status, problem["field"].as_str()), (400, Some(field)), "{answer}");
        let told = problem["problem"].as_str().expect("words");
        assert!(told.contains(words) && !told.contains("deserialize"), "{told}");
    }
    host.stop().await;
}

#[tokio::test]
async fn first_token_of_a_workspace_is_the_operator_s_to_make() {
    let host = Host::start().await;
    let operator = Client { host: &host, token: OPERATOR_KEY.to_owned() };
    operator.done(Method::POST, "workspaces", json!({"id": "new"})).await;
    let path = "workspaces/new/first-token";
    let made = operator.done(Method::POST, path, json!({"name": "Ada"})).await;
    assert_eq!((&made["token"]["role"], &made["token"]["name"]), (&json!("owner"), &json!("Ada")));
    let owner = Client { host: &host, token: made["text"].as_str().expect("a text").to_owned() };
    assert_eq!(owner.get("workspaces/new").await["id"], "new");
    let (status, answer) = operator.send(Method::POST, path, Some(json!({}))).await;
    assert_eq!((status, &answer["code"]), (409, &json!("duplicate")), "{answer}");
    let log = owner.get("workspaces/new/audit").await;
    let made_by = &log["items"][0];
    assert_eq!((&made_by["actor"], &made_by["kind"]), (&json!("operator"), &json!("token")), "{log}");
    // A workspace that has lost its last Owner gets another.
    let id = made["token"]["id"].as_str().expect("an id");
    owner.done(Method::DELETE, &format!("workspaces/new/tokens/{id}"), json!({})).await;
    operator.done(Method::POST, path, json!({})).await;
    let (status, _) = operator.send(Method::POST, "workspaces/none/first-token", Some(json!({}))).await;
    assert_eq!(status, 404);
    host.store.create_workspace(NewWorkspace::new("other"), &Actor::new("tests")).await.expect("a workspace");
    host.stop().await;
}

#[tokio::test]
async fn check_takes_the_messages_of_a_turn() {
    let host = Host::start().await;
    let viewer = Client::of(&host, Role::Viewer).await;
    let call = json!({"id": "c", "type": "function", "function": {"name": "look", "arguments": "{}"}});
    let messages = json!([
        {"role": "user", "content": [{"type": "text", "text": "Hello"}]},
        {"role": "assistant", "content": null, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": "7"},
    ]);
    let path = "workspaces/acme/models/problems";
    for request in [
        json!({"messages": messages, "temperature": 1}),
        json!({"message": "Hello"}),
        json!({"messages": [{"role": "user", "content": "Hello"}], "model": "other", "stream": true}),
    ] {
        let body = json!({"model": "openrouter:openai/gpt-4o", "request": request});
        let found = viewer.done(Method::POST, path, body).await;
        assert_eq!((&found["listed"], &found["problems"]), (&json!(true), &json!([])), "{found}");
        assert!(found["estimate"].is_string(), "{found}");
    }
    let body = json!({"model": "openrouter:openai/gpt-4o", "request": {"messages": ["Hello"]}});
    viewer.refused(Method::POST, path, body, "request.messages").await;
    let body = json!({"model": "no such model", "request": {"message": "Hello"}});
    let (status, answer) = viewer.send(Method::POST, path, Some(body)).await;
    let field = &answer["data"]["problems"][0]["field"];
    assert_eq!((status, &answer["code"], field), (404, &json!("model_not_found"), &json!("model")));
    host.stop().await;
}
