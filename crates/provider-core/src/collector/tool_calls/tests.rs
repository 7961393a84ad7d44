use super::*;
use crate::Collector;

/// The calls that come of pieces: index, id, name, arguments.
fn joined(pieces: &[(Option<u64>, &str, &str, &str)]) -> Vec<(String, String, String)> {
    let mut collector = Collector::without_events();
    for (index, id, name, arguments) in pieces {
        collector.tool_call(ToolCallPiece {
            index: *index,
            id: Some(id),
            name: Some(name),
            arguments,
            ..ToolCallPiece::default()
        });
    }
    collector.finish_reason("tool_calls");
    let reply = collector.finish().unwrap();
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

#[test]
fn ids_are_unique_and_never_empty() {
    for ids in [vec!["a_2", "a", "a"], vec!["a", "a", "a_1"], vec!["", "call__0", ""], vec!["", "", ""]] {
        let mut collector = Collector::without_events();
        for id in &ids {
            collector.tool_call(ToolCallPiece { id: Some(id), whole: true, ..ToolCallPiece::default() });
        }
        collector.finish_reason("tool_calls");
        let calls = collector.finish().unwrap().message.tool_calls;
        let unique: HashSet<&str> = calls.iter().map(|call| call.id.as_str()).collect();
        assert_eq!(unique.len(), 3, "{calls:?}");
        assert!(!unique.contains(""), "{calls:?}");
        for (call, id) in calls.iter().zip(&ids) {
            let received = call.received_id.as_deref().unwrap_or(if id.is_empty() { "" } else { &call.id });
            assert_eq!(received, *id);
        }
    }
}
