//! How bodies end: in good order, a newline short, with nothing in them, or torn off before or behind the
//! reason of the model's end.

use provider_core::ErrorKind::*;
use provider_core::{ChatResponse, Error, LlmProvider as _};
use provider_http::HttpLimits;
use serde_json::json;

use crate::support::{Reply, Server as PlainServer, both, read, request};

fn event(json: &str) -> String {
    format!("data: {json}\n\n")
}

const HELLO: &str = r#"{"id":"gen-1","choices":[{"index":0,"delta":{"content":"Hello"}}]}"#;
const STOP: &str = r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;
const USAGE: &str = r#"{"choices":[],"usage":{"total_tokens":14}}"#;

#[tokio::test]
async fn an_answer_whose_reason_to_end_has_come_is_whole_however_its_body_ends() {
    let said = event(HELLO) + &event(STOP);
    let with_usage = said.clone() + &event(USAGE);
    for (name, body) in [
        ("broken off", with_usage.clone()),
        ("broken off inside an event", with_usage + "data: {\"cho"),
        ("broken off, and the last event without its line", said + "data: " + USAGE),
    ] {
        for outcome in both(Reply::events(body).cut_off()).await {
            let reply = outcome.unwrap_or_else(|error| panic!("{name}: {error:?}"));
            assert_eq!((reply.text(), reply.usage.total_tokens), ("Hello", Some(14)), "{name}");
        }
    }
}

#[tokio::test]
async fn a_last_event_without_its_empty_line_counts_if_it_is_whole() {
    let said = event(HELLO) + &event(STOP);
    let stop_with_usage = STOP.replace("}]}", r#"}],"usage":{"total_tokens":14}}"#);
    for end in ["", "\n", "\r", "\r\n"] {
        for body in [
            said.clone() + "data: " + USAGE + end,
            event(HELLO) + "data: " + &stop_with_usage + end,
            event(HELLO) + &event(USAGE) + "data: [DONE]" + end,
            event(HELLO) + &event(USAGE) + "event: message\ndata: " + STOP + end,
        ] {
            for content_type in ["text/event-stream", "text/plain"] {
                let reply = Reply::new(200, content_type, body.clone());
                for outcome in both(reply).await {
                    let reply = outcome.unwrap_or_else(|error| panic!("{body:?}: {error:?}"));
                    assert_eq!((reply.text(), reply.usage.total_tokens), ("Hello", Some(14)), "{body:?}");
                }
            }
        }
    }
    // An error is one, too; and what is cut is nothing.
    let error = event(HELLO) + r#"data: {"error":{"code":429,"message":"slow down"}}"#;
    let words = event(HELLO) + "event: error\ndata: out of memory";
    let cut = event(HELLO) + "data: " + &STOP[..STOP.len() - 1];
    let cut_mark = event(HELLO) + "data: [DONE";
    for (body, kind, message) in [
        (error, RateLimited, "slow down"),
        (words, Upstream, "out of memory"),
        (cut, Interrupted, "before it was complete"),
        (cut_mark, Interrupted, "before it was complete"),
    ] {
        for reply in [Reply::events(body.clone()), Reply::new(200, "text/plain", body.clone())] {
            for outcome in both(reply).await {
                let error = outcome.expect_err(&body);
                assert_eq!(error.kind(), kind, "{error}");
                assert!(error.message().contains(message), "{error}");
                assert_eq!(error.partial().map(|partial| partial.text()), Some("Hello"));
            }
        }
    }
}

#[tokio::test]
async fn a_body_with_nothing_in_it_is_an_empty_answer() {
    for (name, reply, kind) in [
        ("an empty stream", Reply::events(""), EmptyResponse),
        ("white space", Reply::events("\n \r\n\t\n\n "), EmptyResponse),
        ("comments", Reply::events(": OPENROUTER PROCESSING\n\n: and no end"), EmptyResponse),
        ("pings", Reply::events("event: ping\ndata: {\"type\n\nevent: ping\ndata: ping\n\n"), EmptyResponse),
        ("nulls", Reply::events("data: null\n\n"), EmptyResponse),
        ("events of another name", Reply::events("event: heartbeat\ndata: x\n\n"), EmptyResponse),
        ("the end mark alone", Reply::events("data: [DONE]\n\n"), EmptyResponse),
        ("an empty body", Reply::json(200, ""), EmptyResponse),
        ("blanks", Reply::json(200, " \r\n\n"), EmptyResponse),
        ("comments that are called JSON", Reply::json(200, ": OPENROUTER PROCESSING\n\n"), EmptyResponse),
        ("no content", Reply::new(204, "", ""), EmptyResponse),
        ("choices that are null", Reply::json(200, "{\"choices\":null}"), EmptyResponse),
        ("no choices", Reply::json(200, "{\"id\":\"gen-1\"}"), EmptyResponse),
        ("half of the JSON", Reply::json(200, &HELLO[..40]), Interrupted),
        ("a chunk that says nothing", Reply::events("data: {\"id\":\"gen-1\"}\n\n"), Interrupted),
        ("what is no event stream", Reply::events("Internal Server Error"), Interrupted),
        ("broken off before anything", Reply::events("").cut_off(), Interrupted),
        ("cut off in the first event", Reply::events("data: {\"id\":\"gen-1\",\"cho"), Interrupted),
        ("cut off in an error", Reply::events("event: error\ndata: {\"error"), Interrupted),
        ("cut off in a ping", Reply::events("event: ping\ndata: {\"type"), EmptyResponse),
    ] {
        for outcome in both(reply).await {
            let error = outcome.expect_err(name);
            assert_eq!((error.kind(), error.is_retryable()), (kind, true), "{name}: {error:?}");
        }
    }
}

/// Of several things that go wrong the first counts, and of a failure what the service says of it.
#[tokio::test]
async fn what_goes_wrong_later_is_not_what_went_wrong() {
    let failed = event(HELLO) + &event(r#"{"error":{"code":429,"message":"slow down"}}"#);
    let unreadable = event(HELLO) + &event("{no JSON}");
    let long = "x".repeat(10_000);
    let arguments =
        json!({"choices": [{"delta": {"tool_calls": [{"index": 0, "function": {"arguments": long}}]}}]});
    let limits = HttpLimits::default();
    for (first, kind, words) in
        [(failed, RateLimited, "slow down"), (unreadable, InvalidResponse, "no JSON object")]
    {
        for (name, limits, rest) in [
            ("a frame", limits.max_frame_bytes(2_000), event(&long)),
            ("a frame without end", limits.max_frame_bytes(2_000), format!("data: {long}")),
            ("arguments", limits, event(&arguments.to_string())),
            ("no JSON", limits, event("{no more}")),
            ("another error", limits, event(r#"{"error":{"code":500,"message":"down"}}"#)),
            ("a body", limits.max_body_bytes(3_000), format!(": {long}\n\n")),
        ] {
            let (kind, words) = match (kind, name) {
                (InvalidResponse, "another error") => (Server, "down"),
                _ => (kind, words),
            };
            let body = first.clone() + &rest;
            let mut replies = vec![Reply::events(body.clone())];
            if name != "a body" {
                replies.push(Reply::new(200, "text/plain", body));
            }
            for reply in replies {
                for outcome in within(reply, limits).await {
                    let error = outcome.expect_err(name);
                    assert_eq!(error.kind(), kind, "{name}: {error}");
                    assert!(error.message().contains(words), "{name}: {error}");
                    assert_eq!(error.partial().map(|partial| partial.text()), Some("Hello"), "{name}");
                }
            }
        }
        for outcome in both(Reply::events(first).cut_off()).await {
            let error = outcome.expect_err("torn off");
            assert!(error.kind() == kind && error.message().contains(words), "{error}");
        }
    }
    let both_at_once = json!({"error": {"code": 429, "message": "slow down"}, "choices": [{"message": {"tool_calls":
        [{"id": "c", "function": {"name": "f", "arguments": "x".repeat(2_000)}}]}}]});
    for outcome in within(Reply::json(200, both_at_once.to_string()), limits).await {
        assert_eq!(outcome.expect_err("it failed").kind(), RateLimited);
    }
}

/// The end of a stream and of a whole answer, within these limits and 1,000 bytes of arguments.
async fn within(reply: Reply, limits: HttpLimits) -> [Result<ChatResponse, Error>; 2] {
    let server = PlainServer::with_limits([reply], limits).max_tool_argument_bytes(1_000);
    [read(&server).await.1, server.chat(&request()).await]
}

#[tokio::test]
async fn an_event_that_cannot_be_read_is_placed_in_the_text() {
    let chunk = |text: &str| event(&json!({"choices": [{"delta": {"content": text}}]}).to_string());
    let body = chunk("H\u{e9}l") + ": a comment\n\n" + &event("{no JSON}") + &chunk("lo") + &event(STOP);
    for outcome in both(Reply::events(body)).await {
        let error = outcome.expect_err("there is a hole");
        assert_eq!(error.kind(), InvalidResponse);
        assert!(error.message().contains("event 2 of the stream, behind 4 bytes of text,"), "{error}");
        let details: serde_json::Value = error.details().expect("details").read().expect("JSON");
        assert_eq!(details, json!({"text_bytes": 4, "excerpt": "{no JSON}"}));
        let text = error.partial().expect("what came").text();
        assert_eq!((&text[..4], &text[4..]), ("H\u{e9}l", "lo"), "what follows is read");
    }
}

#[tokio::test]
async fn odd_marks_behind_the_reason_of_the_end_and_missing_empty_lines_cost_nothing() {
    let said = event(HELLO) + &event(STOP);
    let one = |json: &str| format!("data: {json}\n");
    let lines = one(HELLO) + &one(STOP) + &one(USAGE);
    for body in [
        said.clone() + &event("DONE") + &event(USAGE),
        said.clone() + &event("\"[DONE]\"") + &event(USAGE),
        said + &event("[done]") + &event(USAGE),
        lines.clone(),
        lines.clone() + "\n",
        lines.clone() + "data: [DONE]",
        lines.clone() + "data: [DONE]\n\n",
        lines + "data: {\"cho",
        event(HELLO) + &one(STOP) + &one(USAGE) + "data: [DONE]\n",
        format!("{HELLO}\n{STOP}\n{USAGE}\n"),
    ] {
        for outcome in both(Reply::events(body.clone())).await {
            let reply = outcome.unwrap_or_else(|error| panic!("{body:?}: {error:?}"));
            assert_eq!((reply.text(), reply.usage.total_tokens), ("Hello", Some(14)), "{body:?}");
        }
    }
}

#[tokio::test]
async fn plain_json_that_is_called_an_event_stream_is_read() {
    let error = json!({"error": {"code": 429, "message": "slow down"}});
    let pretty = serde_json::to_string_pretty(&error).expect("JSON");
    for body in [error.to_string(), pretty.clone(), event(HELLO) + &pretty, event(HELLO) + &error.to_string()]
    {
        for outcome in both(Reply::events(body.clone())).await {
            let error = outcome.expect_err(&body);
            assert_eq!(error.kind(), RateLimited, "{body}: {error:?}");
        }
    }
    let answer = json!({"choices": [{"message": {"content": "Hello"}}], "usage": {"total_tokens": 14}});
    for body in [answer.to_string(), serde_json::to_string_pretty(&answer).expect("JSON")] {
        for outcome in both(Reply::events(body.clone())).await {
            let reply = outcome.unwrap_or_else(|error| panic!("{body}: {error:?}"));
            assert_eq!((reply.text(), reply.usage.total_tokens), ("Hello", Some(14)), "{body}");
        }
    }
    let page = "<!DOCTYPE html>\n<html><body>Sign in</body></html>\n";
    let kind_of = async |reply| {
        let [streamed, _] = both(reply).await;
        let error = streamed.expect_err("a page");
        (error.kind(), error.message().to_owned())
    };
    assert_eq!(kind_of(Reply::events(page)).await, kind_of(Reply::new(200, "text/html", page)).await);
}
