//! The page: its files over HTTP, and a walk through it in a browser.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::Command;
use workspace_store::{Actor, NewWorkspace, Role};

use crate::support::Host;

#[tokio::test]
async fn page_is_served_compressed_and_under_its_policy() {
    let host = Host::start().await;
    for path in ["/", "/providers", "/models", "/run", "/compare", "/costs", "/tokens"] {
        let answer = host.http.get(format!("{}{path}", host.url)).send().await.expect("an answer");
        assert_eq!(answer.status(), 200, "{path}");
        let policy = answer.headers()["content-security-policy"].to_str().expect("text");
        assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
        assert_eq!(answer.headers()["content-type"], "text/html; charset=utf-8");
        assert!(answer.text().await.expect("text").contains("/page/app.js"), "{path}");
    }
    let url = format!("{}/page/app.js", host.url);
    let plain = host.http.get(&url).send().await.expect("an answer");
    assert_eq!(plain.headers()["content-type"], "text/javascript; charset=utf-8");
    let etag = plain.headers()["etag"].clone();
    let length = plain.bytes().await.expect("a body").len();
    let gzip =
        host.http.get(&url).header("accept-encoding", "br, gzip;q=0.8").send().await.expect("an answer");
    assert_eq!(gzip.headers()["content-encoding"], "gzip");
    assert_eq!(gzip.headers()["etag"], etag);
    assert!(gzip.bytes().await.expect("a body").len() < length);
    let same = host.http.get(&url).header("if-none-match", etag).send().await.expect("an answer");
    assert_eq!(same.status(), 304);
    assert!(same.bytes().await.expect("a body").is_empty());
    for missing in ["/page/nothing.js", "/page/..%2fCargo.toml", "/page/", "/settings"] {
        let answer = host.http.get(format!("{}{missing}", host.url)).send().await.expect("an answer");
        assert_eq!(answer.status(), 404, "{missing}");
    }
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn person_adds_a_provider_runs_compares_and_finds_the_cost() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/page");
    let Some(chromium) = program(&["chromium", "chromium-browser", "google-chrome"]) else {
        eprintln!("skipped: there is no Chromium (apt-get install chromium)");
        return;
    };
    if program(&["node"]).is_none() || !folder.join("node_modules/playwright-core").exists() {
        eprintln!(
            "skipped: there is no node with playwright-core (npm install --prefix {})",
            folder.display()
        );
        return;
    }
    // The walks go side by side from one address, and each tries tokens that are wrong.
    let host = Host::start_with(|settings| settings.wrong_tokens_per_minute(1_000)).await;
    host.store.create_workspace(NewWorkspace::new("fresh"), &Actor::new("tests")).await.expect("a workspace");
    let mut owners = Vec::new();
    for number in 0..4 {
        let workspace = format!("walk-{number}");
        host.workspace(&workspace).await;
        owners.push(host.token(&workspace, Role::Owner).await);
    }
    let stopped = Host::start_with(|settings| settings.drain(Duration::from_millis(300))).await;
    let mut walk = Command::new("node")
        .arg("walk.mjs")
        .current_dir(&folder)
        .env("CHROMIUM", chromium)
        .env("HOST_URL", &host.url)
        .env("UPSTREAM_URL", host.sandbox.base_url())
        .env("OWNER_TOKENS", owners.join(","))
        .env("VIEWER_TOKEN", host.token("walk-0", Role::Viewer).await)
        .env("FRESH_TOKEN", host.token("fresh", Role::Owner).await)
        .env("STOPPED_URL", &stopped.url)
        .env("STOPPED_TOKEN", stopped.token("acme", Role::Owner).await)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("node starts");
    let mut faults = walk.stderr.take().expect("a pipe");
    let faults = tokio::spawn(async move {
        let mut text = String::new();
        faults.read_to_string(&mut text).await.expect("text");
        text
    });
    let mut lines = BufReader::new(walk.stdout.take().expect("a pipe")).lines();
    let mut stopped = Some(stopped);
    while let Some(line) = lines.next_line().await.expect("text") {
        match stopped.take() {
            Some(host) if line == "stop" => host.stop().await,
            host => stopped = host,
        }
    }
    let status = walk.wait().await.expect("an end");
    let faults = faults.await.expect("no panic");
    assert!(status.success() && faults.is_empty(), "{faults}");
    assert!(stopped.is_none(), "the walk has not come to its end");
    host.stop().await;
}

/// The first of these programs that the machine has.
fn program(names: &[&str]) -> Option<PathBuf> {
    let folders: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH")?).collect();
    let paths = names.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    paths.into_iter().find(|path| path.is_file())
}
