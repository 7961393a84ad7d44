//! The crates that this one brings into a program, and those that it leaves alone.

#![allow(clippy::expect_used, reason = "tests fail by panicking, their helpers too")]

use std::process::Command;

/// The crates that `provider-http` needs with these features, one per line.
fn tree(arguments: &[&str]) -> String {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["tree", "--package", "provider-http", "--prefix", "none", "--offline", "--locked"]);
    let output = cargo.args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output().expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// Reqwest's TLS features are for all of its clients in a program: with `rustls-no-provider`, one that is
/// made elsewhere panics.
#[test]
fn no_feature_switches_tls_of_reqwest_on() {
    let default = tree(&["--edges", "normal"]);
    assert!(default.contains("hyper-rustls v") && !default.contains("reqwest v"), "{default}");
    let all = tree(&["--edges", "features,no-dev", "--features", "reqwest,socks,http2"]);
    assert!(all.contains("reqwest v"), "{all}");
    let features: Vec<&str> = all.lines().filter(|line| line.starts_with("reqwest feature")).collect();
    assert!(features.iter().all(|line| !line.contains("tls")), "{features:?}");
}

#[test]
fn no_service_is_known() {
    let all = tree(&["--edges", "normal", "--all-features"]);
    let of_house = |line: &&str| line.starts_with("provider-") || line.starts_with("open");
    let mut own: Vec<&str> = all.lines().filter(of_house).filter_map(|line| line.split(' ').next()).collect();
    own.sort_unstable();
    own.dedup();
    own.retain(|name| !name.starts_with("openssl"));
    assert_eq!(own, ["provider-core", "provider-http"]);
    let bare = tree(&["--edges", "normal", "--no-default-features"]);
    assert!(!bare.contains("hyper v") && !bare.contains("rustls v"), "{bare}");
}
