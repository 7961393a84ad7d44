//! The scripted provider keeps the promises that it is made for.

#![allow(clippy::expect_used, reason = "tests fail by panicking, their helpers too")]

use std::time::Duration;

use provider_core::{ChatRequest, Error, ErrorKind, Event, LlmProvider, Usage};
use provider_testing::{Operation, ScriptedProvider, Turn};
use tokio::time::{Instant, timeout};

const SECOND: Duration = Duration::from_secs(1);

fn hello() -> ChatRequest {
    ChatRequest::new("acme/large").user("Hello")
}

#[tokio::test(start_paused = true)]
async fn both_ways_play_the_same_steps_in_the_same_time() {
    let mut usage = Usage::default();
    usage.total_tokens = Some(7);
    let turn = Turn::new().accepts_after(SECOND).reasoning("Hm").wait(2 * SECOND).text("Hi").usage(usage);
    let provider = ScriptedProvider::new([turn.finish("stop")]);
    for is_streamed in [false, true] {
        let begin = Instant::now();
        let reply = match is_streamed {
            true => provider.stream(&hello()).await.expect("a stream").collect().await,
            false => provider.chat(&hello()).await,
        };
        let reply = reply.expect("an answer");
        assert_eq!((reply.text(), &*reply.reasoning(), reply.usage.total_tokens), ("Hi", "Hm", Some(7)));
        assert_eq!((reply.requested.as_str(), begin.elapsed()), ("acme/large", 3 * SECOND));
    }
    assert_eq!((provider.count(Operation::Chat), provider.count(Operation::Stream)), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn ends_are_those_of_real_services() {
    let down = Error::new(ErrorKind::Server, "down").with_provider("other");
    let provider = ScriptedProvider::of_models([
        ("broken", Turn::new().text("a").breaks_off()),
        ("down", Turn::new().text("a").breaks_with(down)),
        ("silent", Turn::new().text("a").stalls()),
        ("dead", Turn::hangs()),
        ("refused", Turn::fails(ErrorKind::RateLimited)),
    ]);
    for (model, kind, named) in
        [("broken", ErrorKind::Interrupted, "scripted"), ("down", ErrorKind::Server, "other")]
    {
        let error = provider.chat(&ChatRequest::new(model)).await.expect_err(model);
        assert_eq!((error.kind(), error.provider(), error.model()), (kind, Some(named), Some(model)));
        assert_eq!(error.partial().map(|partial| partial.text()), Some("a"));
    }
    for model in ["silent", "dead"] {
        let request = ChatRequest::new(model);
        assert!(timeout(1_000 * SECOND, provider.chat(&request)).await.is_err(), "{model} ended");
    }
    for (model, kind) in [("refused", ErrorKind::RateLimited), ("unknown", ErrorKind::ModelNotFound)] {
        let error = provider.stream(&ChatRequest::new(model)).await.expect_err(model);
        assert_eq!((error.kind(), error.provider(), error.model()), (kind, Some("scripted"), Some(model)));
    }
}

#[tokio::test(start_paused = true)]
async fn last_turn_is_played_again_and_calls_have_ids_of_their_own() {
    let provider = ScriptedProvider::new([Turn::says("Hi"), Turn::calls([("f", "{}"), ("g", "{}")])]);
    let mut ids = Vec::new();
    for _ in 0..3 {
        let reply = provider.chat(&hello()).await.expect("an answer");
        ids.push(reply.tool_calls().iter().map(|call| call.id.clone()).collect::<Vec<_>>());
    }
    assert_eq!(ids, [vec![], vec!["call_2_0", "call_2_1"], vec!["call_3_0", "call_3_1"]]);
    provider.set_turns([Turn::says("Bye")]);
    assert_eq!(provider.chat(&hello()).await.expect("an answer").text(), "Bye");
}

#[tokio::test(start_paused = true)]
async fn open_counts_answers_until_they_are_dropped() {
    let provider = ScriptedProvider::new([Turn::new().text("a").stalls()]);
    let mut first = provider.stream(&hello()).await.expect("a stream");
    let second = provider.stream(&hello()).await.expect("a stream");
    assert_eq!(first.next().await.expect("an event").expect("a good one"), Event::Text("a".into()));
    assert_eq!(provider.open(), 2);
    drop((first, second));
    assert_eq!((provider.open(), provider.most_open()), (0, 2));
}

#[tokio::test(start_paused = true)]
async fn catalogue_takes_its_time_and_may_fail() {
    let provider = ScriptedProvider::new([]).with_listing(["a", "b"]).with_listing_delay(SECOND);
    let ids: Vec<String> =
        provider.models().await.expect("models").models.into_iter().map(|model| model.id).collect();
    assert_eq!((ids, provider.calls()[0].at), (vec!["a".to_owned(), "b".to_owned()], Duration::ZERO));
    provider.set_catalogue(Err(Error::new(ErrorKind::Connection, "no answer")));
    assert_eq!(provider.models().await.expect_err("none").kind(), ErrorKind::Connection);
    assert_eq!((provider.calls()[1].at, provider.count(Operation::Models)), (SECOND, 2));
}
