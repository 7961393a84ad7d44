//! The report of a connection test on a key with budgets: what is left, of which limit, and until when.

use openrouter_provider::OpenRouter;
use openrouter_sandbox::Sandbox;
use provider_core::{ChatRequest, LimitAmount, LimitKind, Usd};

use super::answered;

fn client_of(sandbox: &Sandbox, key: &str) -> OpenRouter {
    OpenRouter::builder().api_key(key).base_url(sandbox.base_url()).build().expect("good settings")
}

fn usd(text: &str) -> Option<Usd> {
    text.parse().ok()
}

#[tokio::test]
async fn report_tells_the_limit_that_refuses_first() {
    let workspace = r#"{"scope":"workspace","limit_usd":500,"spend_usd":500.25,"remaining_usd":-0.25,
        "reset_interval":"monthly","resets_at":"2026-12-01T00:00:00Z"}"#;
    let member =
        r#"{"scope":"member","limit_usd":50,"spend_usd":48,"remaining_usd":2,"reset_interval":"daily"}"#;
    let own = r#"{"scope":"key_limit","limit_usd":100,"spend_usd":20,"remaining_usd":80}"#;
    let with =
        |fields: &str| format!(r#"{{"data":{{"label":"k","limit":100,"limit_remaining":80,{fields}}}}}"#);
    let (key, guardrail) = (LimitKind::Key, LimitKind::Guardrail);
    for (body, kind, remaining, is_blocked) in [
        // The service says which one.
        (
            with(&format!(r#""budgets":[{workspace},{own}],"effective_budget":{workspace}"#)),
            LimitKind::Workspace,
            "-0.25",
            true,
        ),
        // It does not say which one: a spent one, or else the one with the least left.
        (with(&format!(r#""budgets":[{member},{workspace},{own}]"#)), LimitKind::Workspace, "-0.25", true),
        (with(&format!(r#""budgets":[{own},{member}],"effective_budget":null"#)), guardrail, "2", false),
        (with(&format!(r#""budgets":[{member}]"#)), guardrail, "2", false),
        // A gateway that knows the key's own limit alone.
        (with(r#""budgets":"none""#), key, "80", false),
        (r#"{"data":{"label":"k","limit":10,"limit_remaining":0}}"#.to_owned(), key, "0", true),
        // A layer that this crate does not know.
        (with(r#""effective_budget":{"scope":"galaxy","remaining_usd":0}"#), LimitKind::Budget, "0", true),
    ] {
        let (_server, client) = answered(&body).await;
        let report = client.check().await.expect("a report");
        let limit = report.next_limit.as_ref().expect("a limit");
        assert_eq!((limit.kind, report.remaining()), (kind, usd(remaining)), "{body}");
        assert_eq!(report.blocked_by().is_some(), is_blocked, "{body}");
        assert_eq!(limit.resets_at.is_some(), kind == LimitKind::Workspace, "{body}");
    }
    let (_server, client) = answered(r#"{"data":{"label":"k","limit":null,"limit_remaining":null}}"#).await;
    let report = client.check().await.expect("a report");
    assert!(report.next_limit.is_none() && report.limits.is_empty() && report.blocked_by().is_none());
}

#[tokio::test]
async fn report_and_refusal_name_the_same_limit() {
    let sandbox = Sandbox::start().await.expect("a sandbox");
    let client = client_of(&sandbox, "sk-or-v1-capped");
    let report = client.check().await.expect("the key is good");
    let told = report.blocked_by().expect("its budget is spent");
    let error = client.chat(&ChatRequest::new("openai/gpt-4o").user("Hi")).await.expect_err("refused");
    let met = error.limit().expect("a limit");
    assert_eq!((met.kind, met.limit, met.used), (told.kind, told.limit, told.used));
    assert_eq!((met.resets_at, told.remaining), (told.resets_at, usd("-0.13").map(LimitAmount::Usd)));

    let report = client_of(&sandbox, "sk-or-v1-test").check().await.expect("a report");
    assert_eq!((report.remaining(), report.blocked_by()), (usd("100"), None));
    let free = report.free_requests.expect("a quota");
    assert_eq!((free.kind, free.remaining), (LimitKind::FreeRequests, Some(LimitAmount::Requests(1000))));
}
