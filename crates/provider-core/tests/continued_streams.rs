//! Streams that another one goes on with: who is told what, and whose names errors have.

#![allow(clippy::expect_used, reason = "tests fail by panicking, their helpers too")]

use std::collections::VecDeque;
use std::future::{pending, ready};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use provider_core::author::{
    Activity, BlockKind, ChunkSource, Continuation, ErrorContext, NextPart, Progress, ResponseAccumulator,
    StreamObserver,
};
use provider_core::{BlockRef, ChatResponse, ChatStream, Error, ErrorKind, Event, Operation};
use provider_testing::{ScriptedProvider, Turn};

/// Goes on with these parts, and then gives up.
struct Parts(VecDeque<ChatStream>);

impl Continuation for Parts {
    fn go_on(&mut self, broken: Error) -> Result<NextPart, Error> {
        match self.0.pop_front() {
            Some(part) => Ok(Box::pin(ready(Ok(part)))),
            None => Err(broken.with_note("no part is left")),
        }
    }
}

fn parts<const N: usize>(parts: [ChatStream; N]) -> Parts {
    Parts(parts.into())
}

/// Never has a next part.
struct Waits;

impl Continuation for Waits {
    fn go_on(&mut self, _: Error) -> Result<NextPart, Error> {
        Ok(Box::pin(pending()))
    }
}

async fn stream(turn: Turn) -> ChatStream {
    use provider_core::LlmProvider;
    let provider = ScriptedProvider::new([turn]);
    provider.stream(&provider_core::ChatRequest::new("m").user("Hello")).await.expect("a stream")
}

async fn says(text: &str) -> ChatStream {
    stream(Turn::says(text)).await
}

async fn breaks(text: &str) -> ChatStream {
    stream(Turn::new().text(text).breaks_off()).await
}

type Log = Arc<Mutex<Vec<String>>>;

/// Writes down what it sees, and ends the stream at a text or where the reader waits.
struct Guard {
    name: &'static str,
    log: Log,
    ends_at: Option<&'static str>,
    ends_waiting: bool,
}

impl Guard {
    fn new(name: &'static str, log: &Log) -> Self {
        Self { name, log: log.clone(), ends_at: None, ends_waiting: false }
    }

    fn says(&self, what: &str) {
        self.log.lock().expect("a log").push(format!("{} {what}", self.name));
    }
}

impl StreamObserver for Guard {
    fn on_activity(&mut self, activity: Activity<'_>) -> Result<(), Error> {
        let Activity::Output(Event::Text(text)) = activity else { return Ok(()) };
        self.says(text);
        match self.ends_at == Some(text) {
            true => Err(Error::new(ErrorKind::Timeout, self.name)),
            false => Ok(()),
        }
    }

    fn poll_waiting(&mut self, _: &mut Context<'_>) -> Poll<Error> {
        match self.ends_waiting {
            true => Poll::Ready(Error::new(ErrorKind::Timeout, self.name)),
            false => Poll::Pending,
        }
    }

    fn on_end(&mut self, end: Result<&ChatResponse, &Error>) {
        match end {
            Ok(reply) => self.says(&format!("ends well: {}", reply.text())),
            Err(error) => self.says(&format!("ends: {}", error.kind())),
        }
    }

    fn on_leave(&mut self, so_far: &ChatResponse, _: Option<&Error>) {
        self.says(&format!("is left at: {}", so_far.text()));
    }
}

fn logged(log: &Log) -> Vec<String> {
    log.lock().expect("a log").clone()
}

#[tokio::test]
async fn observers_inside_watch_a_part_and_those_outside_the_answer() {
    let log = Log::default();
    let first = breaks("one ").await.observed(Guard::new("inner", &log));
    let second = says("two").await.observed(Guard::new("second", &log));
    let whole = first.continued_by(parts([second])).observed(Guard::new("outer", &log));
    assert_eq!(whole.collect().await.expect("an answer").text(), "one two");
    let expected = [
        "inner one ",
        "outer one ",
        "inner ends: answer interrupted",
        "second two",
        "outer two",
        "second ends well: two",
        "outer ends well: one two",
    ];
    assert_eq!(logged(&log), expected);
}

#[tokio::test]
async fn error_of_an_observer_inside_is_gone_on_with_and_one_outside_is_not() {
    let log = Log::default();
    let ends = |name| Guard { ends_at: Some("one "), ..Guard::new(name, &log) };
    let inside = says("one ").await.observed(ends("inner")).continued_by(parts([says("two").await]));
    assert_eq!(inside.collect().await.expect("an answer").text(), "one two");

    let outside = says("one ").await.continued_by(parts([says("two").await])).observed(ends("outer"));
    let error = outside.collect().await.expect_err("ended");
    assert_eq!((error.message(), error.partial().map(ChatResponse::text)), ("outer", Some("one ")));
}

#[tokio::test]
async fn observer_outside_ends_the_wait_for_a_part() {
    let log = Log::default();
    let outer = Guard { ends_waiting: true, ..Guard::new("outer", &log) };
    let whole = breaks("one ").await.continued_by(Waits).observed(outer);
    let error = whole.collect().await.expect_err("ended");
    assert_eq!((error.kind(), error.message()), (ErrorKind::Timeout, "outer"));
    assert_eq!(error.attempts().iter().map(Error::kind).collect::<Vec<_>>(), [ErrorKind::Interrupted]);
    assert_eq!(error.partial().map(ChatResponse::text), Some("one "));
    assert_eq!(logged(&log), ["outer one ", "outer ends: timeout"]);
}

#[tokio::test]
async fn reader_may_leave_while_a_part_is_waited_for() {
    let read = async || {
        let log = Log::default();
        let first = breaks("one ").await.observed(Guard::new("inner", &log));
        let mut whole = first.continued_by(Waits).observed(Guard::new("outer", &log));
        assert!(matches!(whole.next().await, Some(Ok(Event::Text(text))) if &*text == "one "));
        assert!(pin!(whole.next()).poll(&mut Context::from_waker(Waker::noop())).is_pending());
        (whole, log)
    };
    let (whole, log) = read().await;
    drop(whole);
    let left = ["inner one ", "outer one ", "inner ends: answer interrupted", "outer is left at: one "];
    assert_eq!(logged(&log), left);

    let abandoned = read().await.0.abandon(Error::new(ErrorKind::Timeout, "too late"));
    let unread = read().await.0.into_response().expect_err("not read");
    for (error, kind) in [(abandoned, ErrorKind::Timeout), (unread, ErrorKind::Interrupted)] {
        assert_eq!((error.kind(), error.attempts().len()), (kind, 1));
        assert_eq!(error.partial().map(ChatResponse::text), Some("one "));
    }
    // One that joins between the parts is shown nothing twice.
    let (whole, log) = read().await;
    drop(whole.observed(Guard::new("late", &log)));
    assert_eq!(logged(&log).last().map(String::as_str), Some("late is left at: one "));
}

#[tokio::test]
async fn stream_that_breaks_before_its_first_output_is_not_gone_on_with() {
    let broken = stream(Turn::new().breaks_off()).await.continued_by(parts([says("two").await]));
    let error = broken.collect().await.expect_err("broken");
    assert_eq!((error.kind(), error.attempts().len()), (ErrorKind::Interrupted, 0));
    assert!(!error.message().contains("no part is left"), "not even asked: {error}");
}

#[tokio::test]
async fn first_continuation_of_a_stream_counts() {
    let whole = breaks("one ").await.continued_by(parts([says("two").await])).continued_by(Waits);
    assert_eq!(whole.collect().await.expect("an answer").text(), "one two");
}

#[tokio::test]
async fn part_may_have_parts_itself() {
    let nested = breaks("two ").await.continued_by(parts([says("three").await]));
    let mut whole = breaks("one ").await.continued_by(parts([nested]));
    let mut seams = Vec::new();
    while let Some(event) = whole.next().await {
        if let Event::Seam(seam) = event.expect("an event") {
            seams.push(seam.at);
        }
    }
    let reply = whole.into_response().expect("an answer");
    assert_eq!((reply.text(), &*seams), ("one two three", &[4, 8][..]));
    assert_eq!(reply.seams.iter().map(|seam| seam.at).collect::<Vec<_>>(), seams);
    assert_eq!(reply.attempts.len(), 2);
}

/// A source whose errors name nobody.
struct Nameless(Option<&'static str>);

impl ChunkSource for Nameless {
    fn poll_progress(
        &mut self,
        _: &mut Context<'_>,
        accumulator: &mut ResponseAccumulator,
    ) -> Poll<Result<Progress, Error>> {
        Poll::Ready(match self.0.take() {
            Some(text) => {
                accumulator.push_text(text);
                Ok(Progress::More)
            }
            None => Err(Error::new(ErrorKind::Server, "gone")),
        })
    }
}

#[tokio::test]
async fn errors_have_the_names_of_their_own_part() {
    let context = |provider: &'static str| ErrorContext::new(provider, Operation::Stream).model("m");
    let part = |text| ChatStream::new(Nameless(Some(text)));
    let named = |error: &Error| error.provider().map(str::to_owned);

    let first = part("one ").in_context(context("acme")).named("acme-prod");
    let whole = first.continued_by(parts([part("two").in_context(context("other"))]));
    let error = whole.collect().await.expect_err("broken");
    assert_eq!(error.attempts().iter().map(named).collect::<Vec<_>>(), [Some("acme-prod".to_owned())]);
    assert_eq!(named(&error).as_deref(), Some("other"));

    // Names that were given around all parts stay.
    let first = part("one ").in_context(context("acme"));
    let whole = first.continued_by(parts([part("two")])).in_context(context("around")).named("instance");
    let error = whole.collect().await.expect_err("broken");
    assert_eq!((named(&error).as_deref(), error.model()), (Some("instance"), Some("m")));
}

#[tokio::test]
async fn recorded_blocks_have_the_text_of_all_parts() {
    let blocks = |text: &'static str| {
        move |answer: &mut ResponseAccumulator| {
            answer.start_block(BlockKind::Text);
            answer.push_text(text);
        }
    };
    let second = Turn::new().apply(blocks("two, ")).apply(blocks("three")).finish("stop");
    let first = stream(Turn::new().apply(blocks("one, ")).breaks_off()).await;
    let whole = first.continued_by(parts([stream(second).await]));
    let reply = whole.collect().await.expect("an answer");
    let texts: Vec<_> = reply.message.blocks().collect();
    assert_eq!(texts, [BlockRef::Text("one, two, "), BlockRef::Text("three")]);
}
