//! A request's messages are written once for every HTTP request, and copied nowhere beside that, whatever
//! layer is in between. In allocated bytes: a count does not depend on the machine.

#![allow(clippy::expect_used, reason = "tests fail by panicking, their helpers too")]

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use allocation_counter::measure;
use openrouter_provider::{Limits, body};
use provider_compare::Comparison;
use provider_core::{ChatRequest, FunctionTool, LlmProvider, LlmProviderExt, Part, RunOutcome, ToolSet};
use provider_layers::{FallbackLayer, FallbackSettings, Layer, RetryLayer, RetrySettings};
use provider_registry::{Registry, Workspace};
use provider_tests::{Reply, Request, ScriptedServer, chunk, openrouter};
use tokio::runtime::{Builder, Runtime};

/// The bytes of a request's long text and of its picture.
const TEXT: usize = 8_000_000;
const PICTURE: usize = 4_000_000;
const QUESTION: &str = "What of that is in the picture?";
/// The bytes that asking and reading may take, beside the bodies. Less than a copy of either.
const REST: usize = 1 << 20;

/// A request, and what it takes to write its body once.
struct Big {
    request: ChatRequest,
    length: usize,
    written: usize,
}

static BIG: LazyLock<Big> = LazyLock::new(|| {
    let line = "A text that comes from a file has lines, and the end of each is escaped in JSON.\n";
    let mut text = line.repeat(TEXT / line.len() + 1);
    text.truncate(TEXT);
    let picture = Part::image_url(format!("data:image/png;base64,{}", "iVBORw0K".repeat(PICTURE / 8)));
    let question = vec![Part::text(QUESTION), picture];
    let request = ChatRequest::new("openai/gpt-4o").user(text).user(question);
    let json = body::to_json(&request).expect("a body");
    // A list that grows while it is written is allocated again and again: how that adds up, writing the same
    // from values shows.
    let values: serde_json::Value = json.read().expect("JSON");
    let written = measure(|| drop(serde_json::to_vec(&values).expect("JSON")));
    Big { request, length: json.get().len(), written: bytes(written.bytes_total) }
});

fn bytes(count: u64) -> usize {
    usize::try_from(count).expect("a count of bytes in memory")
}

/// A server on a thread of its own, since what is counted is what the asking thread allocates.
struct Server {
    scripted: ScriptedServer,
    asked: Arc<AtomicUsize>,
    _thread: Runtime,
}

impl Server {
    /// Plays these replies in turn, and after them good answers, streamed or whole as they are asked for.
    fn start(replies: &'static [fn() -> Reply]) -> Self {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = asked.clone();
        let script = move |request: &Request| match replies.get(count.fetch_add(1, SeqCst)) {
            Some(reply) => reply(),
            None if request.body.ends_with(b"\"stream\":true}") => streamed(),
            None => whole(),
        };
        let thread = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a thread");
        let scripted = thread.block_on(ScriptedServer::start(script)).expect("a free port");
        Self { scripted, asked, _thread: thread }
    }
}

fn streamed() -> Reply {
    let end = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    Reply::events(chunk("Hello") + end)
}

fn whole() -> Reply {
    Reply::json(200, r#"{"choices":[{"message":{"content":"Hello"},"finish_reason":"stop"}]}"#)
}

fn overloaded() -> Reply {
    Reply::json(503, "{}")
}

fn tool_call() -> Reply {
    let call = r#"{"id":"call_1","type":"function","function":{"name":"get_time","arguments":"{}"}}"#;
    let message = format!(r#"{{"content":null,"tool_calls":[{call}]}}"#);
    Reply::json(200, format!(r#"{{"choices":[{{"message":{message},"finish_reason":"tool_calls"}}]}}"#))
}

fn bare(server: &ScriptedServer) -> Arc<dyn LlmProvider> {
    Arc::new(openrouter(server, Limits::default()))
}

/// Holds work against what it may allocate: a body for each HTTP request, of which there have to be so many.
fn costs(
    requests: usize,
    replies: &'static [fn() -> Reply],
    work: impl AsyncFnOnce(&ScriptedServer, &ChatRequest),
) {
    let Big { request, length, written } = &*BIG;
    let server = Server::start(replies);
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let measured = measure(|| runtime.block_on(work(&server.scripted, request)));
    let total = bytes(measured.bytes_total);
    let said =
        format!("{total} bytes for {requests} bodies of {length}, of which each takes {written} to write");
    assert_eq!(server.asked.load(SeqCst), requests);
    assert!(total >= requests * length, "cannot be all: {said}");
    assert!(total < requests * written + REST, "too much: {said}");
}

#[test]
fn a_stream_writes_its_body_once() {
    costs(1, &[], async |server, request| {
        let reply = bare(server).stream(request).await.expect("a stream").collect().await;
        assert_eq!(reply.expect("an answer").text(), "Hello");
    });
}

#[test]
fn a_whole_answer_takes_its_body_once() {
    costs(1, &[], async |server, request| {
        assert_eq!(bare(server).chat(request).await.expect("an answer").text(), "Hello");
    });
}

#[test]
fn a_workspace_and_the_standard_layers_copy_nothing() {
    costs(2, &[], async |server, request| {
        let registry = Registry::discover().expect("one provider");
        let mut workspace = Workspace::new("acme");
        let values = [("api_key", "sk-or-v1-abc"), ("base_url", &*server.url())];
        let instance = workspace.add(&registry, "OpenRouter", values).expect("good settings");
        let model = instance.model(&request.model);
        assert_eq!(model.chat(request).await.expect("an answer").text(), "Hello");
        let reply = model.stream(request).await.expect("a stream").collect().await;
        assert_eq!(reply.expect("an answer").text(), "Hello");
    });
}

#[test]
fn a_second_try_copies_nothing() {
    costs(2, &[overloaded], async |server, request| {
        let settings = RetrySettings::default().initial_delay(Duration::from_millis(1));
        let reply =
            RetryLayer::new(settings).layer(bare(server)).chat(request).await.expect("the second time");
        assert_eq!(reply.attempts.len(), 1);
    });
}

#[test]
fn another_model_gets_the_same_messages() {
    costs(2, &[overloaded], async |server, request| {
        let provider = FallbackLayer::new(FallbackSettings::default().to(bare(server), "a/b").allow_paid())
            .layer(bare(server));
        let reply = provider.chat(request).await.expect("an answer of the other model");
        assert_eq!(reply.attempts.len(), 1);
    });
}

/// The report, which says what was asked, has them, too.
#[test]
fn compared_models_get_the_same_messages() {
    costs(3, &[], async |server, request| {
        let provider = bare(server);
        let mut comparison = Comparison::new(request.clone());
        for model in ["a/a", "a/b", "a/c"] {
            comparison = comparison.cell(model, provider.clone(), model);
        }
        let report = comparison.run().await;
        assert_eq!(report.messages().map(|message| message.text.len()).sum::<usize>(), TEXT + QUESTION.len());
        assert!(report.cells.iter().all(|cell| cell.result.is_ok()));
    });
}

/// The loop adds to a conversation that its caller still holds: to a list of its own, of the same messages.
#[test]
fn a_tool_loop_goes_on_with_the_same_messages() {
    const CALLS: &[fn() -> Reply] = &[tool_call, tool_call];
    for calls in [1, 2] {
        costs(calls + 1, &CALLS[..calls], async |server, request| {
            let tool = FunctionTool::new("get_time", "The time of day");
            let tools = ToolSet::new().untyped(tool, |_call| async { "noon" });
            let run = bare(server).tool_loop(&tools).run(request).await;
            assert_eq!(run.request.messages[..2], request.messages[..]);
            assert_eq!((run.outcome, run.steps.len()), (RunOutcome::Answered, calls + 1));
        });
    }
}
