//! The proof that a provider is linked in exactly when the program names its crate: two programs, built in
//! every way a host may be built, and run.
//!
//! The builds are kept below the target directory, so only the first run takes long.

use std::path::Path;
use std::process::{Command, Output};

#[test]
fn debug_builds_link_what_is_named() {
    prove("dev", "debug");
}

#[test]
fn release_builds_link_what_is_named() {
    prove("default-release", "default-release");
}

#[test]
fn builds_with_fat_lto_link_what_is_named() {
    // The profile of this workspace's own programs.
    prove("release", "release");
}

/// Builds both programs with `profile`, whose directory cargo calls `directory`, and checks what they print.
fn prove(profile: &str, directory: &str) {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("linking");
    build(profile, &target);
    let binaries = target.join(directory);

    let linked = run(&binaries, "linked");
    assert_eq!(linked.trim_end(), "openrouter OpenRouter", "with the profile {profile}");

    let unlinked = run(&binaries, "unlinked");
    for words in ["\"OpenRouter\" is not registered", "registered are: none", "use openrouter_provider as _;"]
    {
        assert!(unlinked.contains(words), "with the profile {profile}, {words:?} is not in: {unlinked}");
    }
}

fn build(profile: &str, target: &Path) {
    // Offline and locked, the inner build is of the same crates as the outer one.
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args(["build", "--package", "linking", "--bins", "--locked", "--offline", "--profile", profile])
        .args(["--manifest-path", concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml")])
        .arg("--target-dir")
        .arg(target)
        // Has no say in what is linked, and takes half the disk space.
        .env("CARGO_PROFILE_DEV_DEBUG", "false");
    let output = output(&mut cargo);
    assert!(
        output.status.success(),
        "the build with the profile {profile} failed ({}):\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Runs a program and returns its output.
fn run(binaries: &Path, name: &str) -> String {
    let program = binaries.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    let output = output(&mut Command::new(&program));
    assert!(
        output.status.success(),
        "{} failed ({}):\n{}",
        program.display(),
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn output(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|error| panic!("{command:?} does not start: {error}"))
}
