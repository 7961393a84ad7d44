//! Tests of `doctor`: each fault of a machine has its line, its next step and its exit code.

use std::time::{Duration, SystemTime};

use fault_server::{FaultServer, Script};
use serde_json::Value;
use tokio::process::Command;

use crate::support::{KEY, REFUSED_KEY, Ran, against, assert_has, binary, ran, sandbox};

/// The machine without proxies and with certificates, wherever the tests run.
fn clean(mut command: Command) -> Command {
    for name in ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"] {
        command.env_remove(name).env_remove(name.to_lowercase());
    }
    command.env_remove("HOST_DATA").current_dir(env!("CARGO_TARGET_TMPDIR"));
    command
}

/// The check of this name in the JSON of a run.
#[track_caller]
fn check(ran: &Ran, name: &str) -> Value {
    let json = ran.json();
    let checks = json["checks"].as_array().unwrap();
    checks.iter().find(|check| check["name"] == name).unwrap_or_else(|| panic!("no {name}: {json}")).clone()
}

#[tokio::test]
async fn healthy_machine_passes() {
    let sandbox = sandbox().await;
    let shown = ran(&mut clean(against(&sandbox, &["doctor"]))).await.with_code(0);
    assert_has(&shown.out, &["openrouter: settings", "api_key of OPENROUTER_API_KEY", "it works"]);
    assert_has(&shown.out, &["openrouter: reach", "openrouter: clock", "it goes with the service's"]);
    assert_has(&shown.err, &["all is well"]);
    let json = ran(&mut clean(against(&sandbox, &["doctor", "--json"]))).await.with_code(0).json();
    assert_eq!((&json["healthy"], &json["schema_version"]), (&true.into(), &1.into()));
    let paths: Vec<String> = sandbox.requests().into_iter().map(|request| request.path).collect();
    assert!(paths.iter().all(|path| path.ends_with("/models") || path.ends_with("/key")), "{paths:?}");
    // The key goes with the test of the key alone.
    let listed = sandbox.requests().into_iter().find(|request| request.path.ends_with("/models")).unwrap();
    assert_eq!(listed.header("authorization"), None);
    let mut inside = clean(binary());
    ran(inside.args(["--sandbox", "doctor"])).await.with_code(0);
}

#[tokio::test]
async fn missing_and_misspelt_variables_are_faults_with_their_names() {
    let mut command = clean(binary());
    let failed = ran(command.args(["doctor", "--json"]).env("OPENROUTER_KEY", KEY)).await.with_code(2);
    let check = check(&failed, "settings");
    assert_eq!(check["result"], "fault");
    assert_has(check["detail"].as_str().unwrap(), &["OPENROUTER_API_KEY is not set; OPENROUTER_KEY is"]);
    assert_has(check["next_step"].as_str().unwrap(), &["OPENROUTER_API_KEY"]);
}

#[tokio::test]
async fn refused_key_exits_with_3() {
    let sandbox = sandbox().await;
    let mut command = clean(against(&sandbox, &["doctor", "--json"]));
    let failed = ran(command.env("OPENROUTER_API_KEY", REFUSED_KEY)).await.with_code(3);
    assert_eq!(check(&failed, "reach")["result"], "ok");
    assert_eq!(check(&failed, "key")["result"], "fault");
    assert_has(
        check(&failed, "key")["next_step"].as_str().unwrap(),
        &["https://openrouter.ai/settings/keys"],
    );
}

#[tokio::test]
async fn service_that_is_not_there_exits_with_7() {
    let mut command = clean(binary());
    command.env("OPENROUTER_API_KEY", KEY).env("OPENROUTER_BASE_URL", "http://127.0.0.1:9/api/v1");
    let failed = ran(command.args(["doctor", "--json", "--retries", "0"])).await.with_code(7);
    assert_eq!(check(&failed, "reach")["result"], "fault");
    let silent = FaultServer::always(Script::no_response().wait(Duration::from_secs(600))).await.unwrap();
    let mut command = clean(binary());
    command.env("OPENROUTER_API_KEY", KEY).env("OPENROUTER_BASE_URL", format!("{}/api/v1", silent.url()));
    let failed = ran(command.args(["doctor", "--json", "--timeout", "1"])).await.with_code(7);
    assert_eq!(check(&failed, "key")["result"], "fault");
}

#[tokio::test]
async fn wrong_clock_is_told_by_the_services_date() {
    for (behind, result, code) in [(0, "ok", 0), (300, "warning", 0), (7_200, "fault", 1)] {
        let date = httpdate::fmt_http_date(SystemTime::now() - Duration::from_secs(behind));
        let answer = Script::new(200)
            .header("content-type", "application/json")
            .header("date", date)
            .body(r#"{"data": {"label": "a key"}}"#);
        let server = FaultServer::always(answer).await.unwrap();
        let mut command = clean(binary());
        command.env("OPENROUTER_API_KEY", KEY).env("OPENROUTER_BASE_URL", format!("{}/api/v1", server.url()));
        let ran = ran(command.args(["doctor", "--json"])).await.with_code(code);
        let clock = check(&ran, "clock");
        assert_eq!(clock["result"], result, "{clock}");
        assert_eq!(clock["detail"].as_str().unwrap().contains("ahead of"), behind > 0, "{clock}");
    }
}

#[tokio::test]
async fn proxies_are_named_without_their_passwords() {
    let sandbox = sandbox().await;
    let mut command = clean(against(&sandbox, &["doctor", "--json"]));
    command.env("HTTPS_PROXY", "http://me:hunter2@proxy.example:3128").env("NO_PROXY", "127.0.0.1");
    let shown = ran(&mut command).await.with_code(0);
    assert_eq!(check(&shown, "proxy")["detail"], "HTTPS_PROXY is http://proxy.example:3128");
    assert!(!shown.out.contains("hunter2"));
    let mut command = clean(against(&sandbox, &["doctor", "--json"]));
    let shown = ran(command.env("HTTPS_PROXY", "http://[")).await.with_code(1);
    assert_eq!(check(&shown, "proxy")["detail"], "HTTPS_PROXY names no proxy");
}

#[tokio::test]
async fn empty_file_of_certificates_is_a_fault() {
    let sandbox = sandbox().await;
    let file = crate::support::test_file("no-certificates.pem", b"");
    let mut command = clean(against(&sandbox, &["doctor", "--json"]));
    let shown = ran(command.env("SSL_CERT_FILE", file).env_remove("SSL_CERT_DIR")).await.with_code(1);
    assert_has(check(&shown, "certificates")["detail"].as_str().unwrap(), &["none of SSL_CERT_FILE"]);
}

#[cfg(unix)]
#[tokio::test]
async fn open_secrets_of_the_data_folder_are_faults() {
    use std::os::unix::fs::PermissionsExt as _;

    let sandbox = sandbox().await;
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("master.key");
    std::fs::write(&key, "x").unwrap();
    for (mode, result, code) in [(0o644, "fault", 1), (0o600, "ok", 0)] {
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(mode)).unwrap();
        let mut command = clean(against(&sandbox, &["doctor", "--json", "--data"]));
        let shown = ran(command.arg(folder.path())).await.with_code(code);
        assert_eq!(check(&shown, "data")["result"], result);
    }
    let mut command = clean(against(&sandbox, &["doctor", "--json", "--data", "no-such-folder"]));
    assert_eq!(check(&ran(&mut command).await.with_code(1), "data")["result"], "fault");
}
