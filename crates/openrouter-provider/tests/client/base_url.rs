//! A base URL that leads elsewhere: every door says that it is what is wrong, and how it should look.

use std::time::Duration;

use fault_server::{FaultServer, Script};
use openrouter_provider::{Limits, ModelsQuery, OpenRouter};
use provider_core::{Error, ErrorKind, RetryAdvice};

use crate::support::{openrouter, request};

/// How the same answer ends for whoever asks through each of the doors.
async fn doors(client: &OpenRouter) -> Vec<(&'static str, Option<Error>)> {
    let stream = match client.stream(&request()).await {
        Ok(stream) => stream.collect().await.err(),
        Err(error) => Some(error),
    };
    vec![
        ("chat", client.chat(&request()).await.err()),
        ("stream", stream),
        ("models", client.models().await.err()),
        ("search_models", client.search_models(&ModelsQuery::new()).await.err()),
        ("models_count", client.models_count().await.err()),
        ("model", client.model("openai/gpt-4o").await.err()),
        ("endpoints", client.endpoints("openai/gpt-4o").await.err()),
        ("zdr_endpoints", client.zdr_endpoints().await.err()),
        ("providers", client.providers().await.err()),
        ("check", client.check().await.err()),
        ("key", client.key().await.err()),
        ("credits", client.credits().await.err()),
        ("generation", client.generation("gen-1").await.err()),
    ]
}

async fn play(reply: Script) -> Vec<(&'static str, Option<Error>)> {
    let server = FaultServer::always(reply).await.expect("a free port");
    doors(&openrouter(&server, Limits::default().generation_wait(Duration::ZERO))).await
}

#[tokio::test]
async fn every_door_says_that_base_url_is_what_is_wrong() {
    let html = "<!DOCTYPE html><html><body>Welcome</body></html>";
    let xml = "<?xml version=\"1.0\"?><Error><Code>NoSuchKey</Code></Error>";
    for (what, reply) in [
        ("a web page", Script::with_body(200, "text/html", html)),
        ("a web page behind a mark", Script::with_body(200, "text/html", format!("\u{feff}\n{html}"))),
        ("a bucket", Script::with_body(200, "application/xml", xml)),
        ("a bucket without the key", Script::with_body(404, "application/xml", xml)),
        ("a bucket that is closed", Script::with_body(403, "application/xml", xml)),
        ("a login", Script::with_body(401, "text/html", html)),
        ("another server", Script::with_body(200, "text/plain", "It is running")),
        ("a page that is not there", Script::with_body(404, "text/html", html)),
        ("nothing there", Script::with_body(404, "text/plain", "")),
        ("no such route", Script::json(404, r#"{"detail":"Not Found"}"#)),
        ("not with POST", Script::with_body(405, "text/plain", "Method Not Allowed")),
        (
            "the wrong port",
            Script::with_body(400, "text/html", "<html>The plain HTTP request was sent to HTTPS port"),
        ),
        (
            "a redirect",
            Script::with_body(302, "text/html", "").header("location", "https://sso.example/login"),
        ),
    ] {
        for (door, error) in play(reply).await {
            let error = error.unwrap_or_else(|| panic!("{what}, {door}: no error"));
            let shown = error.to_string();
            assert!(shown.contains("set base_url to the address"), "{what}, {door}: {shown}");
            assert!(shown.contains("such as https://openrouter.ai/api/v1"), "{what}, {door}: {shown}");
            assert_eq!(error.retry(), RetryAdvice::Never, "{what}, {door}: {shown}");
        }
    }
}

#[tokio::test]
async fn text_in_any_language_is_seen() {
    for text in ["Ошибка", "错误", "é"] {
        for (door, error) in play(Script::with_body(200, "text/plain", text)).await {
            let shown = error.unwrap_or_else(|| panic!("{text}, {door}: no error")).to_string();
            assert!(
                shown.contains("set base_url") && !shown.contains("nothing came"),
                "{text}, {door}: {shown}"
            );
        }
    }
    let page = Script::with_body(500, "text/html", "\u{feff}<html>down</html>");
    for (door, error) in play(page).await {
        let error = error.unwrap_or_else(|| panic!("{door}: no error"));
        assert_eq!(error.message(), "a web page", "{door}");
    }
}

#[tokio::test]
async fn servers_that_know_no_such_path_are_told_from_those_without_a_model() {
    let lm_studio = r#"{"error":"Unexpected endpoint or method. (POST /x)"}"#;
    for (status, body) in [
        (404, r#"{"error":{"code":"404","message":"Resource not found"}}"#),
        (404, r#"{"error":{"code":404,"message":"File Not Found","type":"not_found_error"}}"#),
        (404, r#"{"message":"Route POST:/x not found","error":"Not Found","statusCode":404}"#),
        (403, r#"{"message":"Missing Authentication Token"}"#),
        (404, lm_studio),
        (200, lm_studio),
    ] {
        for (door, error) in play(Script::json(status, body)).await {
            let error = error.unwrap_or_else(|| panic!("{body}, {door}: no error"));
            assert!(error.to_string().contains("set base_url"), "{body}, {door}: {error}");
            assert_eq!(error.retry(), RetryAdvice::Never, "{body}, {door}: {error}");
        }
    }
}

#[tokio::test]
async fn json_without_what_was_asked_for_is_of_somebody_else() {
    for body in [r#"{"status":"ok","data":7}"#, "[]", r#"{"models":[]}"#, "\"hello\""] {
        for (door, error) in play(Script::json(200, body)).await {
            if ["chat", "stream"].contains(&door) {
                // Those end as answers without anything in them.
                continue;
            }
            let error = error.unwrap_or_else(|| panic!("{body}, {door}: no error"));
            assert_eq!(error.kind(), ErrorKind::InvalidResponse, "{body}, {door}: {error}");
            assert!(error.to_string().contains("set base_url"), "{body}, {door}: {error}");
        }
    }
}

#[tokio::test]
async fn a_service_that_fails_does_not_put_it_down_to_base_url() {
    let html = "<html>Bad gateway</html>";
    for (what, reply) in [
        ("an edge", Script::with_body(502, "text/html", html)),
        ("a limit at the edge", Script::with_body(429, "text/html", html)),
        ("a timeout at the edge", Script::with_body(524, "text/html", html)),
        ("an answer that broke off", Script::json(200, r#"{"data":[{"id":"openai/gpt-4o","na"#)),
        ("a wrong key", Script::json(401, r#"{"error":{"code":401,"message":"User not found."}}"#)),
        ("an error inside a success", Script::json(200, r#"{"error":{"code":500,"message":"oops"}}"#)),
    ] {
        for (door, error) in play(reply).await {
            let error = error.unwrap_or_else(|| panic!("{what}, {door}: no error"));
            assert!(!error.to_string().contains("base_url"), "{what}, {door}: {error}");
        }
    }
}
