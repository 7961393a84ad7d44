//! Tests of the budgets of the workspace: what a call reserves, how it settles, how it is refused.

use openrouter_sandbox::Sandbox;
use provider_core::Usd;
use workspace_store::{Actor, Amount, BudgetRecord, MasterKey, Period, Scope, Store};

use crate::keep::Home;
use crate::support::{assert_has, questions, ran, sandbox};

async fn store(home: &Home) -> Store {
    let key = MasterKey::from_file(home.data().join("master.key")).unwrap();
    Store::open(&format!("sqlite:{}", home.data().join("host.db").display()), key).await.unwrap()
}

/// A home whose workspace has a budget.
async fn with_budget(sandbox: &Sandbox, limit: Amount) -> Home {
    let home = Home::new();
    ran(&mut home.against(sandbox, &["chat", "openai/gpt-4o", "Hi"])).await.with_code(0);
    let by = Actor::new("user:test");
    store(&home).await.add_budget("dev", Scope::Workspace, limit, Period::Day, &by).await.unwrap();
    home
}

async fn budget(home: &Home) -> BudgetRecord {
    store(home).await.budgets("dev").await.unwrap().remove(0)
}

fn usd(text: &str) -> Amount {
    Amount::Usd(text.parse::<Usd>().unwrap())
}

#[tokio::test]
async fn call_settles_in_its_budget_with_its_bill() {
    let sandbox = sandbox().await;
    let home = with_budget(&sandbox, usd("1")).await;
    for args in [&["chat", "openai/gpt-4o", "Hello"][..], &["chat", "openai/gpt-4o", "Hello", "--no-stream"]]
    {
        ran(&mut home.against(&sandbox, args)).await.with_code(0);
    }
    ran(&mut home.against(&sandbox, &["compare", "Hello", "openai/gpt-4o", "openai/gpt-5"]))
        .await
        .with_code(0);
    ran(&mut home.against(&sandbox, &["chat", "sandbox/server-error", "Hi", "--retries", "0"]))
        .await
        .with_code(8);
    ran(&mut home.against(&sandbox, &["chat", "openai/gpt-4o", "Not counted", "--no-log"]))
        .await
        .with_code(0);
    let budget = budget(&home).await;
    assert_eq!(budget.reserved, usd("0"));
    let runs = home.json(&["log"]).await["runs"].as_array().unwrap().clone();
    // The first run was before the budget.
    let bills = runs.iter().rev().skip(1).filter(|run| run["cost"].is_number());
    let bills: Vec<Usd> = bills.map(|run| run["cost"].to_string().parse().unwrap()).collect();
    assert_eq!(bills.len(), 4);
    // A budget counts in billionths, rounded up.
    let Amount::Usd(spent) = budget.spent else { panic!("{budget:?}") };
    let exact: Usd = bills.into_iter().sum();
    assert!(spent >= exact && spent <= exact + "0.00000001".parse().unwrap(), "{spent} for {exact}");
}

#[tokio::test]
async fn call_beyond_its_budget_is_refused_and_not_sent() {
    let sandbox = sandbox().await;
    let home = with_budget(&sandbox, usd("0.001")).await;
    let sent = questions(&sandbox).len();
    let refused = ran(&mut home.against(&sandbox, &["chat", "openai/gpt-4o", "Hello"])).await.with_code(4);
    assert_has(
        &refused.err,
        &[
            "the budget of the workspace (0.001 USD a day) has 0.001 USD left",
            "begins anew at",
            "--max-tokens",
        ],
    );
    assert!(!refused.err.contains("asq key"), "the service has nothing to do with it: {}", refused.err);
    let args = ["compare", "Hello", "openai/gpt-4o", "openai/gpt-4o-mini", "--max-tokens", "500", "--json"];
    let report = ran(&mut home.against(&sandbox, &args)).await.with_code(0).json();
    assert_eq!(report["cells"][0]["error"]["code"], "budget_exceeded", "{report}");
    assert!(report["cells"][1]["response"].is_object(), "{report}");
    assert_eq!(questions(&sandbox).len(), sent + 1);
}

#[tokio::test]
async fn each_answer_of_a_run_with_tools_counts_as_a_request() {
    let sandbox = sandbox().await;
    let home = with_budget(&sandbox, Amount::Requests(10)).await;
    let prompt = "What does the clock say?";
    let args = ["chat", "openai/gpt-4o", prompt, "--tool", "clock=echo ten past four", "--allow-tools"];
    let told = ran(&mut home.against(&sandbox, &args)).await.with_code(0);
    assert_has(&told.err, &["2 answers"]);
    assert_eq!(budget(&home).await.spent, Amount::Requests(2));
}
