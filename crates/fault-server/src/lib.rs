//! A scripted HTTP/1.1 server for tests of HTTP clients: it injects faults, byte by byte.
//!
//! The server listens on the loopback device and writes to its sockets without an HTTP library in between, so
//! that a script can break every rule that a library would keep. It knows no service: any client can be
//! tested against it.
//!
//! # A first fault
//!
//! A script says what goes over the wire, step by step. In this one a stream breaks off in the middle of an
//! event:
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
//! let mut response = String::new();
//! client.read_to_string(&mut response).await?;
//!
//! assert!(response.ends_with("\r\n\r\nf\r\ndata: {\"n\":1}\n\n\r\nb\r\ndata: {\"n\":\r\n"));
//! assert_eq!(server.requests()[0].path, "/stream");
//! # Ok(())
//! # }
//! ```
//!
//! # Parts of a script
//!
//! A [`Script`] has a head, steps and an end.
//!
//! * The **head** is a status and headers. [`Script::no_response`] and [`Script::raw`] have none.
//! * The **steps** are pieces of the body and waits between them, played in the order in which they were
//!   added.
//! * The **end** comes last, wherever it was added. Without one, the body ends as its framing wants it, and
//!   the connection serves the next request.
//!
//! The framing of a body is chunked by default, with one chunk for each piece. [`body`](Script::body) and
//! [`sized`](Script::sized) send its true `content-length` instead,
//! [`content_length`](Script::content_length) sends any that you claim, and [`unframed`](Script::unframed)
//! sends neither.
//!
//! # Choosing a script
//!
//! [`FaultServer::always`] plays one script for every request, [`FaultServer::sequence`] plays several in
//! order, and [`FaultServer::start`] asks a closure. The closure sees the [`Request`] and its numbers: among
//! all requests, that of its connection, and on its connection.
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
//! // Two workers: the third connection is accepted and never served.
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
//! In these tables `script` is a [`Script`] with a head, `none` is [`Script::no_response()`], `events` is a
//! script that streams, and `ms` makes milliseconds. "On accept" and "early" stand for a script that the
//! closure of [`on_accept`](FaultServerBuilder::on_accept) or
//! [`respond_early`](FaultServerBuilder::respond_early) returns.
//!
//! ## No connection
//!
//! | fault | script | a client sees |
//! |---|---|---|
//! | refused | [`RefusedPort::new()`](RefusedPort) | "connection refused" at once |
//! | dropped | [`BlackholePort::new()`](BlackholePort) | nothing, until its connect timeout |
//! | accepted and closed | on accept: `none.close()` | an end before the response |
//! | accepted and reset | on accept: `none.reset()` | "connection reset" |
//! | accepted, never served | on accept: `none.stall()` | nothing, until its read timeout |
//! | unsolicited bytes | on accept: `Script::raw("hello\r\n")` | garbage where the head should be |
//!
//! ## The connection ends
//!
//! Each end can come at each place: before the head (`none`), inside it
//! (`Script::raw("HTTP/1.1 200 OK\r\ncontent-le")`), behind it (`Script::new(200)`), inside the body
//! (`events`).
//!
//! | fault | script | a client sees |
//! |---|---|---|
//! | silence | `.stall()` | nothing more, until its read timeout |
//! | FIN | `.close()` | an end that comes too early |
//! | RST | `.reset()` | "connection reset" |
//! | closed after a good response | `.then_close()`, `.then_reset()` | a pooled connection that is dead |
//! | closed under the next request | by `number_on_connection`, as above | an end without a response |
//! | closed during a request | early: `none.reset()` | a broken pipe while it sends |
//! | an event stream without an end | `events.stall()` | all events, but not that they are all |
//! | a whole body without an end | `script.body(json).content_length(9999).stall()` | the same |
//!
//! ## The head
//!
//! | fault | script | a client sees |
//! |---|---|---|
//! | late | `.delay(ms(500))` | nothing for a while |
//! | byte by byte | `.slow_head(ms(20))` | a slow head, but no silence |
//! | another protocol | `.status_line("SSH-2.0-OpenSSH_9.6")` | no HTTP |
//! | an invalid status | `.status_line("HTTP/1.1 two hundred")`, `Script::new(42)` | no status |
//! | HTTP/1.0 | `.http_1_0()` | a body that ends with the connection |
//! | interim heads | `.interim(100).interim(103)` | the response, behind them |
//! | many headers | `.header_flood(10_000, 20)` | more than its limit |
//! | a huge header | `.header_flood(1, 1 << 20)` | more than its limit |
//! | a head without end | `.endless_head()` | more than its limit |
//! | header injection | `.header("x", "1\r\nset-cookie: a=b")` | one header more |
//! | a redirect to another origin | `Script::redirect(307, other.url())` | another origin |
//! | a redirect loop | `Script::redirect(307, request.path.clone())` | the same response again and again |
//!
//! ## The body
//!
//! | fault | script | a client sees |
//! |---|---|---|
//! | cut anywhere | `.write_split(event, [3, 1], ms(20))` | a part of an event, a line or a character |
//! | cut everywhere | `.trickle(event, 1, ms(5))` | one byte at a time |
//! | slow loris | `.throttle(1, ms(1000))` | bytes, but no progress |
//! | keep-alives for ever | `.repeat_forever(": keep-alive\n\n", ms(100))` | bytes, but no response |
//! | white space before JSON | `.repeat("\n", 5, ms(100)).write(json)` | JSON, behind it |
//! | too short | `.content_length(100).body("{}").close()` | a body with its end missing |
//! | too long | `.content_length(1).body("{}")` | bytes that belong to no response |
//! | 4 GiB claimed | `.content_length(1_u64 << 32).body("{}").stall()` | a length it must not allocate |
//! | no length at all | `.unframed().body("{}").close()` | a body that may be whole or not |
//! | two lengths | `.header("content-length", "5").body("{}")` | a contradiction |
//! | length and chunks | `.header("content-length", "5").chunked()` | a contradiction |
//! | bad chunks | `.write("a").bad_chunk(ChunkFault::NotHex)` | see [`ChunkFault`] |
//! | no last chunk | `.write("a").no_last_chunk()` | as for silence |
//! | a body without end | `.repeat(vec![0; 1 << 16], 1 << 20, Duration::ZERO)` | more than its limit |
//! | web page for JSON | `Script::html_error(502)` | HTML, as gateways send it |
//! | empty | `Script::new(200)`, `Script::json(200, "")` | a success without a body |
//! | compressed | `.gzip(json)`, `.deflate(json)` | compressed data, whether it asked or not |
//! | not compressed | `.header("content-encoding", "gzip").body(json)` | data that does not unpack |
//! | a bomb | `.gzip_bomb(1 << 30)` | a megabyte that becomes a gigabyte |
//! | bad UTF-8, byte order mark | `.body([b'"', 0xff, b'"'])`, `.body("\u{feff}{}")` | almost JSON |
//! | forged second response | `.followed_by(Script::json(200, forged))` | a response to its next request |
//! | early response | early: `Script::json(413, "{}").then_close()` | a response while it still sends |
//!
//! # Watching the client
//!
//! The server records every [`Request`], counts connections, and notices when a client closes its connection,
//! whatever script it is playing. A test can so prove that dropping a call closes its connection.
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
//! # Limits
//!
//! The server speaks neither TLS nor HTTP/2, and is no proxy. Its clock is tokio's: where a test pauses the
//! clock, a wait ends as soon as no task is left to run, which with real sockets is often too soon.

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
