//! Answers that are put together from pieces: which word on a thing counts, and what an error keeps of it.

#![allow(clippy::expect_used, reason = "tests fail by panicking, their helpers too")]

use std::collections::VecDeque;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use provider_core::author::{ChunkSource, Progress, ResponseAccumulator, ToolCallPiece};
use provider_core::{
    Audio, ChatResponse, ChatStream, Error, ErrorKind, Event, RawJson, Secret, TokenLogprob, ToolCall,
    TopLogprob, Usage,
};

/// The answer that comes of what is collected.
fn answer(collect: impl FnOnce(&mut ResponseAccumulator)) -> ChatResponse {
    let mut accumulator = ResponseAccumulator::without_events();
    collect(&mut accumulator);
    accumulator.set_finish_reason("stop");
    accumulator.finish().expect("an answer")
}

fn json(text: &str) -> RawJson {
    text.parse().expect("JSON")
}

fn failed(message: &str) -> Error {
    Error::new(ErrorKind::Server, message)
}

#[test]
fn the_first_id_and_time_count() {
    let reply = answer(|accumulator| {
        accumulator.set_id("");
        for (id, created) in [("gen-1", 1), ("gen-2", 2)] {
            accumulator.set_id(id);
            accumulator.set_created(created);
        }
    });
    assert_eq!((reply.id.as_deref(), reply.created), (Some("gen-1"), Some(1)));
}

#[test]
fn a_piece_of_sound_without_anything_new_keeps_what_came_before() {
    let reply = answer(|accumulator| {
        let mut first = Audio::default();
        (first.data, first.expires_at) = (Some("AA".to_owned()), Some(7));
        let mut second = Audio::default();
        (second.data, second.transcript) = (Some(String::new()), Some(String::new()));
        accumulator.push_audio(first);
        accumulator.push_audio(second);
    });
    let audio = reply.message.audio.expect("sound");
    assert_eq!((audio.data.as_deref(), audio.transcript, audio.expires_at), (Some("AA"), None, Some(7)));
}

#[test]
fn a_secret_is_taken_out_beside_the_message_alone() {
    let key = "sk-or-v1-0123456789abcdef";
    let reply = answer(|accumulator| {
        accumulator.push_text(key);
        accumulator.set_served_by(key);
        accumulator.redact(&Secret::new(key));
    });
    assert_eq!(reply.text(), key, "the model said so");
    assert!(!reply.served_by.to_string().contains(key), "{}", reply.served_by);
}

#[test]
fn a_secret_in_alternatives_or_in_two_chunks_takes_the_chunks_with_it() {
    let key = "sk-or-v1-0123456789abcdef";
    let collect: [fn(&mut ResponseAccumulator, &str); 2] = [
        |accumulator, key| accumulator.push_text(key),
        |accumulator, key| {
            let other = TopLogprob::new(key.to_owned(), None);
            accumulator.push_logprobs([TokenLogprob::new("a".to_owned(), None, vec![other])]);
        },
    ];
    for collect in collect {
        let mut accumulator = ResponseAccumulator::without_events();
        collect(&mut accumulator, key);
        accumulator.push_raw(json("1"));
        accumulator.push_raw(json("2"));
        let error = accumulator.fail(failed("down")).redact(&Secret::new(key));
        assert_eq!(error.partial().expect("what had come").raw, []);
    }
}

#[test]
fn an_error_names_ids_of_a_bounded_length() {
    for (length, is_named) in [(256, true), (257, false)] {
        let mut accumulator = ResponseAccumulator::without_events();
        let id = "g".repeat(length);
        accumulator.set_id(&id);
        let error = accumulator.fail(failed("down"));
        assert_eq!(error.generation_id().is_some(), is_named, "{length}");
    }
}

#[test]
fn the_maker_is_the_model_whose_name_is_most_like_the_one_that_served() {
    let maker = |requested: &str, fallback: &str, served: &str| {
        let reply = answer(|accumulator| {
            accumulator.set_requested(requested, &[fallback.to_owned()]);
            accumulator.set_model(served);
        });
        reply.message.made_by.expect("a maker")
    };
    assert_eq!(maker("acme/one", "acme/two", "acme/two-20260101"), "acme/two");
    // The whole name tells more than the one without its variant.
    assert_eq!(maker("acme/one", "acme/one:free", "acme/one:free"), "acme/one:free");
    // An author in common is no likeness, and the first one asked has the benefit of the doubt.
    assert_eq!(maker("acme/one", "acme/another", "acme/third"), "acme/one");
    assert_eq!(maker("acme/one", "acme/two", "other"), "acme/one");
}

/// The calls that come of pieces: index, id, name, arguments.
fn calls(pieces: &[(Option<u64>, &str, &str, &str)]) -> Vec<ToolCall> {
    let collect = |accumulator: &mut ResponseAccumulator| {
        for (index, id, name, arguments) in pieces {
            let (id, name) = (Some(*id), Some(*name));
            let piece = ToolCallPiece { index: *index, id, name, arguments, ..ToolCallPiece::default() };
            accumulator.push_tool_call(piece);
        }
    };
    answer(collect).message.tool_calls
}

#[test]
fn pieces_of_calls_are_joined_where_they_belong() {
    const A: &str = r#"{"a":1}"#;
    const B: &str = r#"{"b":2}"#;
    /// A name, the pieces, and the calls that they make.
    type Case = (&'static str, Pieces, &'static [(&'static str, &'static str)]);
    type Pieces = &'static [(Option<u64>, &'static str, &'static str, &'static str)];
    let cases: [Case; 7] = [
        (
            "without a number and an id, a piece goes on with the last one",
            &[(Some(0), "a", "f", A), (Some(1), "b", "g", r#"{"b":"#), (None, "", "", "2}")],
            &[("f", A), ("g", B)],
        ),
        (
            "a number of its own and a name begin a call, whatever its id",
            &[(Some(0), "a", "f", r#"{"a":"#), (Some(1), "a", "g", B)],
            &[("f", r#"{"a":"#), ("g", B)],
        ),
        (
            "what there is of the name so far comes with the id",
            &[(Some(0), "", "get_", ""), (Some(0), "a", "get_time", A)],
            &[("get_time", A)],
        ),
        (
            "an object behind a space follows an object",
            &[(Some(0), "a", "f", A), (Some(0), "a", "f", " {\"b\":2}")],
            &[("f", A), ("f", " {\"b\":2}")],
        ),
        (
            "an id that comes with more arguments is another call's",
            &[(Some(0), "", "f", A), (Some(0), "a", "f", B)],
            &[("f", A), ("f", B)],
        ),
        (
            "with a number, another name in the middle of arguments says nothing",
            &[(Some(0), "", "f", r#"{"a":"#), (Some(0), "", "g", "1}")],
            &[("f", A)],
        ),
        (
            "without a number, it begins a call",
            &[(None, "", "f", r#"{"a":"#), (None, "", "g", B)],
            &[("f", r#"{"a":"#), ("g", B)],
        ),
    ];
    for (what, pieces, expected) in cases {
        let calls = calls(pieces);
        let calls: Vec<_> = calls.iter().map(|call| (&*call.name, &*call.arguments)).collect();
        assert_eq!(calls, expected, "{what}");
    }
}

#[test]
fn a_piece_whose_call_is_known_goes_on_with_it_whatever_it_says() {
    let reply = answer(|accumulator| {
        let piece = ToolCallPiece { id: Some("a"), name: Some("f"), ..ToolCallPiece::default() };
        accumulator.push_tool_call(ToolCallPiece { arguments: "{}", ..piece.clone() });
        let other = ToolCallPiece { id: Some("b"), name: Some("g"), ..piece };
        accumulator.push_tool_call(ToolCallPiece { arguments: " ", call: Some(0), ..other });
    });
    assert_eq!(reply.message.tool_calls, [ToolCall::new("a", "f", "{} ")]);
}

#[test]
fn a_made_up_id_is_of_the_answer_and_is_no_id_that_came() {
    let reply = answer(|accumulator| {
        accumulator.set_id("gen-0123456789abcdef");
        for (index, id) in ["", "call_456789abcdef_0"].into_iter().enumerate() {
            let (index, id) = (Some(index as u64), Some(id));
            accumulator.push_tool_call(ToolCallPiece {
                index,
                id,
                name: Some("f"),
                ..ToolCallPiece::default()
            });
        }
    });
    let ids: Vec<_> = reply.message.tool_calls.iter().map(|call| call.id.as_str()).collect();
    assert_eq!(ids, ["call_456789abcdef_1", "call_456789abcdef_0"]);
}

#[test]
fn a_field_that_nobody_knows_is_something_that_was_said() {
    let extra: [fn(&mut ResponseAccumulator); 2] = [
        |accumulator| accumulator.set_message_extra("novel", RawJson::from_checked("1")),
        |accumulator| {
            let mut audio = Audio::default();
            audio.extra.insert("novel", RawJson::from_checked("1"));
            accumulator.push_audio(audio);
        },
    ];
    for collect in extra {
        let mut accumulator = ResponseAccumulator::without_events();
        collect(&mut accumulator);
        accumulator.set_end_marked();
        assert!(accumulator.finish().is_ok());
    }
}

#[test]
fn a_call_that_says_its_type_is_a_function_s_and_null_is_no_argument() {
    let mut call = ToolCall::new("a", "f", " null ");
    call.extra.insert("type", RawJson::from_checked("\"function\""));
    assert!(call.is_function() && call.is_runnable());
    assert_eq!(call.arguments_json().expect("JSON"), serde_json::json!({}));
}

#[test]
fn the_json_of_usage_is_that_of_one_answer() {
    let usage = |raw: Option<&str>| {
        let mut usage = Usage::default();
        usage.raw = raw.map(json);
        usage
    };
    let mut newest = usage(Some("1"));
    newest.update(usage(None));
    assert_eq!(newest.raw, Some(json("1")), "what came later did not say it");
    newest.accumulate(&usage(Some("2")));
    assert_eq!(newest.raw, None, "a sum is not what a service said");
}

/// Hands these over, then fails or ends. Tidies up in two steps.
struct Source {
    steps: VecDeque<fn(&mut ResponseAccumulator)>,
    error: Option<Error>,
    tidied: usize,
}

impl ChunkSource for Source {
    fn poll_progress(
        &mut self,
        _: &mut Context<'_>,
        accumulator: &mut ResponseAccumulator,
    ) -> Poll<Result<Progress, Error>> {
        Poll::Ready(match (self.steps.pop_front(), self.error.take()) {
            (Some(step), error) => {
                self.error = error;
                step(accumulator);
                Ok(Progress::More)
            }
            (None, Some(error)) => Err(error),
            (None, None) => {
                accumulator.set_end_marked();
                Ok(Progress::End)
            }
        })
    }

    fn poll_drain(&mut self, _: &mut Context<'_>) -> Poll<()> {
        self.tidied += 1;
        if self.tidied < 2 { Poll::Pending } else { Poll::Ready(()) }
    }
}

fn stream(steps: impl IntoIterator<Item = fn(&mut ResponseAccumulator)>, error: Option<Error>) -> ChatStream {
    ChatStream::new(Source { steps: steps.into_iter().collect(), error, tidied: 0 })
}

fn poll(stream: &mut ChatStream) -> Poll<Option<Result<Event, Error>>> {
    pin!(stream.next()).poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn a_stream_is_over_when_its_source_has_tidied_up() {
    let mut stream =
        stream([(|accumulator| accumulator.push_text("Hi")) as fn(&mut ResponseAccumulator)], None);
    assert!(matches!(poll(&mut stream), Poll::Ready(Some(Ok(Event::Text(_))))));
    assert!(matches!(poll(&mut stream), Poll::Ready(Some(Ok(Event::Finished(_))))));
    assert_eq!(poll(&mut stream), Poll::Pending);
    assert_eq!(poll(&mut stream), Poll::Ready(None));
}

#[test]
fn attempts_before_a_stream_are_told_once_and_in_order() {
    let (one, two) = (failed("one"), failed("two"));
    let mut whole =
        stream([(|accumulator| accumulator.push_text("Hi")) as fn(&mut ResponseAccumulator)], None)
            .after(vec![two.clone()])
            .after(vec![one.clone()]);
    while !matches!(poll(&mut whole), Poll::Ready(None)) {}
    assert_eq!(whole.into_response().expect("an answer").attempts, [one.clone(), two.clone()]);

    let last = failed("last").with_attempts(vec![one.clone(), two.clone()]);
    let mut broken = stream([], Some(last)).requested("acme/one", &[]).after(vec![one.clone()]);
    let Poll::Ready(Some(Err(error))) = poll(&mut broken) else { unreachable!("it fails") };
    assert_eq!(error.attempts(), [one, two]);
    assert_eq!(error.partial(), None, "nothing had come");
}

#[test]
fn a_stream_that_has_failed_can_still_be_in_the_place_of_another() {
    let text: fn(&mut ResponseAccumulator) = |accumulator| accumulator.push_text("Hi");
    let mut stream = stream([text], Some(failed("down"))).requested("acme/two", &[]);
    while !matches!(poll(&mut stream), Poll::Ready(None)) {}
    let error = stream.in_place_of("acme/one").into_response().expect_err("it has failed");
    assert_eq!(error.partial().map(|partial| &*partial.requested), Some("acme/one"));
}
