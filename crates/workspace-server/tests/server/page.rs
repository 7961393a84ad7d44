//! The page: its files over HTTP, and a walk through it in a browser.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;
use workspace_store::Role;

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
    let host = Host::start().await;
    let output = Command::new("node")
        .arg("walk.mjs")
        .current_dir(&folder)
        .env("CHROMIUM", chromium)
        .env("HOST_URL", &host.url)
        .env("UPSTREAM_URL", host.sandbox.base_url())
        .env("OWNER_TOKEN", host.token("acme", Role::Owner).await)
        .env("VIEWER_TOKEN", host.token("acme", Role::Viewer).await)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .expect("node starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    host.stop().await;
}

/// The first of these programs that the machine has.
fn program(names: &[&str]) -> Option<PathBuf> {
    let folders: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH")?).collect();
    let paths = names.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    paths.into_iter().find(|path| path.is_file())
}
