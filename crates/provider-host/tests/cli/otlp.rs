//! `serve` with a collector: the spans that reach it, and a collector that is not there.

use fault_server::{FaultServer, RefusedPort, Script};
use serde_json::{Value, json};

use crate::serve::{Host, folder, serve, started};
use crate::signals::interrupt;
use crate::support::{assert_has, gone, ran};

const PROMPT: &str = "a prompt of nobody's business";
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";

fn bytes_of(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

/// One run of a node, below a trace of the caller; gives the run's id and the answer's text.
async fn chat(host: &Host, is_streamed: bool) -> (String, String) {
    let url = format!("{}/api/v1/workspaces/dev/chat", host.url);
    let config = json!({"model": "openrouter:openai/gpt-4o", "max_tokens": 20});
    let node = json!({"id": "n1", "type": "ai-agent-node", "config": config});
    let body = json!({"message": PROMPT, "stream": is_streamed, "node": node});
    let request = reqwest::Client::new().post(url).bearer_auth(host.token.as_ref().unwrap());
    let request = request.header("traceparent", format!("00-{TRACE}-{PARENT}-01")).json(&body);
    let answer = request.send().await.unwrap().error_for_status().unwrap().text().await.unwrap();
    let is_data = |line: &&str| line.starts_with("data:") || line.starts_with('{');
    let lines: Vec<Value> = answer
        .lines()
        .filter(is_data)
        .map(|line| serde_json::from_str(line.trim_start_matches("data:")).unwrap())
        .collect();
    let text = lines.iter().filter_map(|line| line["content"].as_str()).collect();
    let found = lines.iter().find_map(|line| line["run_id"].as_str().or(line["data"]["run_id"].as_str()));
    (found.unwrap_or_else(|| panic!("no run in {answer}")).to_owned(), text)
}

#[tokio::test]
async fn spans_reach_the_collector_below_the_trace_of_the_caller() {
    let collector = FaultServer::always(Script::with_body(200, "application/x-protobuf", "")).await.unwrap();
    let folder = folder();
    let mut command = serve(&folder.path().join("data"), &["--dev", "--sandbox", "--log", "error"]);
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url());
    command.env("OTEL_EXPORTER_OTLP_HEADERS", "x-collector-key=collect-0123");
    let host = started(&mut command).await;
    let token = host.token.clone().unwrap();
    let (streamed, text) = chat(&host, true).await;
    let (whole, _) = chat(&host, false).await;
    assert!(!text.is_empty());
    let health = format!("{}/readyz", host.url);
    reqwest::get(health).await.unwrap().error_for_status().unwrap();
    interrupt(&host.child);
    let ended = gone(host.child).await.with_code(0);
    assert!(!ended.err.contains("collect-0123"), "{}", ended.err);

    let requests = collector.requests();
    assert!(!requests.is_empty(), "no batch came before the end");
    let mut sent = Vec::new();
    for request in &requests {
        assert_eq!((&*request.method, &*request.path), ("POST", "/v1/traces"));
        assert_eq!(request.header("content-type"), Some("application/x-protobuf"));
        assert_eq!(request.header("x-collector-key"), Some("collect-0123"));
        sent.extend_from_slice(&request.body);
    }
    let has = |part: &[u8]| sent.windows(part.len()).any(|window| window == part);
    for part in [
        "service.name",
        "asq",
        "POST /api/v1/workspaces/{workspace}/chat",
        "http.response.status_code",
        "run.id",
        &streamed,
        &whole,
        "chat openai/gpt-4o",
        "gen_ai.request.model",
        "gen_ai.usage.output_tokens",
    ] {
        assert!(has(part.as_bytes()), "{part} is in no span");
    }
    assert!(has(&bytes_of(TRACE)) && has(&bytes_of(PARENT)), "the caller's trace is not gone on with");
    for part in [PROMPT, &text, &token, "sk-or-", "collect-0123", "/readyz"] {
        assert!(!has(part.as_bytes()), "{part} is in a span");
    }
}

#[tokio::test]
async fn every_span_of_a_call_is_in_the_trace_of_the_caller() {
    let collector = FaultServer::always(Script::with_body(200, "application/x-protobuf", "")).await.unwrap();
    let folder = folder();
    let mut command = serve(&folder.path().join("data"), &["--dev", "--sandbox"]);
    command.env("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", format!("{}/own/path", collector.url()));
    command.env("OTEL_SERVICE_NAME", "the-host-of-acme");
    let host = started(&mut command).await;
    chat(&host, true).await;
    interrupt(&host.child);
    let ended = gone(host.child).await.with_code(0);
    assert!(!ended.err.contains("run.id"), "the span of a request is in the log: {}", ended.err);
    let sent: Vec<u8> = collector
        .requests()
        .into_iter()
        .flat_map(|request| {
            assert_eq!(request.path, "/own/path");
            request.body
        })
        .collect();
    let count = |part: &[u8]| sent.windows(part.len()).filter(|window| *window == part).count();
    assert_eq!(count(b"the-host-of-acme"), 1);
    // The server's span and the call's, and none with a trace of its own for the request.
    assert!(count(&bytes_of(TRACE)) >= 2, "{} spans", count(&bytes_of(TRACE)));
    assert_eq!(count(&bytes_of(PARENT)), 1, "the server's span alone has the caller as its parent");
}

#[tokio::test]
async fn collector_that_is_away_holds_nothing_up() {
    let away = RefusedPort::new().unwrap();
    let folder = folder();
    let mut command = serve(&folder.path().join("data"), &["--dev", "--sandbox"]);
    let host = started(command.env("OTEL_EXPORTER_OTLP_ENDPOINT", away.url())).await;
    chat(&host, false).await;
    interrupt(&host.child);
    let ended = gone(host.child).await.with_code(0);
    assert_has(&ended.err, &["a batch of spans was not sent", "the connection could not be made"]);
}

#[tokio::test]
async fn variable_that_cannot_be_used_is_refused_by_name() {
    let folder = folder();
    let data = folder.path().join("data");
    for (name, value, told) in [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "localhost:4318", "http://localhost:4318"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "/v1/traces", "http://localhost:4318"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "http/protobuf"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip", "gzip"),
    ] {
        let mut command = serve(&data, &["--dev"]);
        command.env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1").env(name, value);
        let refused = ran(&mut command).await.with_code(2);
        assert_has(&refused.err, &[told]);
        assert!(name.ends_with("COMPRESSION") || refused.err.contains(name), "{}", refused.err);
    }
    assert!(!data.exists(), "nothing is made");
}
