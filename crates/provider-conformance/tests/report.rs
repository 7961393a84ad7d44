//! The report: outcomes, skips, Markdown and JSON.

use std::time::Duration;

use provider_conformance::{Kit, Outcome, Report, cases};
use provider_core::{Error, ErrorKind};

/// A kit whose provider cannot be made.
fn kit() -> Kit {
    Kit::new(|_| async { Err(Error::new(ErrorKind::Config, "no | luck")) })
        .patience(Duration::from_millis(100))
}

async fn of_the_law() -> Report {
    kit().without_layers().only("law").skip("law: live", "a | reason").run().await
}

#[tokio::test]
async fn case_is_skipped_by_name_with_its_reason() {
    let report = of_the_law().await;
    let skipped: Vec<_> =
        report.cases.iter().filter(|case| matches!(case.outcome, Outcome::Skipped { .. })).collect();
    assert_eq!(skipped.len(), 1, "{skipped:?}");
    assert_eq!(skipped[0].name, "law: live");
    assert_eq!(skipped[0].outcome, Outcome::Skipped { reason: "a | reason".to_owned() });
    assert_eq!(report.broken().count(), report.cases.len() - 1);
}

#[tokio::test]
async fn skip_of_an_unknown_case_is_broken() {
    let report = kit().without_layers().only("no such group").skip("law: liev", "a slip").run().await;
    let broken: Vec<String> = report.broken().map(ToString::to_string).collect();
    assert_eq!(broken, ["law: liev"]);
}

#[test]
#[should_panic(expected = "law: liev: **broken**: no case has this name")]
fn generated_tests_refuse_a_skip_of_an_unknown_case() {
    kit().skip("law: live", "a reason").skip("law: liev", "a slip").assert_skips();
}

#[tokio::test]
#[should_panic(expected = "law: one_end: **broken**: the constructor refused good settings")]
async fn assert_all_panics_with_the_broken_cases() {
    of_the_law().await.assert_all();
}

#[tokio::test]
async fn every_case_runs_behind_the_layers_unless_it_is_about_the_provider_alone() {
    let report = kit().only("descriptor").run().await;
    let (behind, alone): (Vec<_>, Vec<_>) = report.cases.iter().partition(|case| case.behind_layers);
    let names = |cases: &[&provider_conformance::CaseReport]| -> Vec<String> {
        cases.iter().map(|case| case.name.clone()).collect()
    };
    let all: Vec<&str> =
        cases().filter(|case| case.group() == "descriptor").map(|case| case.name()).collect();
    assert_eq!(names(&alone), all);
    assert_eq!(names(&behind), ["descriptor: capabilities", "descriptor: extension_of_another_type"]);
    assert_eq!(behind[0].to_string(), "descriptor: capabilities, behind layers");
}

#[tokio::test]
async fn markdown_has_a_row_for_each_case() {
    let report = of_the_law().await;
    let markdown = report.to_markdown();
    let rows: Vec<&str> = markdown.lines().collect();
    assert_eq!(rows.len(), report.cases.len() + 2);
    assert_eq!(rows[0], "| case | promise | outcome |");
    assert!(rows.contains(&"| law: live | `stream: live` | skipped: a \\| reason |"), "{markdown}");
}

#[tokio::test]
async fn json_says_name_promise_and_outcome() {
    let report = of_the_law().await;
    let json: serde_json::Value = serde_json::from_str(&report.to_json()).expect("JSON");
    assert_eq!(json["wire"], "chat completions");
    let cases = json["cases"].as_array().expect("cases");
    assert!(cases.iter().all(|case| case["seconds"].is_f64()), "{json}");
    let live = cases.iter().find(|case| case["name"] == "law: live");
    let wanted = serde_json::json!({
        "name": "law: live", "promise": "stream: live", "behind_layers": false,
        "seconds": 0.0, "outcome": "skipped", "reason": "a | reason",
    });
    assert_eq!(live, Some(&wanted));
}
