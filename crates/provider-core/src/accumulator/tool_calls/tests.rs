use std::collections::HashSet;

use super::ToolCallPiece;
use crate::Event;
use crate::accumulator::ResponseAccumulator;

/// The calls that come of pieces: index, id, name, arguments.
fn joined(pieces: &[(Option<u64>, &str, &str, &str)]) -> Vec<(String, String, String)> {
    let mut accumulator = ResponseAccumulator::without_events();
    for (index, id, name, arguments) in pieces {
        accumulator.push_tool_call(ToolCallPiece {
            index: *index,
            id: Some(id),
            name: Some(name),
            arguments,
            ..ToolCallPiece::default()
        });
    }
    accumulator.set_finish_reason("tool_calls");
    let reply = accumulator.finish().unwrap();
    let calls = reply.message.tool_calls.into_iter();
    calls.map(|call| (call.received_id.unwrap_or(call.id), call.name, call.arguments)).collect()
}

fn call(id: &str, name: &str, arguments: &str) -> (String, String, String) {
    (id.to_owned(), name.to_owned(), arguments.to_owned())
}

#[test]
fn pieces_find_their_call() {
    let (first, second) = (call("a", "f", "12"), call("b", "g", "34"));
    let both = [first.clone(), second];
    // One after the other, and interleaved.
    assert_eq!(joined(&[(Some(0), "a", "f", "1"), (Some(0), "", "", "2"), (Some(1), "b", "g", "34")]), both);
    assert_eq!(
        joined(&[
            (Some(0), "a", "f", "1"),
            (Some(1), "b", "g", "3"),
            (Some(0), "", "", "2"),
            (Some(1), "", "", "4")
        ]),
        both
    );
    // In the order of their numbers, wherever these begin.
    assert_eq!(joined(&[(Some(7), "b", "g", "34"), (Some(3), "a", "f", "12")]), both);
    // All numbered 0: a new id is a new call, a known one goes on.
    assert_eq!(
        joined(&[(Some(0), "a", "f", "1"), (Some(0), "a", "f", "2"), (Some(0), "b", "g", "34")]),
        both
    );
    // The id and the name may come late, and the first name counts.
    assert_eq!(joined(&[(Some(0), "", "", "1"), (Some(0), "a", "f", ""), (Some(0), "", "x", "2")]), [first]);
    // Without numbers.
    assert_eq!(joined(&[(None, "a", "f", "1"), (None, "", "", "2"), (None, "b", "g", "34")]), both);
    assert_eq!(joined(&[(Some(0), "a", "f", "1"), (Some(1), "b", "g", "34"), (None, "a", "", "2")]), both);
    let unnamed: Vec<String> =
        joined(&[(None, "", "f", "12"), (None, "", "g", "34")]).into_iter().map(|c| c.1).collect();
    assert_eq!(unnamed, ["f", "g"]);
}

/// A piece: index, id, name, arguments.
type Piece = (Option<u64>, &'static str, &'static str, &'static str);

/// A name, the pieces, and the id, name and arguments of each call that they make.
type Case = (&'static str, &'static [Piece], &'static [(&'static str, &'static str, &'static str)]);

const A: &str = r#"{"a":1}"#;
const B: &str = r#"{"b":2}"#;

#[test]
fn a_call_begins_with_a_name_or_an_index_of_its_own() {
    let cases: &[Case] = &[
        (
            "the id changes with every piece, and the first counts",
            &[(Some(0), "a", "f", ""), (Some(0), "b", "", r#"{"a":"#), (Some(0), "c", "", "1}")],
            &[("a", "f", A)],
        ),
        (
            "the id changes, and two calls are interleaved",
            &[
                (Some(0), "a", "f", r#"{"a":"#),
                (Some(1), "b", "g", r#"{"b":"#),
                (Some(0), "c", "", "1}"),
                (Some(1), "d", "", "2}"),
            ],
            &[("a", "f", A), ("b", "g", B)],
        ),
        (
            "the id changes without an index",
            &[(None, "a", "f", r#"{"a":"#), (None, "b", "", "1}")],
            &[("a", "f", A)],
        ),
        (
            "the id changes, and the name comes with every piece",
            &[(Some(0), "a", "f", r#"{"a":"#), (Some(0), "b", "f", "1}")],
            &[("a", "f", A)],
        ),
        (
            "the same, and the first piece has no arguments",
            &[(Some(0), "a", "f", ""), (Some(0), "b", "f", r#"{"a":"#), (Some(0), "c", "f", "1}")],
            &[("a", "f", A)],
        ),
        (
            "the number grows with every piece of one id",
            &[(Some(0), "a", "f", r#"{"a":"#), (Some(1), "a", "", "1}")],
            &[("a", "f", A)],
        ),
        (
            "whole calls of number 0 without ids",
            &[(Some(0), "", "f", A), (Some(0), "", "f", B), (Some(0), "", "g", "{}")],
            &[("", "f", A), ("", "f", B), ("", "g", "{}")],
        ),
        (
            "two of them are the same",
            &[(Some(0), "", "f", A), (Some(0), "", "f", A)],
            &[("", "f", A), ("", "f", A)],
        ),
        (
            "arguments that are no JSON can be whole",
            &[(Some(0), "", "f", "{'a': 1}"), (Some(0), "", "g", A)],
            &[("", "f", "{'a': 1}"), ("", "g", A)],
        ),
        (
            "so can be null",
            &[(Some(0), "", "f", "null"), (Some(0), "", "g", A)],
            &[("", "f", "null"), ("", "g", A)],
        ),
        (
            "whole calls without anything but a name",
            &[(None, "", "f", A), (None, "", "f", B)],
            &[("", "f", A), ("", "f", B)],
        ),
        (
            "whole calls of one id",
            &[(Some(0), "a", "f", A), (Some(0), "a", "f", B)],
            &[("a", "f", A), ("a", "f", B)],
        ),
        (
            "calls of number 0 in pieces, without ids",
            &[
                (Some(0), "", "f", ""),
                (Some(0), "", "", r#"{"a":"#),
                (Some(0), "", "", "1}"),
                (Some(0), "", "f", ""),
                (Some(0), "", "", r#"{"b":"#),
                (Some(0), "", "", "2}"),
                (Some(0), "", "g", ""),
                (Some(0), "", "", "{}"),
            ],
            &[("", "f", A), ("", "f", B), ("", "g", "{}")],
        ),
        (
            "calls of number 0 with ids, in turns",
            &[
                (Some(0), "a", "f", r#"{"a":"#),
                (Some(0), "b", "g", r#"{"b":"#),
                (Some(0), "a", "", "1}"),
                (Some(0), "b", "", "2}"),
            ],
            &[("a", "f", A), ("b", "g", B)],
        ),
        (
            "a name in three pieces",
            &[
                (Some(0), "a", "get", ""),
                (Some(0), "", "_wea", ""),
                (Some(0), "", "ther", r#"{"a":"#),
                (Some(0), "", "", "1}"),
            ],
            &[("a", "get_weather", A)],
        ),
        (
            "a name in pieces without index and id",
            &[(None, "a", "get", ""), (None, "", "_weather", ""), (None, "", "", A)],
            &[("a", "get_weather", A)],
        ),
        (
            "names in pieces, interleaved",
            &[
                (Some(0), "a", "get", ""),
                (Some(1), "b", "set", ""),
                (Some(0), "", "_it", ""),
                (Some(1), "", "_all", ""),
                (Some(0), "", "", A),
                (Some(1), "", "", B),
            ],
            &[("a", "get_it", A), ("b", "set_all", B)],
        ),
        (
            "the name, and what there is of it so far, with every piece",
            &[(Some(0), "a", "ge", ""), (Some(0), "a", "get", ""), (Some(0), "a", "get", A)],
            &[("a", "get", A)],
        ),
        (
            "the whole name with every piece of the arguments",
            &[(Some(0), "", "f", r#"{"a":"#), (Some(0), "", "f", "1"), (Some(0), "", "f", "}")],
            &[("", "f", A)],
        ),
        (
            "the whole call once more at the end",
            &[(Some(0), "a", "f", r#"{"a":"#), (Some(0), "", "", "1}"), (Some(0), "a", "f", A)],
            &[("a", "f", A)],
        ),
        (
            "the name once more at the end",
            &[(Some(0), "", "f", A), (Some(0), "", "f", ""), (Some(0), "", "", "")],
            &[("", "f", A)],
        ),
        ("a piece that says nothing", &[(Some(0), "", "", ""), (None, "", "", "")], &[]),
        (
            "calls without arguments",
            &[(Some(0), "a", "f", ""), (Some(1), "b", "g", ""), (Some(2), "c", "f", "")],
            &[("a", "f", ""), ("b", "g", ""), ("c", "f", "")],
        ),
    ];
    for (what, pieces, calls) in cases {
        let expected: Vec<_> = calls.iter().map(|(id, name, arguments)| call(id, name, arguments)).collect();
        let made_up = |id: String| if id.starts_with("call__") { String::new() } else { id };
        let joined: Vec<_> =
            joined(pieces).into_iter().map(|(id, name, arguments)| (made_up(id), name, arguments)).collect();
        assert_eq!(joined, expected, "{what}");
    }
}

#[test]
fn deltas_show_each_piece_once() {
    let mut accumulator = ResponseAccumulator::with_events();
    let pieces: [Piece; 6] = [
        (Some(0), "a", "get", ""),
        (Some(0), "a", "_it", ""),
        (Some(0), "a", "get_it", r#"{"a":"#),
        (Some(0), "a", "get_it", "1}"),
        (Some(0), "a", "get_it", A),
        (Some(0), "b", "get_it", B),
    ];
    for (index, id, name, arguments) in pieces {
        let piece = ToolCallPiece { index, id: Some(id), name: Some(name), arguments, ..Default::default() };
        accumulator.push_tool_call(piece);
    }
    let mut shown = Vec::new();
    while let Some(event) = accumulator.next_event() {
        let Event::ToolCall(delta) = event else { panic!("{event:?} is no call") };
        shown.push((delta.call, delta.id, delta.name, delta.arguments.to_string()));
    }
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(
        shown,
        [
            (0, text("a"), text("get"), String::new()),
            (0, None, text("_it"), String::new()),
            (0, None, None, r#"{"a":"#.to_owned()),
            (0, None, None, "1}".to_owned()),
            (1, text("b"), text("get_it"), B.to_owned()),
        ]
    );
}

#[test]
fn ids_are_unique_and_never_empty_or_too_long() {
    let long = "x".repeat(40);
    for ids in [
        vec!["a_2", "a", "a"],
        vec!["a", "a", "a_1"],
        vec!["", "call__0", ""],
        vec!["", "", ""],
        vec![&long; 3],
    ] {
        let mut accumulator = ResponseAccumulator::without_events();
        for id in &ids {
            let piece = ToolCallPiece { id: Some(id), name: Some("f"), whole: true, ..Default::default() };
            accumulator.push_tool_call(piece);
        }
        accumulator.set_finish_reason("tool_calls");
        let calls = accumulator.finish().unwrap().message.tool_calls;
        let unique: HashSet<&str> = calls.iter().map(|call| call.id.as_str()).collect();
        assert_eq!(unique.len(), 3, "{calls:?}");
        assert!(unique.iter().all(|id| (1..=40).contains(&id.len())), "{calls:?}");
        for (call, id) in calls.iter().zip(&ids) {
            let received = call.received_id.as_deref().unwrap_or(if id.is_empty() { "" } else { &call.id });
            assert_eq!(received, *id);
        }
    }
}
