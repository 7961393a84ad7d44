//! A bad day, byte by byte: every fault that a wire can have, and the error that it becomes. Over real
//! sockets.

#![allow(clippy::expect_used, reason = "tests fail by panicking, their helpers too")]

mod support;

use std::time::Duration;

use fault_server::{BlackholePort, ChunkFault, FaultServer, RefusedPort, Script};
use provider_core::ErrorKind::{self, *};
use provider_core::{ConfigValues, Error, RetryAdvice, TimeoutPhase};
use provider_http::{Endpoint, HttpClient, HttpLimits};
use support::{KEY, both, builder, endpoint, event, events, limits, streamed, whole};
use tokio::task::JoinSet;

/// A fault, its kind, whether it may be tried again, and the text that must have been kept.
type Case = (&'static str, Script, ErrorKind, bool, &'static str);

fn cases() -> Vec<Case> {
    let ms = Duration::from_millis;
    let two = || event("w:Hel") + &event("w:lo");
    vec![
        ("closed at once", Script::no_response().close(), Connection, true, ""),
        ("reset at once", Script::no_response().reset(), Connection, true, ""),
        ("silent at once", Script::no_response().stall(), Timeout, true, ""),
        ("closed in the head", Script::raw("HTTP/1.1 200 OK\r\ncontent-le").close(), Connection, true, ""),
        ("silent in the head", Script::raw("HTTP/1.1 200 OK\r\ncontent-le").stall(), Timeout, true, ""),
        ("no HTTP at all", Script::raw("220 mail.example ESMTP\r\n").close(), Connection, true, ""),
        ("slow head", events().slow_head(ms(100)), Timeout, true, ""),
        ("endless head", Script::new(200).endless_head(), Connection, true, ""),
        ("too many headers", Script::new(200).header_flood(5_000, 20).body("w:"), Connection, true, ""),
        ("closed behind the head", events().close(), Interrupted, true, ""),
        ("reset behind the head", events().reset(), Interrupted, true, ""),
        ("silent behind the head", events().stall(), Timeout, true, ""),
        ("nothing in it", events(), EmptyResponse, true, ""),
        ("keep-alives alone", events().write(": processing\n\n\n"), EmptyResponse, true, ""),
        (
            "pings alone",
            events().write("event: ping\ndata: {\n\nevent: ping\ndata: x"),
            EmptyResponse,
            true,
            "",
        ),
        ("the end mark alone", events().write(event(".")), EmptyResponse, true, ""),
        ("nothing in the document", Script::json(200, " \r\n"), EmptyResponse, true, ""),
        ("nothing by its status", Script::new(204), EmptyResponse, true, ""),
        ("cut off in the first event", events().write("data: w:Hel"), Interrupted, true, ""),
        ("closed in the stream", events().write(two()).close(), Interrupted, true, "Hello"),
        ("reset in the stream", events().write(two()).wait(ms(50)).reset(), Interrupted, true, "Hello"),
        ("ended without an end", events().write(two()), Interrupted, true, "Hello"),
        ("closed in an event", events().write(two() + "data: w:wor").close(), Interrupted, true, "Hello"),
        ("silent in the stream", events().write(two()).stall(), Timeout, true, "Hello"),
        ("silent in an event", events().write(two() + "data: w:wor").stall(), Timeout, true, "Hello"),
        ("half a character", events().write(&event("w:é").into_bytes()[..9]).close(), Interrupted, true, ""),
        (
            "less than was said",
            Script::json(200, "w:Hi").content_length(9_999).close(),
            Interrupted,
            true,
            "",
        ),
        ("4 GiB never come", Script::json(200, "w").content_length(4_u64 << 30).stall(), Timeout, true, ""),
        ("a web page", Script::html_error(200), InvalidResponse, false, ""),
        ("a web page of an edge", Script::html_error(524), Timeout, true, ""),
        ("a web page of a gateway", Script::html_error(502), Upstream, true, ""),
        ("an empty 502", Script::with_body(502, "text/plain", ""), Upstream, true, ""),
        ("a redirect", Script::redirect(307, "https://evil.example/"), InvalidResponse, false, ""),
        ("compressed unasked", events().gzip(two()), InvalidResponse, false, ""),
        ("a bomb", Script::json(200, "").gzip_bomb(1 << 30), InvalidResponse, false, ""),
        ("compressed error response", Script::new(503).gzip("gone"), Overloaded, true, ""),
        (
            "an event without end",
            events().repeat_forever("x".repeat(4_096), ms(0)),
            InvalidResponse,
            false,
            "",
        ),
        (
            "events without end",
            events().repeat_forever(event(&format!("w:{}", "x".repeat(4_096))), ms(0)),
            InvalidResponse,
            false,
            "…",
        ),
        (
            "a body without end",
            Script::json(200, "").chunked().repeat_forever(" ".repeat(64 << 10), ms(0)),
            InvalidResponse,
            false,
            "",
        ),
        (
            "an error response without end",
            Script::json(500, "").chunked().repeat_forever("x".repeat(64 << 10), ms(0)),
            Server,
            true,
            "",
        ),
        ("comments for ever", events().repeat_forever(": processing\n\n", ms(50)), Timeout, true, ""),
        ("an error", events().write(event("!slow down")), Overloaded, true, ""),
        ("an error after text", events().write(two() + &event("!gone")), Overloaded, true, "Hello"),
        ("an error as a document", Script::json(200, "!no money"), Overloaded, true, ""),
        (
            "an unreadable frame",
            events().write(two() + &event("?") + &event("w:!")),
            InvalidResponse,
            false,
            "Hello",
        ),
        (
            "a frame in between",
            events().write(event("w:He") + &event("x") + &event("w:llo")),
            InvalidResponse,
            false,
            "Hello",
        ),
        ("a page as a stream", events().write("<!DOCTYPE html>\n<p>Hi"), InvalidResponse, false, ""),
        ("no event stream", events().write("Internal Server Error"), Interrupted, true, ""),
        ("stray lines", events().write(two() + "{\"error\":1}\n"), Server, true, "Hello"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_becomes_its_error() {
    // All at once: most of them wait for bytes that never come.
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
            let is_kept = if text == "…" { kept.len() > 100_000 } else { kept == text };
            if (error.kind(), error.is_retryable()) != (kind, retryable) || !is_kept {
                wrong.push(format!("{name}, {way}: kept {:.20?}, {error}", kept));
            }
            assert_eq!((error.provider(), error.model()), (Some("toy"), Some("m")), "{name}: {error}");
            let shown = format!(
                "{error} {}",
                serde_json::to_string(&error.clone().with_partial(Default::default())).expect("JSON")
            );
            assert!(!shown.contains("MARKER"), "{name}: the key shows");
            assert!(shown.len() < 64 << 10, "{name}: {} bytes", shown.len());
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_chunks_keep_the_answer_so_far() {
    for fault in ChunkFault::ALL {
        let [streamed, _] = both(events().write(event("w:Hel")).bad_chunk(fault), limits()).await;
        let error = streamed.expect_err("it broke off");
        let kept = error.partial().map_or("", |partial| partial.text());
        assert!(
            matches!(error.kind(), Interrupted | Timeout | InvalidResponse | Server),
            "{fault:?}: {error:?}"
        );
        assert_eq!(kept, "Hel", "{fault:?}: {error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn oddities_cost_nothing() {
    let ms = Duration::from_millis;
    let done = || event("w:Hel") + &event("w:lo") + &event(".");
    let stopped = || event("w:Hel") + &event("w:lo") + &event("s:stop");
    let lines = "w:Hel\n\nw:lo\r\ns:stop";
    let ndjson = |body: &str| Script::with_body(200, "application/x-ndjson", body);
    let sizes: Vec<usize> = vec![1; 64];
    for (name, script) in [
        ("byte by byte", events().trickle(done(), 1, ms(0))),
        ("anywhere", events().write_split(done(), sizes, ms(0))),
        ("no mark of the end", events().write(stopped())),
        ("bytes after the end", events().write(done() + &event("!late") + "garbage")),
        ("never closed after the end", events().write(done()).stall()),
        ("cut off after the end", events().write(done()).reset()),
        ("reset after the reason", events().write(stopped()).wait(ms(50)).reset()),
        ("stray lines after the reason", events().write(stopped() + "{\"error\":1}\n")),
        ("silent after the reason", events().write(stopped()).stall()),
        ("cut off in an event after the reason", events().write(stopped() + "data: w:x").close()),
        ("no empty line behind the reason", events().write(event("w:Hello") + "data: s:stop")),
        ("no empty line behind the end", events().write(event("w:Hello") + "data: .\r")),
        ("HTTP/1.0", events().http_1_0().write(done())),
        ("a 103 in front", events().interim(103).write(done())),
        ("keep-alives", events().write(": hi\n\n: hi\n\n".to_owned() + &done())),
        ("names and ids", events().write(done().replace("data:", "event: message\nid: 7\nretry: 9\ndata:"))),
        ("CRLF", events().write(done().replace('\n', "\r\n"))),
        ("CR", events().write(done().replace('\n', "\r"))),
        ("BOM", events().write("\u{feff}".to_owned() + &done())),
        ("events that are called JSON", Script::json(200, ": hi\n\n".to_owned() + &done())),
        ("a document although a stream", Script::json(200, "w:Hello")),
        ("white space before it", Script::json(200, "\u{feff}\n \n w:Hello\n")),
        ("no content type", Script::new(200).body("w:Hello")),
        ("JSON lines", ndjson(lines)),
        ("JSON lines byte by byte", ndjson("").trickle(lines, 1, ms(0))),
        ("JSON lines with an end", ndjson("w:Hello\n.\n!late\n")),
        ("JSON lines cut off after the reason", ndjson("w:Hello\ns:stop\nw:x").close()),
        (
            "a second answer behind it",
            events().write(done()).write_raw("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"),
        ),
    ] {
        // A busy machine may take its time here.
        let is_silent = name.starts_with("silent");
        let limits = if is_silent { limits() } else { HttpLimits::default() };
        for outcome in both(script, limits).await {
            assert_eq!(outcome.expect(name).text(), "Hello", "{name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unfinished_last_line_counts_by_how_the_body_ends() {
    let ndjson = |body: &str| Script::with_body(200, "application/x-ndjson", body);
    let [streamed, _] = both(ndjson("w:Hel\nw:lo").close(), limits()).await;
    let error = streamed.expect_err("cut off");
    assert_eq!((error.kind(), error.partial().map(|partial| partial.text())), (Interrupted, Some("Hel")));
    let [streamed, _] = both(ndjson("w:Hel\nw:lo"), limits()).await;
    let error = streamed.expect_err("no end");
    assert_eq!((error.kind(), error.partial().map(|partial| partial.text())), (Interrupted, Some("Hello")));
    // The body ends in good order inside a line that the decoder cannot read.
    let [streamed, _] = both(ndjson("w:Hel\n?"), limits()).await;
    let error = streamed.expect_err("cut off");
    assert_eq!((error.kind(), error.retry()), (Interrupted, RetryAdvice::Now));
    assert_eq!(error.partial().map(|partial| partial.text()), Some("Hel"));
}

#[tokio::test(flavor = "multi_thread")]
async fn error_in_a_document_is_read_as_an_error_response() {
    let server = FaultServer::sequence([
        Script::json(200, r#"{"error":{"message":"bad key sk-acme-0a1b2c3d"}}"#).header("x-gen", "g-1"),
        Script::json(200, r#"{"data":7}"#).header("x-gen", "g-2"),
        Script::html_error(200).header("x-gen", "g-3"),
        Script::json(200, r#"{"data":[{"id":"#).header("x-gen", "g-4"),
        Script::json(200, r#"{"error":{"message":"bad k"#).header("x-gen", "g-5"),
    ])
    .await
    .expect("a free port");
    let endpoint = Endpoint::builder("https://acme.example/v2")
        .values(&ConfigValues::from([("base_url", server.url())]))
        .bearer("sk-acme-0a1b2c3d")
        .generation_id_header("x-gen")
        .error_response(|head, body| {
            assert_eq!(head.status(), 200);
            Error::new(Authentication, body.to_owned())
        })
        .build(&HttpClient::new())
        .expect("settings");
    let list = || endpoint.get("models").parse("the list", |_| Err::<(), _>("no list in it"));
    let error = list().await.expect_err("a bad key");
    assert_eq!((error.kind(), error.generation_id()), (Authentication, Some("g-1")));
    assert!(error.message().contains("bad key ***"), "{error}");
    for id in ["g-2", "g-3"] {
        let error = list().await.expect_err("another server");
        assert_eq!((error.kind(), error.generation_id()), (InvalidResponse, Some(id)));
        assert!(
            error.next_step().is_some_and(|step| step.ends_with("such as https://acme.example/v2")),
            "{error:?}"
        );
    }
    // Both broke off: the one in the list, the other in an error.
    let error = list().await.expect_err("half a list");
    assert_eq!(
        (error.kind(), error.is_retryable(), error.generation_id()),
        (InvalidResponse, false, Some("g-4"))
    );
    let error = list().await.expect_err("half an error");
    assert_eq!((error.kind(), error.generation_id()), (Authentication, Some("g-5")));
}

#[tokio::test(flavor = "multi_thread")]
async fn first_failure_counts_and_the_usage_behind_it() {
    let failed = event("w:Hello") + &event("!slow down");
    for (name, script) in [
        ("another error", events().write(failed.clone() + &event("!down"))),
        ("an unreadable frame", events().write(failed.clone() + &event("?"))),
        ("a frame without end", events().write(failed.clone() + &"x".repeat(100_000))),
        ("a large body", events().write(failed.clone() + &": x\n\n".repeat(300_000))),
        ("a reset", events().write(failed.clone()).wait(Duration::from_millis(50)).reset()),
        ("a bad chunk", events().write(failed.clone()).write_raw("no size\r\n").close()),
        ("silence", events().write(failed.clone()).stall()),
        ("usage", events().write(failed.clone()).write(event("u:14")).stall()),
        ("stray lines", events().write(failed.clone() + "stray\n")),
    ] {
        let [streamed, _] = both(script, limits()).await;
        let error = streamed.expect_err(name);
        assert_eq!((error.kind(), error.message()), (Overloaded, "slow down"), "{name}");
        let partial = error.partial().expect("what came");
        assert_eq!(partial.text(), "Hello", "{name}");
        assert_eq!(partial.usage.total_tokens, (name == "usage").then_some(14), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_server_is_told_apart_from_a_silent_one() {
    let refused = RefusedPort::new().expect("a port");
    let error = streamed(&endpoint(&refused.url())).await.expect_err("no server");
    assert_eq!((error.kind(), error.retry()), (Connection, RetryAdvice::Now));
    assert!(error.message().starts_with("cannot reach http://127.0.0.1"), "{error}");
    let unknown = builder("https://unknown.invalid/v1").build(&HttpClient::new()).expect("settings");
    let error = streamed(&unknown).await.expect_err("no name");
    assert_eq!((error.kind(), error.is_retryable()), (Connection, true), "{error}");
    if let Ok(silent) = BlackholePort::new().await {
        let error = whole(&endpoint(&silent.url())).await.expect_err("nobody takes the call");
        assert_eq!((error.kind(), error.timeout()), (Timeout, Some(TimeoutPhase::Connect)), "{error:?}");
        let http =
            HttpClient::builder().connect_timeout(Duration::from_millis(100)).build().expect("settings");
        let patient = builder(&silent.url()).limits(HttpLimits::default()).build(&http).expect("settings");
        let error = whole(&patient).await.expect_err("nobody takes the call");
        assert!(
            error.message().contains("100ms") && error.timeout() == Some(TimeoutPhase::Connect),
            "{error}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_are_named_in_their_errors() {
    let long = "x".repeat(5_000);
    let small = |limits: HttpLimits| limits;
    for (script, limits, name) in [
        (events().write(event(&long)), small(limits().max_frame_bytes(1_000)), "max_frame_bytes"),
        (events().write(event("w:a").repeat(500)), limits().max_body_bytes(1_000), "max_body_bytes"),
        (Script::json(200, long.clone()), limits().max_body_bytes(1_000), "max_body_bytes"),
        (
            Script::with_body(200, "application/jsonl", long.clone()),
            limits().max_frame_bytes(1_000),
            "max_frame_bytes",
        ),
    ] {
        for outcome in both(script, limits).await {
            let error = outcome.expect_err(name);
            assert_eq!(error.kind(), InvalidResponse);
            assert!(error.message().contains(name) && error.message().contains("1000"), "{error}");
        }
    }
    let server = FaultServer::always(Script::json(500, long)).await.expect("a free port");
    let endpoint = builder(&server.url()).limits(limits().max_error_bytes(100));
    let error = whole(&endpoint.build(&HttpClient::new()).expect("settings")).await.expect_err("500");
    assert_eq!((error.kind(), error.message().len()), (Server, 100));
}

#[tokio::test]
async fn body_of_exactly_the_limit_is_an_answer() {
    let body = format!("w:{}", "x".repeat(998));
    for (limit, fits) in [(1_000, true), (999, false)] {
        let [streamed, whole] = both(Script::json(200, body.clone()), limits().max_body_bytes(limit)).await;
        assert_eq!((streamed.is_ok(), whole.is_ok()), (fits, fits), "{limit}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_of_another_server_point_to_the_base_url() {
    for (script, is_misdirected) in [
        (Script::html_error(200), true),
        (Script::html_error(404), true),
        (Script::html_error(403), true),
        (Script::json(404, "{\"detail\":\"Not Found\"}"), true),
        (Script::json(404, "{\"error\":\"no such model\"}"), false),
        (Script::html_error(502), false),
        (Script::json(401, "{\"message\":\"no key\"}"), false),
        (Script::with_body(200, "application/xml", "<?xml version=\"1.0\"?><Error/>"), true),
    ] {
        let [streamed, _] = both(script.clone(), limits()).await;
        let error = streamed.expect_err("no answer");
        let points = error.next_step().is_some_and(|step| step.contains("base_url"));
        assert_eq!(points, is_misdirected, "{script:?}: {error:?}");
        assert!(!error.message().contains('<'), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn redirect_is_not_followed_and_the_key_stays() {
    let other = FaultServer::always(Script::json(200, "w:Hi")).await.expect("a free port");
    for status in [301, 302, 303, 307, 308] {
        let to = format!("{}/?key={KEY}", other.url());
        let [streamed, _] = both(Script::redirect(status, to), limits()).await;
        let error = streamed.expect_err("a redirect");
        assert_eq!((error.kind(), error.status()), (InvalidResponse, Some(status)));
        assert!(error.message().contains(&format!("{}/?key=***", other.url())), "{error}");
    }
    assert_eq!(other.connection_count(), 0);
}

/// The most memory that the whole process may take, the server and all tests of this program included.
const PEAK_KIB: u64 = 400 << 10;

/// The limits are the defaults.
#[tokio::test(flavor = "multi_thread")]
async fn flood_does_not_fill_the_memory() {
    let at_once = Duration::ZERO;
    let large = event(&format!("w:{}", "x".repeat(256 << 10)));
    for (name, script, kind) in [
        ("events for ever", events().repeat_forever(large, at_once), InvalidResponse),
        ("an event without end", events().repeat_forever("x".repeat(64 << 10), at_once), InvalidResponse),
        (
            "a body for ever",
            Script::json(200, "").chunked().repeat_forever(" ".repeat(64 << 10), at_once),
            InvalidResponse,
        ),
        (
            "an error for ever",
            Script::json(500, "").chunked().repeat_forever("x".repeat(64 << 10), at_once),
            Server,
        ),
    ] {
        let server = FaultServer::always(script).await.expect("a free port");
        let endpoint = builder(&server.url()).limits(HttpLimits::default()).build(&HttpClient::new());
        let outcome = streamed(&endpoint.expect("good settings")).await;
        assert_eq!(outcome.expect_err(name).kind(), kind, "{name}");
        server.wait_for_all_closed().await.expect(name);
    }
    if let Some(peak) = peak_kib() {
        assert!(peak < PEAK_KIB, "{} MiB at the peak", peak >> 10);
    }
}

/// The most memory that this process ever had, as Linux tells it.
fn peak_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.split_whitespace().next()?.parse().ok()
}
