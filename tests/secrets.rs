//! The key is nowhere: not in `Debug`, not in `Display`, not in what is serialised, whatever happens.

#![allow(clippy::expect_used, reason = "tests fail by panicking, their helpers too")]

use std::sync::{Arc, Mutex};

use openrouter_provider::{Limits, OpenRouter};
use provider_core::{ChatRequest, ConfigValues, Error, LlmProvider, RawJson, Secret};
use provider_layers::{Layer, TraceLayer, TraceSettings};
use provider_tests::{Reply, ScriptedServer};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Metadata, Subscriber};

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

/// Everything that is traced on this thread.
#[derive(Clone, Default)]
struct Traces(Arc<Mutex<Vec<String>>>);

impl Visit for Traces {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0.lock().expect("nobody panics in here").push(format!("{field}={value:?}"));
    }
}

impl Subscriber for Traces {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        attributes.record(&mut self.clone());
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut self.clone());
    }

    fn event(&self, event: &tracing::Event<'_>) {
        event.record(&mut self.clone());
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
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
    assert_eq!(error.details().map(RawJson::get), Some(r#"{"raw":"***"}"#), "{error:?}");
}

/// An answer with the key in each of its strings, as a chunk of a stream or whole, and then an error.
fn echo(said: &str, key: &str) -> String {
    format!(
        r#"{{"id":"{key}","model":"{key}","provider":"{key}","object":"{key}","service_tier":"{key}","system_fingerprint":"{key}","{key}":"{key}",
        "choices":[{{"index":0,"finish_reason":"{key}","native_finish_reason":"{key}","logprobs":{{"content":[{{"token":"{key}","logprob":-1,
        "bytes":null,"top_logprobs":[{{"token":"{key}","logprob":-1,"bytes":null}}]}}]}},
        "{said}":{{"role":"assistant","content":"It is {key}","reasoning":"{key}","refusal":"{key}","{key}":"{key}",
        "reasoning_details":[{{"type":"reasoning.text","text":"{key}","id":"{key}","signature":"{key}","{key}":"{key}"}}],
        "tool_calls":[{{"index":0,"id":"{key}","type":"function","function":{{"name":"{key}","arguments":"{key}"}},"{key}":"{key}"}}],
        "annotations":[{{"type":"url_citation","url_citation":{{"url":"{key}"}}}}],"images":[{{"image_url":{{"url":"{key}"}}}}],
        "audio":{{"id":"{key}","data":"{key}","transcript":"{key}"}}}}}}],
        "usage":{{"prompt_tokens":1,"novel":"{key}"}},
        "error":{{"code":"{key}","message":"{key}","metadata":{{"provider_name":"{key}","raw":"{key}",
        "previous_errors":[{{"provider":"{key}","code":"{key}","message":"{key}"}}]}}}}}}"#
    )
    .replace('\n', "")
}

#[tokio::test]
async fn an_echo_in_every_string_of_an_answer_that_fails_is_taken_out() {
    let traces = Traces::default();
    let _subscribed = tracing::subscriber::set_default(traces.clone());
    let escaped = MARKER.replace('M', "\\u004d");
    for key in [MARKER, &*escaped] {
        let replies = [
            Reply::events(format!("data: {}\n\ndata: [DONE]\n\n", echo("delta", key))),
            Reply::json(200, echo("message", key)),
        ];
        for reply in replies {
            let server = ScriptedServer::always(reply).await.expect("a free port");
            let client = OpenRouter::builder().api_key(MARKER).base_url(server.url());
            let client: Arc<dyn LlmProvider> = Arc::new(client.build().expect("good settings"));
            let traced = TraceLayer::new(TraceSettings::default().content(true)).layer(client);
            for keep_raw in [false, true] {
                let mut request = ChatRequest::new("a/b").user("Hello");
                request.keep_raw = keep_raw;
                let streamed = traced.stream(&request).await.expect("a stream").collect().await;
                for error in [traced.chat(&request).await, streamed].map(|end| end.expect_err("it fails")) {
                    let partial = error.partial().expect("what had come");
                    assert_eq!(partial.text(), "It is ***");
                    assert_eq!(partial.message.tool_calls.len(), 1);
                    clean_error(key, &error);
                    clean(key, partial);
                }
            }
        }
    }
    let lines = traces.0.lock().expect("nobody panics in here");
    for field in ["gen_ai.response.model=", "gen_ai.output.messages=", "otel.status_description="] {
        assert!(lines.iter().any(|line| line.starts_with(field)), "{field} is traced");
    }
    for line in lines.iter() {
        assert!(!line.contains("MARKER"), "{line}");
    }
}

#[tokio::test]
async fn a_key_that_a_stream_cuts_in_two_is_taken_out_of_its_error() {
    let (one, other) = MARKER.split_at(MARKER.len() - 8);
    let chunk = |text: &str| {
        let token = format!(r#"{{"token":"{text}","logprob":-1}}"#);
        format!(
            r#"data: {{"choices":[{{"index":0,"delta":{{"content":"{text}","reasoning":"{text}"}},"logprobs":{{"content":[{token}]}}}}]}}"#
        ) + "\n\n"
    };
    let events =
        chunk("It is ") + &chunk(one) + &chunk(other) + "data: {\"error\":{\"message\":\"gone\"}}\n\n";
    let server = ScriptedServer::always(Reply::events(events)).await.expect("a free port");
    let client = OpenRouter::builder().api_key(MARKER).base_url(server.url()).build().expect("good settings");
    let mut request = ChatRequest::new("a/b").user("Hello");
    request.keep_raw = true;
    let stream = client.stream(&request).await.expect("a stream");
    let error = stream.collect().await.expect_err("it fails");
    assert_eq!(error.partial().expect("what had come").text(), "It is ***");
    clean_error("cut", &error);
    let json = serde_json::to_string(&error).expect("JSON");
    assert!(!json.contains(other), "not even a half of it: {json}");
}

#[tokio::test]
async fn an_echo_beside_a_good_answer_is_taken_out_of_it() {
    let body = format!(
        r#"{{"id":"{MARKER}","model":"{MARKER}","provider":"{MARKER}","novel":"{MARKER}","usage":{{"novel":"{MARKER}"}},
        "choices":[{{"index":0,"finish_reason":"{MARKER}","message":{{"content":"Hi"}}}}]}}"#
    );
    let server = ScriptedServer::always(Reply::json(200, body)).await.expect("a free port");
    let client = OpenRouter::builder().api_key(MARKER).base_url(server.url()).build().expect("good settings");
    let request = ChatRequest::new("a/b").user("Hello");
    let streamed = client.stream(&request).await.expect("a stream").collect().await;
    for reply in [client.chat(&request).await, streamed].map(|reply| reply.expect("an answer")) {
        clean("answer", &reply);
        assert_eq!((reply.text(), &*reply.model), ("Hi", "***"));
    }
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
