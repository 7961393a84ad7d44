//! Faults of the wire, one by one.

use std::time::Duration;

use fault_server::{BlackholePort, ChunkFault, FaultServer, RefusedPort, Script};
use openrouter_provider::Limits;
use provider_core::ErrorKind::{self, *};
use provider_core::{RetryAdvice, TimeoutPhase};
use serde_json::json;
use tokio::task::JoinSet;

use crate::{KEY, both, client, hello, limits};

fn chunk(text: &str) -> String {
    let chunk = json!({"id": "gen-1", "model": "m", "choices": [{"index": 0, "delta": {"content": text}}]});
    format!("data: {chunk}\n\n")
}

fn finish() -> &'static str {
    "data: {\"id\":\"gen-1\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
}

fn events() -> Script {
    Script::new(200).header("content-type", "text/event-stream")
}

fn whole() -> String {
    json!({"id": "gen-1", "model": "m", "choices": [{"message": {"content": "Hello"}, "finish_reason": "stop"}]})
        .to_string()
}

/// A fault, what it is, whether it may be tried again, and the text that must have been kept.
type Case = (&'static str, Script, ErrorKind, bool, &'static str);

fn cases() -> Vec<Case> {
    let ms = Duration::from_millis;
    let two = || chunk("Hel") + &chunk("lo");
    vec![
        ("closed at once", Script::no_response().close(), Connection, true, ""),
        ("reset at once", Script::no_response().reset(), Connection, true, ""),
        ("silent at once", Script::no_response().stall(), Timeout, true, ""),
        ("closed in the head", Script::raw("HTTP/1.1 200 OK\r\ncontent-le").close(), Connection, true, ""),
        ("silent in the head", Script::raw("HTTP/1.1 200 OK\r\ncontent-le").stall(), Timeout, true, ""),
        ("no HTTP at all", Script::raw("220 mail.example ESMTP\r\n").close(), Connection, true, ""),
        ("slow head", events().slow_head(ms(100)), Timeout, true, ""),
        ("endless head", Script::new(200).endless_head(), Connection, true, ""),
        ("too many headers", Script::new(200).header_flood(5_000, 20).body("{}"), Connection, true, ""),
        ("closed behind the head", events().close(), Interrupted, true, ""),
        ("reset behind the head", events().reset(), Interrupted, true, ""),
        ("silent behind the head", events().stall(), Timeout, true, ""),
        ("nothing in it", events(), EmptyResponse, true, ""),
        ("keep-alives alone", events().write(": OPENROUTER PROCESSING\n\n\n"), EmptyResponse, true, ""),
        ("nothing in the JSON", Script::json(200, ""), EmptyResponse, true, ""),
        ("nothing by its status", Script::new(204), EmptyResponse, true, ""),
        (
            "half of the JSON",
            Script::with_body(200, "application/json", &whole()[..40]),
            Interrupted,
            true,
            "",
        ),
        ("closed in the stream", events().write(two()).close(), Interrupted, true, "Hello"),
        ("reset in the stream", events().write(two()).wait(ms(50)).reset(), Interrupted, true, "Hello"),
        ("ended without an end", events().write(two()), Interrupted, true, "Hello"),
        (
            "closed inside an event",
            events().write(two() + "data: {\"cho").close(),
            Interrupted,
            true,
            "Hello",
        ),
        ("silent in the stream", events().write(two()).stall(), Timeout, true, "Hello"),
        ("half a character", events().write(&chunk("é").into_bytes()[..60]).close(), Interrupted, true, ""),
        (
            "less than was said",
            Script::json(200, whole()).content_length(9_999).close(),
            Interrupted,
            true,
            "",
        ),
        (
            "4 GiB that never come",
            Script::json(200, "{").content_length(4_u64 << 30).stall(),
            Timeout,
            true,
            "",
        ),
        ("a web page", Script::html_error(200), InvalidResponse, false, ""),
        ("a web page of an edge", Script::html_error(524), Timeout, true, ""),
        ("an empty 502", Script::with_body(502, "text/plain", ""), Upstream, true, ""),
        ("a redirect", Script::redirect(307, "https://evil.example/"), InvalidResponse, false, ""),
        ("compressed though not asked for", events().gzip(two()), InvalidResponse, false, ""),
        ("a bomb", Script::json(200, "").gzip_bomb(1 << 30), InvalidResponse, false, ""),
        (
            "an event without end",
            events().repeat_forever("x".repeat(4_096), ms(0)),
            InvalidResponse,
            false,
            "",
        ),
        (
            "comments for ever",
            events().repeat_forever(": OPENROUTER PROCESSING\n\n", ms(50)),
            Timeout,
            true,
            "",
        ),
        (
            "an error as the only event",
            events().write("data: {\"error\":{\"code\":429,\"message\":\"slow\"}}\n\n"),
            RateLimited,
            true,
            "",
        ),
        (
            "an error after text",
            events().write(two() + "data: {\"error\":{\"code\":502,\"message\":\"gone\"}}\n\n"),
            Upstream,
            true,
            "Hello",
        ),
        (
            "an error as JSON",
            Script::json(200, "{\"error\":{\"code\":\"402\",\"message\":\"no money\"}}"),
            PaymentRequired,
            false,
            "",
        ),
        ("choices that are null", Script::json(200, "{\"choices\":null}"), EmptyResponse, true, ""),
        ("no choices", Script::json(200, "{\"id\":\"gen-1\"}"), EmptyResponse, true, ""),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_is_told_truly_and_nothing_that_came_is_lost() {
    // All at once: most of them wait for something that never comes.
    let mut played = JoinSet::new();
    for (name, script, kind, retryable, text) in cases() {
        played.spawn(async move { (name, both(script, limits()).await, kind, retryable, text) });
    }
    let mut wrong = Vec::new();
    for (name, outcomes, kind, retryable, text) in played.join_all().await {
        for (way, outcome) in ["streamed", "whole"].into_iter().zip(outcomes) {
            let error = match outcome {
                Ok(reply) => {
                    wrong.push(format!("{name}, {way}: an answer: {:?}", reply.text()));
                    continue;
                }
                Err(error) => error,
            };
            let kept = error.partial().map_or("", |partial| partial.text());
            // A stream's events are all there when they are read whole, except where reading stops at a
            // silence.
            let kept_all = kept == text || (way == "whole" && kept.is_empty());
            if (error.kind(), error.is_retryable()) != (kind, retryable) || !kept_all {
                wrong.push(format!("{name}, {way}: kept {kept:?}, {error:?}"));
            }
            let shown = format!("{error} {error:?} {}", serde_json::to_string(&error).expect("JSON"));
            assert!(!shown.contains(KEY), "{name}: the key shows");
            assert!(shown.len() < 64 << 10, "{name}: {} bytes", shown.len());
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_chunks_break_the_answer_off_and_keep_it() {
    for fault in ChunkFault::ALL {
        let script = events().write(chunk("Hel")).bad_chunk(fault);
        let [streamed, _] = both(script, limits()).await;
        let error = streamed.expect_err("it broke off");
        let kept = error.partial().map_or("", |partial| partial.text());
        assert!(matches!(error.kind(), Interrupted | Timeout | InvalidResponse), "{fault:?}: {error:?}");
        assert_eq!(kept, "Hel", "{fault:?}: {error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn oddities_cost_nothing() {
    let ms = Duration::from_millis;
    let good = chunk("Hel") + &chunk("lo") + finish();
    let done = || good.clone() + "data: [DONE]\n\n";
    let sizes: Vec<usize> = vec![1; 64];
    for (name, script) in [
        ("byte by byte", events().trickle(done(), 1, ms(0))),
        ("anywhere", events().write_split(done(), sizes, ms(0))),
        ("no mark of the end", events().write(good.clone())),
        ("bytes after the end", events().write(done() + "data: {\"error\":{\"code\":500}}\n\n garbage")),
        ("never closed after the end", events().write(done()).stall()),
        ("cut off after the end", events().write(done()).reset()),
        ("HTTP/1.0", events().http_1_0().write(done())),
        ("a 103 in front", events().interim(103).write(done())),
        ("keep-alives", events().write(": hi\n\n: hi\n\n".to_owned() + &done())),
        (
            "events with names and ids",
            events().write(done().replace("data: {", "event: message\nid: 7\nretry: 9\ndata: {")),
        ),
        ("CRLF", events().write(done().replace('\n', "\r\n"))),
        ("CR", events().write(done().replace('\n', "\r"))),
        ("BOM", events().write("\u{feff}".to_owned() + &done())),
        (
            "a second answer behind it",
            events().write(done()).write_raw("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"),
        ),
        ("white space before JSON", Script::json(200, "\n \n ".to_owned() + &whole())),
        ("JSON although a stream", Script::json(200, whole())),
    ] {
        // A busy machine may take its time here.
        let [streamed, unary] = both(script, Limits::default()).await;
        assert_eq!(streamed.expect(name).text(), "Hello", "{name}");
        assert_eq!(unary.expect(name).text(), "Hello", "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_there_is_told_apart_from_nobody_answering() {
    let refused = RefusedPort::new().expect("a port");
    let error = client(&refused.url()).chat(&hello()).await.expect_err("nobody there");
    assert_eq!((error.kind(), error.retry()), (Connection, RetryAdvice::Now));
    if let Ok(silent) = BlackholePort::new().await {
        let error = client(&silent.url()).chat(&hello()).await.expect_err("nobody takes the call");
        assert_eq!((error.kind(), error.timeout()), (Timeout, Some(TimeoutPhase::Connect)), "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_died_in_the_pool_costs_no_answer() {
    // Each connection is closed after its first answer without a word.
    let server = FaultServer::always(Script::json(200, whole()).then_close()).await.expect("a free port");
    let client = client(&server.url());
    for _ in 0..20 {
        client.chat(&hello()).await.expect("an answer");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
