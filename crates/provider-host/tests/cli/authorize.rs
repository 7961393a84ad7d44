//! `connect`: the test is the browser.

use std::time::Duration;

use openrouter_sandbox::Sandbox;
use provider_http::{Endpoint, HttpClient};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::keep::Home;
use crate::support::{against, assert_has, binary, gone, ran, ran_with_input, sandbox};

/// Visits a page, and returns its status and the address that it sends the browser to.
async fn visit(url: &str) -> (u16, Option<String>) {
    let scheme_end = url.find("://").unwrap() + 3;
    let (root, path) = url.split_at(scheme_end + url[scheme_end..].find('/').unwrap());
    let endpoint = Endpoint::builder(root).build(&HttpClient::new()).unwrap();
    let response = endpoint.get(path).send().await.unwrap();
    (response.head().status(), response.head().header("location").map(str::to_owned))
}

/// Starts the command, and returns the address of the page that it shows.
async fn started(command: &mut Command) -> (Child, String) {
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let url = loop {
        let line = lines.next_line().await.unwrap().expect("an address");
        if line.starts_with("http") {
            break line;
        }
    };
    // The rest goes on being read, so that the command can write it.
    tokio::spawn(async move { lines.into_inner().read_to_string(&mut String::new()).await });
    (child, url)
}

/// A path for one test, where no file is.
fn free_path(name: &str) -> std::path::PathBuf {
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_file(&path);
    path
}

#[tokio::test]
async fn approval_ends_as_a_key_that_works() {
    let sandbox = sandbox().await;
    let path = free_path("granted.key");
    let mut command = against(&sandbox, &["connect", "openrouter", "--no-browser", "--show-key"]);
    let (child, url) = started(command.arg("--key-file").arg(&path)).await;
    let (status, back) = visit(&url).await;
    let back = back.unwrap();
    assert_eq!((status, back.starts_with("http://127.0.0.1:")), (302, true), "{back}");
    assert_eq!(visit(&back).await.0, 200);

    let told = gone(child).await.with_code(0);
    let key = std::fs::read_to_string(&path).unwrap();
    assert_eq!(told.out, key);
    assert!(key.starts_with("sk-or-v1-"), "{key}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let mut test = against(&sandbox, &["key"]);
    assert_has(&ran(test.env("OPENROUTER_API_KEY", key.trim())).await.with_code(0).out, &["the key works"]);
    let exchange = sandbox.requests().into_iter().find(|request| request.path.ends_with("/auth/keys"));
    assert_eq!(exchange.unwrap().header("authorization"), None, "the key of the environment stays here");
}

#[tokio::test]
async fn granted_key_is_kept_for_the_base_url_that_granted_it() {
    let (sandbox, home) = (sandbox().await, Home::new());
    // A key of another address is kept already: neither its address nor it stays.
    let other = ["keys", "set", "openrouter", "--set", "base_url=https://gateway.example/api/v1"];
    ran_with_input(&mut home.bare(&other), "sk-or-v1-of-the-gateway").await.with_code(0);
    let (child, url) = started(&mut home.against(&sandbox, &["connect", "openrouter", "--no-browser"])).await;
    let back = visit(&url).await.1.unwrap();
    assert_eq!(visit(&back).await.0, 200);
    assert_eq!(gone(child).await.with_code(0).out, "");
    assert_has(&ran(&mut home.bare(&["key"])).await.with_code(0).out, &["the key works"]);
    let listed = home.json(&["keys", "list"]).await;
    assert_eq!(listed["keys"][0]["settings"]["base_url"], sandbox.base_url());
}

#[tokio::test]
async fn visits_that_are_no_answer_are_refused_and_the_wait_goes_on() {
    let sandbox = sandbox().await;
    let mut command = against(&sandbox, &["connect", "openrouter", "--no-browser", "--show-key"]);
    let (child, url) = started(&mut command).await;
    let back = visit(&url).await.1.unwrap();
    let root = back.split("/callback").next().unwrap();
    assert_eq!(visit(&format!("{root}/favicon.ico")).await.0, 404);
    assert_eq!(visit(&format!("{root}/callback?code=evil&state=guessed")).await.0, 400);
    // A connection that sends nothing, as browsers open them.
    let silent = tokio::net::TcpStream::connect(root.strip_prefix("http://").unwrap()).await.unwrap();
    assert_eq!(visit(&back).await.0, 200);
    assert_has(&gone(child).await.with_code(0).out, &["sk-or-v1-"]);
    drop(silent);
}

#[tokio::test]
async fn refusal_of_the_user_or_the_service_leaves_no_file() {
    let late = Sandbox::builder().auth_code_life(Duration::ZERO).start().await.unwrap();
    let path = free_path("refused.key");
    let mut command = against(&late, &["connect", "openrouter", "--no-browser", "--key-file"]);
    let (child, url) = started(command.arg(&path)).await;
    let back = visit(&url).await.1.unwrap();
    visit(&back).await;
    gone(child).await.with_code(3);
    assert!(!path.exists());

    let (child, url) = started(&mut command).await;
    let back = visit(&url).await.1.unwrap();
    let (before, _) = back.split_once("&code=").unwrap();
    assert_eq!(visit(&format!("{before}&error=access_denied")).await.0, 400);
    gone(child).await.with_code(3);
    assert!(!path.exists());

    let waited = ran(command.args(["--timeout", "0.2"])).await.with_code(7);
    assert_has(&waited.err, &["nobody approved within 0.2 s"]);
    assert!(!path.exists());
}

#[tokio::test]
async fn connect_says_what_cannot_be_before_anything_is_asked() {
    let there = crate::support::test_file("there.key", b"another key");
    for (args, code, words) in [
        (&["--sandbox", "connect", "openrouter"][..], 2, "give --key-file or --show-key"),
        (&["connect", "openai-compatible", "--show-key"], 2, "no page that grants keys"),
        (&["connect", "openrooter", "--show-key"], 5, "is openrouter meant?"),
        (&["connect", "openrouter", "--no-browser", "--key-file", &there], 1, "cannot create"),
        (
            &[
                "connect",
                "openrouter",
                "--no-browser",
                "--show-key",
                "--base-url",
                "https://gateway.example/v1",
            ],
            2,
            "does not end in /api/v1",
        ),
    ] {
        let ran = ran(binary().args(args)).await.with_code(code);
        assert_has(&ran.err, &[words]);
        assert_eq!(ran.out, "");
    }
    assert_eq!(std::fs::read(there).unwrap(), b"another key");
}

#[tokio::test]
async fn sandbox_grants_a_key_of_its_own() {
    let mut command = binary();
    command.args(["--sandbox", "connect", "OpenRouter", "--no-browser", "--show-key"]);
    let (child, url) = started(&mut command).await;
    let back = visit(&url).await.1.unwrap();
    assert_eq!(visit(&back).await.0, 200);
    assert_has(&gone(child).await.with_code(0).out, &["sk-or-v1-"]);
}
