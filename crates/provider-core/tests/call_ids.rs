//! Ids of tool calls in conversations that a host keeps itself.

#![allow(clippy::expect_used, reason = "tests fail by panicking, their helpers too")]

use std::borrow::Cow;

use provider_core::author::unique_call_ids;
use provider_core::{AssistantMessage, Message, ProviderJson, ToolCall};
use serde_json::{Value, json};

/// A turn that calls with these ids.
fn turn(ids: &[&str]) -> Message {
    let mut turn = AssistantMessage::default();
    turn.tool_calls = ids.iter().map(|id| ToolCall::new(*id, "f", "{}")).collect();
    turn.into()
}

/// The ids in a conversation: those of its calls, and those that results name.
fn ids(messages: &[Message]) -> Vec<String> {
    let mut ids = Vec::new();
    for message in messages {
        match message {
            Message::Assistant(turn) => ids.extend(turn.tool_calls.iter().map(|call| call.id.clone())),
            Message::Tool(result) => ids.push(format!("-> {}", result.tool_call_id)),
            Message::Other(other) => {
                let json: Value = other.json().read().expect("JSON");
                let calls = json["tool_calls"].as_array().into_iter().flatten();
                ids.extend(calls.filter_map(|call| call["id"].as_str()).map(str::to_owned));
                ids.extend(json["tool_call_id"].as_str().map(|id| format!("-> {id}")));
            }
            _ => {}
        }
    }
    ids
}

#[test]
fn a_repeated_id_is_replaced_in_the_later_call_and_in_its_results() {
    let result = |id: &str| Message::tool(id, "ok");
    let cases = [
        (vec![turn(&["a"]), result("a"), turn(&["a"]), result("a")], vec!["a", "-> a", "a_2", "-> a_2"]),
        (
            vec![turn(&["a", "b"]), result("b"), result("a"), turn(&["a", "b"]), result("b"), result("a")],
            vec!["a", "b", "-> b", "-> a", "a_2", "b_2", "-> b_2", "-> a_2"],
        ),
        // Twice in one turn.
        (vec![turn(&["a", "a"]), result("a"), result("a")], vec!["a", "a_2", "-> a", "-> a_2"]),
        // A made-up id is not that of a later call.
        (
            vec![turn(&["a"]), turn(&["a"]), result("a"), turn(&["a_2"]), result("a_2")],
            vec!["a", "a_2", "-> a_2", "a_2_2", "-> a_2_2"],
        ),
        // Several results for one call.
        (vec![turn(&["a"]), turn(&["a"]), result("a"), result("a")], vec!["a", "a_2", "-> a_2", "-> a_2"]),
        // A call that was never answered.
        (vec![turn(&["a"]), Message::user("Well?"), turn(&["a"]), result("a")], vec!["a", "a_2", "-> a_2"]),
    ];
    for (messages, expected) in cases {
        let sent = unique_call_ids(&messages);
        assert_eq!(ids(&sent), expected);
        assert_eq!(unique_call_ids(&sent), sent, "once is enough");
        // Earlier messages are sent again as they were, whatever follows: prompt caches count on it.
        for length in 0..messages.len() {
            assert_eq!(unique_call_ids(&messages[..length])[..], sent[..length]);
        }
    }
}

#[test]
fn a_good_conversation_is_not_copied() {
    let messages = [turn(&["a", "b"]), Message::tool("a", "ok"), Message::tool("b", "ok"), turn(&["c"])];
    assert!(matches!(unique_call_ids(&messages), Cow::Borrowed(_)));
    // Of one that is not, only what changes is.
    let messages = [Message::user("Hi"), turn(&["a"]), turn(&["a"])];
    let sent = unique_call_ids(&messages);
    let shares = |at: usize| match (&messages[at], &sent[at]) {
        (Message::User(one), Message::User(other)) => one.shares_with(other),
        (Message::Assistant(one), Message::Assistant(other)) => one.shares_with(other),
        _ => false,
    };
    assert_eq!([shares(0), shares(1), shares(2)], [true, true, false]);
}

#[test]
fn messages_that_are_kept_as_json_are_heeded() {
    let other = |json: Value| Message::Other(ProviderJson::new("acme", json));
    let call = |id: &str| {
        other(
            json!({"role": "assistant", "reasoning_content": "hm", "tool_calls": [{"id": id, "novel": 1.50}]}),
        )
    };
    let result = |id: &str| {
        other(json!({"role": "tool", "tool_call_id": id, "novel": [], "content": "\"tool_calls\""}))
    };
    let messages = [call("a"), result("a"), call("a"), result("a"), turn(&["a"]), Message::tool("a", "ok")];
    let sent = unique_call_ids(&messages);
    assert_eq!(ids(&sent), ["a", "-> a", "a_2", "-> a_2", "a_3", "-> a_3"]);
    assert_eq!(sent[2], call("a_2"), "nothing else is changed");
    for odd in [json!({"tool_calls": 1}), json!({"tool_calls": [null, {"id": 5}]}), json!(["\"tool_call"])] {
        let odd = [other(odd.clone()), other(odd)];
        assert_eq!(unique_call_ids(&odd)[..], odd);
    }
}

#[test]
fn a_replaced_id_is_of_bounded_length_and_the_one_that_was_received_first_is_kept() {
    let long = "a".repeat(40);
    let mut call = ToolCall::new(long.as_str(), "f", "{}");
    call.received_id = Some("first".to_owned());
    let mut repeated = AssistantMessage::default();
    repeated.tool_calls.push(call);
    let messages = [turn(&[&long]), repeated.into()];
    let sent = unique_call_ids(&messages);
    let Message::Assistant(renamed) = &sent[1] else { unreachable!("it is a turn") };
    assert_eq!(renamed.tool_calls[0].id, format!("{}_2", &long[..38]));
    assert_eq!(renamed.tool_calls[0].received_id.as_deref(), Some("first"));
}
