//! The stack: its order, the joint of timeouts and retries, layers that are off, and who shares their state.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "tests fail by panicking, their helpers too")]

mod support;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use provider_core::author::Delegate;
use provider_core::{ChatRequest, ChatResponse, Error, ErrorKind, LlmProvider, TimeoutPhase};
use provider_layers::{
    BreakerLayer, BreakerSettings, ErrorContextLayer, FallbackLayer, FallbackSettings, Layer, LimitLayer,
    LimitSettings, RetryLayer, RetrySettings, Stack, TimeoutLayer, TimeoutSettings,
};
use tokio::time::Instant;

use support::story;
use support::turns::{Beat, InTurn, Turn};

const SECOND: Duration = Duration::from_secs(1);

type Provider = Arc<dyn LlmProvider>;

fn hello() -> ChatRequest {
    ChatRequest::new("a").user("Hello")
}

/// A host's layer, which notes its name at every call.
#[derive(Debug)]
struct Noting {
    inner: Provider,
    name: &'static str,
    notes: Arc<Mutex<Vec<&'static str>>>,
}

#[async_trait]
impl Delegate for Noting {
    fn inner(&self) -> &dyn LlmProvider {
        &*self.inner
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse, Error> {
        self.notes.lock().unwrap().push(self.name);
        self.inner().chat(request).await
    }
}

fn noting(name: &'static str, notes: &Arc<Mutex<Vec<&'static str>>>) -> impl Layer + use<> {
    let notes = notes.clone();
    move |inner| Arc::new(Noting { inner, name, notes: notes.clone() }) as Provider
}

#[tokio::test(start_paused = true)]
async fn stack_applies_layers_from_the_inside_out() {
    let notes = Arc::default();
    let provider = InTurn::new([Turn::fails(ErrorKind::Server), Turn::says("Hi")]);
    let stack = Stack::new(provider)
        .layer(noting("attempt", &notes))
        .layer(RetryLayer::new(RetrySettings::default()))
        .layer(noting("call", &notes))
        .build();
    assert_eq!(stack.chat(&hello()).await.unwrap().text(), "Hi");
    assert_eq!(*notes.lock().unwrap(), ["call", "attempt", "attempt"]);
}

#[test]
fn layers_that_are_off_return_the_provider_itself() {
    let provider: Provider = InTurn::new([]);
    let stack = Stack::new(provider.clone())
        .layer(TimeoutLayer::new(TimeoutSettings::off()))
        .layer(LimitLayer::new(LimitSettings::off()))
        .layer(RetryLayer::new(RetrySettings::off()))
        .layer(BreakerLayer::new(BreakerSettings::off()))
        .layer(FallbackLayer::new(FallbackSettings::default()))
        .build();
    assert!(Arc::ptr_eq(&stack, &provider));
}

/// Timeouts and retries, joined by the stack, with a layer that is off between them, and kept apart.
fn joined_and_apart(
    provider: &Arc<InTurn>,
    timeouts: TimeoutSettings,
    retry: RetrySettings,
) -> [(&'static str, Provider); 3] {
    let timed = || Stack::new(provider.clone()).layer(TimeoutLayer::new(timeouts));
    let retry = || RetryLayer::new(retry);
    [
        ("joined", timed().layer(retry()).build()),
        ("joined", timed().layer(LimitLayer::new(LimitSettings::off())).layer(retry()).build()),
        ("apart", timed().layer(noting("between", &Arc::default())).layer(retry()).build()),
    ]
}

#[test]
fn stack_joins_timeouts_and_retries_that_touch() {
    let provider = InTurn::new([]);
    for (how, stack) in joined_and_apart(&provider, TimeoutSettings::default(), RetrySettings::default()) {
        assert_eq!(format!("{stack:?}").contains("TimeoutProvider"), how == "apart", "{stack:?}");
    }
    let [(_, timed), ..] = joined_and_apart(&provider, TimeoutSettings::default(), RetrySettings::off());
    assert!(format!("{timed:?}").starts_with("TimeoutProvider"), "no retries to join with: {timed:?}");
}

#[tokio::test(start_paused = true)]
async fn joined_layers_behave_as_those_apart() {
    use TimeoutPhase::{Deadline, FirstOutput, Idle};
    let hangs = Turn::streams([Beat::Silence(3600 * SECOND)]);
    let pauses = Turn::streams([Beat::Text("x"), Beat::Silence(3600 * SECOND)]);
    let streams = Turn::streams(vec![[Beat::Text("x"), Beat::Silence(4 * SECOND)]; 100].concat());
    let timeouts = TimeoutSettings::default().first_output(20 * SECOND).idle(5 * SECOND);
    // Each with the phases of the attempts that end, the last one included.
    let cases = [
        (hangs.clone(), timeouts, vec![FirstOutput; 3]),
        (pauses, timeouts, vec![Idle]),
        (streams, timeouts.deadline(30 * SECOND), vec![Deadline]),
        (hangs, timeouts.first_output(None).deadline(30 * SECOND), vec![Deadline; 3]),
    ];
    for (turn, timeouts, phases) in cases {
        let mut took = Vec::new();
        let retry = RetrySettings::default().retry_timeout(3600 * SECOND).seed(7);
        for at in 0..3 {
            let provider = InTurn::new([turn.clone()]);
            let (how, stack) = joined_and_apart(&provider, timeouts, retry)[at].clone();
            let start = Instant::now();
            let error = match stack.stream(&hello()).await {
                Ok(stream) => stream.collect().await.unwrap_err(),
                Err(error) => error,
            };
            let ended: Vec<_> =
                error.attempts().iter().chain([&error]).filter_map(|error| error.timeout()).collect();
            assert_eq!(ended, phases, "{how}");
            assert_eq!((error.provider(), error.model()), (Some("acme"), Some("a")), "{how}");
            took.push(start.elapsed());
        }
        assert!(took.iter().all(|time| *time == took[0]), "{took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn joined_attempts_have_deadlines_of_their_own() {
    let timeouts = TimeoutSettings::off().deadline(10 * SECOND);
    for at in 0..3 {
        let provider = InTurn::new([Turn::hangs(), Turn::says("Hi")]);
        let (how, stack) = joined_and_apart(&provider, timeouts, RetrySettings::default())[at].clone();
        let reply = stack.chat(&hello()).await.expect(how);
        assert_eq!(story(&reply.attempts), [("acme", "a", ErrorKind::Timeout)], "{how}");
    }
}

#[tokio::test(start_paused = true)]
async fn clones_share_a_limit_and_two_layers_do_not() {
    let settings = LimitSettings::off().max_concurrency(1);
    let limit = LimitLayer::new(settings);
    for (second, seconds) in [(limit.clone(), 20), (LimitLayer::new(settings), 10)] {
        let turn = || InTurn::new([Turn::says("Hi").takes(10 * SECOND)]);
        let [one, other] = [limit.layer(turn()), second.layer(turn())];
        let start = Instant::now();
        let (one, other) =
            tokio::join!(async { one.chat(&hello()).await }, async { other.chat(&hello()).await });
        assert_eq!((one.unwrap().text(), other.unwrap().text()), ("Hi", "Hi"));
        assert_eq!(start.elapsed().as_secs(), seconds);
    }
}

#[tokio::test(start_paused = true)]
async fn clones_share_a_retry_budget_and_two_layers_do_not() {
    let settings = RetrySettings::default().budget_capacity(2).budget_deposit(0.0);
    let spent = RetryLayer::new(settings);
    let down = || InTurn::new([Turn::fails(ErrorKind::Server)]);
    spent.layer(down()).chat(&hello()).await.unwrap_err();
    for (second, asked) in [(spent.clone(), 1), (RetryLayer::new(settings), 3)] {
        let provider = down();
        second.layer(provider.clone()).chat(&hello()).await.unwrap_err();
        assert_eq!(provider.asked(), asked);
    }
}

#[tokio::test(start_paused = true)]
async fn clones_share_circuits_and_two_layers_do_not() {
    let settings = BreakerSettings::default().failures(1);
    let opened = BreakerLayer::new(settings);
    let down = || InTurn::new([Turn::fails(ErrorKind::Server)]);
    opened.layer(down()).chat(&hello()).await.unwrap_err();
    for (second, asked) in [(opened.clone(), 0), (BreakerLayer::new(settings), 1)] {
        let provider = down();
        second.layer(provider.clone()).chat(&hello()).await.unwrap_err();
        assert_eq!((provider.asked(), second.states().len()), (asked, 1));
    }
    // Providers of another kind have circuits of their own, whatever their models are called.
    let other = support::Scripted::new(&support::OTHER, &[("a", support::says("Hi"))]);
    opened.layer(other).chat(&hello()).await.expect("another provider");
}

#[tokio::test(start_paused = true)]
async fn error_context_names_attempts_before_they_are_filed() {
    let provider = InTurn::new([Turn::fails(ErrorKind::Server), Turn::hangs()]);
    let stack = Stack::new(provider)
        .layer(ErrorContextLayer::new())
        .layer(RetryLayer::new(RetrySettings::default().deadline(10 * SECOND)))
        .build();
    let error = stack.chat(&hello()).await.unwrap_err();
    for error in error.attempts().iter().chain([&error]) {
        let named = (error.provider(), error.model(), error.operation());
        assert_eq!(named, (Some("acme"), Some("a"), Some(provider_core::Operation::Chat)), "{error}");
    }
}
