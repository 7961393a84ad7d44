//! Limits: the order of the queue, how long a call waits, and when a permit is free again.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    dead_code,
    reason = "tests fail by panicking, their helpers too"
)]

#[path = "support/paced.rs"]
mod paced;

use std::sync::Arc;
use std::time::Duration;

use paced::{Beat, Paced, refuses, says, seconds};
use provider_core::{ChatRequest, ChatStream, Error, ErrorKind, LlmProvider, LlmProviderExt, RetryAdvice};
use provider_layers::{Layer, LimitLayer, LimitSettings};
use tokio::task::JoinHandle;

fn ask(question: &str) -> ChatRequest {
    ChatRequest::new("m").user(question)
}

fn limit(provider: &Arc<Paced>, settings: LimitSettings) -> Arc<dyn LlmProvider> {
    LimitLayer::new(settings).layer(provider.clone())
}

/// Has a task ask, and lets it come as far as it can.
async fn begin(limit: &Arc<dyn LlmProvider>, question: &'static str) -> JoinHandle<Result<(), ErrorKind>> {
    let limit = limit.clone();
    let task =
        tokio::spawn(async move { limit.chat(&ask(question)).await.map(drop).map_err(|error| error.kind()) });
    settle().await;
    task
}

/// Lets all tasks run until they wait, without a moment passing.
async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

async fn open(limit: &dyn LlmProvider, question: &str) -> ChatStream {
    limit.stream(&ask(question)).await.expect("a place")
}

#[tokio::test(start_paused = true)]
async fn concurrency_limit_serves_in_order() {
    let provider = Paced::new([says("Hi", 10)]);
    let limit = limit(&provider, LimitSettings::off().max_concurrency(2));
    let mut tasks = Vec::new();
    for question in ["1", "2", "3", "4", "5"] {
        tasks.push(begin(&limit, question).await);
    }
    for task in tasks {
        task.await.unwrap().expect("an answer");
    }
    assert_eq!(provider.questions(), ["1", "2", "3", "4", "5"]);
    assert_eq!(provider.times(), [0, 0, 10_000, 10_000, 20_000]);
    assert_eq!((provider.most_open(), provider.open()), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn stream_keeps_its_permit_until_it_is_over() {
    let provider =
        Paced::new([Ok(vec![Beat::Text("a"), Beat::Waits(seconds(5)), Beat::Text("b"), Beat::Ends])]);
    let limit = limit(&provider, LimitSettings::off().max_concurrency(1));
    let mut stream = open(&*limit, "1").await;
    stream.next().await.unwrap().unwrap();
    let waits = begin(&limit, "2").await;
    assert_eq!(provider.questions(), ["1"], "it has begun and is not over");
    while let Some(event) = stream.next().await {
        event.unwrap();
    }
    settle().await;
    assert_eq!(provider.questions(), ["1", "2"], "the stream is still there, but over");
    assert_eq!(stream.into_response().unwrap().text(), "ab");
    waits.await.unwrap().unwrap();
}

/// Whatever ends a call, the next one has its place.
#[tokio::test(start_paused = true)]
async fn permit_returns_however_a_call_ends() {
    let fails = Ok(vec![Beat::Text("a"), Beat::Fails(Error::new(ErrorKind::Upstream, "fell"))]);
    let provider = Paced::new([refuses(ErrorKind::Server), fails, says("Hi", 1)]);
    let limit = limit(&provider, LimitSettings::off().max_concurrency(1).max_wait(Duration::ZERO));
    limit.stream(&ask("refused")).await.expect_err("refused");
    open(&*limit, "fails").await.collect().await.expect_err("it fails");
    drop(open(&*limit, "dropped unread").await);
    let _ = open(&*limit, "given up").await.abandon(Error::new(ErrorKind::Timeout, "too slow"));
    let whole = limit.clone();
    let task = tokio::spawn(async move { whole.chat(&ask("aborted")).await });
    settle().await;
    assert_eq!(provider.open(), 1);
    limit.chat(&ask("in vain")).await.expect_err("the place is taken");
    task.abort();
    task.await.expect_err("aborted");
    limit.chat(&ask("whole")).await.expect("the place is free");
    limit.chat(&ask("whole again")).await.expect("the place is free");
}

#[tokio::test(start_paused = true)]
async fn waiter_that_leaves_delays_no_other() {
    for settings in [
        LimitSettings::off().max_concurrency(1),
        LimitSettings::off().requests_per_second(0.1),
        LimitSettings::off().max_concurrency(1).requests_per_second(0.1),
    ] {
        let provider = Paced::new([says("Hi", 10)]);
        let limit = limit(&provider, settings);
        let first = begin(&limit, "1").await;
        let second = begin(&limit, "2").await;
        let third = begin(&limit, "3").await;
        let fourth = begin(&limit, "4").await;
        tokio::time::advance(seconds(4)).await;
        // The first in the queue, and one in its middle.
        second.abort();
        settle().await;
        let fifth = begin(&limit, "5").await;
        fourth.abort();
        for task in [first, third, fifth] {
            task.await.unwrap().expect("an answer");
        }
        assert_eq!(provider.questions(), ["1", "3", "5"], "{settings}");
        assert_eq!(provider.times(), [0, 10_000, 20_000], "{settings}");
    }
}

#[tokio::test(start_paused = true)]
async fn rate_limiter_spaces_calls_evenly() {
    let cases = [(1, [0, 500, 1000, 1500, 2000]), (3, [0, 0, 0, 500, 1000]), (0, [0, 500, 1000, 1500, 2000])];
    for (burst, times) in cases {
        let provider = Paced::new([says("Hi", 60)]);
        let limit = limit(&provider, LimitSettings::off().requests_per_second(2.0).burst(burst));
        let mut tasks = Vec::new();
        for question in ["1", "2", "3", "4", "5"] {
            tasks.push(begin(&limit, question).await);
        }
        for task in tasks {
            task.await.unwrap().unwrap();
        }
        assert_eq!(provider.questions(), ["1", "2", "3", "4", "5"]);
        assert_eq!(provider.times(), times, "burst {burst}");
        assert_eq!(provider.most_open(), 5, "they may all be under way");
    }
}

#[tokio::test(start_paused = true)]
async fn pause_saves_one_burst() {
    let provider = Paced::new([says("Hi", 0)]);
    let limit = limit(&provider, LimitSettings::off().requests_per_second(1.0).burst(2));
    tokio::time::advance(seconds(1000)).await;
    for _ in 0..4 {
        limit.chat(&ask("Hello")).await.unwrap();
    }
    tokio::time::advance(seconds(1000)).await;
    for _ in 0..3 {
        limit.chat(&ask("Hello")).await.unwrap();
    }
    let start = 1_000_000;
    let again = 2_002_000;
    assert_eq!(provider.times(), [start, start, start + 1000, start + 2000, again, again, again + 1000]);
}

#[tokio::test(start_paused = true)]
async fn refusal_names_our_limit_and_a_time() {
    let provider = Paced::new([says("Hi", 100)]);
    let limit = limit(&provider, LimitSettings::off().max_concurrency(1));
    let first = begin(&limit, "1").await;
    let error = limit.stream(&ask("2")).await.expect_err("it waits for 60 s, the default");
    assert_eq!(
        error.to_string(),
        "rate limited: our own limit (at most 1 at once) had no place free within 60 s; try this: ask less at once, or \
         raise the limit of this provider (provider acme, model m, retry after 60 s)"
    );
    assert_eq!(error.retry(), RetryAdvice::After(seconds(60)), "nobody was served, so nobody knows better");
    first.await.unwrap().unwrap();
    assert_eq!(provider.questions(), ["1"]);
}

#[tokio::test(start_paused = true)]
async fn estimate_follows_queue_and_rate() {
    // One every 4 s, so 4 are served in 19 s, and one waits besides the one that is told.
    let provider = Paced::new([says("Hi", 4)]);
    let limit = limit(&provider, LimitSettings::off().max_concurrency(1).max_wait(seconds(19)));
    let mut tasks = Vec::new();
    for _ in 0..5 {
        tasks.push(begin(&limit, "before").await);
    }
    let late = limit.clone();
    let told = tokio::spawn(async move { late.chat(&ask("told")).await.expect_err("too late").retry() });
    settle().await;
    tokio::time::sleep(seconds(10)).await;
    tasks.push(begin(&limit, "after").await);
    assert_eq!(told.await.unwrap(), RetryAdvice::After(Duration::from_millis(9500)), "4.75 s for each");
    tasks.into_iter().for_each(|task| task.abort());

    // A pace tells exactly.
    let provider = Paced::new([says("Hi", 0)]);
    let limit =
        self::limit(&provider, LimitSettings::off().requests_per_second(0.1).max_wait(Duration::ZERO));
    limit.chat(&ask("1")).await.unwrap();
    let error = limit.chat(&ask("2")).await.expect_err("10 s too early");
    assert_eq!(error.retry(), RetryAdvice::After(seconds(10)));
}

#[tokio::test(start_paused = true)]
async fn calls_without_limits_do_not_wait() {
    let all = [
        LimitSettings::default(),
        LimitSettings::off().max_concurrency(0).requests_per_second(0.0),
        LimitSettings::off().requests_per_second(f64::NAN),
        LimitSettings::off().requests_per_second(-1.0),
        LimitSettings::off().requests_per_second(f64::INFINITY),
        LimitSettings::off().max_concurrency(5).max_concurrency(None),
    ];
    for settings in all {
        assert_eq!(settings, LimitSettings::off());
        let provider = Paced::new([says("Hi", 10)]);
        let limit = limit(&provider, settings.max_wait(Duration::ZERO));
        let mut streams = Vec::new();
        for _ in 0..100 {
            streams.push(open(&*limit, "Hello").await);
        }
        assert_eq!(provider.open(), 100);
    }
}

#[tokio::test(start_paused = true)]
async fn extreme_limits_do_not_overflow() {
    for rate in [f64::MIN_POSITIVE, 1e-12, 1e12, f64::MAX] {
        let provider = Paced::new([says("Hi", 0)]);
        let settings =
            LimitSettings::off().requests_per_second(rate).burst(u32::MAX).max_concurrency(u32::MAX);
        let limit = limit(&provider, settings.max_wait(Duration::MAX));
        for _ in 0..3 {
            limit.chat(&ask("Hello")).await.unwrap();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn lists_and_connection_tests_need_no_permit() {
    let provider = Paced::new([says("Hi", 10)]);
    let settings = LimitSettings::off().max_concurrency(1).requests_per_second(0.1).max_wait(Duration::ZERO);
    let limit = limit(&provider, settings);
    let _stream = open(&*limit, "Hello").await;
    limit.models().await.expect("no place is needed");
    assert_eq!(limit.check().await.expect_err("a bad key").kind(), ErrorKind::Authentication);
    assert_eq!(limit.id(), "acme");
}

#[tokio::test(start_paused = true)]
async fn estimate_has_bounds() {
    let provider = Paced::new([says("Hi", 1000)]);
    let crowded = limit(&provider, LimitSettings::off().max_concurrency(1));
    let _held = begin(&crowded, "1").await;
    let (one, other) = (ask("2"), ask("3"));
    let (one, other) = tokio::join!(crowded.chat(&one), crowded.chat(&other));
    for told in [one, other] {
        assert_eq!(
            told.unwrap_err().retry(),
            RetryAdvice::After(seconds(60)),
            "the longest wait is the most"
        );
    }

    let provider = Paced::new([says("Hi", 0)]);
    let quick = limit(&provider, LimitSettings::off().requests_per_second(100.0).max_wait(Duration::ZERO));
    quick.chat(&ask("1")).await.unwrap();
    let told = quick.chat(&ask("2")).await.unwrap_err();
    assert_eq!(told.retry(), RetryAdvice::After(seconds(1)));
}
