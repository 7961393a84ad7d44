//! Whole calls over a real socket of this machine: what a host has to wait for beyond the service and the
//! network.
//!
//! Everything is in it, the HTTP library and the server too, which runs on a thread of its own; so these
//! figures are for holding against each other, bare provider and provider of a registry, and today's against
//! yesterday's. The server is one that plays a script, without a fault for once.
//!
//! * `apart`: a stream whose every chunk is written on its own, as a model does that is very quick.
//! * `at once`: the same stream in one piece, which leaves out most of the server's work.
//! * `chat`: a short answer that comes whole: the price of a call, on a connection that is open already.
//!
//! ```sh
//! cargo bench -p provider-tests --bench loopback
//! ```

#![allow(clippy::expect_used, reason = "benches fail by panicking, as tests do")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, Throughput};
use fault_server::{FaultServer, Script};
use openrouter_provider::OpenRouter;
use provider_core::{ChatRequest, ChatResponse, LlmProvider};
use provider_registry::Registry;
use tokio::runtime::{Builder, Runtime};

/// How many chunks with text a stream has.
const CHUNKS: usize = 1_000;

const TOKENS: [&str; 8] = ["The", " answer", " is", " a", " little", " longer", ",\\n\\n", " Caf\u{e9}"];

fn main() {
    let criterion = Criterion::default().sample_size(20).without_plots();
    let criterion =
        criterion.warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    let mut criterion = criterion.configure_from_args();

    // The server's thread, and that of the client.
    let far = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let near = Builder::new_current_thread().enable_all().build().expect("a runtime");

    let (apart, at_once) = (events(stream()), events(vec![stream().concat()]));
    for (name, script) in [("loopback/apart", apart), ("loopback/at once", at_once)] {
        let server = serve(&far, script);
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Elements(CHUNKS as u64));
        for (kind, provider) in both(&server) {
            group.bench_function(kind, |b| b.iter(|| near.block_on(read(&*provider))));
        }
        group.finish();
    }

    let server = serve(&far, Script::json(200, WHOLE));
    let mut group = criterion.benchmark_group("loopback/chat");
    for (kind, provider) in both(&server) {
        let request = request();
        group.bench_function(kind, |b| {
            b.iter(|| near.block_on(provider.chat(&request)).expect("an answer"));
        });
    }
    group.finish();
    criterion.final_summary();
}

fn serve(runtime: &Runtime, script: Script) -> FaultServer {
    runtime.block_on(FaultServer::always(script)).expect("a server")
}

/// OpenRouter alone, and as a registry connects it: with layers.
fn both(server: &FaultServer) -> [(&'static str, Arc<dyn LlmProvider>); 2] {
    let values = [("api_key", "sk-or-v1-0a1b2c3d".to_owned()), ("base_url", server.url())];
    let bare = OpenRouter::from_values(values.clone()).expect("good settings");
    let registry = Registry::discover().expect("providers");
    [("bare", Arc::new(bare)), ("registry", registry.connect("openrouter", values).expect("good settings"))]
}

fn request() -> ChatRequest {
    ChatRequest::new("openai/gpt-4o").system("You are brief.").user("Why is the sky blue?")
}

async fn read(provider: &dyn LlmProvider) -> ChatResponse {
    let mut stream = provider.stream(&request()).await.expect("a stream");
    while let Some(event) = stream.next().await {
        black_box(event.expect("an event"));
    }
    stream.into_response().expect("an answer")
}

fn events(pieces: Vec<String>) -> Script {
    Script::new(200).header("content-type", "text/event-stream").write_each(pieces)
}

/// A stream as the service sends it, frame by frame.
fn stream() -> Vec<String> {
    let chunk = |content: &str, reason: &str, usage: &str| {
        format!(
            r#"data: {{"id":"gen-1757000000-Qx7bTn3vKd9sLmZ2RwYc","provider":"OpenAI","model":"openai/gpt-4o","object":"chat.completion.chunk","created":1757000000,"choices":[{{"index":0,"delta":{{"role":"assistant","content":"{content}"}},"finish_reason":{reason},"native_finish_reason":{reason},"logprobs":null}}],"system_fingerprint":"fp_a7d06e42a7"{usage}}}"#
        ) + "\n\n"
    };
    let usage = r#","usage":{"prompt_tokens":24,"completion_tokens":1000,"total_tokens":1024,"cost":0.01006,"is_byok":false}"#;
    let mut frames = vec![": OPENROUTER PROCESSING\n\n".to_owned()];
    frames.extend((0..CHUNKS).map(|n| chunk(TOKENS[n % TOKENS.len()], "null", "")));
    frames.extend([chunk("", "\"stop\"", ""), chunk("", "null", usage), "data: [DONE]\n\n".to_owned()]);
    frames
}

const WHOLE: &str = r#"{"id":"gen-1757000000-Qx7bTn3vKd9sLmZ2RwYc","provider":"OpenAI","model":"openai/gpt-4o","object":"chat.completion","created":1757000000,"choices":[{"index":0,"logprobs":null,"finish_reason":"stop","native_finish_reason":"stop","message":{"role":"assistant","content":"Air scatters blue light more than red.","refusal":null,"reasoning":null}}],"system_fingerprint":"fp_a7d06e42a7","usage":{"prompt_tokens":24,"completion_tokens":9,"total_tokens":33,"cost":0.00015,"is_byok":false,"prompt_tokens_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}}}"#;
