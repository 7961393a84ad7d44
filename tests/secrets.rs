//! The key is nowhere: not in `Debug`, not in `Display`, not in what is serialised, whatever happens.

#![allow(clippy::expect_used, reason = "tests fail by panicking, their helpers too")]

use std::sync::Mutex;

use openrouter_provider::{Limits, OpenRouter};
use provider_core::{ChatRequest, ConfigValues, Error, LlmProvider, RawJson, Secret};
use provider_tests::{Reply, ScriptedServer};

const MARKER: &str = "sk-or-v1-MARKER0123456789abcdef";

/// Everything that any library of the program logs or traces.
struct Lines(Mutex<Vec<String>>);

static LINES: Lines = Lines(Mutex::new(Vec::new()));

impl log::Log for Lines {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        let line = format!("{} {}: {}", record.level(), record.target(), record.args());
        self.0.lock().expect("nobody panics in here").push(line);
    }

    fn flush(&self) {}
}

/// Fails if the marker is in any form of the value.
fn clean<T: std::fmt::Debug>(what: &str, value: &T) {
    for text in [format!("{value:?}"), format!("{value:#?}")] {
        assert!(!text.contains("MARKER"), "{what}: {text}");
    }
}

fn clean_error(what: &str, error: &Error) {
    clean(what, error);
    assert!(!error.to_string().contains("MARKER"), "{what}: {error}");
    let json = serde_json::to_string(error).expect("JSON");
    assert!(!json.contains("MARKER"), "{what}: {json}");
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(inner) = cause {
        assert!(!format!("{inner} {inner:?} {inner:#?}").contains("MARKER"), "{what}: {inner:?}");
        cause = inner.source();
    }
}

#[test]
fn values_and_clients_hide_the_key() {
    let secret = Secret::new(MARKER);
    clean("secret", &secret);
    assert_eq!(secret.to_string(), "***");
    clean("values", &ConfigValues::from([("api_key", MARKER), ("site_name", MARKER)]));
    let builder = OpenRouter::builder().api_key(MARKER).limits(Limits::default());
    clean("builder", &builder);
    let client = builder.build().expect("good settings");
    clean("client", &client);
    let provider: std::sync::Arc<dyn LlmProvider> = std::sync::Arc::new(client);
    clean("provider", &provider);
    clean("descriptor", provider.descriptor());
}

#[tokio::test]
async fn an_echo_of_the_key_is_taken_out_of_every_error() {
    let echoes = [
        Reply::json(401, format!(r#"{{"error":{{"code":"{MARKER}","message":"no such key: {MARKER}"}}}}"#)),
        Reply::json(
            502,
            format!(
                r#"{{"error":{{"code":502,"message":"x","metadata":{{"provider_name":"{MARKER}","raw":"key {MARKER}"}}}}}}"#
            ),
        ),
        Reply::json(500, format!("plain {MARKER}")),
        Reply::json(503, format!("<html>{MARKER}")),
        Reply::json(200, format!(r#"{{"error":{{"message":"{MARKER}"}}}}"#)),
        Reply::json(200, format!("{MARKER} is no JSON")),
        Reply::events(format!("data: {{\"error\":{{\"code\":400,\"message\":\"{MARKER}\"}}}}\n\n")),
        Reply::events(format!("data: {MARKER}\n\ndata: [DONE]\n\n")),
        Reply::events(format!("event: error\ndata: {MARKER}\n\n")),
        // JSON, but no object: the decoder quotes what it found instead.
        Reply::json(200, format!("\"{MARKER}\"")),
        Reply::events(format!("data: \"{MARKER}\"\n\ndata: [DONE]\n\n")),
        // Where an id should be.
        Reply::json(200, format!(r#"{{"id":"{MARKER}","choices":[]}}"#)),
        Reply::events(format!("data: {{\"id\":\"{MARKER}\",\"error\":{{\"message\":\"m\"}}}}\n\n")),
        Reply::events(format!("data: {{\"id\":\"{MARKER}\",\"choices\":[]}}\n\n")),
        Reply::json(429, "{}").header("x-generation-id", MARKER).header("x-request-id", MARKER),
        Reply::json(200, "{").cut_off(),
    ];
    for reply in echoes {
        let what = format!(
            "{} {:?}",
            reply.status,
            reply.pieces.first().map(|body| String::from_utf8_lossy(body).into_owned())
        );
        let server = ScriptedServer::always(reply).await.expect("a free port");
        let client =
            OpenRouter::builder().api_key(MARKER).base_url(server.url()).build().expect("good settings");
        let request = ChatRequest::new("a/b").user("Hello");
        clean_error(&what, &client.chat(&request).await.expect_err(&what));
        match client.stream(&request).await {
            Err(error) => clean_error(&what, &error),
            Ok(stream) => {
                clean(&what, &stream);
                clean_error(&what, &stream.collect().await.expect_err(&what));
            }
        }
        for error in [client.models().await.map(drop), client.check().await.map(drop)]
            .into_iter()
            .filter_map(Result::err)
        {
            clean_error(&what, &error);
        }
    }
}

#[tokio::test]
async fn an_echo_in_a_report_or_behind_escapes_is_taken_out_as_well() {
    let reply =
        Reply::json(200, format!(r#"{{"data":{{"label":"{MARKER}","usage":1,"novel":"{MARKER}"}}}}"#));
    let server = ScriptedServer::always(reply).await.expect("a free port");
    let client = OpenRouter::builder().api_key(MARKER).base_url(server.url()).build().expect("good settings");
    let report = client.check().await.expect("a report");
    clean("report", &report);
    assert!(!serde_json::to_string(&report).expect("JSON").contains("MARKER"));

    let escaped = MARKER.replace('M', "\\u004d");
    let body =
        format!(r#"{{"error":{{"code":400,"message":"{escaped}","metadata":{{"raw":"{escaped}"}}}}}}"#);
    let server = ScriptedServer::always(Reply::json(400, body)).await.expect("a free port");
    let client = OpenRouter::builder().api_key(MARKER).base_url(server.url()).build().expect("good settings");
    let error = client.chat(&ChatRequest::new("a/b").user("Hello")).await.expect_err("an error");
    clean_error("escaped", &error);
    assert!(error.details().is_none(), "{error:?}");
}

#[tokio::test]
async fn no_line_of_any_log_has_the_key() {
    log::set_logger(&LINES).expect("the only logger");
    log::set_max_level(log::LevelFilter::Trace);
    let answer = r#"{"choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}]}"#;
    let server = ScriptedServer::always(Reply::json(200, answer)).await.expect("a free port");
    let client = OpenRouter::builder().api_key(MARKER).site_name("Acme").base_url(server.url());
    let client = client.build().expect("good settings");
    let request = ChatRequest::new("a/b").user("Hello");
    client.chat(&request).await.expect("an answer");
    client.stream(&request).await.expect("an answer").collect().await.expect("an answer");
    client.check().await.expect_err("no record of a key");
    let elsewhere = OpenRouter::builder().api_key(MARKER).base_url("http://127.0.0.1:9").build();
    elsewhere.expect("good settings").chat(&request).await.expect_err("nobody listens");
    let lines = LINES.0.lock().expect("nobody panics in here");
    assert!(!lines.is_empty(), "somebody logs");
    for line in lines.iter() {
        assert!(!line.contains("MARKER"), "{line}");
    }
}

#[tokio::test]
async fn a_connection_that_fails_tells_nothing() {
    let client =
        OpenRouter::builder().api_key(MARKER).base_url("http://127.0.0.1:9").build().expect("good settings");
    clean_error("refused", &client.check().await.expect_err("nobody listens"));
}

#[test]
fn settings_that_are_refused_are_not_repeated() {
    for values in [
        ConfigValues::from([("api_key", format!("{MARKER} {MARKER}"))]),
        ConfigValues::from([("api_key", MARKER), ("site_url", MARKER), ("site_name", "a\nb")]),
        ConfigValues::from([("api_key", "k"), ("base_url", &format!("https://{MARKER}:x@host"))]),
    ] {
        clean_error("settings", &OpenRouter::from_values(values).expect_err("bad settings"));
    }
}

#[test]
fn answers_may_hold_anything_and_are_not_touched() {
    let raw: RawJson = format!("\"{MARKER}\"").parse().expect("JSON");
    assert_eq!(raw.get(), format!("\"{MARKER}\""), "what a model says is the caller's");
}
