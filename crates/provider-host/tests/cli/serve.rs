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
pub(crate) fn serve(data: &Path, args: &[&str]) -> Command {
    let mut command = binary();
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("HOST_") {
            command.env_remove(name);
        }
    }
    command.arg("serve").arg("--data").arg(data).args(["--listen", "127.0.0.1:0"]).args(args);
    command
}

pub(crate) fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// A host that runs.
pub(crate) struct Host {
    pub(crate) child: Child,
    _out: Lines<BufReader<ChildStdout>>,
    pub(crate) url: String,
    greeting: String,
    pub(crate) token: Option<String>,
}

pub(crate) async fn started(command: &mut Command) -> Host {
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
async fn sandbox_that_comes_later_gives_the_workspace_its_providers() {
    let folder = folder();
    let data = folder.path().join("data");
    let host = started(&mut serve(&data, &["--dev"])).await;
    let token = host.token.clone().unwrap();
    interrupt(&host.child);
    gone(host.child).await.with_code(0);

    let host = started(&mut serve(&data, &["--dev", "--sandbox"])).await;
    assert_has(&host.greeting, &["Workspace dev, whose OpenRouter is the sandbox"]);
    let test = format!("{}/api/v1/workspaces/dev/providers/openrouter/test", host.url);
    let tested = reqwest::Client::new().post(&test).bearer_auth(&token).send().await.unwrap();
    let tested: serde_json::Value = tested.json().await.unwrap();
    assert_eq!(tested["data"]["is_ok"], true, "{tested}");
    // It comes anew where it was removed: the workspace has no other.
    let provider = format!("{}/api/v1/workspaces/dev/providers/openrouter", host.url);
    let removed = reqwest::Client::new().delete(&provider).bearer_auth(&token).send().await.unwrap();
    assert_eq!(removed.status(), 200);
    interrupt(&host.child);
    gone(host.child).await.with_code(0);
    let host = started(&mut serve(&data, &["--dev", "--sandbox"])).await;
    let provider = format!("{}/api/v1/workspaces/dev/providers/openrouter", host.url);
    assert_eq!(status(&provider, &token).await, 200);
    interrupt(&host.child);
    gone(host.child).await.with_code(0);
}

#[tokio::test]
async fn provider_that_is_added_beside_the_sandbox_reaches_nothing_else() {
    let folder = folder();
    let host = started(&mut serve(&folder.path().join("data"), &["--dev", "--sandbox"])).await;
    assert_has(&host.greeting, &["Nothing else can be reached"]);
    let token = host.token.clone().unwrap();
    let providers = format!("{}/api/v1/workspaces/dev/providers", host.url);
    let client = reqwest::Client::new();
    for (id, base_url) in
        [("literal", "https://8.8.8.8/api/v1"), ("mapped", "https://[::ffff:8.8.8.8]/api/v1")]
    {
        let settings = serde_json::json!({"api_key": "sk-or-v1-0123456789", "base_url": base_url});
        let new = serde_json::json!({"kind": "openrouter", "id": id, "settings": settings});
        let added = client.post(&providers).bearer_auth(&token).json(&new).send().await.unwrap();
        assert!(added.status().is_success(), "{}", added.text().await.unwrap());
        let tested = client.post(format!("{providers}/{id}/test")).bearer_auth(&token).send().await.unwrap();
        let tested = tested.text().await.unwrap();
        assert_has(
            &tested,
            &["an address on the public internet is not allowed", "set base_url to http://127.0.0.1:"],
        );
    }
    interrupt(&host.child);
    gone(host.child).await.with_code(0);
}

#[tokio::test]
async fn lost_master_key_is_not_replaced_beside_its_database() {
    let folder = folder();
    let data = folder.path().join("data");
    let host = started(&mut serve(&data, &["--dev", "--sandbox"])).await;
    interrupt(&host.child);
    gone(host.child).await.with_code(0);
    std::fs::remove_file(data.join("master.key")).unwrap();
    let refused = ran(&mut serve(&data, &["--dev", "--sandbox"])).await.with_code(2);
    assert_has(&refused.err, &["master.key is missing", "put it back"]);
    assert!(!data.join("master.key").exists());
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
        (&["--dev", "--allow-host", "https://a.example"], "write it without scheme, port and path"),
        (&["--dev", "--allow-host", "a.example:443"], "--allow-host \"a.example:443\" is no host name"),
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

#[cfg(not(feature = "otlp"))]
#[tokio::test]
async fn collector_is_warned_of_without_the_feature() {
    let folder = folder();
    let data = folder.path().join("data");
    let mut command = serve(&data, &["--dev", "--log", "off"]);
    let host = started(command.env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")).await;
    interrupt(&host.child);
    let ended = gone(host.child).await.with_code(0);
    let told = ended.err.lines().filter(|line| line.contains("OTEL_EXPORTER_OTLP_ENDPOINT"));
    assert_eq!(told.filter(|line| line.contains("without the feature otlp")).count(), 1, "{}", ended.err);
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

/// A file of the documentation.
fn docs(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name)).unwrap()
}

#[tokio::test]
async fn examples_of_the_page_run_as_they_stand() {
    let page = docs("http-api.md");
    let blocks: Vec<&str> =
        page.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    let examples: Vec<&str> = blocks.into_iter().filter(|block| block.contains("curl ")).collect();
    assert!(examples.len() >= 3, "the page has no examples any more");
    if std::process::Command::new("curl").arg("--version").output().is_err() {
        eprintln!("skipped: the examples of docs/http-api.md, since curl is not installed");
        return;
    }
    let folder = folder();
    let data = folder.path().join("provider-host-data");
    let host = started(&mut serve(&data, &["--dev", "--sandbox"])).await;
    // An answer above 399 is an error of the script.
    let script = "set -eu\ncurl() { command curl --fail-with-body \"$@\"; }\n";
    for example in examples {
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(format!("{script}{example}")).current_dir(folder.path());
        shell.env("HOST", &host.url).env("TOKEN", host.token.as_ref().unwrap());
        let answer = shell.output().await.unwrap();
        let text = String::from_utf8_lossy(&answer.stdout);
        assert!(answer.status.success() && !text.is_empty(), "{example}\n{text}");
        assert!(!text.contains("event: error") && !text.contains("\"is_ok\":false"), "{example}\n{text}");
    }
    interrupt(&host.child);
    gone(host.child).await.with_code(0);
}

#[tokio::test]
async fn flags_and_variables_of_the_docs_are_those_of_the_help() {
    let help = ran(binary().args(["serve", "--help"])).await.with_code(0).out;
    let is_flag = |flag: &str| help.split([' ', '\n', ',', '=']).any(|word| word == flag);
    let variable =
        |flag: &str| format!("HOST_{}", flag.trim_start_matches('-').to_uppercase().replace('-', "_"));
    let flags: Vec<&str> = help.split_whitespace().filter(|word| word.starts_with("--")).collect();
    let known: Vec<String> = flags.iter().map(|flag| variable(flag)).collect();
    let secrets = ["HOST_MASTER_KEY", "HOST_OPERATOR_KEY"];
    let mut seen = 0;
    for name in ["http-api.md", "deploy/compose.yaml", "deploy/workspace-host@.service"] {
        let text = docs(name);
        let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-');
        for word in words.filter(|word| word.starts_with("HOST_") && word.len() > 5) {
            seen += 1;
            assert!(secrets.contains(&word) || known.iter().any(|known| known == word), "{word} in {name}");
        }
        let own = text.lines().filter(|line| line.contains("asq serve") || name.ends_with(".md"));
        let words = own.flat_map(|line| line.split(|c: char| !c.is_ascii_alphanumeric() && c != '-'));
        for flag in words.filter(|word| word.starts_with("--") && word.len() > 3 && !word.starts_with("---"))
        {
            seen += 1;
            assert!(is_flag(flag), "{flag} in {name}");
        }
    }
    assert!(seen > 20, "{seen} of them were found");
    let page = docs("http-api.md");
    assert!(!page.contains(":8080") && page.contains("127.0.0.1:8790"), "the port is the default one");
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
