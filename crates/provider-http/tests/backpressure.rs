//! A reader that stops reading stops the socket: bytes that it does not want yet stay with the server. A
//! program of its own with one test, since it looks at the memory of the whole process.

#![allow(clippy::expect_used, reason = "tests fail by panicking, their helpers too")]
#![allow(clippy::print_stderr, reason = "a test that cannot look says so")]

mod support;

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use provider_core::{ChatStream, Event};
use provider_http::{HttpClient, HttpLimits};
use support::{Words, builder, event};
use tokio::time::sleep;

/// How much the server has to say, in bytes.
const WHOLE: usize = 64 << 20;
/// How much the kernel may hold of it between the two, at most. It takes a few MB; how many is up to the
/// system's settings.
const IN_SOCKETS: usize = WHOLE / 4;
/// How much this process may grow by meanwhile, in KiB.
const GROWTH: usize = 2 << 10;

/// The fate of the server's bytes.
#[derive(Default)]
struct Fate {
    /// The bytes that the socket took.
    written: AtomicUsize,
    /// How often it took none for a while.
    refusals: AtomicUsize,
    /// Whether the client left before all was said.
    left: AtomicBool,
}

/// Says small events to one client, as fast as it takes them. On a thread of its own, so that it writes while
/// the test reads nothing, and from one block of bytes, so that it does not grow itself.
fn chatterbox() -> (String, Arc<Fate>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let fate = Arc::new(Fate::default());
    let counts = fate.clone();
    let event = event("w:Hello");
    let block = format!("{:x}\r\n{event}\r\n", event.len()).repeat(64).into_bytes();
    thread::spawn(move || {
        let (mut socket, _) = listener.accept().expect("a client");
        socket.set_write_timeout(Some(Duration::from_millis(50))).expect("a wait");
        let _ = socket.read(&mut [0; 4096]).expect("a request");
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
    (url, fate)
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
async fn reader_that_stops_stops_the_socket() {
    if resident().is_none() {
        eprintln!("skipped: that memory stays the same (there is no /proc/self/smaps_rollup to tell)");
    }
    let (url, fate) = chatterbox();
    let limits = HttpLimits::default().max_body_bytes(2 * WHOLE);
    let endpoint = builder(&url).limits(limits).build(&HttpClient::new()).expect("settings");
    let mut stream = endpoint.get("chat").stream(Words::new).await.expect("a stream");
    read_one(&mut stream).await;
    let before = resident();
    for _ in 0..2 {
        sleep(Duration::from_millis(500)).await;
        read_one(&mut stream).await;
    }
    until("the server has to wait", || fate.refusals.load(SeqCst) > 0).await;
    let (after, written) = (resident(), fate.written.load(SeqCst));
    let grown = after.zip(before).map(|(after, before)| after.saturating_sub(before));
    assert!(written < IN_SOCKETS, "the server got rid of {written} bytes");
    assert!(grown.is_none_or(|grown| grown < GROWTH), "grew by {grown:?} KiB");
    assert!(!fate.left.load(SeqCst));
    drop(stream);
    until("the server sees the client leave", || fate.left.load(SeqCst)).await;
    assert!(fate.written.load(SeqCst) < IN_SOCKETS, "no more was taken");
}
