//! `serve`: its start, its second start, what it refuses, and its end.

use std::path::Path;

use reqwest::StatusCode;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, ChildStdout, Command};

use crate::keep::Home;
use crate::signals::interrupt;
use crate::support::{assert_has, binary, gone, ran};

/// `serve` with its data in this folder, on a free port.
fn serve(data: &Path, args: &[&str]) -> Command {
    let mut command = binary();
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("HOST_") {
            command.env_remove(name);
        }
    }
    command.arg("serve").arg("--data").arg(data).args(["--listen", "127.0.0.1:0"]).args(args);
    command
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// A host that runs.
struct Host {
    child: Child,
    _out: Lines<BufReader<ChildStdout>>,
    url: String,
    greeting: String,
    token: Option<String>,
}

async fn started(command: &mut Command) -> Host {
    let mut child = command.spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut lines = Vec::new();
    while let Some(line) = out.next_line().await.unwrap() {
        let is_last = line.starts_with("Ctrl-C");
        lines.push(line);
        if is_last {
            break;
        }
    }
    if lines.is_empty() {
        let mut told = String::new();
        child.stderr.take().unwrap().read_to_string(&mut told).await.unwrap();
        panic!("it did not start: {told}");
    }
    let url = lines[0].strip_prefix("Listening on ").unwrap().to_owned();
    let token = lines.iter().find_map(|line| line.trim().strip_prefix("wst_"));
    let token = token.map(|token| format!("wst_{token}"));
    Host { child, _out: out, url, greeting: lines.join("\n"), token }
}

async fn status(url: &str, token: &str) -> StatusCode {
    reqwest::Client::new().get(url).bearer_auth(token).send().await.unwrap().status()
}

#[tokio::test]
async fn first_start_makes_everything_and_second_start_makes_nothing() {
    let folder = folder();
    let data = folder.path().join("data");
    let host = started(&mut serve(&data, &["--dev", "--sandbox"])).await;
    assert_has(&host.greeting, &["Sandbox at http://127.0.0.1:", "Workspace dev", "shown this once"]);
    let token = host.token.clone().unwrap();
    let workspace = format!("{}/api/v1/workspaces/dev", host.url);
    assert_eq!(status(&workspace, &token).await, 200);
    assert_eq!(status(&format!("{}/readyz", host.url), "").await, 200);
    let operator = std::fs::read_to_string(data.join("operator.key")).unwrap();
    assert_eq!(status(&format!("{}/metrics", host.url), operator.trim()).await, 200);
    #[cfg(unix)]
    for private in ["master.key", "operator.key"] {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(data.join(private)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{private}");
    }
    interrupt(&host.child);
    let first = gone(host.child).await.with_code(0);
    assert!(!first.err.contains(&token), "the token is in the log");
    assert_has(
        &first.err,
        &["stopping:", "route=\"/api/v1/workspaces/{workspace}\"", "status=200", "id=req_"],
    );

    let again = started(&mut serve(&data, &["--dev", "--sandbox"])).await;
    assert_eq!(again.token, None, "{}", again.greeting);
    assert_eq!(status(&format!("{}/api/v1/workspaces/dev", again.url), &token).await, 200);
    interrupt(&again.child);
    gone(again.child).await.with_code(0);

    let new = started(&mut serve(&data, &["--dev", "--new-token"])).await;
    let second = new.token.clone().unwrap();
    assert_ne!(second, token);
    assert_eq!(status(&format!("{}/api/v1/workspaces/dev", new.url), &second).await, 200);
    interrupt(&new.child);
    gone(new.child).await.with_code(0);
}

#[tokio::test]
async fn missing_master_key_says_how_to_make_one() {
    let folder = folder();
    let data = folder.path().join("data");
    let refused = ran(&mut serve(&data, &["--workspace", "acme"])).await.with_code(2);
    assert_has(&refused.err, &["HOST_MASTER_KEY", "openssl rand -base64 32", "--dev"]);
    assert!(!data.exists(), "nothing is made");
    let key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    let host =
        started(serve(&data, &["--workspace", "acme", "--log-json"]).env("HOST_MASTER_KEY", key)).await;
    let token = host.token.clone().unwrap();
    assert_eq!(status(&format!("{}/api/v1/workspaces/acme", host.url), &token).await, 200);
    // Without a key of the operator, its routes let nobody in.
    assert_eq!(status(&format!("{}/metrics", host.url), &token).await, 403);
    assert!(!host.greeting.contains("Sandbox"), "{}", host.greeting);
    interrupt(&host.child);
    let ended = gone(host.child).await.with_code(0);
    let request = ended.err.lines().find(|line| line.contains("workspace_server::request")).unwrap();
    let request: serde_json::Value = serde_json::from_str(request).unwrap();
    assert_eq!(
        (&request["route"], &request["status"]),
        (&"/api/v1/workspaces/{workspace}".into(), &200.into())
    );
    for secret in [&token, key] {
        assert!(!ended.err.contains(secret), "a secret is in the log");
    }
}

#[tokio::test]
async fn taken_port_and_remote_address_are_refused() {
    let folder = folder();
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let data = folder.path().join("data");
    let refused = ran(serve(&data, &["--dev"]).args(["--listen", &address]).env("HOST_LOG", "off")).await;
    let refused = refused.with_code(2);
    assert_has(&refused.err, &["cannot be used multiple times"]);
    let mut command = binary();
    command.arg("serve").arg("--data").arg(&data).args(["--dev", "--listen", &address]);
    assert_has(&ran(&mut command).await.with_code(1).err, &["cannot listen on", &address, "--listen"]);
    let mut command = binary();
    command.arg("serve").arg("--data").arg(&data).args(["--dev", "--listen", "0.0.0.0:0"]);
    assert_has(&ran(&mut command).await.with_code(2).err, &["--allow-remote", "TLS"]);
    let sandbox = ran(&mut serve(&data, &["--sandbox"])).await.with_code(2);
    assert_has(&sandbox.err, &["add --dev"]);
    assert!(!data.exists(), "nothing is made");
}

#[tokio::test]
async fn wrong_settings_are_refused_by_name() {
    let folder = folder();
    let data = folder.path().join("data");
    for (args, told) in [
        (&["--dev", "--allow-net", "10.0.0.0/99"][..], "--allow-net 10.0.0.0/99 must be a network"),
        (&["--dev", "--log", "a=b=c"], "--log a=b=c cannot be read"),
        (&["--dev", "--config", "/no/such/file.toml"], "/no/such/file.toml"),
        (&["--dev", "--workspace", "No Id"], "the workspace No Id"),
    ] {
        let refused = ran(&mut serve(&data, args)).await;
        assert!(matches!(refused.code, Some(1 | 2)), "{args:?}");
        assert_has(&refused.err, &[told]);
    }
    let weak = ran(serve(&data, &["--dev"]).env("HOST_OPERATOR_KEY", "short")).await.with_code(2);
    assert_has(&weak.err, &["the operator's key must be 16 characters"]);
    assert!(!weak.err.contains("short"), "{}", weak.err);
}

#[tokio::test]
async fn open_connection_does_not_hold_up_the_end() {
    let folder = folder();
    let host = started(&mut serve(&folder.path().join("data"), &["--dev", "--drain-seconds", "1"])).await;
    let address = host.url.strip_prefix("http://").unwrap();
    let _idle = TcpStream::connect(address).await.unwrap();
    interrupt(&host.child);
    gone(host.child).await.with_code(0);
}

#[tokio::test]
async fn serve_shows_what_the_terminal_did() {
    let (sandbox, home) = (crate::support::sandbox().await, Home::new());
    ran(&mut home.against(&sandbox, &["chat", "openai/gpt-4o", "Hello"])).await.with_code(0);
    let host = started(&mut home.bare(&["serve", "--dev", "--listen", "127.0.0.1:0"])).await;
    // The workspace is there already, and its first token is shown all the same.
    let token = host.token.clone().expect("a token");
    let url = format!("{}/api/v1/workspaces/dev/runs", host.url);
    let answer = reqwest::Client::new().get(url).bearer_auth(token).send().await.unwrap();
    let runs: serde_json::Value = answer.json().await.unwrap();
    assert!(runs.to_string().contains("openai/gpt-4o-2024-11-20"), "{runs}");
    interrupt(&host.child);
    gone(host.child).await.with_code(0);
}
