use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use http_body::Frame;
use openrouter_provider as _;
use openrouter_sandbox::Sandbox;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use workspace_store::MasterKey;

use super::*;
use crate::observe::observe;

/// An answer of one character every 10 ms, which ends when it has so many or when the time to drain is over.
struct Ticks(usize, App, Pin<Box<tokio::time::Sleep>>);

impl HttpBody for Ticks {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.0 == 0 {
            return Poll::Ready(None);
        }
        std::task::ready!(self.2.as_mut().poll(cx));
        self.2 = Box::pin(sleep(Duration::from_millis(10)));
        if self.1.drained.is_cancelled() {
            self.0 = 0;
            return Poll::Ready(Some(Ok(Frame::data("stopped".into()))));
        }
        self.0 -= 1;
        Poll::Ready(Some(Ok(Frame::data(if self.0 == 0 { "end".into() } else { ".".into() }))))
    }
}

/// An answer that never waits and never ends.
struct Flood;

impl HttpBody for Flood {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&[b'x'; 65_536])))))
    }
}

struct Running {
    app: App,
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
    _folder: tempfile::TempDir,
}

/// A server with these routes: `/ticks` streams 50 characters, `/endless` does so without an end, `/flood` at
/// once, and `/read` reads a body.
async fn running(change: impl FnOnce(ServerSettings) -> ServerSettings) -> Running {
    let folder = tempfile::tempdir().expect("a folder");
    let key = MasterKey::generate().expect("a key");
    let url = format!("sqlite:{}", folder.path().join("host.db").display());
    let store = Store::open(&url, key).await.expect("a store");
    let settings = change(ServerSettings::new(folder.path().join("runs")));
    let app = Server::new(store, Registry::new(), settings).expect("a server").0;
    let ticks =
        |count: usize, app: App| async move { Body::new(Ticks(count, app, Box::pin(sleep(Duration::ZERO)))) };
    let (first, second) = (app.clone(), app.clone());
    let router = Router::new()
        .route("/ticks", get(move || ticks(50, first)))
        .route("/endless", get(move || ticks(usize::MAX, second)))
        .route("/flood", get(|| async { Body::new(Flood) }))
        .route("/read", post(|body: Bytes| async move { body.len().to_string() }))
        .layer(from_fn_with_state(app.clone(), observe));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let (stop, stopped) = oneshot::channel::<()>();
    let served = app.clone();
    let serving = tokio::spawn(async move {
        let stop = async {
            let _ = stopped.await;
        };
        run(&served, &router, listener, stop).await;
    });
    Running { app, address, stop, serving, _folder: folder }
}

/// Sends a request, and waits for the first bytes of its answer.
async fn ask(server: &Running, request: &str) -> (TcpStream, String) {
    let mut stream = TcpStream::connect(server.address).await.expect("a connection");
    stream.write_all(request.as_bytes()).await.expect("written");
    let mut first = [0; 4096];
    let read = stream.read(&mut first).await.expect("an answer");
    (stream, String::from_utf8_lossy(&first[..read]).into_owned())
}

async fn rest(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    let _ = timeout(Duration::from_secs(20), stream.read_to_end(&mut text)).await.expect("an end");
    String::from_utf8_lossy(&text).into_owned()
}

fn get_of(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n")
}

#[tokio::test]
async fn stop_lets_a_running_stream_finish() {
    let server = running(|settings| settings).await;
    let (mut stream, first) = ask(&server, &get_of("/ticks")).await;
    assert!(first.starts_with("HTTP/1.1 200 OK"), "{first}");
    server.stop.send(()).expect("serving");
    assert!(rest(&mut stream).await.ends_with("end\r\n0\r\n\r\n"));
    timeout(Duration::from_secs(10), server.serving).await.expect("an end").expect("no panic");
    assert!(TcpStream::connect(server.address).await.is_err(), "the listener is closed");
}

#[tokio::test]
async fn stream_beyond_the_time_to_drain_is_told_and_ended() {
    let server = running(|settings| settings.drain(Duration::from_millis(100))).await;
    let (mut stream, _) = ask(&server, &get_of("/endless")).await;
    server.stop.send(()).expect("serving");
    assert!(rest(&mut stream).await.ends_with("stopped\r\n0\r\n\r\n"));
    timeout(Duration::from_secs(10), server.serving).await.expect("an end").expect("no panic");
}

#[tokio::test]
async fn dropped_server_ends_streams_at_once() {
    let server = running(|settings| settings).await;
    let (mut stream, _) = ask(&server, &get_of("/endless")).await;
    server.serving.abort();
    let told = rest(&mut stream).await;
    assert!(!told.contains("stopped") && !told.ends_with("0\r\n\r\n"), "{told}");
}

#[tokio::test]
async fn client_that_reads_nothing_is_cut() {
    let server = running(|settings| settings.write_timeout(Duration::from_millis(200))).await;
    let (stream, _) = ask(&server, &get_of("/flood")).await;
    assert_eq!(server.app.metrics.open_requests(), 1);
    let ended = timeout(Duration::from_secs(20), async {
        while server.app.metrics.open_requests() > 0 {
            sleep(Duration::from_millis(10)).await;
        }
    });
    ended.await.expect("the answer goes on");
    drop(stream);
}

#[tokio::test]
async fn body_that_is_late_is_answered_with_408() {
    let server = running(|settings| settings.body_timeout(Duration::from_millis(200))).await;
    let head = "POST /read HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\n";
    let (mut late, first) = ask(&server, &format!("{head}half")).await;
    assert!(first.starts_with("HTTP/1.1 408 "), "{first}");
    assert!(first.contains("did not come in time"), "{first}");
    rest(&mut late).await;
    let (_, first) = ask(&server, &format!("{head}whole body")).await;
    assert!(first.starts_with("HTTP/1.1 200 ") && first.ends_with("10"), "{first}");
}

#[tokio::test]
async fn request_beyond_the_most_is_refused_until_one_ends() {
    let server = running(|settings| settings.max_open_requests(1)).await;
    let (first, _) = ask(&server, &get_of("/endless")).await;
    let (_, refused) = ask(&server, &get_of("/ticks")).await;
    assert!(refused.starts_with("HTTP/1.1 503 ") && refused.contains("retry-after: 1"), "{refused}");
    drop(first);
    let ended = timeout(Duration::from_secs(20), async {
        while server.app.metrics.open_requests() > 0 {
            sleep(Duration::from_millis(10)).await;
        }
    });
    ended.await.expect("the client has left");
    let (_, taken) = ask(&server, &get_of("/ticks")).await;
    assert!(taken.starts_with("HTTP/1.1 200 "), "{taken}");
}

#[tokio::test]
async fn provider_of_a_workspace_stays_off_the_host_s_network() {
    let sandbox = Sandbox::start().await.expect("a sandbox");
    let check = async |policy: provider_http::AddressPolicy, base_url: &str| {
        let settings = ServerSettings::new("runs").addresses(policy);
        let registry = guarded(Registry::discover().expect("providers"), &settings).expect("a client");
        let values = [("api_key", "sk-or-v1-secret"), ("base_url", base_url)];
        let provider = registry.connect("OpenRouter", values).expect("a provider");
        provider.check().await.map(|_| ())
    };
    use provider_http::AddressPolicy;
    let error = check(AddressPolicy::public(), sandbox.base_url()).await.expect_err("loopback");
    let text = error.to_string();
    assert!(text.contains("a loopback address") && !text.contains("secret"), "{text}");
    assert_eq!(sandbox.requests().len(), 0);
    let port = sandbox.address().port();
    // Whatever the spelling: the URL's parser makes 127.0.0.1 of some, and the look-up of names of others.
    for host in ["localhost", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "[::ffff:127.0.0.1]"] {
        let base_url = format!("https://{host}:{port}/api/v1");
        let error = check(AddressPolicy::public(), &base_url).await.expect_err(host);
        assert!(error.to_string().contains("a loopback address"), "{host}: {error}");
    }
    assert_eq!(sandbox.requests().len(), 0);
    let allowed = AddressPolicy::public().allow_socket(sandbox.address());
    check(allowed, sandbox.base_url()).await.expect("the sandbox");
}
