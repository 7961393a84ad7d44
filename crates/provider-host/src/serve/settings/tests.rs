use clap::Parser;

use super::*;
use crate::cli::{Cli, Command};

fn args(flags: &[&str]) -> ServeArgs {
    let line = ["asq", "serve"].iter().chain(flags);
    match Cli::parse_from(line).command {
        Command::Serve(args) => *args,
        other => panic!("{other:?}"),
    }
}

fn environment(variables: &[(&str, &str)]) -> Environment {
    variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn flag_counts_before_variable_before_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let toml = folder.path().join("host.toml");
    std::fs::write(
        &toml,
        "max_connections = 1\ndrain_seconds = 2\nlog = 'warn'\nallow_net = ['10.0.0.0/8']\n",
    )
    .expect("a file");
    let file = toml.to_str().expect("a path");
    let variables = environment(&[
        ("HOST_CONFIG", file),
        ("HOST_DRAIN_SECONDS", "3"),
        ("HOST_LOG", ""),
        ("HOST_MAX_CONNECTIONS", "4"),
        ("HOST_WORKSPACE", "42"),
        ("HOST_ALLOW_REMOTE", "true"),
    ]);
    let settings = gathered(&args(&["--max-connections", "5"]), &variables).expect("settings");
    assert_eq!(settings.max_connections, Some(5));
    assert_eq!(settings.drain_seconds, Some(3));
    assert_eq!(settings.log.as_deref(), Some("warn"), "a blank variable counts as unset");
    assert_eq!(settings.allow_net, ["10.0.0.0/8"]);
    assert_eq!(settings.workspace.as_deref(), Some("42"));
    assert!(settings.allow_remote);
    let nets = environment(&[("HOST_ALLOW_NET", "10.0.0.0/8, fd00::/8")]);
    assert_eq!(gathered(&args(&[]), &nets).expect("settings").allow_net, ["10.0.0.0/8", "fd00::/8"]);
}

#[test]
fn host_names_come_from_flags_and_variables() {
    let variables = environment(&[("HOST_ALLOW_HOST", "a.example, [::1]"), ("HOST_STOP_DELAY_SECONDS", "7")]);
    let settings = gathered(&args(&[]), &variables).expect("settings");
    assert_eq!(settings.allow_host, ["a.example", "[::1]"]);
    assert_eq!(settings.stop_delay_seconds, Some(7));
    let flags = args(&["--allow-host", "b.example", "--allow-host", "c.example"]);
    let settings = gathered(&flags, &variables).expect("settings");
    assert_eq!(settings.allow_host, ["b.example", "c.example"]);
}

#[test]
fn wrong_setting_is_refused_with_its_place() {
    let folder = tempfile::tempdir().expect("a folder");
    let json = folder.path().join("host.json");
    std::fs::write(&json, r#"{"max_conections": 1}"#).expect("a file");
    let told =
        |flags: &[&str], variables: &[(&str, &str)]| match gathered(&args(flags), &environment(variables))
            .expect_err("refused")
        {
            Failure::Usage(told) | Failure::Io(told, _) => told,
            other => panic!("{other:?}"),
        };
    let unknown = told(&["--config", json.to_str().expect("a path")], &[]);
    assert!(unknown.contains("host.json") && unknown.contains("max_conections"), "{unknown}");
    let number = told(&[], &[("HOST_DRAIN_SECONDS", "soon")]);
    assert!(number.contains("HOST_DRAIN_SECONDS"), "{number}");
    assert!(told(&["--config", "/no/such/file"], &[]).contains("/no/such/file"));
}
