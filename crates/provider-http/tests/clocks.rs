//! Deadlines, on a paused clock: a transport of closures stands in for the network.

#![allow(clippy::expect_used, reason = "tests fail by panicking, their helpers too")]

mod support;

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use http_body::Frame;
use provider_core::{Error, ErrorKind, TimeoutPhase};
use provider_http::{Body, Endpoint, HttpClient, HttpLimits, TransportError, transport_fn};
use support::{Words, event};
use tokio::time::{Instant, Sleep, sleep};

/// A body that waits before each of its pieces, and in the end for ever.
struct Paced {
    pieces: Box<dyn Iterator<Item = (u64, String)> + Send>,
    next: Option<(Pin<Box<Sleep>>, String)>,
}

impl Paced {
    fn body(pieces: impl IntoIterator<Item = (u64, String), IntoIter: Send + 'static>) -> Body {
        Body::new(Self { pieces: Box::new(pieces.into_iter()), next: None })
    }
}

impl http_body::Body for Paced {
    type Data = Bytes;
    type Error = TransportError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, TransportError>>> {
        if self.next.is_none() {
            let Some((seconds, piece)) = self.pieces.next() else { return Poll::Pending };
            self.next = Some((Box::pin(sleep(Duration::from_secs(seconds))), piece));
        }
        let Some((wait, piece)) = &mut self.next else { return Poll::Pending };
        std::task::ready!(wait.as_mut().poll(cx));
        let piece = std::mem::take(piece).into();
        self.next = None;
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }
}

/// An endpoint whose answers have this body, with 10 s for a silence and 100 s for all.
fn endpoint(body: impl Fn() -> Body + Send + Sync + 'static) -> Endpoint {
    let transport = transport_fn(move |_| {
        let mut answer = Response::new(body());
        answer.headers_mut().insert("content-type", http::HeaderValue::from_static("text/event-stream"));
        async { Ok(answer) }
    });
    let seconds = Duration::from_secs;
    let limits = HttpLimits::default().read_timeout(seconds(10)).total_timeout(seconds(100));
    let endpoint = Endpoint::builder("https://acme.example").limits(limits);
    endpoint.build(&HttpClient::from_transport(transport)).expect("good settings")
}

/// The end of a stream, after how many seconds it came, and how much text had come.
async fn end_of(endpoint: Endpoint) -> (Result<(), Error>, u64, usize) {
    let begin = Instant::now();
    let stream = endpoint.post("chat").stream(Words::new).await.expect("a stream");
    let end = stream.collect().await;
    let text = match &end {
        Ok(reply) => reply.text().len(),
        Err(error) => error.partial().map_or(0, |partial| partial.text().len()),
    };
    (end.map(drop), begin.elapsed().as_secs(), text)
}

fn timeout(end: Result<(), Error>) -> TimeoutPhase {
    let error = end.expect_err("it ends in a timeout");
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Timeout, true), "{error}");
    error.timeout().expect("a phase")
}

#[tokio::test(start_paused = true)]
async fn silence_before_the_head_ends_the_wait() {
    let http = HttpClient::from_transport(transport_fn(|_| std::future::pending()));
    let (begin, limits) = (Instant::now(), HttpLimits::default());
    for (limits, phase, seconds) in [
        (limits, TimeoutPhase::Read, 120),
        (limits.total_timeout(Duration::from_secs(7)), TimeoutPhase::Deadline, 127),
    ] {
        let endpoint =
            Endpoint::builder("https://acme.example").limits(limits).build(&http).expect("settings");
        let error = endpoint.get("x").text().await.expect_err("silence");
        assert_eq!((error.timeout(), begin.elapsed().as_secs()), (Some(phase), seconds), "{error}");
        assert!(error.message().contains("https://acme.example"), "{error}");
    }
}

/// Without a transport of its own, a client says so with its first request.
#[cfg(not(feature = "hyper"))]
#[tokio::test]
async fn client_without_transport_asks_for_one() {
    let endpoint = Endpoint::builder("https://acme.example").build(&HttpClient::new()).expect("settings");
    let error = endpoint.get("x").text().await.expect_err("no transport");
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.next_step().is_some_and(|step| step.contains("HttpClient::from_transport")), "{error}");
}

#[tokio::test(start_paused = true)]
async fn silence_in_a_stream_ends_it() {
    let (end, seconds, text) =
        end_of(endpoint(|| Paced::body([(9, event("w:a")), (9, "data: w".into())]))).await;
    assert_eq!((timeout(end), seconds, text), (TimeoutPhase::Read, 28, 1));
}

#[tokio::test(start_paused = true)]
async fn signs_of_life_count_until_the_total() {
    let comments = || Paced::body(std::iter::repeat_with(|| (9, ": alive\n\n".to_owned())));
    let (end, seconds, _) = end_of(endpoint(comments)).await;
    assert_eq!((timeout(end), seconds), (TimeoutPhase::Deadline, 100));
}

#[tokio::test(start_paused = true)]
async fn slow_reader_is_not_the_silence_of_the_service() {
    let body = || Paced::body([(1, event("w:a")), (1, event("w:b")), (1, event("s:stop") + &event("."))]);
    let endpoint = endpoint(body);
    let mut stream = endpoint.post("chat").stream(Words::new).await.expect("a stream");
    while let Some(event) = stream.next().await {
        event.expect("a good stream");
        sleep(Duration::from_secs(30)).await;
    }
    assert_eq!(stream.into_response().expect("an answer").text(), "ab");
}

#[tokio::test(start_paused = true)]
async fn stream_without_waits_ends_in_time() {
    let endpoint = endpoint(|| Paced::body(std::iter::repeat_with(|| (0, event("w:a")))));
    let mut stream = endpoint.post("chat").stream(Words::new).await.expect("a stream");
    let mut events = 0;
    let error = loop {
        match stream.next().await.expect("an event or an error") {
            Ok(_) => events += 1,
            Err(error) => break error,
        }
        sleep(Duration::from_secs(1)).await;
    };
    assert_eq!(error.timeout(), Some(TimeoutPhase::Deadline));
    // The clock is read with every 64th piece.
    assert!((100..200).contains(&events), "{events} events");
}

#[tokio::test(start_paused = true)]
async fn usage_behind_an_error_is_waited_for_a_second() {
    let failed = event("w:a") + &event("!down");
    let (end, seconds, text) = end_of(endpoint({
        let failed = failed.clone();
        move || Paced::body([(0, failed.clone()), (5, event("u:7"))])
    }))
    .await;
    assert_eq!(end.expect_err("it failed").kind(), ErrorKind::Overloaded);
    assert_eq!((seconds, text), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn end_of_the_body_is_waited_for_a_moment() {
    let endpoint = endpoint(|| Paced::body([(0, event("w:a") + &event("."))]));
    let begin = Instant::now();
    endpoint.post("chat").stream(Words::new).await.expect("a stream").collect().await.expect("an answer");
    assert!(begin.elapsed() <= Duration::from_millis(110), "{:?}", begin.elapsed());
}

/// A connection is worth a few bytes behind the end mark, and no more.
#[tokio::test(start_paused = true)]
async fn body_that_goes_on_behind_its_end_is_left() {
    for (size, most) in [(1, 17), (4_096, 2)] {
        let taken = Arc::new(AtomicUsize::new(0));
        let counter = taken.clone();
        let endpoint = endpoint(move || {
            let counter = counter.clone();
            let more = std::iter::repeat_with(move || {
                counter.fetch_add(1, SeqCst);
                (0, "x".repeat(size))
            });
            Paced::body(std::iter::once((0, event("w:a") + &event("."))).chain(more))
        });
        endpoint.post("chat").stream(Words::new).await.expect("a stream").collect().await.expect("an answer");
        let taken = taken.load(SeqCst);
        assert!((1..=most).contains(&taken), "{taken} pieces of {size} bytes");
    }
}
