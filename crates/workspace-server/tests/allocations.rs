//! The allocations of a stream on its way through the server, from the socket of the upstream to that of the
//! client, with budget and record. A count does not depend on the machine.

#![allow(clippy::expect_used, clippy::panic, reason = "tests fail by panicking, their helpers too")]

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use allocation_counter::{AllocationInfo, measure};
use fault_server::{FaultServer, Script};
use messages_provider as _;
use openai_compatible_provider as _;
use provider_http::AddressPolicy;
use provider_registry::Registry;
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use workspace_server::{Server, ServerSettings};
use workspace_store::{Actor, MasterKey, NewProvider, NewToken, NewWorkspace, Role, Store};

/// A chunk with a word of five letters, as services send them.
const CHUNK: &str = r#"data: {"id":"gen-1760532574-2dAHZE6zUiSaYyanMrUf","provider":"OpenAI","model":"openai/gpt-4o","object":"chat.completion.chunk","created":1760532574,"choices":[{"index":0,"delta":{"role":"assistant","content":" word"},"finish_reason":null,"native_finish_reason":null,"logprobs":null}],"system_fingerprint":"fp_1"}"#;
const END: &str = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";

/// The stream of Anthropic's messages with so many words.
fn messages(words: usize) -> Script {
    let event = |kind: &str, rest: &str| format!("event: {kind}\ndata: {{\"type\":\"{kind}\"{rest}}}\n\n");
    let start = r#","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude","content":[],"usage":{"input_tokens":5,"output_tokens":1}}"#;
    let block = r#","index":0,"content_block":{"type":"text","text":""}"#;
    let delta = r#","index":0,"delta":{"type":"text_delta","text":" word"}"#;
    let end = r#","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":9}"#;
    Script::events(event("message_start", start) + &event("content_block_start", block))
        .repeat(event("content_block_delta", delta), words as u64, Duration::ZERO)
        .write(event("content_block_stop", r#","index":0"#))
        .write(event("message_delta", end) + &event("message_stop", ""))
}

fn chunks(words: usize) -> Script {
    Script::events("").repeat(format!("{CHUNK}\n\n"), words as u64, Duration::ZERO).write(END)
}

/// The allocations while a server relays one stream. The upstream, the client and the database are on other
/// threads, which do not count.
fn relayed(kind: &str, script: Script, path: &str, body: &str, end: &'static str) -> AllocationInfo {
    let others = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("threads");
    let upstream = others
        .block_on(FaultServer::start(move |request| match request.method.as_str() {
            "POST" => script.clone(),
            _ => Script::json(404, "{}"),
        }))
        .expect("a server");
    let folder = tempfile::tempdir().expect("a folder");
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (server, listener, token) = runtime.block_on(async {
        let key = MasterKey::dev_file(folder.path().join("key")).expect("a key");
        let url = format!("sqlite:{}", folder.path().join("host.db").display());
        let store = Store::open(&url, key).await.expect("a store");
        let (registry, by) = (Registry::discover().expect("providers"), Actor::new("tests"));
        store.create_workspace(NewWorkspace::new("acme"), &by).await.expect("a workspace");
        let provider = NewProvider::new(kind, [("api_key", "sk-key"), ("base_url", &*upstream.url())]);
        store.add_provider("acme", &registry, provider.id("local"), &by).await.expect("a provider");
        let token = store.create_token("acme", NewToken::new("t", Role::Member), &by).await.expect("a token");
        let policy = AddressPolicy::public().allow("127.0.0.0/8".parse().expect("a network"));
        let settings = ServerSettings::new(folder.path().join("runs")).addresses(policy);
        let server = Server::new(store, registry, settings).expect("a server");
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        (server, listener, token.text.expose().to_owned())
    });
    let address = listener.local_addr().expect("an address");
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    let (stop, stopped) = oneshot::channel::<()>();
    let client = std::thread::spawn(move || {
        read(address, &request, end);
        let _ = stop.send(());
    });
    let measured = measure(|| {
        let serving = server.serve(listener, async {
            let _ = stopped.await;
        });
        runtime.block_on(serving).expect("a clean end");
    });
    client.join().expect("the end of the stream");
    others.shutdown_background();
    measured
}

/// Reads an answer up to its end, into a buffer of its own.
fn read(address: SocketAddr, request: &str, end: &str) {
    let mut socket = TcpStream::connect(address).expect("a connection");
    socket.write_all(request.as_bytes()).expect("written");
    let (mut buffer, mut kept) = ([0; 16 << 10], 0);
    loop {
        let count = socket.read(&mut buffer[kept..]).expect("more of the answer");
        let seen = &buffer[..kept + count];
        if String::from_utf8_lossy(seen).contains(end) {
            return;
        }
        assert!(count > 0, "{}", String::from_utf8_lossy(seen));
        // An end mark may be cut.
        let last = seen.len().saturating_sub(64);
        let length = seen.len() - last;
        buffer.copy_within(last..last + length, 0);
        kept = length;
    }
}

const COMPLETIONS: &str = "/w/acme/v1/chat/completions";
const CHAT: &str = "/api/v1/workspaces/acme/chat";
const DONE: &str = "data: [DONE]\n\n";

#[test]
fn stream_is_relayed_in_few_allocations_and_is_not_collected() {
    let completion =
        r#"{"model":"local:m","stream":true,"max_tokens":9,"messages":[{"role":"user","content":"Hi"}]}"#;
    let chat = r#"{"message":"Hi","stream":true,"node":{"type":"ai-agent-node","config":{"model":"local:m","max_tokens":9}}}"#;
    // The buffers of HTTP have grown to their bounds by the shorter one.
    let (few, many) = (4_000, 12_000);
    let more = f64::from(many - few);
    // Each with its most blocks for a chunk: that of the JSON which is handed on.
    for (name, kind, script, path, body, end, most) in [
        (
            "relayed as it came",
            "OpenAI-Compatible",
            chunks as fn(usize) -> Script,
            COMPLETIONS,
            completion,
            DONE,
            1.3,
        ),
        ("written as chunks", "Anthropic", messages, COMPLETIONS, completion, DONE, 0.3),
        ("as the host's events", "OpenAI-Compatible", chunks, CHAT, chat, "event: done\n", 0.3),
    ] {
        let [small, large] = [few, many].map(|words| relayed(kind, script(words as usize), path, body, end));
        let blocks = (large.count_total as f64 - small.count_total as f64) / more;
        // The text of the answer is collected, with room to grow, and a part of it may wait in buffers.
        let kept = large.bytes_max as i64 - small.bytes_max as i64;
        let text = i64::from(many - few) * " word".len() as i64;
        assert!(blocks < most, "{name}: {blocks} allocations for a chunk");
        assert!(kept < text * 3 + (128 << 10), "{name}: {kept} bytes for {text} bytes of text");
    }
}
