//! A scripted HTTP server for tests that misbehaves in every way a bad day has.
//!
//! It speaks HTTP/1.1 on the loopback device, byte by byte and without a library in between, so that
//! everything which a library would set right can go wrong. It knows nothing of any service: whoever writes a
//! client can use it.
//!
//! # A first fault
//!
//! A script says what goes over the wire, step by step. Here a stream breaks off in the middle of an event:
//!
//! ```
//! use std::time::Duration;
//!
//! use fault_server::{FaultServer, Script};
//! # use tokio::io::{AsyncReadExt, AsyncWriteExt};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! let server = FaultServer::start(|request| match request.path.as_str() {
//!     "/stream" => Script::new(200)
//!         .header("content-type", "text/event-stream")
//!         .write("data: {\"n\":1}\n\n")
//!         .wait(Duration::from_millis(50))
//!         .write("data: {\"n\":")
//!         .close(),
//!     _ => Script::json(404, r#"{"error":"no such page"}"#),
//! })
//! .await?;
//!
//! // Your client goes here, with `server.url()` as its base URL.
//! let mut client = tokio::net::TcpStream::connect(server.address()).await?;
//! client.write_all(b"GET /stream HTTP/1.1\r\nhost: test\r\n\r\n").await?;
//! let mut answer = String::new();
//! client.read_to_string(&mut answer).await?;
//!
//! assert!(answer.ends_with("\r\n\r\nf\r\ndata: {\"n\":1}\n\n\r\nb\r\ndata: {\"n\":\r\n"));
//! assert_eq!(server.requests()[0].path, "/stream");
//! # Ok(())
//! # }
//! ```
//!
//! # What a script is
//!
//! A [`Script`] has a head, steps and an end.
//!
//! * The **head** is a status and headers. [`Script::no_response`] and [`Script::raw`] have none.
//! * The **steps** are pieces of the body and waits between them, in the order in which they were said.
//! * The **end** comes last, wherever it was said: without one, the body is ended as it should be and the
//!   connection serves the next request.
//!
//! A body is chunked, each piece a chunk; [`body`](Script::body) and [`sized`](Script::sized) say its length
//! instead, [`content_length`](Script::content_length) claims one, [`unframed`](Script::unframed) says
//! nothing.
//!
//! # Which script
//!
//! [`FaultServer::always`] plays one script for every request, [`FaultServer::sequence`] several in their
//! order, and [`FaultServer::start`] asks a closure, which sees the [`Request`] and its numbers: of all
//! requests, of its connection, and on its connection.
//!
//! ```
//! # use fault_server::{FaultServer, Script};
//! # async fn example() -> std::io::Result<()> {
//! // Overloaded once, broken once, then well.
//! FaultServer::sequence([
//!     Script::json(529, "{}").header("retry-after", "1"),
//!     Script::no_response().reset(),
//!     Script::json(200, r#"{"ok":true}"#),
//! ])
//! .await?;
//!
//! // The second request on any connection finds it closed.
//! FaultServer::start(|request| match request.number_on_connection {
//!     1 => Script::json(200, "{}"),
//!     _ => Script::no_response().close(),
//! })
//! .await?;
//!
//! // Two workers: whoever comes third is let in and never served.
//! FaultServer::builder()
//!     .on_accept(|connection| (connection > 2).then(|| Script::no_response().stall()))
//!     .start(|_| Script::json(200, "{}"))
//!     .await?;
//! # Ok(())
//! # }
//! ```
//!
//! # The faults
//!
//! In these tables `script` is a [`Script`] with a head, `events` one that streams, and `ms` makes
//! milliseconds.
//!
//! ## No connection
//!
//! | fault | script | a client sees |
//! |---|---|---|
//! | refused | [`RefusedPort::new()`](RefusedPort) | "connection refused" at once |
//! | dropped | [`BlackholePort::new()`](BlackholePort) | nothing, until its connect timeout |
//! | accepted and closed | `builder().on_accept(\|_\| Some(Script::no_response().close()))` | an end before the answer |
//! | accepted and reset | `builder().on_accept(\|_\| Some(Script::no_response().reset()))` | "connection reset" |
//! | accepted, never served | `builder().on_accept(\|n\| (n > 2).then(\|\| Script::no_response().stall()))` | nothing, until its read timeout |
//! | bytes that nobody asked for | `builder().on_accept(\|_\| Some(Script::raw("hello\r\n")))` | garbage where the head should be |
//!
//! ## The connection ends
//!
//! Each of these ends goes with every place: before the head (`Script::no_response()`), inside it
//! (`Script::raw("HTTP/1.1 200 OK\r\ncontent-le")`), behind it (`Script::new(200)`), inside the body
//! (`events`).
//!
//! | fault | script | a client sees |
//! |---|---|---|
//! | silence | `.stall()` | nothing more, until its read timeout |
//! | FIN | `.close()` | an end that comes too early |
//! | RST | `.reset()` | "connection reset" |
//! | closed after a good answer | `.then_close()`, `.then_reset()` | a good answer, and a pooled connection that is dead |
//! | closed under the next request | by `request.number_on_connection`, as above | an end without an answer; a request that may be sent again |
//! | closed during a request | `builder().respond_early(\|_\| Some(Script::no_response().reset()))` | a broken pipe while it sends |
//! | the end of the body never comes | `events.stall()`, `script.body(json).content_length(9999).stall()` | all of the answer, but not that it is all |
//!
//! ## The head
//!
//! | fault | script | a client sees |
//! |---|---|---|
//! | late | `.delay(ms(500))` | nothing for a while |
//! | byte by byte | `.slow_head(ms(20))` | a head that takes its time, without ever being silent |
//! | another protocol | `.status_line("SSH-2.0-OpenSSH_9.6")` | no HTTP |
//! | status that is none | `.status_line("HTTP/1.1 two hundred")`, `Script::new(42)` | no status |
//! | HTTP/1.0 | `.http_1_0()` | a body that ends with the connection |
//! | interim heads | `.interim(100).interim(103)` | the answer, behind them |
//! | many headers, a huge one | `.header_flood(10_000, 20)`, `.header_flood(1, 1 << 20)` | more than its bound |
//! | a head without end | `.endless_head()` | more than its bound |
//! | header injection | `.header("x", "1\r\nset-cookie: a=b")` | one header more |
//! | redirects | `Script::redirect(307, other.url())`, `Script::redirect(307, request.path.clone())` | another origin, a loop |
//!
//! ## The body
//!
//! | fault | script | a client sees |
//! |---|---|---|
//! | cut anywhere | `.write_split(event, [3, 1], ms(20))`, `.trickle(event, 1, ms(5))` | a part of an event, a line or a character |
//! | slow loris | `.throttle(1, ms(1000))` | bytes, but no progress |
//! | signs of life for ever | `.repeat_forever(": keep-alive\n\n", ms(100))` | bytes, but no answer |
//! | white space before JSON | `.repeat("\n", 5, ms(100)).write(json)` | JSON, behind it |
//! | too short, too long | `.content_length(100).body("{}").close()`, `.content_length(1).body("{}")` | something is missing; bytes that belong to no answer |
//! | 4 GiB claimed | `.content_length(1_u64 << 32).body("{}").stall()` | a length it must not set memory aside for |
//! | no length at all | `.unframed().body("{}").close()` | a body that may be whole or not |
//! | two lengths | `.header("content-length", "5").body("{}")`, `.header("content-length", "5").chunked()` | a contradiction |
//! | bad chunks | `.write("a").bad_chunk(ChunkFault::NotHex)` | see [`ChunkFault`] |
//! | no last chunk | `.write("a").no_last_chunk()` | as for silence |
//! | a body without end | `.repeat(vec![0; 1 << 16], 1 << 20, Duration::ZERO)` | more than its bound |
//! | web page for JSON | `Script::html_error(502)` | HTML, as gateways say it |
//! | empty | `Script::new(200)`, `Script::json(200, "")` | a success that says nothing |
//! | compressed | `.gzip(json)`, `.deflate(json)` | packed data, whether it asked or not |
//! | said to be compressed | `.header("content-encoding", "gzip").body(json)` | data that cannot be unpacked |
//! | a bomb | `.gzip_bomb(1 << 30)` | a megabyte that becomes a gigabyte |
//! | bad UTF-8, byte order mark | `.body([b'"', 0xff, b'"'])`, `.body("\u{feff}{}")` | almost JSON |
//! | forged second reply | `.followed_by(Script::json(200, forged))` | an answer to what it asks next |
//! | early answer | `builder().respond_early(\|_\| Some(Script::json(413, "{}").then_close()))` | an answer while it still sends |
//!
//! # What clients do
//!
//! The server writes down every [`Request`] and counts connections, and it notices when a client goes,
//! whatever it is playing: proof that dropping a call closes its connection.
//!
//! ```
//! # use std::time::Duration;
//! # use fault_server::{FaultServer, Script};
//! # use tokio::io::AsyncWriteExt;
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! let stream = Script::events("").repeat_forever(": keep-alive\n\n", Duration::from_millis(10));
//! let server = FaultServer::always(stream).await?;
//! let mut call = tokio::net::TcpStream::connect(server.address()).await?;
//! call.write_all(b"POST /chat HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}").await?;
//! server.wait_for_requests(1).await?;
//! assert_eq!(server.open_connections(), 1);
//!
//! drop(call);
//! server.wait_for_client_close(1).await?;
//! assert_eq!((server.open_connections(), server.closed_by_client()), (0, 1));
//! # Ok(())
//! # }
//! ```
//!
//! # What it does not do
//!
//! TLS, HTTP/2, proxies. Time is tokio's: where a test pauses the clock, waits go by as soon as nothing else
//! is left to do, which with real sockets is often too soon.

mod bytes;
pub mod coding;
mod connection;
mod play;
mod port;
mod request;
mod request_reader;
mod script;
mod server;
mod state;

pub use port::{BlackholePort, RefusedPort};
pub use request::Request;
pub use script::{ChunkFault, Script};
pub use server::{FaultServer, FaultServerBuilder};
