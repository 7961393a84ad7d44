//! Hosts that stop while answers stream, and several hosts on one PostgreSQL.

use std::io::Write as _;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use openrouter_sandbox::Sandbox;
use reqwest::{Client, Response};
use serde_json::{Value, json};
use sqlx::{AnyPool, Executor as _};
use tempfile::TempDir;

use crate::serve::{Host, folder, serve, started};
use crate::signals::send;
use crate::support::{gone, until};

const MASTER_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// A client with a token of the workspace `acme`.
struct Asker {
    http: Client,
    token: String,
}

impl Asker {
    fn new(token: &str) -> Self {
        Self { http: Client::new(), token: token.to_owned() }
    }

    async fn post(&self, host: &str, path: &str, body: &Value) -> reqwest::Result<Response> {
        let url = format!("{host}/api/v1/workspaces/acme/{path}");
        self.http.post(url).bearer_auth(&self.token).json(body).send().await
    }

    async fn get(&self, host: &str, path: &str) -> Value {
        let url = format!("{host}/api/v1/workspaces/acme/{path}");
        let answer = self.http.get(url).bearer_auth(&self.token).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        answer.json().await.unwrap()
    }

    async fn ask(&self, host: &str, model: &str, stream: bool) -> reqwest::Result<Response> {
        let url = format!("{host}/w/acme/v1/chat/completions");
        let messages = [json!({"role": "user", "content": "Hello"})];
        let body = json!({"model": model, "stream": stream, "messages": messages});
        self.http.post(url).bearer_auth(&self.token).json(&body).send().await
    }

    /// Adds the sandbox as the workspace's OpenRouter.
    async fn add_provider(&self, host: &str, sandbox: &Sandbox) {
        let settings = json!({"api_key": "sk-or-v1-sandbox", "base_url": sandbox.base_url()});
        let added = self.post(host, "providers", &json!({"kind": "openrouter", "settings": settings})).await;
        let added = added.unwrap();
        assert!(added.status().is_success(), "{}", added.text().await.unwrap());
    }
}

/// A sandbox at 40 ms for a token.
async fn slow_sandbox() -> Sandbox {
    Sandbox::builder().token_delay(Duration::from_millis(40)).start().await.unwrap()
}

async fn one_host(folder: &TempDir, drain_seconds: &str) -> (Host, Asker, Sandbox) {
    let sandbox = slow_sandbox().await;
    let args = [
        "--workspace",
        "acme",
        "--allow-net",
        "127.0.0.1",
        "--drain-seconds",
        drain_seconds,
        "--log",
        "error",
    ];
    let host = started(serve(&folder.path().join("data"), &args).env("HOST_MASTER_KEY", MASTER_KEY)).await;
    let asker = Asker::new(host.token.as_deref().unwrap());
    asker.add_provider(&host.url, &sandbox).await;
    (host, asker, sandbox)
}

#[tokio::test]
async fn sigterm_lets_a_stream_finish() {
    let folder = folder();
    let (host, asker, sandbox) = one_host(&folder, "30").await;
    let mut answer = asker.ask(&host.url, "openai/gpt-4o", true).await.unwrap();
    let mut text = answer.chunk().await.unwrap().unwrap().to_vec();
    send("-TERM", &host.child);
    let http = Client::new();
    let begun = Instant::now();
    while http.get(format!("{}/healthz", host.url)).send().await.is_ok() {
        assert!(begun.elapsed() < Duration::from_secs(10), "it still takes connections");
    }
    while let Some(chunk) = answer.chunk().await.unwrap() {
        text.extend_from_slice(&chunk);
    }
    assert!(text.ends_with(b"data: [DONE]\n\n"), "{}", String::from_utf8_lossy(&text));
    gone(host.child).await.with_code(0);
    assert_eq!(sandbox.open_streams(), 0);

    // The next host with these data finds the run.
    let args = ["--workspace", "acme", "--log", "error"];
    let host = started(serve(&folder.path().join("data"), &args).env("HOST_MASTER_KEY", MASTER_KEY)).await;
    let runs = asker.get(&host.url, "runs").await;
    assert_eq!(runs["data"]["items"][0]["finish"], "stop", "{runs}");
    assert!(runs["data"]["items"][0]["cost"].is_string(), "{runs}");
    send("-TERM", &host.child);
    gone(host.child).await.with_code(0);
}

#[tokio::test]
async fn second_signal_ends_serve_at_once() {
    let folder = folder();
    let (host, asker, sandbox) = one_host(&folder, "60").await;
    let mut answer = asker.ask(&host.url, "sandbox/stall", true).await.unwrap();
    answer.chunk().await.unwrap().unwrap();
    send("-TERM", &host.child);
    let http = Client::new();
    while http.get(format!("{}/healthz", host.url)).send().await.is_ok() {}
    let begun = Instant::now();
    send("-TERM", &host.child);
    gone(host.child).await.with_code(130);
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    until("the end of the call upstream", || sandbox.open_streams() == 0).await;
}

/// A database of its own on the server of `TEST_POSTGRES_URL`: the URL of the server, that of the database,
/// and its name.
async fn database() -> Option<(String, String, String)> {
    let Some(server) = std::env::var("TEST_POSTGRES_URL").ok().filter(|url| !url.is_empty()) else {
        // Not through the captured output: whoever runs the tests must see it.
        let _ = writeln!(std::io::stderr(), "skipped: several hosts, since TEST_POSTGRES_URL is not set");
        return None;
    };
    sqlx::any::install_default_drivers();
    let name = format!("hosts_{}", std::process::id());
    let pool = AnyPool::connect(&server).await.expect("the server of TEST_POSTGRES_URL");
    pool.execute(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.unwrap();
    let (base, _) = server.rsplit_once('/').expect("a URL with a database");
    let url = format!("{base}/{name}");
    Some((server, url, name))
}

#[tokio::test]
async fn three_hosts_agree_and_go_on_when_one_is_killed() {
    let Some((server, url, name)) = database().await else { return };
    let folder = folder();
    let sandbox = slow_sandbox().await;
    let mut hosts = Vec::new();
    for number in 0..3 {
        let args = ["--workspace", "acme", "--allow-net", "127.0.0.1", "--log", "error"];
        let mut command = serve(&folder.path().join(number.to_string()), &args);
        command.env("HOST_MASTER_KEY", MASTER_KEY).env("HOST_DATABASE_URL", &url);
        hosts.push(started(&mut command).await);
    }
    let urls: Vec<String> = hosts.iter().map(|host| host.url.clone()).collect();
    // The first one has made the workspace.
    let asker = Asker::new(hosts[0].token.as_deref().unwrap());
    assert!(hosts[1].token.is_none() && hosts[2].token.is_none());

    // A provider that one host gets is there on all of them.
    asker.add_provider(&urls[0], &sandbox).await;
    within_a_second(async || asker.ask(&urls[1], "openai/gpt-4o", false).await.unwrap().status() == 200)
        .await;
    within_a_second(async || asker.ask(&urls[2], "openai/gpt-4o", false).await.unwrap().status() == 200)
        .await;
    let before = total(&asker, &urls[0]).await;

    // A budget that another one gets holds on all of them together.
    let budget = json!({"scope": {"scope": "workspace"}, "limit": {"requests": 20}, "period": "total"});
    let added = asker.post(&urls[1], "budgets", &budget).await.unwrap();
    assert!(added.status().is_success(), "{}", added.text().await.unwrap());
    tokio::time::sleep(Duration::from_secs(1)).await;
    let asked = (0..60).map(|number| asker.ask(&urls[number % 3], "openai/gpt-4o", false));
    let statuses: Vec<u16> =
        join_all(asked).await.into_iter().map(|answer| answer.unwrap().status().into()).collect();
    let count = |wanted: u16| statuses.iter().filter(|status| **status == wanted).count();
    assert_eq!((count(200), count(402)), (20, 40), "{statuses:?}");
    let budgets = asker.get(&urls[2], "budgets").await;
    let budget = &budgets["data"][0];
    let (id, revision) = (budget["id"].as_str().unwrap(), &budget["revision"]);
    let place = format!("{}/api/v1/workspaces/acme/budgets/{id}", urls[2]);
    let change = json!({"limit": {"requests": 1000}, "revision": revision});
    let changed = asker.http.patch(place).bearer_auth(&asker.token).json(&change).send().await.unwrap();
    assert_eq!(changed.status(), 200, "{}", changed.text().await.unwrap());
    within_a_second(async || asker.ask(&urls[0], "openai/gpt-4o", false).await.unwrap().status() == 200)
        .await;

    // One is killed while all of them stream.
    let known = total(&asker, &urls[1]).await;
    assert!(known > before + 20);
    let streams = join_all((0..12).map(|number| asker.ask(&urls[number % 3], "openai/gpt-4o", true))).await;
    let mut streams: Vec<Response> = streams.into_iter().map(Result::unwrap).collect();
    for stream in &mut streams {
        stream.chunk().await.unwrap().unwrap();
    }
    let mut killed = hosts.remove(0);
    killed.child.kill().await.unwrap();
    let ends = join_all(streams.into_iter().map(async |stream| stream.text().await)).await;
    for (number, end) in ends.iter().enumerate() {
        match number % 3 {
            0 => assert!(!end.as_ref().is_ok_and(|text| text.contains("[DONE]")), "{end:?}"),
            _ => assert!(end.as_ref().unwrap().ends_with("data: [DONE]\n\n"), "{end:?}"),
        }
    }
    // Its clients ask elsewhere. All that was answered is on record, and nothing twice.
    let again = join_all((0..4).map(|number| asker.ask(&urls[1 + number % 2], "openai/gpt-4o", false))).await;
    assert!(again.into_iter().all(|answer| answer.unwrap().status() == 200));
    let begun = Instant::now();
    while total(&asker, &urls[2]).await < known + 8 + 4 {
        assert!(begun.elapsed() < Duration::from_secs(10), "{} runs", total(&asker, &urls[2]).await);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(total(&asker, &urls[1]).await, known + 8 + 4);

    // It comes back with its data, and works at once.
    let args = ["--workspace", "acme", "--allow-net", "127.0.0.1", "--log", "error"];
    let mut command = serve(&folder.path().join("0"), &args);
    command.env("HOST_MASTER_KEY", MASTER_KEY).env("HOST_DATABASE_URL", &url);
    let back = started(&mut command).await;
    assert_eq!(asker.ask(&back.url, "openai/gpt-4o", false).await.unwrap().status(), 200);
    for host in hosts.into_iter().chain([back]) {
        send("-TERM", &host.child);
        gone(host.child).await.with_code(0);
    }
    let pool = AnyPool::connect(&server).await.unwrap();
    pool.execute(sqlx::AssertSqlSafe(format!("DROP DATABASE {name} WITH (FORCE)"))).await.unwrap();
}

/// The runs on record, without those that a budget refused. Waits for the recorders.
async fn total(asker: &Asker, host: &str) -> u64 {
    let mut last = u64::MAX;
    loop {
        let totals = asker.get(host, "run-totals").await;
        let now = totals["data"]["runs"].as_u64().unwrap();
        if now == last {
            return now;
        }
        last = now;
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Waits until something holds; a second is what the store promises, and the machine may be busy.
async fn within_a_second(holds: impl AsyncFn() -> bool) {
    let begun = Instant::now();
    while !holds().await {
        assert!(begun.elapsed() < Duration::from_secs(3), "hosts do not agree in time");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
