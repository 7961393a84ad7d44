//! Connections, their limits, and what an operator sees.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use workspace_store::Role;

use crate::support::{Host, OPERATOR_KEY};

async fn connect(host: &Host) -> TcpStream {
    let address = host.url.strip_prefix("http://").expect("an address");
    TcpStream::connect(address).await.expect("a connection")
}

/// Everything until the server closes the connection.
async fn rest(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut text)).await;
    // A reset is a close as well.
    let _ = read.expect("the connection stays open");
    String::from_utf8_lossy(&text).into_owned()
}

#[tokio::test]
async fn slow_head_is_cut() {
    let host = Host::start_with(|settings| settings.header_timeout(Duration::from_millis(200))).await;
    let mut silent = connect(&host).await;
    let mut slow = connect(&host).await;
    slow.write_all(b"GET /healthz HTTP/1.1\r\nhost: a\r\nx-slow: ").await.expect("written");
    let mut idle = connect(&host).await;
    idle.write_all(b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n").await.expect("written");
    let (silent, slow, idle) = tokio::join!(rest(&mut silent), rest(&mut slow), rest(&mut idle));
    assert_eq!(silent, "");
    assert!(!slow.contains(" 200 "), "{slow}");
    assert!(idle.starts_with("HTTP/1.1 200 OK\r\n") && idle.ends_with("ok"), "{idle}");
    host.stop().await;
}

#[tokio::test]
async fn long_head_is_refused() {
    let host = Host::start_with(|settings| settings.max_header_bytes(8 * 1024)).await;
    let request = host.http.get(format!("{}/healthz", host.url)).header("x-long", "x".repeat(16 * 1024));
    match request.send().await {
        Ok(answer) => assert_eq!(answer.status(), 431),
        // The server closes with unread bytes, which may reset the connection before the answer is read.
        Err(error) => assert!(error.is_request(), "{error}"),
    }
    host.stop().await;
}

#[tokio::test]
async fn connection_beyond_the_most_is_answered_and_closed() {
    let host = Host::start_with(|settings| settings.max_connections(2)).await;
    let held = [connect(&host).await, connect(&host).await];
    let mut third = connect(&host).await;
    assert!(rest(&mut third).await.starts_with("HTTP/1.1 503 "));
    drop(held);
    tokio::time::sleep(Duration::from_millis(100)).await;
    let answer = host.http.get(format!("{}/healthz", host.url)).send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    host.stop().await;
}

#[tokio::test]
async fn token_beyond_its_rate_is_told_to_wait() {
    let host = Host::start_with(|settings| settings.requests_per_minute(12)).await;
    let (busy, other) = (host.token("acme", Role::Viewer).await, host.token("acme", Role::Viewer).await);
    let get =
        |token: &str| host.http.get(format!("{}/api/v1/workspaces/acme", host.url)).bearer_auth(token).send();
    assert_eq!(get(&busy).await.expect("an answer").status(), 200);
    assert_eq!(get(&busy).await.expect("an answer").status(), 200);
    let refused = get(&busy).await.expect("an answer");
    assert_eq!(refused.status(), 429);
    let wait: u64 = refused.headers()["retry-after"].to_str().expect("text").parse().expect("seconds");
    assert!((1..=6).contains(&wait), "{wait}");
    let body: Value = refused.json().await.expect("JSON");
    assert_eq!((&body["status"], &body["code"]), (&"error".into(), &"rate_limit".into()));
    assert_eq!(get(&other).await.expect("an answer").status(), 200);
    host.stop().await;
}

#[tokio::test]
async fn answers_have_an_id_and_safe_headers() {
    let host = Host::start().await;
    for path in ["/healthz", "/api/v1/workspaces/acme", "/no/such/path"] {
        let answer = host.http.get(format!("{}{path}", host.url)).send().await.expect("an answer");
        let header = |name: &str| answer.headers()[name].to_str().expect("text").to_owned();
        assert!(header("x-request-id").starts_with("req_"), "{path}");
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("cache-control"), "no-store");
        assert!(header("content-security-policy").contains("default-src 'none'"));
        assert!(!answer.headers().contains_key("access-control-allow-origin"));
    }
    let given = host.http.get(format!("{}/healthz", host.url)).header("x-request-id", "mine-1").send().await;
    assert_eq!(given.expect("an answer").headers()["x-request-id"], "mine-1");
    host.stop().await;
}

#[tokio::test]
async fn operator_reads_health_and_metrics() {
    let host = Host::start().await;
    let get = |path: &str| host.http.get(format!("{}{path}", host.url));
    let ready = get("/readyz").send().await.expect("an answer");
    assert_eq!(ready.status(), 200);
    let body: Value = ready.json().await.expect("JSON");
    assert_eq!(body, serde_json::json!({"status": "ready", "away_since": null, "waiting_settlements": 0}));

    let token = host.token("acme", Role::Owner).await;
    assert_eq!(get("/metrics").send().await.expect("an answer").status(), 401);
    assert_eq!(get("/metrics").bearer_auth(&token).send().await.expect("an answer").status(), 401);
    for number in 0..3 {
        get(&format!("/unknown/{number}")).send().await.expect("an answer");
    }
    get("/api/v1/workspaces/acme").bearer_auth(&token).send().await.expect("an answer");
    let metrics = get("/metrics").bearer_auth(OPERATOR_KEY).send().await.expect("an answer");
    assert_eq!(metrics.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    let text = metrics.text().await.expect("text");
    for line in [
        "host_http_requests_total{route=\"unmatched\",status=\"404\"} 3",
        "host_http_requests_total{route=\"/api/v1/workspaces/{workspace}\",status=\"200\"} 1",
        "host_http_requests_total{route=\"/metrics\",status=\"401\"} 2",
        "# TYPE host_time_to_first_output_seconds histogram",
        "host_time_to_first_output_seconds_bucket{le=\"+Inf\"} 0",
        "host_http_open_requests 1",
        "host_cost_usd_total 0.000000000",
        "host_database_up 1",
        "host_settlements_waiting 0",
        "host_recorder_dropped_total 0",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
    host.stop().await;
}

#[tokio::test]
async fn span_of_each_request_is_shown_with_its_headers() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let host = Host::start_with(|settings| {
        let seen = seen.clone();
        settings.request_spans(move |_, headers| {
            let parent = headers.get("traceparent").and_then(|value| value.to_str().ok()).map(str::to_owned);
            seen.lock().expect("no panic").push(parent);
        })
    })
    .await;
    let token = host.token("acme", Role::Viewer).await;
    for (path, parent) in [("healthz", "00-1"), ("api/v1/workspaces/acme", "00-2"), ("no/such/path", "00-3")]
    {
        let request = host.http.get(format!("{}/{path}", host.url)).header("traceparent", parent);
        request.bearer_auth(&token).send().await.expect("an answer");
    }
    // Health has none.
    let seen = seen.lock().expect("no panic").clone();
    assert_eq!(seen, [Some("00-2".to_owned()), Some("00-3".to_owned())]);
    host.stop().await;
}

#[tokio::test]
async fn host_that_is_told_to_stop_says_so_before_it_does() {
    let mut host = Host::start_with(|settings| settings.stop_delay(Duration::from_secs(2))).await;
    let token = host.token("acme", Role::Viewer).await;
    let url = host.url.clone();
    let get = async |path: &str| {
        // Each on a connection of its own, as one that a proxy opens.
        let client = reqwest::Client::new();
        let answer = client.get(format!("{url}/{path}")).bearer_auth(&token).send().await.expect("an answer");
        (answer.status().as_u16(), answer.json::<Value>().await.expect("JSON"))
    };
    assert_eq!(get("readyz").await.0, 200);
    host.tell_to_stop();
    let told = loop {
        match get("readyz").await {
            (200, _) => tokio::task::yield_now().await,
            told => break told,
        }
    };
    assert_eq!((told.0, &told.1["status"]), (503, &Value::from("stopping")));
    assert_eq!(get("api/v1/token").await.0, 200, "requests are taken yet");
    host.stop().await;
}
