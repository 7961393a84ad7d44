//! Failures of services and of their connections, as the clients of both APIs see them.

use std::time::{Duration, Instant};

use fault_server::{FaultServer, Script};
use futures_util::future::join_all;
use openai_compatible_provider as _;
use openrouter_sandbox::FAILURES;
use provider_core::Usd;
use serde_json::Value;
use workspace_store::{Actor, Amount, Period, RunFilter, Scope};

use crate::bench::events;
use crate::door::{Answer, Door, ROLE, TEXT, hello, stream_of};

/// The statuses of the sandbox's failures, where they come before the first byte of an answer. The others are
/// `ANSWERED`, or fail in the answer: with 200 in a stream, and 502 or 504 without.
const STATUSES: &[(&str, u16)] = &[
    ("sandbox/rate-limit", 429),
    ("sandbox/rate-limit-minute", 429),
    ("sandbox/rate-limit-free", 429),
    ("sandbox/upstream-quota", 402),
    ("sandbox/overload", 503),
    ("sandbox/no-credits", 402),
    ("sandbox/in-flight-budget", 402),
    ("sandbox/too-expensive", 402),
    ("sandbox/key-limit", 402),
    ("sandbox/key-limit-402", 402),
    ("sandbox/guardrail-budget", 402),
    ("sandbox/workspace-budget", 402),
    ("sandbox/moderation", 403),
    ("sandbox/guardrail", 403),
    ("sandbox/content-filter", 403),
    ("sandbox/alignment", 403),
    ("sandbox/privacy", 404),
    ("sandbox/no-endpoints", 404),
    ("sandbox/context-length", 400),
    ("sandbox/context-length-upstream", 400),
    ("sandbox/upstream-error", 502),
    ("sandbox/server-error", 502),
    ("sandbox/html-error", 504),
    ("sandbox/error-200", 429),
    ("sandbox/empty", 502),
];

/// The failures that end in an answer.
const ANSWERED: &[&str] = &[
    "sandbox/content-filter-cut",
    "sandbox/refusal",
    "sandbox/no-done",
    "sandbox/slow-first-token",
    "sandbox/slow",
];

/// How a request is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// To the OpenAI-compatible API.
    Completion { stream: bool },
    /// To `…/chat`.
    Chat { stream: bool },
}

const WAYS: [Way; 4] = [
    Way::Completion { stream: false },
    Way::Completion { stream: true },
    Way::Chat { stream: false },
    Way::Chat { stream: true },
];

/// An answer as its client reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    Whole,
    /// An error with a status of its own, or in the answer.
    Error(u16),
}

impl Way {
    fn is_stream(self) -> bool {
        matches!(self, Way::Completion { stream: true } | Way::Chat { stream: true })
    }

    async fn ask(self, door: &Door, model: &str) -> Answer {
        match self {
            Way::Completion { stream } => door.ask(&hello(model, stream)).await,
            Way::Chat { stream } => door.chat(model, serde_json::json!({ "stream": stream })).await,
        }
    }

    /// Reads an answer as a client of this kind does.
    ///
    /// # Errors
    /// When it is in none of the shapes that are promised.
    fn seen(self, answer: &Answer) -> Result<Seen, &'static str> {
        match self {
            Way::Completion { stream } => completion_seen(answer, stream),
            Way::Chat { stream } => chat_seen(answer, stream),
        }
    }
}

fn completion_seen(answer: &Answer, stream: bool) -> Result<Seen, &'static str> {
    let is_done = answer.text.ends_with("data: [DONE]\n\n");
    let error = answer.error().filter(|error| !error.is_null());
    match (answer.status, error) {
        (200, None) if is_done == stream => Ok(Seen::Whole),
        (200, None) => Err("an answer without its end"),
        (200, Some(_)) if !stream || answer.text.contains("[DONE]") => Err("an error that looks like an end"),
        (_, None) => Err("a status without an error"),
        (_, Some(error)) if !error["message"].is_string() || !error["type"].is_string() => {
            Err("an error of another shape")
        }
        (200, Some(_)) => Ok(Seen::Error(200)),
        _ if answer.header("x-should-retry") != "false" => Err("an error that SDKs retry"),
        _ if answer.header("x-request-id").is_empty() => Err("an error without an id"),
        (status, Some(_)) => Ok(Seen::Error(status)),
    }
}

fn chat_seen(answer: &Answer, stream: bool) -> Result<Seen, &'static str> {
    if answer.status != 200 || !stream {
        let envelope = answer.json();
        return match (answer.status, envelope["status"].as_str()) {
            (200, Some("success")) if envelope["data"]["turn"] == "complete" => Ok(Seen::Whole),
            (status, Some("error")) if status != 200 && envelope["code"].is_string() => {
                Ok(Seen::Error(status))
            }
            _ => Err("an envelope of another shape"),
        };
    }
    let events = events(&answer.text);
    let find = |wanted: &str| events.iter().find(|(name, _)| name == wanted).map(|(_, data)| data);
    let turn = find("llm_call_end").map_or("", |end| end["turn"].as_str().unwrap_or_default());
    match (events.last().map(|(name, _)| name.as_str()), find("error"), turn) {
        (Some("done"), None, "complete") => Ok(Seen::Whole),
        (Some("done"), Some(error), "broken") if error["code"].is_string() => Ok(Seen::Error(200)),
        _ => Err("events without their end"),
    }
}

/// Adds a budget that all calls go through.
async fn budget(door: &Door) -> String {
    let (limit, by) = (Amount::Usd("1000".parse().expect("an amount")), Actor::new("tests"));
    let added = door.host.store.add_budget("acme", Scope::Workspace, limit, Period::Total, &by).await;
    added.expect("a budget").id
}

/// Waits until this many runs are recorded and nothing is reserved.
async fn settled(door: &Door, budget: &str, count: usize) {
    let begun = Instant::now();
    loop {
        let runs = door.host.store.runs("acme", &RunFilter::new(), None, 1000).await.expect("runs");
        let budget = door.host.store.budget("acme", budget).await.expect("a budget");
        if runs.len() == count && budget.reserved == Amount::Usd(Usd::ZERO) {
            return;
        }
        let waited = begun.elapsed();
        assert!(waited < Duration::from_secs(15), "{} of {count} runs, {:?}", runs.len(), budget.reserved);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_of_the_service_are_no_success() {
    let door = Door::open().await;
    let limits = [
        ("read_timeout", "3"),
        ("first_output_timeout", "5"),
        ("idle_timeout", "2"),
        // Comments that never end keep a whole answer open.
        ("total_timeout", "9"),
        ("max_attempts", "1"),
        ("breaker_failures", "1000"),
    ];
    door.add_sandbox("bad", &limits, |provider| provider).await;
    let budget = budget(&door).await;
    let mut wrong = Vec::new();
    for way in WAYS {
        let asked = FAILURES.iter().map(|(model, _)| {
            let door = &door;
            async move { (*model, way.ask(door, &format!("bad:{model}")).await) }
        });
        for (model, answer) in join_all(asked).await {
            let seen = way.seen(&answer);
            let status = STATUSES.iter().find(|(known, _)| *known == model).map(|(_, status)| *status);
            let fits = match (&seen, status) {
                (Err(_), _) => false,
                // This one fails on every other request.
                (Ok(_), _) if model == "sandbox/flaky" => true,
                (Ok(seen), _) if ANSWERED.contains(&model) => *seen == Seen::Whole,
                (Ok(seen), Some(status)) => *seen == Seen::Error(status),
                (Ok(seen), None) if way.is_stream() => *seen == Seen::Error(200),
                (Ok(seen), None) => matches!(seen, Seen::Error(400..)),
            };
            if !fits {
                wrong.push(format!("{model}, {way:?}: {seen:?} {} {:.200}", answer.status, answer.text));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    settled(&door, &budget, FAILURES.len() * WAYS.len()).await;
    assert_eq!(door.host.sandbox.open_streams(), 0, "a call upstream outlives its answer");
    door.host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn status_of_a_service_keeps_its_meaning() {
    let door = Door::open().await;
    let json = |status: u16, message: &str| {
        Script::json(status, serde_json::json!({"error": {"message": message}}).to_string())
    };
    // The service's answer; the status, OpenAI's word, the word of `…/chat` and the kind that clients get.
    let cases = [
        (json(400, "bad"), 400, "invalid_request", "invalid_request", "invalid_request"),
        (
            json(400, "maximum context length is 9 tokens"),
            400,
            "context_length_exceeded",
            "context_overflow",
            "context_length",
        ),
        (json(401, "no key"), 502, "provider_auth_error", "provider_auth_error", "authentication"),
        (json(402, "no money"), 402, "insufficient_quota", "payment_required", "payment_required"),
        (json(403, "not you"), 403, "permission_denied", "permission_denied", "permission_denied"),
        (
            json(403, "your input was flagged"),
            403,
            "content_policy_violation",
            "content_policy",
            "content_policy",
        ),
        // A service that has the path says what it has not; this one has no such path.
        (json(404, "gone"), 502, "config", "config", "not_found"),
        (
            json(404, "The model `m` does not exist"),
            404,
            "model_not_found",
            "model_not_found",
            "model_not_found",
        ),
        (Script::html_error(404), 502, "config", "config", "not_found"),
        (json(408, "late"), 504, "timeout", "timeout", "timeout"),
        (json(413, "large"), 413, "payload_too_large", "payload_too_large", "payload_too_large"),
        (json(422, "odd"), 400, "invalid_request", "invalid_request", "invalid_request"),
        (
            json(429, "slow").header("retry-after", "7"),
            429,
            "rate_limit_exceeded",
            "rate_limit",
            "rate_limited",
        ),
        (json(500, "fell"), 502, "provider_error", "provider_error", "server"),
        (json(502, "fell"), 502, "provider_error", "provider_error", "upstream"),
        (json(503, "busy"), 503, "overloaded", "overloaded", "overloaded"),
        (json(504, "late"), 504, "timeout", "timeout", "timeout"),
        (json(529, "busy"), 503, "overloaded", "overloaded", "overloaded"),
    ];
    for (number, (script, status, word, code, kind)) in cases.into_iter().enumerate() {
        let server = FaultServer::always(script).await.expect("a server");
        door.add("OpenAI-Compatible", &format!("s{number}"), server.url()).await;
        for way in WAYS {
            let answer = way.ask(&door, &format!("s{number}:m")).await;
            let body = answer.json();
            let found = match way {
                Way::Completion { .. } => (&body["error"]["code"], &body["error"]["metadata"]),
                Way::Chat { .. } => (&body["code"], &body["data"]),
            };
            let expected = if matches!(way, Way::Completion { .. }) { word } else { code };
            let facts = (answer.status, found.0.as_str(), found.1["kind"].as_str());
            assert_eq!(facts, (status, Some(expected), Some(kind)), "{way:?}: {body}");
            assert!(found.1.get("next_step").is_some(), "{body}");
            assert_eq!(answer.header("retry-after").is_empty(), status != 429, "{way:?}: {body}");
        }
    }
    door.host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_of_the_connection_are_no_success() {
    let door = Door::open().await;
    let ms = Duration::from_millis;
    let begun = || stream_of(&[ROLE, TEXT]);
    let call = r#"{"id":"c-1","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"look","arguments":"{\"at\":"}}]}}]}"#;
    let called = r#"{"id":"c-1","choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}"#;
    let usage = r#"{"id":"c-1","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}"#;
    let whole =
        r#"{"id":"c","choices":[{"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}]}"#;
    // Each with the status before the first byte; 200: the error is in the stream.
    let cases = [
        ("closed at once", Script::no_response().close(), 502),
        ("reset at once", Script::no_response().reset(), 502),
        ("silent at once", Script::no_response().stall(), 504),
        ("no HTTP", Script::raw("220 mail.example ESMTP\r\n").close(), 502),
        ("endless head", Script::new(200).endless_head(), 502),
        ("a flood of headers", Script::json(200, whole).header_flood(400, 400), 502),
        ("closed behind the head", Script::events("").close(), 502),
        ("silent behind the head", Script::events("").stall(), 504),
        ("comments alone", Script::events(": processing\n\n"), 502),
        ("the end mark alone", stream_of(&["[DONE]"]), 502),
        ("an empty success", Script::json(200, ""), 502),
        ("a web page", Script::html_error(200), 502),
        ("a web page of a gateway", Script::html_error(502), 502),
        ("a redirect", Script::redirect(307, "https://evil.example/"), 502),
        ("a bomb", Script::json(200, "").gzip_bomb(1 << 28), 502),
        ("a whole body cut short", Script::json(200, whole).content_length(9_999).close(), 502),
        ("an error in a success", Script::json(200, r#"{"error":{"code":429,"message":"no"}}"#), 429),
        ("closed in the stream", begun().close(), 200),
        ("reset in the stream", begun().wait(ms(50)).reset(), 200),
        ("silent in the stream", begun().stall(), 200),
        ("ended without an end", begun(), 200),
        ("without the last chunk", begun().no_last_chunk(), 200),
        ("cut in an event", begun().write("data: {\"choi").close(), 200),
        ("an unreadable frame", begun().write("data: {oops\n\n"), 200),
        ("a call cut by the connection", stream_of(&[ROLE, call]).close(), 200),
        ("a call cut and called finished", stream_of(&[ROLE, call, called, usage, "[DONE]"]), 200),
        ("a call cut before the end mark", stream_of(&[ROLE, call, "[DONE]"]), 200),
    ];
    let budget = budget(&door).await;
    let mut servers = Vec::new();
    for (number, (name, script, status)) in cases.into_iter().enumerate() {
        let server = FaultServer::always(script).await.expect("a server");
        door.add("OpenAI-Compatible", &format!("f{number}"), server.url()).await;
        servers.push((name, server, status));
    }
    let mut wrong = Vec::new();
    for way in WAYS {
        let asked = (0..servers.len()).map(|number| {
            let door = &door;
            async move { way.ask(door, &format!("f{number}:m")).await }
        });
        for (answer, (name, _, status)) in join_all(asked).await.into_iter().zip(&servers) {
            let seen = way.seen(&answer);
            // A server may stream unasked; then it is read, and the error has a status. The chat asks for a
            // stream in any case, and keeps the status of what fails before the first piece.
            let fits = match seen {
                Ok(Seen::Error(found)) if way.is_stream() || *status != 200 => found == *status,
                Ok(Seen::Error(found)) => found >= 500,
                _ => false,
            };
            let is_called = matches!(way, Way::Completion { .. })
                && answer.text.contains("\"finish_reason\":\"tool_calls\"");
            if !fits || is_called {
                wrong.push(format!("{name}, {way:?}: {seen:?} {} {:.300}", answer.status, answer.text));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    settled(&door, &budget, servers.len() * WAYS.len()).await;
    door.host.stop().await;
}

#[tokio::test]
async fn call_that_was_cut_is_billed_as_the_service_says() {
    let door = Door::open().await;
    let budget = budget(&door).await;
    let answer = door.ask(&hello("sandbox/truncated-tool-call", true)).await;
    assert!(answer.error().is_some_and(|error| error["message"].is_string()), "{}", answer.text);
    settled(&door, &budget, 1).await;
    let run = door.host.store.runs("acme", &RunFilter::new(), None, 1).await.expect("runs").remove(0);
    assert!(run.cost.is_some() && run.error_kind.as_deref() == Some("interrupted"), "{run:?}");
    let stored =
        door.chat("sandbox/truncated-tool-call", serde_json::json!({"conversation_id": "new"})).await;
    assert_eq!(stored.status, 502, "{}", stored.text);
    let id = stored.header("x-conversation-id");
    let leaves = door.host.store.branches("acme", id).await.expect("a branch");
    let leaf = serde_json::to_value(&leaves[0].message).expect("JSON");
    assert!(matches!(leaf["tool_calls"], Value::Null), "no call waits for its result: {leaf}");
    door.host.stop().await;
}
