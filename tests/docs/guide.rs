//! The guide for authors of providers shows the provider of `examples/acme-provider`, which the kit tests.

use std::collections::BTreeSet;

use provider_core::{ErrorKind, RetryAdvice};

use super::{docs, page};

const GUIDE: &str = "writing-a-provider.md";

fn example(file: &str) -> String {
    let path = docs().join("../examples/acme-provider").join(file);
    std::fs::read_to_string(path).expect("a file of the example")
}

#[test]
fn guide_shows_the_provider_and_its_test_as_they_are() {
    let (guide, provider, test) = (page(GUIDE), example("src/lib.rs"), example("tests/conformance.rs"));
    assert!(guide.contains(&format!("```rust,no_run\n{provider}```")), "src/lib.rs is another one");
    assert!(guide.contains(&format!("```rs\n{test}```")), "tests/conformance.rs is another one");
    let lines = provider.lines().count();
    assert!(lines < 100, "a whole provider has {lines} lines");
    assert!(guide.contains(&format!("a whole provider of {lines} lines")), "it has {lines} lines");
}

/// The names of the dependencies in a table of a `Cargo.toml`.
fn dependencies(manifest: &str) -> BTreeSet<&str> {
    let table = manifest.split("[dependencies]").nth(1).expect("dependencies");
    let table = table.split("\n[").next().unwrap_or_default();
    table.lines().filter_map(|line| Some(line.split_once(['.', ' '])?.0)).collect()
}

#[test]
fn guide_names_every_dependency_of_the_provider() {
    let (guide, manifest) = (page(GUIDE), example("Cargo.toml"));
    assert_eq!(dependencies(&guide), dependencies(&manifest));
}

#[test]
fn guide_says_of_every_kind_of_error_whether_it_is_tried_again() {
    use ErrorKind::*;
    let kinds = [
        Config,
        InvalidRequest,
        Authentication,
        PaymentRequired,
        PermissionDenied,
        ContentPolicy,
        ModelNotFound,
        NoEndpoint,
        UnsupportedFeature,
        ContextLength,
        PayloadTooLarge,
        RateLimited,
        Timeout,
        Upstream,
        Overloaded,
        Server,
        Connection,
        Interrupted,
        EmptyResponse,
        InvalidResponse,
        NotFound,
        InvalidOutput,
        Truncated,
        ToolFailed,
        LimitReached,
        Unsupported,
        Ambiguous,
        Duplicate,
    ];
    let guide = page(GUIDE);
    for kind in kinds {
        let again = if kind.usual_retry() == RetryAdvice::Never { "no" } else { "yes" };
        assert!(
            guide.contains(&format!("| `{kind:?}` | {again} |")),
            "the row of {kind:?} is missing or wrong"
        );
    }
}
