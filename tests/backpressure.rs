//! A caller that stops reading stops the socket: what it does not want yet stays with the server, and not in
//! our memory. A program of its own with one test, since it looks at the memory of the whole process.

#![allow(clippy::expect_used, reason = "tests fail by panicking, their helpers too")]
#![allow(clippy::print_stderr, reason = "a test that cannot look says so")]

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use openrouter_provider::{Limits, OpenRouter};
use provider_core::{ChatStream, Event, LlmProvider};
use provider_registry::Registry;
use provider_tests::{chunk, request};
use tokio::time::sleep;

/// The bytes that the server has to send.
const WHOLE: usize = 64 << 20;
/// The bytes that the kernel may hold between the two, at most. It takes a few MB; how many is up to the
/// system's settings.
const IN_SOCKETS: usize = WHOLE / 4;
/// The growth of this process that is allowed meanwhile, in KiB.
const GROWTH: usize = 2 << 10;
const PAUSE: Duration = Duration::from_secs(1);

/// Counts of how the client took the server's words.
#[derive(Default)]
struct Told {
    /// The bytes that the socket took.
    written: AtomicUsize,
    /// How often it took nothing for a while.
    refusals: AtomicUsize,
    /// Whether the client went away before all was said.
    left: AtomicBool,
}

/// Says small pieces of text to one client, as fast as it takes them. On a thread of its own, so that it
/// writes while the test reads nothing, and from one block of bytes, so that it does not grow itself.
fn chatterbox() -> (String, Arc<Told>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let told = Arc::new(Told::default());
    let counts = told.clone();
    let event = chunk("Hello");
    let block = format!("{:x}\r\n{event}\r\n", event.len()).repeat(64).into_bytes();
    thread::spawn(move || {
        let (mut socket, _) = listener.accept().expect("a client");
        socket.set_write_timeout(Some(Duration::from_millis(50))).expect("a wait");
        read_request(&mut socket);
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
        socket.write_all(head.as_bytes()).expect("room for a head");
        let mut written = 0;
        while written < WHOLE {
            match socket.write(&block[written % block.len()..]) {
                Ok(count) => written += count,
                Err(full) if matches!(full.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    counts.refusals.fetch_add(1, SeqCst);
                }
                Err(_) => return counts.left.store(true, SeqCst),
            }
            counts.written.store(written, SeqCst);
        }
    });
    (url, told)
}

/// Its body is a JSON object, and nothing before that has a brace.
fn read_request(socket: &mut TcpStream) {
    let (mut request, mut buffer) = (Vec::new(), [0; 4096]);
    while !request.ends_with(b"}") {
        let count = socket.read(&mut buffer).expect("a request");
        assert!(count > 0, "the client left while it asked");
        request.extend_from_slice(&buffer[..count]);
    }
}

/// The provider alone, or with the layers that a registry puts around it. The bound on an answer is in
/// nobody's way: one is higher than what there is, and the other is not reached.
fn provider(url: &str, has_layers: bool) -> Arc<dyn LlmProvider> {
    if has_layers {
        let registry = Registry::discover().expect("no duplicates");
        return registry
            .connect("openrouter", [("api_key", "sk-or-v1-abc"), ("base_url", url)])
            .expect("settings");
    }
    let limits = Limits::default().max_body_bytes(2 * WHOLE);
    let builder = OpenRouter::builder().api_key("sk-or-v1-abc").base_url(url).limits(limits);
    Arc::new(builder.build().expect("good settings"))
}

/// The memory that this process occupies, in KiB, where the system tells.
fn resident() -> Option<usize> {
    // As `statm` has it, but that one lags behind by some pages for every processor.
    let rollup = std::fs::read_to_string("/proc/self/smaps_rollup").ok()?;
    rollup.lines().find_map(|line| line.strip_prefix("Rss:")?.trim().strip_suffix(" kB")?.parse().ok())
}

async fn read_one(stream: &mut ChatStream) {
    assert_eq!(stream.next().await.expect("an event").expect("a good one"), Event::Text("Hello".into()));
}

/// Waits for something that happens soon, unless the machine is busy.
async fn until(what: &str, is_so: impl Fn() -> bool) {
    for _ in 0..1_000 {
        if is_so() {
            return;
        }
        sleep(Duration::from_millis(10)).await;
    }
    panic!("never: {what}");
}

#[tokio::test]
async fn a_caller_that_stops_reading_stops_the_socket() {
    if resident().is_none() {
        eprintln!("skipped: that memory stays the same (there is no /proc/self/smaps_rollup to tell)");
    }
    for has_layers in [false, true] {
        let (url, told) = chatterbox();
        let mut stream = provider(&url, has_layers).stream(&request()).await.expect("a stream");
        read_one(&mut stream).await;
        let before = resident();
        for _ in 0..2 {
            sleep(PAUSE).await;
            read_one(&mut stream).await;
        }
        until("the server has to wait", || told.refusals.load(SeqCst) > 0).await;
        let (after, written) = (resident(), told.written.load(SeqCst));
        let grown = after.zip(before).map(|(after, before)| after.saturating_sub(before));
        assert!(written < IN_SOCKETS, "the server got rid of {written} bytes");
        assert!(grown.is_none_or(|grown| grown < GROWTH), "grew by {grown:?} KiB");
        assert!(!told.left.load(SeqCst));
        drop(stream);
        until("the server sees the client leave", || told.left.load(SeqCst)).await;
        assert!(told.written.load(SeqCst) < IN_SOCKETS, "nothing more was taken");
    }
}
