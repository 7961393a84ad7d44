//! Stream observers: what they see, and how they end a stream.

#![allow(clippy::expect_used, reason = "tests fail by panicking, their helpers too")]

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use provider_core::author::{
    Activity, ChunkSource, ErrorContext, Progress, ResponseAccumulator, StreamObserver, ToolCallPiece,
};
use provider_core::{
    Annotation, Audio, ChatResponse, ChatStream, Error, ErrorKind, Event, Image, Operation, RawJson, Usage,
};

/// The step that a source takes when it is polled.
enum Play {
    /// This is handed over.
    Hands(fn(&mut ResponseAccumulator)),
    /// A keep-alive comes: nothing is handed over.
    KeepsAlive,
    /// The JSON of a chunk, and then nothing before it is polled again.
    RawAndWait,
    /// These pieces of text, in one step.
    Texts(&'static [&'static str]),
    /// Text, and then nothing before it is polled again.
    TextAndWait(&'static str),
    Waits,
    Fails,
    Ends,
}

struct Source(VecDeque<Play>);

impl ChunkSource for Source {
    fn poll_progress(
        &mut self,
        _: &mut Context<'_>,
        accumulator: &mut ResponseAccumulator,
    ) -> Poll<Result<Progress, Error>> {
        match self.0.pop_front().expect("not asked beyond the end") {
            Play::Hands(hand) => {
                hand(accumulator);
                Poll::Ready(Ok(Progress::More))
            }
            Play::KeepsAlive => Poll::Ready(Ok(Progress::More)),
            Play::RawAndWait => {
                accumulator.push_raw(RawJson::default());
                Poll::Pending
            }
            Play::Texts(texts) => {
                texts.iter().for_each(|text| accumulator.push_text(text));
                Poll::Ready(Ok(Progress::More))
            }
            Play::TextAndWait(text) => {
                accumulator.push_text(text);
                Poll::Pending
            }
            Play::Waits => Poll::Pending,
            Play::Fails => Poll::Ready(Err(Error::new(ErrorKind::Upstream, "fell over"))),
            Play::Ends => {
                accumulator.set_end_marked();
                Poll::Ready(Ok(Progress::End))
            }
        }
    }

    fn describe(&self, error: Error) -> Error {
        error.with_provider("acme")
    }
}

/// The log of what happened, in order, with the name of the guard.
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

impl StreamObserver for Guard {
    fn on_activity(&mut self, activity: Activity<'_>) -> Result<(), Error> {
        let what = match activity {
            Activity::Output(Event::Text(text)) => text.as_str(),
            Activity::Output(event) => panic!("only text was sent: {event:?}"),
            _ => "lives",
        };
        self.says(what);
        match self.ends_at {
            Some(end) if what == end => Err(Error::new(ErrorKind::LimitReached, self.name)),
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

    fn on_end(&mut self, end: Result<&ChatResponse, &Error>) {
        match end {
            Ok(reply) => self.says(&format!("is done with {}", reply.text())),
            Err(error) => {
                assert_eq!(error.provider(), Some("acme"), "it is told what the reader is told");
                self.says(error.message());
            }
        }
    }

    fn on_leave(&mut self, so_far: &ChatResponse, reason: Option<&Error>) {
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
            Poll::Ready(Some(Ok(Event::Raw(_)))) => ("raw".to_owned(), false),
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

/// Waits for the stream to begin, as far as it gets without waiting.
fn ready(stream: &mut ChatStream) -> Poll<Result<(), Error>> {
    pin!(stream.ready()).poll(&mut Context::from_waker(Waker::noop()))
}

fn seen(log: &Log) -> Vec<String> {
    std::mem::take(&mut *log.lock().expect("a log"))
}

#[test]
fn a_guard_sees_everything_and_is_let_go_at_the_end() {
    let log = Log::default();
    let plays = [Play::Waits, Play::Texts(&["a", "b"]), Play::Texts(&[]), Play::Texts(&["c"]), Play::Ends];
    let mut stream = stream(plays).observed(Guard::new("one", &log)).observed(Guard::new("two", &log));
    assert_eq!(read(&mut stream), ["waits"]);
    assert_eq!(seen(&log), ["one waits", "two waits"]);
    assert_eq!(read(&mut stream), ["a", "b", "c", "finished", "end"]);
    let rest = ["one is done with abc", "one is dropped", "two is done with abc", "two is dropped"];
    assert_eq!(seen(&log), [&["one a", "two a", "one b", "two b", "one c", "two c"][..], &rest].concat());
    let stream = stream.observed(Guard::new("late", &log));
    assert_eq!(seen(&log), ["late is done with abc", "late is dropped"]);
    assert_eq!(stream.into_response().map(|reply| reply.text().to_owned()), Ok("abc".to_owned()));
    assert_eq!(seen(&log), [""; 0]);
}

#[test]
fn text_that_came_before_a_wait_is_handed_out_at_once() {
    let log = Log::default();
    let mut stream = stream([Play::TextAndWait("a"), Play::Waits]).observed(Guard::new("one", &log));
    assert_eq!(read(&mut stream), ["a", "waits"]);
    assert_eq!(seen(&log), ["one a", "one waits"]);
}

#[test]
fn a_guard_ends_a_stream_that_waits_and_what_had_come_stays() {
    let log = Log::default();
    let mut guard = Guard::new("late", &log);
    guard.ends_waiting = true;
    let plays = [Play::Texts(&["a"]), Play::Waits];
    let mut stream = stream(plays).observed(guard).observed(Guard::new("other", &log));
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
    let mut ended = stream([Play::Texts(&["a", "b", "c"])]).observed(guard);
    assert_eq!(read(&mut ended), ["a", "b", "c", "error one", "end"], "what was received is handed out");

    // Of two that end it there, the inner one is heard.
    let [inner, outer] = ["inner", "outer"].map(|name| {
        let mut guard = Guard::new(name, &log);
        guard.ends_at = Some("b");
        guard
    });
    let mut ended = stream([Play::Texts(&["a", "b"])]).observed(inner).observed(outer);
    assert_eq!(read(&mut ended), ["a", "b", "error inner", "end"]);

    // The answer is whole: there is nothing left to end.
    let mut guard = Guard::new("one", &log);
    guard.ends_at = Some("b");
    let mut whole = stream([Play::Texts(&["a"]), Play::Ends]).observed(guard);
    assert_eq!(read(&mut whole), ["a", "finished", "end"]);
}

#[test]
fn guards_are_told_of_every_kind_of_end_once() {
    let log = Log::default();
    let mut failing = stream([Play::Fails]).observed(Guard::new("one", &log));
    assert_eq!(read(&mut failing), ["error fell over", "end"]);
    assert_eq!(seen(&log), ["one fell over", "one is dropped"]);
    let late = failing.observed(Guard::new("late", &log));
    assert_eq!(seen(&log), ["late fell over", "late is dropped"], "the stream is over");
    drop(late);
    assert_eq!(seen(&log), [""; 0]);
}

#[test]
fn guards_are_told_of_a_reader_who_leaves() {
    let log = Log::default();
    let begun = || {
        let mut stream = stream([Play::Texts(&["a"]), Play::Waits]).observed(Guard::new("one", &log));
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

// Output and life.

#[test]
fn pieces_of_the_answer_are_output_and_chunks_without_any_are_life() {
    fn call(accumulator: &mut ResponseAccumulator) {
        accumulator.push_tool_call(ToolCallPiece { name: Some("f"), ..ToolCallPiece::default() });
    }
    fn sound(accumulator: &mut ResponseAccumulator) {
        let mut audio = Audio::default();
        audio.data = Some("UklG".to_owned());
        accumulator.push_audio(audio);
    }
    type Hand = fn(&mut ResponseAccumulator);
    let output: [Hand; 8] = [
        |accumulator| accumulator.push_text("a"),
        |accumulator| accumulator.push_reasoning("a"),
        |accumulator| accumulator.show_reasoning("a"),
        |accumulator| accumulator.push_refusal("a"),
        call,
        |accumulator| accumulator.push_image(Image::new(RawJson::default())),
        sound,
        |accumulator| accumulator.push_annotation(Annotation::new(RawJson::default())),
    ];
    let life: [Hand; 8] = [
        ResponseAccumulator::note_chunk,
        |accumulator| {
            accumulator.note_chunk();
            accumulator.push_text("");
        },
        |accumulator| accumulator.reasoning_details_mut().clear(),
        |accumulator| accumulator.push_logprobs([]),
        |accumulator| accumulator.update_usage(Usage::default()),
        |accumulator| accumulator.set_finish_reason("stop"),
        |accumulator| accumulator.set_native_finish_reason("end_turn"),
        |accumulator| accumulator.set_stop_sequence("END"),
    ];
    let nothing: [Hand; 9] = [
        |accumulator| accumulator.push_raw(RawJson::default()),
        |accumulator| accumulator.push_text(""),
        |accumulator| accumulator.push_reasoning(""),
        |accumulator| accumulator.show_reasoning(""),
        |accumulator| accumulator.push_refusal(""),
        |accumulator| accumulator.set_finish_reason(""),
        |accumulator| accumulator.set_native_finish_reason(""),
        |accumulator| accumulator.set_stop_sequence(""),
        // They are told again with every chunk.
        |accumulator| {
            accumulator.set_id("gen-1");
            accumulator.set_model("a");
            accumulator.set_served_by("A");
        },
    ];
    /// Keeps whether what it sees is output.
    struct Signs(Arc<Mutex<Vec<bool>>>);
    impl StreamObserver for Signs {
        fn on_activity(&mut self, activity: Activity<'_>) -> Result<(), Error> {
            self.0.lock().expect("a list").push(activity.is_output());
            Ok(())
        }
    }
    let hands = output.map(|hand| (hand, &[true][..])).into_iter();
    let hands = hands.chain(life.map(|hand| (hand, &[false][..]))).chain(nothing.map(|hand| (hand, &[][..])));
    for (number, (hand, expected)) in hands.enumerate() {
        let is_output = expected == [true];
        let signs = Arc::default();
        let plays = [Play::KeepsAlive, Play::Hands(hand), Play::KeepsAlive, Play::Waits];
        let mut stream = stream(plays).observed(Signs(Arc::clone(&signs)));
        assert_eq!(ready(&mut stream).is_ready(), is_output, "{number}");
        if is_output {
            // The rest is read as well.
            let _ = pin!(stream.collect()).poll(&mut Context::from_waker(Waker::noop()));
        }
        assert_eq!(*signs.lock().expect("a list"), expected, "{number}");
    }
}

#[test]
fn a_step_is_one_sign_of_life_or_its_events() {
    let log = Log::default();
    let usage_and_text = |accumulator: &mut ResponseAccumulator| {
        accumulator.update_usage(Usage::default());
        accumulator.push_text("a");
    };
    let plays = [
        Play::KeepsAlive,
        Play::Hands(ResponseAccumulator::note_chunk),
        Play::Hands(usage_and_text),
        Play::KeepsAlive,
        Play::RawAndWait,
        Play::Waits,
    ];
    let mut stream = stream(plays).observed(Guard::new("one", &log));
    assert_eq!(read(&mut stream), ["a", "raw", "waits"]);
    assert_eq!(seen(&log), ["one lives", "one a", "one waits"]);
}

#[test]
fn a_guard_ends_a_stream_behind_a_sign_of_life() {
    let log = Log::default();
    let mut guard = Guard::new("one", &log);
    guard.ends_at = Some("lives");
    let mut ended = stream([Play::Hands(ResponseAccumulator::note_chunk)]).observed(guard);
    assert_eq!(read(&mut ended), ["error one", "end"]);
}

#[test]
fn a_guard_that_comes_late_sees_what_waits_to_be_read() {
    let log = Log::default();
    let plays = [Play::Texts(&["a", "b"]), Play::Texts(&["c"]), Play::Ends];
    let mut stream = stream(plays).observed(Guard::new("one", &log));
    assert_eq!(ready(&mut stream), Poll::Ready(Ok(())));
    let mut stream = stream.observed(Guard::new("late", &log));
    assert_eq!(seen(&log), ["one a", "one b", "late a", "late b"]);
    assert_eq!(read(&mut stream), ["a", "b", "c", "finished", "end"]);
    let rest = ["one is done with abc", "one is dropped", "late is done with abc", "late is dropped"];
    assert_eq!(seen(&log), [&["one c", "late c"][..], &rest].concat());
}

#[test]
fn a_guard_that_comes_late_ends_the_stream_as_the_others_do() {
    let log = Log::default();
    let late = |ends_at| {
        let mut guard = Guard::new("late", &log);
        guard.ends_at = Some(ends_at);
        guard
    };
    let mut begun = stream([Play::Texts(&["a", "b"]), Play::Waits]).observed(Guard::new("one", &log));
    assert_eq!(ready(&mut begun), Poll::Ready(Ok(())));
    let mut begun = begun.observed(late("a"));
    assert_eq!(read(&mut begun), ["a", "b", "error late", "end"]);
    let expected = ["one a", "one b", "late a", "one late", "one is dropped", "late late", "late is dropped"];
    assert_eq!(seen(&log), expected);

    // It is over: there is nothing left to end.
    let at_once = |accumulator: &mut ResponseAccumulator| accumulator.push_text("a");
    let mut whole = stream([Play::Hands(at_once), Play::Ends]);
    assert_eq!(ready(&mut whole), Poll::Ready(Ok(())));
    assert_eq!(read(&mut whole), ["a", "finished", "end"]);
    assert_eq!(read(&mut whole.observed(late("a"))), ["end"]);
    assert_eq!(seen(&log), ["late is done with a", "late is dropped"]);
}

#[test]
fn a_guard_that_comes_when_all_is_there_sees_the_pieces_and_then_the_end() {
    let log = Log::default();
    for fails in [false, true] {
        /// Hands everything over in one step, with the end.
        struct AtOnce(bool);
        impl ChunkSource for AtOnce {
            fn poll_progress(
                &mut self,
                _: &mut Context<'_>,
                out: &mut ResponseAccumulator,
            ) -> Poll<Result<Progress, Error>> {
                out.push_text("a");
                out.set_end_marked();
                Poll::Ready(if self.0 {
                    Err(Error::new(ErrorKind::Upstream, "broke"))
                } else {
                    Ok(Progress::End)
                })
            }

            fn describe(&self, error: Error) -> Error {
                error.with_provider("acme")
            }
        }
        let mut stream = ChatStream::new(AtOnce(fails));
        assert_eq!(ready(&mut stream), Poll::Ready(Ok(())), "it has begun");
        let mut stream = stream.observed(Guard::new("late", &log));
        let end = if fails { "late broke" } else { "late is done with a" };
        assert_eq!(seen(&log), ["late a", end, "late is dropped"]);
        assert_eq!(read(&mut stream).first().map(String::as_str), Some("a"));
    }
}

#[test]
fn what_is_kept_of_the_wire_does_not_begin_an_answer() {
    let log = Log::default();
    let raw = |accumulator: &mut ResponseAccumulator| {
        accumulator.note_chunk();
        accumulator.push_raw(RawJson::default());
    };
    let plays = [Play::Hands(raw), Play::RawAndWait, Play::Waits, Play::Hands(raw), Play::Fails];
    let mut broken = stream(plays).observed(Guard::new("one", &log));
    assert_eq!(ready(&mut broken), Poll::Pending);
    assert_eq!(seen(&log), ["one lives", "one waits"]);
    let Poll::Ready(Err(error)) = ready(&mut broken) else { panic!("it is broken") };
    assert_eq!(error.message(), "fell over");
    assert_eq!(read(&mut broken), ["raw", "raw", "raw", "error fell over", "end"]);

    let mut begun = stream([Play::Hands(raw), Play::Texts(&["a"]), Play::Waits]);
    assert_eq!(ready(&mut begun), Poll::Ready(Ok(())));
    assert_eq!(read(&mut begun), ["raw", "a", "waits"]);
    assert_eq!(ready(&mut begun), Poll::Ready(Ok(())), "it has begun, and that was read");
}

#[test]
fn context_names_errors_of_source_and_observers() {
    let context = || ErrorContext::new("inner", Operation::Stream).model("large");
    let log = Log::default();
    let mut ends = Guard::new("one", &log);
    ends.ends_at = Some("a");
    // The source has called the provider "acme", and that counts.
    let assert_named = |error: &Error| {
        let named = (error.provider(), error.model(), error.operation());
        assert_eq!(named, (Some("acme"), Some("large"), Some(Operation::Stream)), "{error}");
    };
    for mut failing in [
        stream([Play::Fails]).in_context(context()),
        stream([Play::Texts(&["a"])]).in_context(context()).observed(ends),
        stream([Play::Fails]).in_context(context()).in_context(ErrorContext::new("outer", Operation::Chat)),
    ] {
        read(&mut failing);
        assert_named(&failing.into_response().expect_err("it has failed"));
    }
    // One that comes when the stream has failed already.
    let mut failed = stream([Play::Fails]);
    assert!(matches!(ready(&mut failed), Poll::Ready(Err(_))));
    let mut failed = failed.in_context(context());
    read(&mut failed);
    assert_named(&failed.into_response().expect_err("it has failed"));

    let abandoned = stream([]).in_context(context());
    assert_named(&abandoned.abandon(Error::new(ErrorKind::Timeout, "too late")));
    let renamed = stream([]).in_context(context()).named("prod");
    let error = renamed.abandon(Error::new(ErrorKind::Timeout, "too late"));
    assert_eq!((error.provider(), error.model()), (Some("prod"), Some("large")));
}
