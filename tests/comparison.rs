//! Comparing models as a host does: two accounts of one provider in a workspace, and one report. Against the
//! sandbox.

#![allow(clippy::expect_used, reason = "tests fail by panicking, their helpers too")]

use std::time::Duration;

use openrouter_provider as _; // links the provider in
use openrouter_sandbox::Sandbox;
use provider_compare::{Cell, CellStep, Comparison, Report};
use provider_core::{ChatRequest, ErrorKind, Event, Usd};
use provider_registry::{Registry, Workspace};

/// A workspace with two accounts: both are the sandbox, with a key of their own.
fn workspace(sandbox: &Sandbox) -> Workspace {
    let registry = Registry::discover().expect("no duplicates");
    let mut workspace = Workspace::new("acme");
    for (id, key) in [("prod", "sk-or-v1-prod"), ("test", "sk-or-v1-test")] {
        let values = [("api_key", key), ("base_url", sandbox.base_url())];
        workspace.add_as(id, &registry, "OpenRouter", values).expect("good settings");
    }
    workspace
}

/// Compares models as an agent platform does: its nodes hold texts, and a text that nothing fits is an error
/// of its cell.
async fn comparison(workspace: &Workspace, models: &[&str]) -> Comparison {
    let mut cells = Vec::new();
    for text in models {
        cells.push(match workspace.model(text).await {
            Ok(model) => Cell::new(*text, model.provider().clone(), model.id())
                .provider_name(&model.reference().provider),
            Err(error) => Cell::not_asked(*text, error),
        });
    }
    Comparison::new(ChatRequest::default().user("Why is the sky blue?")).cells(cells)
}

fn kinds(report: &Report) -> Vec<Option<ErrorKind>> {
    report.cells.iter().map(|cell| cell.result.as_ref().err().map(|error| error.kind())).collect()
}

#[tokio::test]
async fn two_accounts_are_compared_through_a_workspace() {
    let sandbox =
        Sandbox::builder().slow_first_token(Duration::from_millis(200)).start().await.expect("a sandbox");
    let models = [
        "prod:sandbox/slow-first-token",
        "test:openai/gpt-4o",
        "prod:sandbox/no-credits",
        "openai/gpt-4o",
        "prod:sandbox/mid-stream-error",
    ];
    let workspace = workspace(&sandbox);
    let mut texts = vec![String::new(); models.len()];
    let comparison = comparison(&workspace, &models).await;
    let report = comparison
        .run_with(|progress| {
            if let CellStep::Event(Event::Text(piece)) = progress.step {
                texts[progress.index].push_str(piece);
            }
        })
        .await;

    let labels: Vec<_> = report.cells.iter().map(|cell| cell.label.as_str()).collect();
    assert_eq!(labels, models);
    let failures =
        [None, None, Some(ErrorKind::PaymentRequired), Some(ErrorKind::Ambiguous), Some(ErrorKind::Upstream)];
    assert_eq!(kinds(&report), failures);
    let providers: Vec<_> = report.cells.iter().map(|cell| cell.provider.as_deref()).collect();
    assert_eq!(providers, [Some("prod"), Some("test"), Some("prod"), None, Some("prod")]);
    for (cell, streamed) in report.cells.iter().zip(&texts) {
        assert_eq!(cell.response().map_or("", |response| response.text()), streamed, "{}", cell.label);
        if let (Err(error), true) = (&cell.result, cell.provider.is_some()) {
            assert_eq!(error.provider(), Some("prod"), "the name that the workspace has for it");
        }
    }
    assert!(!texts[0].is_empty() && !texts[1].is_empty() && !texts[4].is_empty());

    let costs = report.cells.iter().filter_map(|cell| cell.response()?.usage.cost);
    assert_eq!(report.totals.cost, costs.sum::<Usd>());
    assert!(report.totals.cost > Usd::ZERO);
    assert_eq!(report.fastest().map(|cell| cell.requested.as_str()), Some("openai/gpt-4o"));
    assert!(report.cells[0].timings.first_token >= Some(Duration::from_millis(200)));

    let asked: Vec<_> =
        sandbox.requests().into_iter().filter(|request| request.path.ends_with("/completions")).collect();
    assert_eq!(asked.len(), 4);
    for request in asked {
        let key = if request.body["model"] == "openai/gpt-4o" { "test" } else { "prod" };
        assert_eq!(request.header("authorization"), Some(format!("Bearer sk-or-v1-{key}").as_str()));
    }
    let markdown = report.to_markdown();
    assert!(markdown.contains("| test:openai/gpt-4o | openai/gpt-4o-2024-11-20 | OpenAI |"), "{markdown}");
    assert!(!markdown.contains("sk-or-v1") && !format!("{report:?}").contains("sk-or-v1"));
}

#[tokio::test]
async fn a_deadline_closes_the_connections_and_keeps_what_had_come() {
    let sandbox = Sandbox::start().await.expect("a sandbox");
    let workspace = workspace(&sandbox);
    let models = ["prod:sandbox/stall", "test:sandbox/stall", "prod:openai/gpt-4o"];
    let comparison = comparison(&workspace, &models).await;
    let report = comparison.deadline(Duration::from_secs(2)).run().await;
    assert_eq!(kinds(&report), [Some(ErrorKind::Timeout), Some(ErrorKind::Timeout), None]);
    for cell in &report.cells[..2] {
        assert!(cell.response().is_some_and(|response| !response.text().is_empty()), "{:?}", cell.result);
    }
    while sandbox.open_streams() > 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
