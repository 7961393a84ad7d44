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

use provider_conformance::{ChatCompletions, Kit, Outcome, cases};
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
    for (fault, case, report) in running.join_all().await {
        let outcome = report.cases.iter().find(|known| known.name == *case).map(|known| &known.outcome);
        match outcome {
            // By what the case is about, and not because the provider could not be made.
            Some(Outcome::Broken { seen })
                if !seen.contains("panicked")
                    && (!seen.starts_with("the constructor refused") || case.starts_with("settings")) =>
            {
                println!("{fault:?}: {case}: {seen:.160}");
            }
            outcome => missed.push(format!("{fault:?}: {case}: {outcome:?}")),
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
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

#[test]
fn every_case_has_a_fault_that_it_notices() {
    let noticed: BTreeSet<&str> = Fault::ALL.iter().flat_map(|(_, cases)| cases.iter().copied()).collect();
    let idle: Vec<&str> = cases().map(|case| case.name()).filter(|name| !noticed.contains(name)).collect();
    assert!(idle.is_empty(), "{idle:?}");
}
