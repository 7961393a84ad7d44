//! The tool loop against a scripted model: what is run, what is told, where it ends, and that nothing is
//! lost.

#![allow(clippy::expect_used, clippy::panic, reason = "tests fail by panicking, their helpers too")]

mod support;

use std::collections::HashSet;
use std::future::{pending, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use provider_core::author::{ResponseAccumulator, ToolCallPiece};
use provider_core::{
    ChatRequest, Content, DetailValue, Error, ErrorKind, Event, ExtraFields, FunctionTool, Json, LlmProvider,
    LlmProviderExt, LoopEvent, Message, Part, ProviderDescriptor, ReasoningDetail, RetryAdvice, RunOutcome,
    Tool, ToolCall, ToolChoice, ToolError, ToolErrorKind, ToolErrors, ToolRun, ToolSet,
};
use provider_testing::{Operation, ScriptedProvider, Turn};
use support::{call_ids, cost, results};
use tokio::sync::Barrier;

fn request() -> ChatRequest {
    ChatRequest::new("acme/model").user("Go on")
}

fn tool(name: &str) -> FunctionTool {
    FunctionTool::new(name, "Does something")
}

/// `echo` says its arguments, `fail` fails.
fn tools() -> ToolSet<'static> {
    ToolSet::new()
        .untyped(tool("echo"), |call: ToolCall| async move { call.arguments })
        .untyped(tool("fail"), |_| async { Err::<(), _>(ToolError::new("out of order")) })
}

fn kinds(run: &ToolRun) -> Vec<Option<ToolErrorKind>> {
    run.calls().map(|called| called.result.as_ref().err().map(ToolError::kind)).collect()
}

#[tokio::test]
async fn the_model_is_told_the_results_until_it_answers() {
    let turns = [
        Turn::calls([("echo", "1"), ("echo", "2")]).text("Let me see.").usage(cost("0.1")),
        Turn::calls([("echo", "3")]).usage(cost("0.2")),
        Turn::says("Done").usage(cost("0.0000000001")),
    ];
    let scripted = Arc::new(ScriptedProvider::new(turns));
    let provider: Arc<dyn LlmProvider> = scripted.clone();
    let tools = tools();
    let run = provider.tool_loop(&tools).run(&request().temperature(0.5)).await;
    assert_eq!(run.outcome, RunOutcome::Answered);
    assert_eq!(run.steps.len(), 3);
    assert_eq!(run.steps[0].response.text(), "Let me see.");
    assert_eq!(run.cost().to_string(), "0.3000000001");
    assert_eq!(run.usage().completion_tokens, Some(30));
    assert_eq!(run.calls().map(|called| called.call.arguments.as_str()).collect::<Vec<_>>(), ["1", "2", "3"]);

    let asked = scripted.requests();
    assert_eq!(scripted.count(Operation::Stream), 0, "nobody watches");
    assert_eq!(results(&asked[1]), ["call_1_0: 1", "call_1_1: 2"]);
    assert_eq!(results(&asked[2]), ["call_1_0: 1", "call_1_1: 2", "call_2_0: 3"]);
    for request in &asked {
        assert_eq!(request.temperature, Some(0.5));
        assert_eq!(request.tools.len(), 2);
    }
    assert!(matches!(&asked[1].messages[1], Message::Assistant(said) if said.text == "Let me see."));

    // The conversation goes on, with the same tools.
    assert!(matches!(run.request.messages.last(), Some(Message::Assistant(said)) if said.text == "Done"));
    assert_eq!(run.request.messages.len(), asked[2].messages.len() + 1);
    let scripted = ScriptedProvider::new([Turn::says("You're welcome")]);
    let again = scripted.tool_loop(&tools).run(&run.request.clone().user("Thanks")).await;
    assert_eq!(scripted.requests()[0].tools.len(), 2, "not offered twice");
    assert_eq!(again.into_response().expect("an answer").text(), "You're welcome");
    assert_eq!(run.into_response().expect("an answer").text(), "Done");
}

#[tokio::test]
async fn tools_return_text_json_parts_or_nothing() {
    let image = || Part::image_url("https://acme.example/cat.png");
    let tools = ToolSet::new()
        .untyped(tool("text"), |_| async { "plain" })
        .untyped(tool("json"), |_| async { Json([1, 2]) })
        .untyped(tool("parts"), |_| async move { [Part::text("a cat"), image()] })
        .untyped(tool("nothing"), |_| async {})
        .untyped(tool("question"), |call: ToolCall| async move {
            let number: u8 = call.arguments_as()?;
            Ok::<_, ToolError>(number.to_string())
        });
    let calls = [("text", ""), ("json", ""), ("parts", ""), ("nothing", ""), ("question", "300")];
    let scripted = ScriptedProvider::new([Turn::calls(calls), Turn::says("Done")]);
    let run = scripted.tool_loop(&tools).run(&request()).await;
    let results: Vec<_> = run.calls().map(|called| called.result.clone()).collect();
    assert_eq!(results[0], Ok("plain".into()));
    assert_eq!(results[1], Ok("[1,2]".into()));
    assert_eq!(results[2], Ok(Content::Parts(vec![Part::text("a cat"), image()])));
    assert_eq!(results[3], Ok("done".into()));
    let error = results[4].as_ref().expect_err("too large a number");
    assert!(error.message().contains("300") && error.source().is_some(), "{error:?}");
}

#[tokio::test]
async fn calls_of_a_turn_run_side_by_side_and_keep_their_order() {
    // The barrier lets the tools pass once all three are there; the last one is done first.
    let barrier = Barrier::new(3);
    let tools = ToolSet::new().untyped(tool("meet"), async |call: ToolCall| {
        barrier.wait().await;
        for _ in 0..call.arguments.len() {
            tokio::task::yield_now().await;
        }
        call.arguments
    });
    let calls = [("meet", "333"), ("meet", "22"), ("meet", "1")];
    let scripted = ScriptedProvider::new([Turn::calls(calls), Turn::says("Done")]);
    let mut finished = Vec::new();
    let run = scripted
        .tool_loop(&tools)
        .watch(|event| {
            if let LoopEvent::ToolFinished(called) = event {
                finished.push(called.call.arguments.clone());
            }
        })
        .run(&request())
        .await;
    assert_eq!(finished, ["1", "22", "333"]);
    assert_eq!(results(&run.request), ["call_1_0: 333", "call_1_1: 22", "call_1_2: 1"]);
}

#[tokio::test]
async fn no_more_tools_run_at_a_time_than_may() {
    for (parallel, most_seen) in [(1, 1), (2, 2), (9, 5)] {
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let tools = ToolSet::new().untyped(tool("count"), async |_| {
            most.fetch_max(now.fetch_add(1, SeqCst) + 1, SeqCst);
            for _ in 0..3 {
                tokio::task::yield_now().await;
            }
            now.fetch_sub(1, SeqCst);
        });
        let scripted = ScriptedProvider::new([Turn::calls([("count", ""); 5]), Turn::says("Done")]);
        let run = scripted.tool_loop(&tools).max_parallel(parallel).run(&request()).await;
        assert_eq!(run.calls().filter(|called| called.result.is_ok()).count(), 5);
        assert_eq!(most.load(SeqCst), most_seen, "at most {parallel}");
    }
}

#[tokio::test]
async fn failures_are_told_to_the_model() {
    let calls = [("fail", ""), ("tell_fortune", "{}"), ("echo", "1")];
    let scripted = ScriptedProvider::new([Turn::calls(calls), Turn::says("Sorry")]);
    let run = scripted.tool_loop(&tools()).run(&request()).await;
    assert_eq!(run.outcome, RunOutcome::Answered);
    assert_eq!(kinds(&run), [Some(ToolErrorKind::Failed), Some(ToolErrorKind::UnknownTool), None]);
    let asked = scripted.requests();
    let is_error = asked[1].messages.iter().filter_map(|message| match message {
        Message::Tool(result) => Some(result.is_error),
        _ => None,
    });
    assert_eq!(is_error.collect::<Vec<_>>(), [true, true, false]);
    assert_eq!(
        results(&scripted.requests()[1]),
        [
            "call_1_0: Error: out of order",
            "call_1_1: Error: there is no tool `tell_fortune`; there are: echo, fail",
            "call_1_2: 1"
        ]
    );
}

#[tokio::test]
async fn a_failure_ends_the_run_where_asked_for() {
    for (name, kind, told) in [
        ("fail", ToolErrorKind::Failed, "tool failed: fail: out of order"),
        ("tell_fortune", ToolErrorKind::UnknownTool, "tool failed: tell_fortune: there is no tool"),
    ] {
        let calls = [("echo", "1"), ("never", ""), (name, "")];
        let scripted = ScriptedProvider::new([Turn::calls(calls)]);
        let tools = tools().untyped(tool("never"), |_| pending::<()>());
        let run = scripted.tool_loop(&tools).on_tool_error(ToolErrors::Stop).run(&request()).await;
        let RunOutcome::ToolFailed { call, error } = &run.outcome else { panic!("{:?}", run.outcome) };
        assert_eq!((call.name.as_str(), error.kind()), (name, kind));
        assert_eq!(kinds(&run), [None, Some(ToolErrorKind::NotRun), Some(kind)]);
        assert_eq!(results(&run.request).len(), 3, "every call is answered, so that it can go on");
        let error = run.into_response().expect_err("no answer");
        assert_eq!((error.kind(), error.kind().host_code()), (ErrorKind::ToolFailed, "tool_error"));
        assert!(error.to_string().starts_with(told), "{error}");
        assert_eq!((error.provider(), error.model()), (Some("scripted"), Some("acme/model")));
        assert_eq!(error.partial().map(|last| last.tool_calls().len()), Some(3));
    }
}

/// A model that never stops calling tools, each turn at this price.
fn endless(usd: &'static str) -> ScriptedProvider {
    ScriptedProvider::new(std::iter::repeat_n(
        Turn::calls([("echo", "1"), ("echo", "2")]).usage(cost(usd)),
        20,
    ))
}

#[tokio::test]
async fn limits_end_the_run_before_the_next_turn_is_paid_for() {
    let tools = tools();
    let usd = |text: &str| text.parse().expect("an amount");
    // The limit, the turns, the calls that were run, the outcome.
    type Limit =
        fn(provider_core::ToolLoop<'_, ScriptedProvider>) -> provider_core::ToolLoop<'_, ScriptedProvider>;
    let cases: [(Limit, usize, usize, RunOutcome); 7] = [
        (|run| run, 10, 18, RunOutcome::TurnLimit),
        (|run| run.max_turns(3), 3, 4, RunOutcome::TurnLimit),
        (|run| run.max_turns(0), 0, 0, RunOutcome::TurnLimit),
        // Three times 0.1 is exactly 0.3, as it is not with binary numbers.
        (|run| run.max_cost("0.3".parse().expect("an amount")), 3, 4, RunOutcome::CostLimit),
        (|run| run.max_cost("0.300000000000000001".parse().expect("an amount")), 4, 6, RunOutcome::CostLimit),
        (|run| run.max_cost(provider_core::Usd::ZERO), 1, 0, RunOutcome::CostLimit),
        (|run| run.max_tool_calls(5), 3, 4, RunOutcome::CallLimit),
    ];
    for (number, (limit, turns, calls, outcome)) in cases.into_iter().enumerate() {
        let scripted = endless("0.1");
        let run = limit(scripted.tool_loop(&tools)).run(&request()).await;
        assert_eq!(run.outcome, outcome, "case {number}");
        assert_eq!((scripted.requests().len(), run.steps.len()), (turns, turns), "case {number}");
        assert_eq!(run.calls().filter(|called| called.result.is_ok()).count(), calls, "case {number}");
        assert_eq!(run.cost(), usd("0.1") * turns as u64);
        assert_eq!(results(&run.request).len(), 2 * turns, "every call is answered");
        let error = run.into_response().expect_err("no answer");
        assert_eq!((error.kind(), error.retry()), (ErrorKind::LimitReached, RetryAdvice::Never));
        assert_eq!(error.partial().is_some(), turns > 0);
    }

    // An answer is an answer, whatever it cost.
    let scripted = ScriptedProvider::new([Turn::says("Done").usage(cost("5"))]);
    let run = scripted.tool_loop(&tools).max_turns(1).max_cost(usd("0.1")).run(&request()).await;
    assert_eq!(run.outcome, RunOutcome::Answered);
}

#[tokio::test]
async fn calls_that_were_cut_off_are_not_run() {
    for turn in [
        Turn::calls([("echo", "{\"a\":")]),
        Turn::calls([("echo", "1"), ("echo", "{\"a\"")]).text("Let me"),
        Turn::calls([("echo", "1")]).finish("length"),
        Turn::calls([("echo", "1")]).finish("max_tokens"),
        Turn::calls([("echo", "{'a'")]).finish("MAX_TOKENS"),
    ] {
        let scripted = ScriptedProvider::new([turn]);
        let run = scripted.tool_loop(&tools()).run(&request()).await;
        assert_eq!(run.outcome, RunOutcome::Truncated);
        assert_eq!((run.calls().count(), run.steps.len()), (0, 1));
        assert_eq!(run.request.messages.len(), 1, "half a call cannot be sent back");
        let error = run.into_response().expect_err("half an answer");
        assert_eq!(error.kind(), ErrorKind::Truncated);
        assert!(!error.partial().expect("kept").message.tool_calls.is_empty());
    }
    let scripted = ScriptedProvider::new([Turn::says("Once upon").finish("length")]);
    let run = scripted.tool_loop(&tools()).run(&request()).await;
    assert_eq!(run.outcome, RunOutcome::Truncated);
    assert_eq!(run.request.messages.len(), 2, "half a text can");
}

#[tokio::test]
async fn malformed_calls_are_told_to_the_model_and_good_ones_run() {
    // The second call ends too early, but what came after it shows that no limit cut it off.
    let calls = [("echo", "{'a': 1}"), ("echo", "{\"a\":"), ("echo", "{\"a\": 1,}"), ("echo", "{\"a\":1}")];
    for finish in ["tool_calls", "stop", "tool_use"] {
        let scripted = ScriptedProvider::new([Turn::calls(calls).finish(finish), Turn::says("Done")]);
        let run = scripted.tool_loop(&tools()).run(&request()).await;
        assert_eq!(run.outcome, RunOutcome::Answered);
        let malformed = Some(ToolErrorKind::Arguments);
        assert_eq!(kinds(&run), [malformed, malformed, malformed, None]);
        let [first, second, third, last] = &results(&scripted.requests()[1])[..] else {
            panic!("four results")
        };
        for (told, problem) in [
            (first, "call_1_0: Error: the arguments are no JSON: key must be a string at line 1"),
            (second, "call_1_1: Error: the arguments are no JSON: EOF while parsing"),
            (third, "call_1_2: Error: the arguments are no JSON: trailing comma at line 1 column 9"),
        ] {
            assert!(told.starts_with(problem), "{told}");
        }
        assert_eq!(last, "call_1_3: {\"a\":1}");
        assert!(!run.steps[0].response.is_truncated());
        let ready: Vec<&str> = run.steps[0].response.tool_calls().iter().map(|call| &*call.id).collect();
        assert_eq!(ready, ["call_1_3"]);
    }

    // A model that never learns comes to a limit.
    let scripted = ScriptedProvider::new(std::iter::repeat_n(Turn::calls([("echo", "{,}")]), 3));
    let run = scripted.tool_loop(&tools()).max_turns(3).run(&request()).await;
    assert_eq!((run.outcome.clone(), run.steps.len()), (RunOutcome::TurnLimit, 3));
    // Where a failing tool ends the run, so does a call that cannot be run.
    let scripted = ScriptedProvider::new([Turn::calls([("echo", "{,}")])]);
    let run = scripted.tool_loop(&tools()).on_tool_error(ToolErrors::Stop).run(&request()).await;
    assert!(
        matches!(&run.outcome, RunOutcome::ToolFailed { error, .. } if error.kind() == ToolErrorKind::Arguments)
    );
}

#[tokio::test]
async fn malformed_calls_are_not_handed_over() {
    let offered = request().tool(tool("ask_user"));
    let calls = [("ask_user", "{,}"), ("ask_user", "{}")];
    let scripted = ScriptedProvider::new([Turn::calls(calls)]);
    let run = scripted.tool_loop(&tools()).run(&offered).await;
    let RunOutcome::Handover(calls) = &run.outcome else { panic!("{:?}", run.outcome) };
    assert_eq!(calls.iter().map(|call| &*call.id).collect::<Vec<_>>(), ["call_1_1"]);
    assert!(results(&run.request)[0].starts_with("call_1_0: Error: the arguments are no JSON"));
    let scripted = ScriptedProvider::new([Turn::calls([("ask_user", "{,}")]), Turn::says("Never mind")]);
    let run = scripted.tool_loop(&tools()).run(&offered).await;
    assert_eq!(run.outcome, RunOutcome::Answered);
}

/// A call of another type than function, with the name of a tool.
fn custom(accumulator: &mut ResponseAccumulator) {
    let mut extra = ExtraFields::default();
    extra.push("type", "\"custom\"".parse().expect("JSON"));
    extra.push("custom", r#"{"name":"echo","input":"x"}"#.parse().expect("JSON"));
    accumulator.push_tool_call(ToolCallPiece {
        id: Some("c"),
        name: Some("echo"),
        extra,
        ..Default::default()
    });
    accumulator.set_finish_reason("tool_calls");
}

#[tokio::test]
async fn calls_of_another_type_are_handed_over_and_never_run() {
    let scripted = ScriptedProvider::new([Turn::new().apply(custom)]);
    let run = scripted.tool_loop(&tools()).run(&request()).await;
    let RunOutcome::Handover(calls) = &run.outcome else { panic!("{:?}", run.outcome) };
    assert_eq!((calls.len(), calls[0].is_function(), calls[0].is_runnable()), (1, false, false));
    assert_eq!(calls[0].extra.get("custom").map(|json| json.get()), Some(r#"{"name":"echo","input":"x"}"#));
    assert_eq!((run.calls().count(), results(&run.request).len()), (0, 0), "neither run nor answered");
    let response = run.response().expect("an answer");
    assert_eq!((response.tool_calls().len(), &response.message.tool_calls), (0, calls));

    let error = tools().call(calls[0].clone()).await.expect_err("no function");
    assert_eq!(error.kind(), ToolErrorKind::UnknownTool);
    let error = run.into_response().expect_err("no answer");
    assert_eq!(error.kind(), ErrorKind::ToolFailed);
}

#[tokio::test]
async fn calls_without_a_name_are_told_to_the_model() {
    let scripted = ScriptedProvider::new([Turn::calls([("", "{}"), ("echo", "1")]), Turn::says("Done")]);
    let run = scripted.tool_loop(&tools()).run(&request()).await;
    assert_eq!(run.outcome, RunOutcome::Answered);
    assert_eq!(run.steps[0].response.tool_calls().len(), 1);
    assert_eq!(
        results(&scripted.requests()[1]),
        ["call_1_0: Error: the call names no tool; there are: echo, fail", "call_1_1: 1"]
    );
}

/// A model that numbers its calls anew in every turn.
fn numbered_anew(accumulator: &mut ResponseAccumulator) {
    for (id, arguments) in [("echo:0", "1"), ("echo:1", "2")] {
        accumulator.push_tool_call(ToolCallPiece {
            id: Some(id),
            name: Some("echo"),
            arguments,
            whole: true,
            ..Default::default()
        });
    }
    accumulator.set_finish_reason("tool_calls");
}

/// A service without ids, of calls and of answers.
fn without_ids(accumulator: &mut ResponseAccumulator) {
    accumulator.push_tool_call(ToolCallPiece { name: Some("echo"), arguments: "1", ..Default::default() });
    accumulator.set_finish_reason("tool_calls");
}

#[tokio::test]
async fn ids_are_unique_in_the_whole_conversation() {
    let again = Turn::new().apply(numbered_anew);
    let scripted = ScriptedProvider::new([again.clone(), again.clone(), Turn::says("Done")]);
    let run = scripted.tool_loop(&tools()).run(&request()).await;
    let request = &scripted.requests()[2];
    assert_eq!(call_ids(request), ["echo:0", "echo:1", "echo:0_2", "echo:1_2"]);
    assert_eq!(results(request), ["echo:0: 1", "echo:1: 2", "echo:0_2: 1", "echo:1_2: 2"]);
    let received: Vec<_> = run.calls().map(|called| called.call.received_id.as_deref()).collect();
    assert_eq!(received, [None, None, Some("echo:0"), Some("echo:1")]);
    assert_eq!(run.steps[1].response.tool_calls()[0].id, "echo:0_2", "the step says what was sent");
    // A conversation that goes on keeps them.
    let scripted = ScriptedProvider::new([again, Turn::says("Done")]);
    let run = scripted.tool_loop(&tools()).run(&run.request.clone().user("Once more")).await;
    assert_eq!(call_ids(&run.request)[4..], ["echo:0_3", "echo:1_3"]);

    let scripted = ScriptedProvider::new([
        Turn::new().apply(without_ids),
        Turn::new().apply(without_ids),
        Turn::says("Done"),
    ]);
    let run = scripted.tool_loop(&tools()).run(&self::request()).await;
    let ids: HashSet<&str> = call_ids(&run.request).into_iter().collect();
    assert_eq!(ids.len(), 2);
    assert!(run.calls().all(|called| called.call.received_id.is_none()), "none was received");
}

// Paused: the clock moves when there is nothing else to do.
#[tokio::test(start_paused = true)]
async fn a_deadline_ends_the_run_wherever_it_is() {
    // Before it began.
    let scripted = ScriptedProvider::new([]);
    let run = scripted.tool_loop(&tools()).until(ready(())).run(&request()).await;
    assert!(matches!(run.outcome, RunOutcome::Deadline(_)) && scripted.requests().is_empty());

    // While the model speaks: what it said is kept if it was streamed.
    for watched in [true, false] {
        let scripted = ScriptedProvider::new([
            Turn::calls([("echo", "1")]).usage(cost("0.1")),
            Turn::new().text("Once upon").stalls(),
        ]);
        let tools = tools();
        let mut run = scripted.tool_loop(&tools).until(tokio::time::sleep(Duration::from_secs(60)));
        if watched {
            run = run.watch(|_| {});
        }
        let run = run.run(&request()).await;
        assert_eq!((run.steps.len(), run.cost().to_string().as_str()), (1, "0.1"));
        let RunOutcome::Deadline(error) = &run.outcome else { panic!("{:?}", run.outcome) };
        assert_eq!(error.partial().map(|partial| partial.text()), watched.then_some("Once upon"));
        let error = run.into_response().expect_err("no answer");
        assert_eq!((error.kind(), error.retry()), (ErrorKind::Timeout, RetryAdvice::Never));
        assert_eq!((error.provider(), error.model()), (Some("scripted"), Some("acme/model")));
        assert!(error.partial().is_some(), "the last step's answer, if nothing newer");
    }

    // While tools are at work: those that are done are kept, the others are dropped.
    let dropped = Arc::new(());
    let held = Arc::downgrade(&dropped);
    let tools = tools().untyped(tool("never"), move |_| {
        let held = dropped.clone();
        async move {
            pending::<()>().await;
            drop(held);
        }
    });
    let scripted = ScriptedProvider::new([Turn::calls([("echo", "1"), ("never", "")])]);
    let run = scripted.tool_loop(&tools).until(tokio::time::sleep(Duration::from_secs(60)));
    let run = run.run(&request()).await;
    assert!(matches!(run.outcome, RunOutcome::Deadline(_)));
    assert_eq!(kinds(&run), [None, Some(ToolErrorKind::NotRun)]);
    assert_eq!(results(&run.request), ["call_1_0: 1", "call_1_1: Error: not finished in time"]);
    assert_eq!(held.strong_count(), 1, "the tool itself holds one, its work none");
}

#[tokio::test]
async fn a_failing_provider_loses_nothing() {
    for turn in [
        Turn::fails(ErrorKind::RateLimited),
        Turn::new().text("Once").breaks_with(provider_core::Error::new(ErrorKind::RateLimited, "as told")),
    ] {
        for watched in [true, false] {
            let calls = Turn::calls([("echo", "1")]).usage(cost("0.1"));
            let scripted = ScriptedProvider::new([calls.clone(), calls, turn.clone()]);
            let tools = tools();
            let mut run = scripted.tool_loop(&tools);
            if watched {
                run = run.watch(|_| {});
            }
            let run = run.run(&request()).await;
            assert!(
                matches!(&run.outcome, RunOutcome::Failed(error) if error.kind() == ErrorKind::RateLimited)
            );
            assert_eq!((run.steps.len(), run.cost().to_string().as_str()), (2, "0.2"));
            assert_eq!(results(&run.request).len(), 2, "the request of turn 3, to be sent again");
            let error = run.into_response().expect_err("no answer");
            assert!(error.is_retryable() && error.partial().is_some());
        }
    }
}

#[tokio::test]
async fn a_forced_choice_is_for_the_first_turn_only() {
    let function = ToolChoice::Function("echo".to_owned());
    for (choice, later) in [
        (ToolChoice::Required, None),
        (function, None),
        (ToolChoice::Auto, Some(ToolChoice::Auto)),
        (ToolChoice::None, Some(ToolChoice::None)),
    ] {
        let scripted = ScriptedProvider::new([Turn::calls([("echo", "1")]), Turn::says("Done")]);
        let run = scripted.tool_loop(&tools()).run(&request().tool_choice(choice.clone())).await;
        let choices: Vec<_> = scripted.requests().into_iter().map(|request| request.tool_choice).collect();
        assert_eq!(choices, [Some(choice), later.clone()]);
        assert_eq!(run.request.tool_choice, later);
    }
}

#[tokio::test]
async fn names_must_not_clash() {
    let other = Tool::function("echo", "Another one", serde_json::json!({"type": "object"}));
    for (request, tools) in
        [(request().tool(other), tools()), (request(), tools().untyped(tool("echo"), |_| async {}))]
    {
        let scripted = ScriptedProvider::new([]);
        let run = scripted.tool_loop(&tools).run(&request).await;
        assert!(scripted.requests().is_empty());
        let error = run.into_response().expect_err("not sent");
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
        assert_eq!(error.fields()[0].problem, "two tools are called `echo`");
    }
    let run = ScriptedProvider::new([]).tool_loop(&tools()).max_parallel(0).run(&request()).await;
    assert_eq!(run.into_response().expect_err("not sent").fields()[0].field, "max_parallel");
}

#[tokio::test]
async fn functions_of_the_request_are_handed_over() {
    let scripted = ScriptedProvider::new([Turn::calls([("approve", "{}"), ("echo", "1")])]);
    let tools = tools();
    let run = scripted.tool_loop(&tools).max_turns(5).run(&request().tool(tool("approve"))).await;
    let RunOutcome::Handover(calls) = &run.outcome else { panic!("{:?}", run.outcome) };
    assert_eq!(calls.iter().map(|call| call.name.as_str()).collect::<Vec<_>>(), ["approve"]);
    assert_eq!(results(&run.request), ["call_1_1: 1"], "the set's own is done");
    let asked = scripted.requests();
    assert_eq!(asked[0].tools.len(), 3, "its own and the set's");

    let request = run.request.clone().tool_result(&calls[0].id, "approved");
    let scripted = ScriptedProvider::new([Turn::says("Done")]);
    let run = scripted.tool_loop(&tools).run(&request).await;
    assert_eq!(results(&scripted.requests()[0]), ["call_1_1: 1", "call_1_0: approved"]);
    assert_eq!(run.outcome, RunOutcome::Answered);
}

#[tokio::test]
async fn a_watcher_sees_everything_in_order() {
    let calls = Turn::new().text("Hm.").tool_call("echo", "1").tool_call("fail", "");
    let turns = [calls.finish("tool_calls"), Turn::says("Done")];
    let scripted = ScriptedProvider::new(turns);
    let mut seen = Vec::new();
    let tools = tools();
    let run = scripted.tool_loop(&tools).watch(|event| {
        seen.push(match event {
            LoopEvent::TurnStarted(turn) => format!("turn {turn}"),
            LoopEvent::Model(Event::Text(text)) => text.to_string(),
            LoopEvent::Model(Event::ToolCall(delta)) => format!("call {}", delta.name.unwrap_or_default()),
            LoopEvent::Model(Event::Finished(_)) => "finished".to_owned(),
            LoopEvent::ToolStarted(call) => format!("{} starts", call.name),
            LoopEvent::ToolFinished(called) => format!("{} ok: {}", called.call.name, called.result.is_ok()),
            other => format!("{other:?}"),
        });
    });
    let run = run.run(&request()).await;
    assert_eq!(run.into_response().expect("an answer").text(), "Done");
    assert_eq!(scripted.count(Operation::Stream), 2);
    assert_eq!(
        seen,
        [
            "turn 1",
            "Hm.",
            "call echo",
            "call fail",
            "finished",
            "echo starts",
            "echo ok: true",
            "fail starts",
            "fail ok: false",
            "turn 2",
            "Done",
            "finished"
        ]
    );
}

#[tokio::test]
async fn a_run_can_be_spawned_by_those_who_want_to() {
    let turns = [Turn::calls([("echo", "1")]), Turn::says("Done")];
    let provider: Arc<dyn LlmProvider> = Arc::new(ScriptedProvider::new(turns));
    let run = tokio::spawn(async move {
        let tools = tools();
        let run = provider.tool_loop(&tools).watch(|_| {}).until(pending::<()>());
        run.run(&request()).await
    });
    assert_eq!(run.await.expect("no panic").outcome, RunOutcome::Answered);
}

/// A model that calls `echo`, and `theirs`, which the caller runs.
fn calls_of_both() -> (ScriptedProvider, ChatRequest) {
    let scripted = ScriptedProvider::new([Turn::calls([("echo", "1"), ("fail", ""), ("theirs", "{}")])]);
    (scripted, request().tool(tool("theirs")))
}

#[tokio::test]
async fn calls_that_would_be_handed_over_are_answered_where_the_run_ends_before() {
    let tools = tools();
    let (scripted, request) = calls_of_both();
    let run = scripted.tool_loop(&tools).max_tool_calls(1).run(&request).await;
    assert_eq!(run.outcome, RunOutcome::CallLimit);
    assert_eq!(results(&run.request).len(), 3, "{:?}", results(&run.request));

    let (scripted, request) = calls_of_both();
    let run = scripted.tool_loop(&tools).on_tool_error(ToolErrors::Stop).run(&request).await;
    assert!(matches!(run.outcome, RunOutcome::ToolFailed { .. }), "{:?}", run.outcome);
    assert_eq!(results(&run.request).len(), 3, "{:?}", results(&run.request));
}

#[tokio::test]
async fn limits_that_are_just_met_stop_nothing() {
    let tools = tools();
    let scripted = ScriptedProvider::new([Turn::calls([("echo", "1"), ("echo", "2")]), Turn::says("Done")]);
    let run = scripted.tool_loop(&tools).max_tool_calls(2).run(&request()).await;
    assert_eq!(run.outcome, RunOutcome::Answered);
    // The last turn may hand calls over: the run needs no turn to use their results.
    let scripted = ScriptedProvider::new([Turn::calls([("theirs", "{}")])]);
    let run = scripted.tool_loop(&tools).max_turns(1).run(&request().tool(tool("theirs"))).await;
    assert!(matches!(run.outcome, RunOutcome::Handover(_)), "{:?}", run.outcome);
}

#[tokio::test]
async fn a_deadline_that_passes_at_work_is_not_to_be_tried_again() {
    let tools = ToolSet::new().untyped(tool("hang"), |_| pending::<()>());
    let scripted = ScriptedProvider::new([Turn::calls([("hang", "")])]);
    let is_late = async {
        for _ in 0..9 {
            tokio::task::yield_now().await;
        }
    };
    let run = scripted.tool_loop(&tools).until(is_late).run(&request()).await;
    let RunOutcome::Deadline(error) = &run.outcome else { panic!("{:?}", run.outcome) };
    assert!(error.message().contains("tools were at work"), "{error}");
    assert_eq!(error.retry(), RetryAdvice::Never);
}

#[tokio::test]
async fn an_answer_that_is_always_there_does_not_outrun_the_deadline() {
    let (tools, is_late) = (ToolSet::new(), AtomicUsize::new(0));
    let deadline = std::future::poll_fn(|_| match is_late.load(SeqCst) {
        0 => std::task::Poll::Pending,
        _ => std::task::Poll::Ready(()),
    });
    let scripted = ScriptedProvider::new([Turn::says("Done")]);
    let watch = |event: LoopEvent<'_>| {
        if let LoopEvent::Model(Event::Text(_)) = event {
            is_late.store(1, SeqCst);
        }
    };
    let run = scripted.tool_loop(&tools).until(deadline).watch(watch).run(&request()).await;
    let RunOutcome::Deadline(error) = &run.outcome else { panic!("{:?}", run.outcome) };
    assert_eq!(error.partial().map(|partial| partial.text()), Some("Done"));
}

#[tokio::test]
async fn an_id_that_was_made_up_is_not_said_to_have_been_received() {
    let mut before = provider_core::AssistantMessage::default();
    before.tool_calls.push(ToolCall::new("call_gen1_0", "echo", "1"));
    let request = request().message(before).message(Message::tool("call_gen1_0", "1"));
    let scripted = ScriptedProvider::new([Turn::new().apply(without_ids), Turn::says("Done")]);
    let tools = tools();
    let run = scripted.tool_loop(&tools).run(&request).await;
    let call = &run.calls().next().expect("a call").call;
    assert_eq!((call.id.as_str(), call.received_id.as_deref()), ("call_gen1_0_2", None));
}

/// A service with several upstream providers behind a model.
static GATEWAY: ProviderDescriptor = ProviderDescriptor::new("gateway", "Gateway", |_, _| {
    Err(Error::new(ErrorKind::Config, "made by hand only"))
})
.pins_upstream(|request, upstream| {
    let is_free = !request.extra.contains_key("gateway");
    if is_free {
        *request = request.clone().extra("gateway", "upstream", upstream);
    }
    is_free
});

/// A turn that calls a tool, with thoughts that have this field, served by this upstream provider.
fn thinks(upstream: &'static str, field: &'static str) -> Turn {
    Turn::calls([("echo", "1")]).apply(move |answer| {
        answer.set_served_by(upstream);
        let mut detail = ReasoningDetail::new();
        detail.set("type", DetailValue::Text("reasoning.text".to_owned()));
        detail.set(field, DetailValue::Text("c2lnbmVk".to_owned()));
        answer.reasoning_details_mut().push(detail);
    })
}

/// The upstream provider that each request was kept to.
fn pins(provider: &ScriptedProvider) -> Vec<Option<String>> {
    let pin =
        |request: ChatRequest| Some(request.extra.get("gateway")?.get("upstream")?.as_str()?.to_owned());
    provider.requests().into_iter().map(pin).collect()
}

#[tokio::test]
async fn turns_keep_to_the_upstream_that_signed_where_it_is_asked_for() {
    let turns =
        || [thinks("One", "text"), thinks("Two", "signature"), thinks("Three", "data"), Turn::says("Done")];
    for is_pinned in [false, true] {
        for is_watched in [false, true] {
            let provider = ScriptedProvider::new(turns()).with_descriptor(&GATEWAY);
            let tools = tools();
            let mut looping = provider.tool_loop(&tools);
            if is_pinned {
                looping = looping.pin_upstream();
            }
            if is_watched {
                looping = looping.watch(|_| {});
            }
            let run = looping.run(&request()).await;
            assert_eq!(run.outcome, RunOutcome::Answered);
            // Thoughts that nobody signed keep a turn to nobody, and the first signature counts.
            let two = is_pinned.then(|| "Two".to_owned());
            assert_eq!(pins(&provider), [None, None, two.clone(), two]);
            assert!(run.request.extra.is_empty(), "a later run begins without");
        }
    }
}

#[tokio::test]
async fn turn_that_cannot_be_pinned_is_sent_as_it_is() {
    let turns = || [thinks("One", "signature"), Turn::says("Done")];
    let other_maker = thinks("One", "signature").apply(|answer| answer.set_provider("another"));
    let cases = [
        (ScriptedProvider::new(turns()), request()),
        (ScriptedProvider::new(turns()).with_descriptor(&GATEWAY), request().extra("gateway", "zone", "eu")),
        (ScriptedProvider::new([other_maker, Turn::says("Done")]).with_descriptor(&GATEWAY), request()),
    ];
    for (provider, request) in cases {
        let run = provider.tool_loop(&tools()).pin_upstream().run(&request).await;
        assert_eq!(run.outcome, RunOutcome::Answered);
        assert_eq!(pins(&provider), [None, None]);
        assert_eq!(provider.requests()[1].extra, request.extra);
    }
}

#[tokio::test]
async fn error_of_a_pinned_turn_says_so() {
    for is_signed in [true, false] {
        let first = thinks("One", if is_signed { "signature" } else { "text" });
        let turns = [first, Turn::fails(ErrorKind::NoEndpoint)];
        let provider = ScriptedProvider::new(turns).with_descriptor(&GATEWAY);
        let run = provider.tool_loop(&tools()).pin_upstream().run(&request()).await;
        let RunOutcome::Failed(error) = run.outcome else { panic!("{:?}", run.outcome) };
        assert_eq!(
            (error.kind(), error.message().contains("kept to One")),
            (ErrorKind::NoEndpoint, is_signed)
        );
    }
}
