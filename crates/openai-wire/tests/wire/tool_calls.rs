//! Tool calls in the shapes that services send them in: read, run and sent back.

use std::collections::HashSet;

use openai_wire::{Plain, decode, encode};
use provider_core::{
    ChatRequest, ChatResponse, ErrorKind, FunctionTool, LlmProvider as _, LlmProviderExt, RunOutcome,
    ToolCall, ToolErrorKind, ToolRun, ToolSet,
};
use serde_json::{Value, json};

use crate::support::{self, Reply, Server, request, stream};

fn body_of(request: &ChatRequest) -> Value {
    serde_json::from_slice(&encode(request, false, &Plain).expect("a good request")).expect("JSON")
}

/// A whole answer of these calls.
fn whole(calls: &Value, finish: &str) -> Reply {
    let message = json!({"role": "assistant", "content": null, "tool_calls": calls});
    Reply::json(
        200,
        json!({"id": "gen-1", "choices": [{"message": message, "finish_reason": finish}]}).to_string(),
    )
}

fn text(words: &str) -> Reply {
    let choice = json!({"message": {"role": "assistant", "content": words}, "finish_reason": "stop"});
    Reply::json(200, json!({"id": "gen-2", "choices": [choice]}).to_string())
}

/// A stream with these pieces of calls, a chunk each.
fn streamed(pieces: &[Value], finish: &str) -> Reply {
    let chunk = |delta: Value, finish: Value| {
        let choice = json!({"index": 0, "delta": delta, "finish_reason": finish});
        format!("data: {}\n\n", json!({"id": "gen-1", "choices": [choice]}))
    };
    let mut events: String =
        pieces.iter().map(|piece| chunk(json!({"tool_calls": [piece]}), Value::Null)).collect();
    events += &chunk(json!({}), finish.into());
    Reply::events(events + "data: [DONE]\n\n")
}

fn call(id: &str, name: &str, arguments: &str) -> Value {
    json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}})
}

async fn read(reply: Reply) -> ChatResponse {
    stream(reply).await.1.expect("an answer")
}

/// Names and arguments of the calls that can be run.
fn ready(reply: &ChatResponse) -> Vec<(&str, &str)> {
    reply.tool_calls().into_iter().map(|call| (&*call.name, &*call.arguments)).collect()
}

/// Runs a loop with a tool `echo` against a server that gives these answers. Also the messages of the last
/// request.
async fn run(replies: Vec<Reply>, request: &ChatRequest) -> (ToolRun, Vec<Value>) {
    let server = Server::in_turn(replies);
    let tool = FunctionTool::new("echo", "Says what it hears");
    let tools = ToolSet::new().untyped(tool, |call: ToolCall| async move { call.arguments });
    let run = server.tool_loop(&tools).run(request).await;
    let sent = server.sent().pop().expect("a request");
    (run, sent["messages"].as_array().cloned().unwrap_or_default())
}

#[tokio::test]
async fn pieces_of_one_call_are_joined_whatever_its_ids_and_names() {
    let cases = [
        (
            "the id changes",
            vec![
                json!({"index": 0, "id": "a", "type": "function", "function": {"name": "look_up", "arguments": ""}}),
                json!({"index": 0, "id": "b", "type": "function", "function": {"arguments": "{\"q\""}}),
                json!({"index": 0, "id": "c", "type": "function", "function": {"arguments": ":1}"}}),
            ],
            vec![("look_up", r#"{"q":1}"#)],
        ),
        (
            "the name comes in pieces",
            vec![
                json!({"index": 0, "id": "a", "function": {"name": "lo", "arguments": ""}}),
                json!({"index": 0, "function": {"name": "ok_", "arguments": ""}}),
                json!({"index": 0, "function": {"name": "up"}}),
                json!({"index": 0, "function": {"arguments": "{\"q\":1}"}}),
            ],
            vec![("look_up", r#"{"q":1}"#)],
        ),
        (
            "id and whole name come with every piece",
            vec![
                json!({"index": 0, "id": "a", "function": {"name": "look_up", "arguments": "{\"q\""}}),
                json!({"index": 0, "id": "a", "function": {"name": "look_up", "arguments": ":1}"}}),
                json!({"index": 0, "id": "a", "function": {"name": "look_up", "arguments": ""}}),
            ],
            vec![("look_up", r#"{"q":1}"#)],
        ),
        (
            "whole calls, all of them number 0 and without an id",
            vec![
                json!({"index": 0, "id": "", "type": "function", "function": {"name": "look_up", "arguments": "{\"q\":1}"}}),
                json!({"index": 0, "id": "", "type": "function", "function": {"name": "look_up", "arguments": "{\"q\":2}"}}),
                json!({"index": 0, "id": "", "type": "function", "function": {"name": "save", "arguments": "{}"}}),
            ],
            vec![("look_up", r#"{"q":1}"#), ("look_up", r#"{"q":2}"#), ("save", "{}")],
        ),
        (
            "the same without numbers, and the arguments are objects",
            vec![
                json!({"function": {"name": "look_up", "arguments": {"q": 1}}}),
                json!({"function": {"name": "look_up", "arguments": {"q": 2}}}),
            ],
            vec![("look_up", r#"{"q":1}"#), ("look_up", r#"{"q":2}"#)],
        ),
        (
            "two calls in turns",
            vec![
                json!({"index": 0, "id": "a", "function": {"name": "look_up", "arguments": "{\"q\""}}),
                json!({"index": 1, "id": "b", "function": {"name": "save", "arguments": "{\"s\""}}),
                json!({"index": 0, "id": "c", "function": {"arguments": ":1}"}}),
                json!({"index": 1, "id": "d", "function": {"arguments": ":2}"}}),
            ],
            vec![("look_up", r#"{"q":1}"#), ("save", r#"{"s":2}"#)],
        ),
        (
            "nothing but a number",
            vec![json!({"index": 0, "id": "", "function": {"name": "", "arguments": ""}})],
            vec![],
        ),
    ];
    for (what, pieces, expected) in cases {
        let reply = read(streamed(&pieces, "tool_calls")).await;
        assert_eq!(ready(&reply), expected, "{what}");
        assert_eq!(reply.message.tool_calls.len(), expected.len(), "{what}");
        let ids: HashSet<&str> = reply.tool_calls().into_iter().map(|call| &*call.id).collect();
        assert!(ids.len() == expected.len() && !ids.contains(""), "{what}");
    }
}

#[tokio::test]
async fn malformed_arguments_are_told_to_the_model_and_good_calls_run() {
    let calls =
        [call("a", "echo", "{\"q\": 1,}"), call("b", "echo", "{'q': 1}"), call("c", "echo", "{\"q\":1}")];
    let numbered: Vec<Value> = (0..)
        .zip(&calls)
        .map(|(index, call)| {
            let mut call = call.clone();
            call["index"] = json!(index);
            call
        })
        .collect();
    for reply in [whole(&json!(calls), "tool_calls"), streamed(&numbered, "tool_calls")] {
        let said = read(reply.clone()).await;
        assert_eq!((said.is_truncated(), ready(&said)), (false, vec![("echo", r#"{"q":1}"#)]));
        let (run, sent) = run(vec![reply, text("Done")], &request()).await;
        assert_eq!((run.outcome.clone(), run.steps.len()), (RunOutcome::Answered, 2));
        let results: Vec<&str> = sent[2..].iter().filter_map(|message| message["content"].as_str()).collect();
        assert!(results[0].starts_with("Error: the arguments are no JSON: trailing comma"), "{}", results[0]);
        assert!(results[1].starts_with("Error: the arguments are no JSON"), "{}", results[1]);
        assert_eq!(results[2], r#"{"q":1}"#);
        assert_eq!(sent[1]["tool_calls"][0]["function"]["arguments"], "{\"q\": 1,}", "as it came");
    }
}

#[tokio::test]
async fn words_of_other_services_for_a_limit_end_the_run_as_truncated() {
    for finish in ["length", "max_tokens", "model_length"] {
        let (run, _) = run(vec![whole(&json!([call("a", "echo", "{}")]), finish)], &request()).await;
        assert_eq!(run.outcome, RunOutcome::Truncated, "{finish}");
        assert_eq!(run.into_response().expect_err("half an answer").kind(), ErrorKind::Truncated);
    }
    for finish in ["tool_use", "function_call", "end_turn", "eos"] {
        let (run, _) =
            run(vec![whole(&json!([call("a", "echo", "{}")]), finish), text("Done")], &request()).await;
        assert_eq!(run.outcome, RunOutcome::Answered, "{finish}");
    }
}

#[tokio::test]
async fn calls_of_another_type_are_visible_and_go_back_as_they_came() {
    let custom = json!({"id": "c", "type": "custom", "custom": {"name": "echo", "input": "x"}});
    let calls = json!([custom, call("a", "echo", "{}")]);
    let (run, _) = run(vec![whole(&calls, "tool_calls")], &request()).await;
    let RunOutcome::Handover(handed_over) = &run.outcome else { panic!("{:?}", run.outcome) };
    assert_eq!(handed_over.iter().map(|call| &*call.id).collect::<Vec<_>>(), ["c"]);
    assert_eq!(run.calls().map(|called| &*called.call.id).collect::<Vec<_>>(), ["a"]);
    let said = &run.steps[0].response;
    assert_eq!((ready(said), said.message.tool_calls.len()), (vec![("echo", "{}")], 2));
    let next = body_of(&run.request);
    assert_eq!(next["messages"][1]["tool_calls"], calls);
    assert_eq!(next["messages"].as_array().map(Vec::len), Some(3), "no result is made up");
}

#[tokio::test]
async fn calls_without_a_name_are_told_to_the_model() {
    let calls = json!([{"id": "a", "type": "function", "function": {"arguments": "{}"}}]);
    let (run, sent) = run(vec![whole(&calls, "tool_calls"), text("Done")], &request()).await;
    assert_eq!(run.outcome, RunOutcome::Answered);
    assert!(run.steps[0].response.tool_calls().is_empty());
    let error = run.calls().next().and_then(|called| called.result.as_ref().err()).expect("not run");
    assert_eq!(error.kind(), ToolErrorKind::UnknownTool);
    assert_eq!(sent[2]["content"], "Error: the call names no tool; there are: echo");
}

#[tokio::test]
async fn ids_are_unique_in_the_whole_conversation_that_is_sent() {
    let turn = || whole(&json!([call("echo:0", "echo", "1"), call("echo:1", "echo", "2")]), "tool_calls");
    let ids = |sent: &[Value]| -> Vec<String> {
        let of = |message: &Value| {
            let calls = message["tool_calls"].as_array().into_iter().flatten().map(|call| call["id"].clone());
            let ids: Vec<Value> = calls.chain(message.get("tool_call_id").cloned()).collect();
            ids
        };
        sent.iter().flat_map(of).map(|id| id.as_str().expect("a text").to_owned()).collect()
    };
    let expected = ["echo:0", "echo:1", "echo:0", "echo:1", "echo:0_2", "echo:1_2", "echo:0_2", "echo:1_2"];
    let (run, sent) = run(vec![turn(), turn(), text("Done")], &request()).await;
    assert_eq!(ids(&sent), expected);
    let received = run.calls().last().and_then(|called| called.call.received_id.clone());
    assert_eq!(received.as_deref(), Some("echo:1"), "what came stays visible");

    // A host that keeps the conversation itself, by hand or as the JSON of the API.
    let reply = read(turn()).await;
    let mut asked = request();
    for _ in 0..2 {
        asked = asked.message(reply.message.clone()).tool_result("echo:0", "1").tool_result("echo:1", "2");
    }
    let sent = body_of(&asked);
    assert_eq!(ids(sent["messages"].as_array().expect("a list")), expected);
    let turn = json!([
        {"role": "assistant", "content": null, "tool_calls": [call("echo:0", "echo", "1"), call("echo:1", "echo", "2")]},
        {"role": "tool", "tool_call_id": "echo:0", "content": "1"},
        {"role": "tool", "tool_call_id": "echo:1", "content": "2"},
    ]);
    let turn = turn.as_array().expect("a list");
    let twice = [turn.as_slice(), turn.as_slice()].concat();
    let kept = json!({"model": "a/b", "messages": twice});
    let read = decode(&kept.to_string(), &Plain).expect("a good body");
    let sent = body_of(&read.request);
    assert_eq!(ids(sent["messages"].as_array().expect("a list")), expected);
}

#[tokio::test]
async fn arguments_are_bounded_all_calls_together() {
    for (sizes, fits) in [([600, 400], true), ([600, 401], false)] {
        let calls: Vec<Value> = (0..)
            .zip(sizes)
            .map(|(index, size)| {
                let mut call = call(&format!("c{index}"), "echo", &"1".repeat(size));
                call["index"] = json!(index);
                call
            })
            .collect();
        for reply in [whole(&json!(calls), "tool_calls"), streamed(&calls, "tool_calls")] {
            let server = Server::always(reply).max_tool_argument_bytes(1_000);
            for outcome in [support::read(&server).await.1, server.chat(&request()).await] {
                match outcome {
                    Ok(reply) => assert!(fits && ready(&reply).len() == 2),
                    Err(error) => {
                        assert!(!fits && error.message().contains("limit of 1000 bytes"), "{error}");
                        assert!(error.message().contains("max_tool_argument_bytes"), "{error}");
                    }
                }
            }
        }
    }
}
