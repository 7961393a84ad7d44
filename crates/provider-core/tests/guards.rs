//! What guards of a stream see, and how they end it.

#![allow(clippy::expect_used, reason = "tests fail by panicking, their helpers too")]

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use provider_core::{
    ChatResponse, ChatStream, Collector, Error, ErrorKind, Event, EventSource, Step, StreamGuard,
};

/// What a source does when it is polled.
enum Play {
    /// These pieces of text, in one step.
    Texts(&'static [&'static str]),
    /// Text, and then nothing before it is polled again.
    TextAndWait(&'static str),
    Waits,
    Fails,
    Ends,
}

struct Source(VecDeque<Play>);

impl EventSource for Source {
    fn poll_step(&mut self, _: &mut Context<'_>, collector: &mut Collector) -> Poll<Result<Step, Error>> {
        match self.0.pop_front().expect("not asked beyond the end") {
            Play::Texts(texts) => {
                texts.iter().for_each(|text| collector.text(text));
                Poll::Ready(Ok(Step::More))
            }
            Play::TextAndWait(text) => {
                collector.text(text);
                Poll::Pending
            }
            Play::Waits => Poll::Pending,
            Play::Fails => Poll::Ready(Err(Error::new(ErrorKind::Upstream, "fell over"))),
            Play::Ends => {
                collector.end_mark();
                Poll::Ready(Ok(Step::End))
            }
        }
    }

    fn describe(&self, error: Error) -> Error {
        error.with_provider("acme")
    }
}

/// What happened, in order, with the name of the guard.
type Log = Arc<Mutex<Vec<String>>>;

/// Writes down what it sees, and ends the stream where it is told to.
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

impl StreamGuard for Guard {
    fn event(&mut self, event: &Event) -> Result<(), Error> {
        let Event::Text(text) = event else { panic!("only text was sent: {event:?}") };
        self.says(text);
        match self.ends_at {
            Some(end) if text == end => Err(Error::new(ErrorKind::LimitReached, self.name)),
            _ => Ok(()),
        }
    }

    fn poll_waiting(&mut self, _: &mut Context<'_>) -> Poll<Error> {
        self.says("waits");
        match self.ends_waiting {
            true => Poll::Ready(Error::new(ErrorKind::Timeout, self.name)),
            false => Poll::Pending,
        }
    }

    fn ended(&mut self, end: Result<&ChatResponse, &Error>) {
        match end {
            Ok(reply) => self.says(&format!("is done with {}", reply.text())),
            Err(error) => {
                assert_eq!(error.provider(), Some("acme"), "it is told what the reader is told");
                self.says(error.message());
            }
        }
    }

    fn left(&mut self, so_far: &ChatResponse, reason: Option<&Error>) {
        let reason = reason.map_or("gone", Error::message);
        self.says(&format!("is left with {:?}: {reason}", so_far.text()));
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.says("is dropped");
    }
}

fn stream(plays: impl IntoIterator<Item = Play>) -> ChatStream {
    ChatStream::new(Source(plays.into_iter().collect()))
}

/// Reads until there is nothing to read: texts, `finished`, `error`, `end` or `waits`.
fn read(stream: &mut ChatStream) -> Vec<String> {
    let mut read = Vec::new();
    loop {
        let next = pin!(stream.next()).poll(&mut Context::from_waker(Waker::noop()));
        let (word, is_last) = match next {
            Poll::Ready(Some(Ok(Event::Text(text)))) => (text.to_string(), false),
            Poll::Ready(Some(Ok(Event::Finished(_)))) => ("finished".to_owned(), false),
            Poll::Ready(Some(Ok(event))) => panic!("only text was sent: {event:?}"),
            Poll::Ready(Some(Err(error))) => (format!("error {}", error.message()), false),
            Poll::Ready(None) => ("end".to_owned(), true),
            Poll::Pending => ("waits".to_owned(), true),
        };
        read.push(word);
        if is_last {
            return read;
        }
    }
}

fn seen(log: &Log) -> Vec<String> {
    std::mem::take(&mut *log.lock().expect("a log"))
}

#[test]
fn a_guard_sees_everything_and_is_let_go_at_the_end() {
    let log = Log::default();
    let plays = [Play::Waits, Play::Texts(&["a", "b"]), Play::Texts(&[]), Play::Texts(&["c"]), Play::Ends];
    let mut stream = stream(plays).guarded(Guard::new("one", &log)).guarded(Guard::new("two", &log));
    assert_eq!(read(&mut stream), ["waits"]);
    assert_eq!(seen(&log), ["one waits", "two waits"]);
    assert_eq!(read(&mut stream), ["a", "b", "c", "finished", "end"]);
    let rest = ["one is done with abc", "one is dropped", "two is done with abc", "two is dropped"];
    assert_eq!(seen(&log), [&["one a", "two a", "one b", "two b", "one c", "two c"][..], &rest].concat());
    let stream = stream.guarded(Guard::new("late", &log));
    assert_eq!(seen(&log), ["late is done with abc", "late is dropped"]);
    assert_eq!(stream.into_response().map(|reply| reply.text().to_owned()), Ok("abc".to_owned()));
    assert_eq!(seen(&log), [""; 0]);
}

#[test]
fn text_that_came_before_a_wait_is_handed_out_at_once() {
    let log = Log::default();
    let mut stream = stream([Play::TextAndWait("a"), Play::Waits]).guarded(Guard::new("one", &log));
    assert_eq!(read(&mut stream), ["a", "waits"]);
    assert_eq!(seen(&log), ["one a", "one waits"]);
}

#[test]
fn a_guard_ends_a_stream_that_waits_and_what_had_come_stays() {
    let log = Log::default();
    let mut guard = Guard::new("late", &log);
    guard.ends_waiting = true;
    let plays = [Play::Texts(&["a"]), Play::Waits];
    let mut stream = stream(plays).guarded(guard).guarded(Guard::new("other", &log));
    assert_eq!(read(&mut stream), ["a", "error late", "end"]);
    let expected =
        ["late a", "other a", "late waits", "late late", "late is dropped", "other late", "other is dropped"];
    assert_eq!(seen(&log), expected);
    let error = stream.into_response().expect_err("it was ended");
    assert_eq!((error.kind(), error.provider()), (ErrorKind::Timeout, Some("acme")));
    assert_eq!(error.partial().map(|partial| partial.text()), Some("a"));
}

#[test]
fn a_guard_ends_a_stream_behind_an_event() {
    let log = Log::default();
    let mut guard = Guard::new("one", &log);
    guard.ends_at = Some("b");
    let mut ended = stream([Play::Texts(&["a", "b", "c"])]).guarded(guard);
    assert_eq!(read(&mut ended), ["a", "b", "c", "error one", "end"], "what was received is handed out");

    // The answer is whole: there is nothing left to end.
    let mut guard = Guard::new("one", &log);
    guard.ends_at = Some("b");
    let mut whole = stream([Play::Texts(&["a"]), Play::Ends]).guarded(guard);
    assert_eq!(read(&mut whole), ["a", "finished", "end"]);
}

#[test]
fn guards_are_told_of_every_kind_of_end_once() {
    let log = Log::default();
    let mut failing = stream([Play::Fails]).guarded(Guard::new("one", &log));
    assert_eq!(read(&mut failing), ["error fell over", "end"]);
    assert_eq!(seen(&log), ["one fell over", "one is dropped"]);
    let late = failing.guarded(Guard::new("late", &log));
    assert_eq!(seen(&log), ["late fell over", "late is dropped"], "the stream is over");
    drop(late);
    assert_eq!(seen(&log), [""; 0]);
}

#[test]
fn guards_are_told_of_a_reader_who_leaves() {
    let log = Log::default();
    let begun = || {
        let mut stream = stream([Play::Texts(&["a"]), Play::Waits]).guarded(Guard::new("one", &log));
        assert_eq!(read(&mut stream), ["a", "waits"]);
        seen(&log);
        stream
    };
    drop(begun());
    assert_eq!(seen(&log), ["one is left with \"a\": gone", "one is dropped"]);

    let error = begun().abandon(Error::new(ErrorKind::Timeout, "too slow"));
    assert_eq!((error.message(), error.provider()), ("too slow", Some("acme")));
    assert_eq!(seen(&log), ["one is left with \"a\": too slow", "one is dropped"]);

    let error = begun().into_response().expect_err("it is not read to its end");
    assert_eq!(
        seen(&log),
        [format!("one is left with \"a\": {}", error.message()), "one is dropped".to_owned()]
    );
}
