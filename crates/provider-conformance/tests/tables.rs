//! The table of cases in the documentation, the tests that the macro makes, and the promises in the
//! documentation of the trait agree with the code.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use provider_conformance::cases;

fn source(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn case_table_lists_every_case_once() {
    let listed: Vec<String> = source("src/lib.rs")
        .lines()
        .filter_map(|line| line.strip_prefix("//! | `"))
        .map(|row| row.replace("`*", "`"))
        .collect();
    let known: Vec<String> = cases().map(|case| format!("{}` | {} |", case.name(), case.promise())).collect();
    assert_eq!(listed, known);
}

#[test]
fn macro_makes_a_test_of_every_case() {
    let text = source("src/tests_macro.rs");
    let (_, groups) = text.split_once("@groups $kit\n").expect("the list");
    let (groups, _) = groups.split_once("    };").expect("the end of the list");
    let mut listed = Vec::new();
    let mut group = "";
    for word in groups.split_whitespace() {
        match word {
            "{" => group = listed.pop().map_or("", |(_, group)| group),
            "}" => {}
            word => listed.push((group, word)),
        }
    }
    let known: Vec<(&str, &str)> =
        cases().map(|case| case.name().split_once(": ").expect("a group and a case")).collect();
    assert_eq!(listed, known);
}

/// The promises of the trait, as `method: name`, from the bullets of its documentation.
fn promises() -> BTreeSet<String> {
    let text = source("../provider-core/src/provider.rs");
    let (mut promises, mut pending) = (BTreeSet::new(), Vec::new());
    for line in text.lines().map(str::trim) {
        if let Some((name, _)) = line.strip_prefix("/// - **").and_then(|bullet| bullet.split_once("**:")) {
            pending.push(name.to_owned());
        }
        let method = line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ");
        let of = if line.starts_with("pub trait") { Some("all") } else { method };
        if let Some(of) = of {
            let of = of.split(['(', '<']).next().unwrap_or_default();
            promises.extend(pending.drain(..).map(|name| format!("{of}: {name}")));
        }
    }
    promises
}

#[test]
fn every_promise_of_the_trait_has_a_case() {
    let mut tested: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for case in cases() {
        tested.entry(case.promise()).or_default().push(case.name());
    }
    let promises = promises();
    assert!(promises.len() > 20, "{promises:?}");
    for promise in &promises {
        assert!(tested.contains_key(&**promise), "no case tests {promise:?}");
    }
    for (promise, cases) in tested {
        assert!(promises.contains(promise), "{cases:?} test {promise:?}, which the trait does not promise");
    }
}
