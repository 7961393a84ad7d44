//! Providers that are broken on purpose, one fault each: the kit notices all of them, by the right case.

#![allow(clippy::expect_used, reason = "tests fail by panicking, their helpers too")]

mod decoder;
mod descriptors;
mod errors;
mod fault;
mod forward;
mod provider;
mod request;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use provider_conformance::{ChatCompletions, JsonLines, Kit, Outcome, Report, cases};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::fault::Fault;

fn kit(fault: Fault) -> Kit {
    Kit::new(move |at| async move { provider::connect_at(&at, fault) })
        .wire(ChatCompletions)
        .patience(Duration::from_millis(400))
}

#[tokio::test(flavor = "multi_thread")]
async fn provider_without_a_fault_keeps_every_promise() {
    let report = kit(Fault::Harmless).run().await;
    println!("{report}");
    report.assert_all();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_is_noticed_by_its_case() {
    let permits = Arc::new(Semaphore::new(24));
    let mut running = JoinSet::new();
    for (fault, cases) in Fault::ALL {
        for case in *cases {
            let permits = Arc::clone(&permits);
            running.spawn(async move {
                let _permit = permits.acquire_owned().await;
                (fault, case, kit(*fault).without_layers().without_second_run().only(*case).run().await)
            });
        }
    }
    let mut missed = Vec::new();
    for (fault, case, mut report) in running.join_all().await {
        if !is_noticed(case, &report) {
            // A fault of a task that is left behind needs time to show, which a busy machine may not have.
            report = kit(*fault).without_layers().without_second_run().only(*case).run().await;
        }
        println!("{fault:?}: {report:.200}");
        if !is_noticed(case, &report) {
            missed.push(format!("{fault:?}: {case}: {report}"));
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

/// Whether a case was broken by what it is about, and not because the provider could not be made.
fn is_noticed(case: &str, report: &Report) -> bool {
    report.cases.iter().find(|known| known.name == case).is_some_and(|known| match &known.outcome {
        Outcome::Broken { seen } => {
            let is_made = !seen.starts_with("the constructor refused") || case.starts_with("settings");
            is_made && !seen.contains("panicked")
        }
        _ => false,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn cases_of_a_capability_are_skipped_without_it() {
    let report = kit(Fault::CannotDoAnything).without_layers().without_second_run().run().await;
    let broken: Vec<&str> = report.broken().map(|case| &*case.name).collect();
    // A description with a fault is not the one that is registered.
    assert_eq!(broken, ["descriptor: capabilities", "descriptor: registered"], "{report}");
    for (case, known) in report.cases.iter().zip(cases()) {
        let is_skipped = matches!(case.outcome, Outcome::Skipped { .. });
        assert_eq!(is_skipped, known.capability().is_some(), "{case}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn provider_that_asks_for_no_chat_on_the_wire_has_one_line() {
    let report = kit(Fault::Harmless).wire(JsonLines).run().await;
    let broken: Vec<String> = report.broken().map(|case| format!("{case}: {}", case.outcome)).collect();
    let [line] = &broken[..] else { panic!("{report}") };
    let seen = "first chat: **broken**: POST /chat/completions is no chat on the wire \"JSON lines\"";
    assert!(line.starts_with(seen), "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn failure_with_layers_and_without_has_one_line() {
    let report = kit(Fault::UpperCaseId).only("descriptor: id").run().await.to_string();
    assert_eq!(report.lines().count(), 2, "{report}");
    let report = kit(Fault::LosesUsage).without_second_run().only("law: usage").run().await;
    assert_eq!(report.broken().count(), 4, "{report}");
    let shown = report.to_string();
    assert_eq!(shown.lines().count(), 3, "{shown}");
    assert!(shown.contains("law: usage, with layers and without: **broken**"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn panic_of_a_provider_is_reported_with_its_place() {
    let report = kit(Fault::Panics).without_layers().only("law: one_end").run().await;
    let shown = report.to_string();
    assert!(shown.contains("panicked at crates/provider-conformance/tests/broken/provider.rs:"), "{shown}");
    assert!(shown.contains("no answer without a fault"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn cases_about_lists_are_skipped_for_a_service_without_one() {
    let report = kit(Fault::HasNoList).unlisted().without_layers().run().await;
    report.assert_all();
    let spared = report.cases.iter().filter(
        |case| matches!(&case.outcome, Outcome::Skipped { reason } if reason == "the service has no list"),
    );
    assert!(spared.count() > 10, "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn list_in_pages_passes() {
    kit(Fault::ReadsPages).without_layers().only("lists").run().await.assert_all();
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_only_look_like_keys_and_numbers_pass() {
    let report = kit(Fault::CountsTokens).without_layers().only("descriptor").run().await;
    // A description of its own is not the one that is registered.
    let broken: Vec<&str> = report.broken().map(|case| &*case.name).collect();
    assert_eq!(broken, ["descriptor: registered"], "{report}");
    kit(Fault::CountsTokens).only("settings: not_a_number").run().await.assert_all();
}

#[test]
fn every_case_has_a_fault_that_it_notices() {
    let noticed: BTreeSet<&str> = Fault::ALL.iter().flat_map(|(_, cases)| cases.iter().copied()).collect();
    let idle: Vec<&str> = cases().map(|case| case.name()).filter(|name| !noticed.contains(name)).collect();
    assert!(idle.is_empty(), "{idle:?}");
}
