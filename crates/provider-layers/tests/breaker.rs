//! When a model is left alone, for how long, and what brings it back.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    dead_code,
    reason = "tests fail by panicking, their helpers too"
)]

#[path = "support/paced.rs"]
mod paced;

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use paced::{Beat, Paced, breaks, refuses, says, seconds};
use provider_core::{
    ChatRequest, ChatResponse, ChatStream, Error, ErrorKind, Event, LlmProvider, LlmProviderExt, RetryAdvice,
    TimeoutPhase,
};
use provider_layers::{
    BreakerLayer, BreakerSettings, BreakerState, BreakerStatus, FallbackLayer, FallbackSettings, Layer,
    LimitLayer, LimitSettings, TimeoutLayer, TimeoutSettings,
};
use tokio::time::advance;

fn ask(model: &str) -> ChatRequest {
    ChatRequest::new(model).user("Hello")
}

/// Opens after two failures, for 10 s at first and 30 s at most.
fn settings() -> BreakerSettings {
    BreakerSettings::default().failures(2).cool_down(seconds(10)).max_cool_down(seconds(30))
}

/// A provider with a breaker around it.
#[derive(Debug)]
struct Guarded {
    layer: BreakerLayer,
    provider: Arc<dyn LlmProvider>,
}

impl Guarded {
    fn new(provider: Arc<dyn LlmProvider>, settings: BreakerSettings) -> Arc<Self> {
        let layer = BreakerLayer::new(settings);
        let provider = layer.layer(provider);
        Arc::new(Self { layer, provider })
    }

    fn states(&self) -> Vec<BreakerState> {
        self.layer.states()
    }
}

impl provider_core::author::Delegate for Guarded {
    fn inner(&self) -> &dyn LlmProvider {
        &*self.provider
    }
}

fn breaker(provider: &Arc<Paced>) -> Arc<Guarded> {
    Guarded::new(provider.clone(), settings())
}

async fn chat(breaker: &Guarded) -> Result<ChatResponse, ErrorKind> {
    breaker.chat(&ask("m")).await.map_err(|error| error.kind())
}

async fn stream(breaker: &Guarded) -> Result<ChatStream, ErrorKind> {
    breaker.stream(&ask("m")).await.map_err(|error| error.kind())
}

/// The only circuit there is.
fn state(breaker: &Guarded) -> BreakerState {
    let mut states = breaker.states();
    assert_eq!(states.len(), 1, "{states:?}");
    states.remove(0)
}

/// A breaker whose circuit has just opened, and its provider, which has been asked twice.
async fn opened() -> (Arc<Paced>, Arc<Guarded>) {
    let provider = Paced::new([refuses(ErrorKind::Server)]);
    let breaker = breaker(&provider);
    for _ in 0..2 {
        chat(&breaker).await.unwrap_err();
    }
    assert_eq!(state(&breaker).status, BreakerStatus::Open);
    (provider, breaker)
}

#[tokio::test(start_paused = true)]
async fn open_circuit_refuses_with_reason_and_time() {
    let last = Error::new(ErrorKind::Upstream, "overheated")
        .with_status(502)
        .with_retry(RetryAdvice::After(seconds(1)));
    let provider = Paced::new([refuses(ErrorKind::Server), Err(last)]);
    let breaker = breaker(&provider);
    assert_eq!(breaker.states(), [], "nothing is known, nothing is remembered");
    chat(&breaker).await.unwrap_err();
    let closed = state(&breaker);
    assert_eq!((closed.status, closed.failures), (BreakerStatus::Closed, 1));
    assert_eq!((closed.out_of_order_for, closed.retry_in), (None, None));
    chat(&breaker).await.unwrap_err();
    advance(Duration::from_millis(3500)).await;
    for error in [breaker.chat(&ask("m")).await.map(drop), breaker.stream(&ask("m")).await.map(drop)] {
        let error = error.unwrap_err();
        assert_eq!(
            error.to_string(),
            "overloaded: not asked: \"m\" has been out of order for 3 s (2 failures in a row, the last: upstream provider \
             failed); it is tried again in 7 s (provider acme, model m, retry after 7 s)"
        );
        assert_eq!(error.retry(), RetryAdvice::After(Duration::from_millis(6500)));
        let source = error.source().expect("the last failure").to_string();
        assert_eq!(source, "upstream provider failed: overheated (provider acme, HTTP 502)");
    }
    assert_eq!(provider.asked().len(), 2);
    let open = state(&breaker);
    assert_eq!(
        (open.provider, &*open.model, open.status, open.failures),
        ("acme", "m", BreakerStatus::Open, 2)
    );
    assert_eq!(open.out_of_order_for, Some(Duration::from_millis(3500)));
    assert_eq!(open.retry_in, Some(Duration::from_millis(6500)));
    assert_eq!(open.last_error.message(), "overheated");
}

#[tokio::test(start_paused = true)]
async fn breaker_counts_failures_of_the_model_alone() {
    use ErrorKind::*;
    let counts = [Timeout, Upstream, Overloaded, Server, Connection, Interrupted];
    let others = [
        Config,
        InvalidRequest,
        Authentication,
        PaymentRequired,
        PermissionDenied,
        ContentPolicy,
        ModelNotFound,
        NoEndpoint,
        UnsupportedFeature,
        ContextLength,
        PayloadTooLarge,
        RateLimited,
        EmptyResponse,
        InvalidResponse,
    ];
    for kind in counts.into_iter().chain(others) {
        let before = Ok(vec![Beat::Fails(Error::new(kind, "not now"))]);
        for turn in [refuses(kind), before, breaks(kind)] {
            let provider = Paced::new([turn]);
            let (streamed, whole) = (breaker(&provider), breaker(&provider));
            for _ in 0..2 {
                if let Ok(stream) = stream(&streamed).await {
                    stream.collect().await.unwrap_err();
                }
                chat(&whole).await.unwrap_err();
            }
            for breaker in [streamed, whole] {
                let is_open = breaker.states().iter().any(|state| state.status == BreakerStatus::Open);
                assert_eq!(is_open, counts.contains(&kind), "{kind:?}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn deadline_is_no_failure_but_silence_is() {
    let cases = [
        (TimeoutPhase::Connect, true),
        (TimeoutPhase::Read, true),
        (TimeoutPhase::FirstOutput, true),
        (TimeoutPhase::Idle, true),
        (TimeoutPhase::Service, true),
        (TimeoutPhase::Deadline, false),
    ];
    for (phase, counts) in cases {
        let provider = Paced::new([Err(Error::new(ErrorKind::Timeout, "too late").with_timeout(phase))]);
        let breaker = breaker(&provider);
        chat(&breaker).await.unwrap_err();
        assert_eq!(breaker.states().len(), usize::from(counts), "{phase}");
    }
}

#[tokio::test(start_paused = true)]
async fn only_failures_in_a_row_count() {
    let fails = || refuses(ErrorKind::Timeout);
    let provider = Paced::new([fails(), says("Hi", 1), fails(), refuses(ErrorKind::InvalidRequest), fails()]);
    let breaker = breaker(&provider);
    chat(&breaker).await.unwrap_err();
    chat(&breaker).await.unwrap();
    assert_eq!(breaker.states(), [], "a model that answers is forgotten");
    chat(&breaker).await.unwrap_err();
    assert_eq!(chat(&breaker).await.unwrap_err(), ErrorKind::InvalidRequest);
    assert_eq!(state(&breaker).failures, 1, "a wrong request is neither");
    chat(&breaker).await.unwrap_err();
    assert_eq!(state(&breaker).status, BreakerStatus::Open);
}

#[tokio::test(start_paused = true)]
async fn each_model_has_a_circuit_of_its_own() {
    let (provider, breaker) = opened().await;
    provider.now_plays([says("Hi", 0)]);
    breaker.chat(&ask("other")).await.expect("another model");
    let fallback = FallbackLayer::new(FallbackSettings::default().to(breaker.clone(), "other").allow_paid())
        .layer(breaker.clone());
    let reply = fallback.chat(&ask("m")).await.expect("the other one answers");
    assert_eq!((reply.text(), reply.attempts[0].kind()), ("Hi", ErrorKind::Overloaded));
    assert_eq!(provider.asked().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn probe_that_is_answered_closes_the_circuit() {
    let (provider, breaker) = opened().await;
    provider.now_plays([says("Hi", 5)]);
    advance(seconds(10)).await;
    assert_eq!(state(&breaker).retry_in, Some(Duration::ZERO));
    let probe = tokio::spawn({
        let breaker = breaker.clone();
        async move { chat(&breaker).await }
    });
    tokio::time::sleep(seconds(1)).await;
    let error = breaker.chat(&ask("m")).await.unwrap_err();
    assert!(error.message().ends_with("; another call is trying it out"), "{error}");
    assert_eq!(error.retry(), RetryAdvice::Now);
    assert_eq!(state(&breaker).status, BreakerStatus::HalfOpen);
    assert_eq!(provider.asked().len(), 3);
    probe.await.unwrap().expect("an answer");
    assert_eq!(breaker.states(), []);
    chat(&breaker).await.expect("everybody asks again");
}

#[tokio::test(start_paused = true)]
async fn cool_down_doubles_up_to_a_bound_until_an_answer() {
    let (provider, breaker) = opened().await;
    for expected in [10, 20, 30, 30] {
        assert_eq!(state(&breaker).retry_in, Some(seconds(expected)));
        advance(seconds(expected) - Duration::from_millis(1)).await;
        let asked = provider.asked().len();
        assert_eq!(chat(&breaker).await.unwrap_err(), ErrorKind::Overloaded);
        assert_eq!(provider.asked().len(), asked);
        advance(Duration::from_millis(1)).await;
        assert_eq!(chat(&breaker).await.unwrap_err(), ErrorKind::Server);
    }
    assert_eq!(state(&breaker).out_of_order_for, Some(seconds(90)));
    advance(seconds(30)).await;
    provider.now_plays([says("Hi", 0), refuses(ErrorKind::Server)]);
    chat(&breaker).await.unwrap();
    for _ in 0..2 {
        chat(&breaker).await.unwrap_err();
    }
    assert_eq!(state(&breaker).retry_in, Some(seconds(10)));
    assert_eq!(state(&breaker).out_of_order_for, Some(Duration::ZERO), "it was in order meanwhile");
}

#[tokio::test(start_paused = true)]
async fn cool_down_above_the_bound_does_not_double() {
    let settings = settings().failures(1).cool_down(seconds(40)).max_cool_down(seconds(30));
    let breaker = Guarded::new(Paced::new([refuses(ErrorKind::Server)]), settings);
    chat(&breaker).await.unwrap_err();
    assert_eq!(state(&breaker).retry_in, Some(seconds(40)));
}

#[tokio::test(start_paused = true)]
async fn probe_without_output_keeps_the_circuit_half_open() {
    let (provider, breaker) = opened().await;
    advance(seconds(10)).await;
    provider.now_plays([Ok(vec![Beat::Usage(Box::default()), Beat::Waits(seconds(5))]), says("Hi", 0)]);
    let mut probe = stream(&breaker).await.expect("a probe");
    tokio::time::timeout(seconds(1), probe.next()).await.expect_err("it has no output");
    assert_eq!(chat(&breaker).await.unwrap_err(), ErrorKind::Overloaded);
}

#[tokio::test(start_paused = true)]
async fn state_shows_the_last_failure() {
    let last = Error::new(ErrorKind::Timeout, "late")
        .with_timeout(TimeoutPhase::Idle)
        .with_upstream(provider_core::Upstream::new(Some("Probe".to_owned()), None))
        .with_code("slow")
        .with_request_id("req-1");
    let breaker = breaker(&Paced::new([Err(last)]));
    chat(&breaker).await.unwrap_err();
    let shown = state(&breaker).last_error;
    assert_eq!((shown.timeout(), shown.code()), (Some(TimeoutPhase::Idle), Some("slow")));
    assert_eq!(shown.request_id(), Some("req-1"));
    assert_eq!(shown.upstream().and_then(|upstream| upstream.provider.as_deref()), Some("Probe"));
}

#[tokio::test(start_paused = true)]
async fn cool_down_is_a_day_at_most() {
    let provider = Paced::new([refuses(ErrorKind::Server)]);
    let breaker = Guarded::new(provider.clone(), settings().failures(1).cool_down(Duration::MAX));
    assert_eq!(chat(&breaker).await.unwrap_err(), ErrorKind::Server);
    advance(seconds(24 * 60 * 60 - 1)).await;
    assert_eq!(chat(&breaker).await.unwrap_err(), ErrorKind::Overloaded);
    assert_eq!(provider.asked().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn probe_without_outcome_passes_to_the_next_call() {
    let (provider, breaker) = opened().await;
    advance(seconds(10)).await;
    provider.now_plays([refuses(ErrorKind::InvalidRequest), says("Hi", 50)]);
    assert_eq!(chat(&breaker).await.unwrap_err(), ErrorKind::InvalidRequest);
    let state_now = state(&breaker);
    assert_eq!((state_now.status, state_now.retry_in), (BreakerStatus::Open, Some(Duration::ZERO)));
    tokio::time::timeout(seconds(1), chat(&breaker)).await.expect_err("the caller leaves");
    drop(stream(&breaker).await.expect("the next one is a probe"));
    let given_up =
        stream(&breaker).await.expect("and so does this").abandon(Error::new(ErrorKind::Timeout, "bored"));
    assert_eq!(given_up.kind(), ErrorKind::Timeout);
    assert_eq!(state(&breaker).failures, 2, "nobody waited for the model");
    chat(&breaker).await.expect("an answer");
    assert_eq!(breaker.states(), []);
}

#[tokio::test(start_paused = true)]
async fn half_open_resets_only_after_a_complete_answer() {
    let (provider, breaker) = opened().await;
    let slow = || Ok(vec![Beat::Text("Hel"), Beat::Waits(seconds(5)), Beat::Text("lo"), Beat::Ends]);
    advance(seconds(10)).await;
    provider.now_plays([slow(), breaks(ErrorKind::Upstream), slow()]);
    let mut probe = stream(&breaker).await.expect("a probe");
    assert_eq!(chat(&breaker).await.unwrap_err(), ErrorKind::Overloaded, "it has not begun");
    assert_eq!(probe.next().await, Some(Ok(Event::Text("Hel".into()))));
    let begun = state(&breaker);
    assert_eq!((begun.status, begun.failures), (BreakerStatus::Closed, 2));
    assert_eq!(chat(&breaker).await.unwrap_err(), ErrorKind::Upstream, "one more failure is enough");
    assert_eq!(state(&breaker).retry_in, Some(seconds(20)));
    probe.collect().await.expect("it is whole");
    assert_eq!(state(&breaker).status, BreakerStatus::Open, "it began before the circuit opened again");
    advance(seconds(20)).await;
    stream(&breaker).await.expect("a probe").collect().await.expect("it is whole");
    assert_eq!(breaker.states(), []);
}

#[tokio::test(start_paused = true)]
async fn earlier_calls_do_not_open_the_circuit_again() {
    let late = Ok(vec![Beat::Waits(seconds(1)), Beat::Fails(Error::new(ErrorKind::Timeout, "late"))]);
    let provider = Paced::new([late]);
    let breaker = breaker(&provider);
    let mut streams = Vec::new();
    for _ in 0..10 {
        streams.push(stream(&breaker).await.unwrap());
    }
    for stream in streams {
        stream.collect().await.unwrap_err();
    }
    let state = state(&breaker);
    // Each took a second to read: it opened 8 s ago.
    assert_eq!((state.failures, state.retry_in), (2, Some(seconds(2))));
}

// Calls that overlap.

/// Reads a stream to its end, and gives its text, or the kind of its error.
async fn end(stream: ChatStream) -> Result<String, ErrorKind> {
    stream.collect().await.map(|reply| reply.text().to_owned()).map_err(|error| error.kind())
}

/// Streams of these answers, all of them begun and none of them read.
async fn begun(provider: &Paced, breaker: &Guarded, turns: Vec<paced::Turn>) -> Vec<ChatStream> {
    let mut streams = Vec::new();
    for turn in turns {
        provider.now_plays([turn]);
        streams.push(stream(breaker).await.expect("it is let through"));
    }
    streams
}

fn fails_late() -> paced::Turn {
    Ok(vec![Beat::Fails(Error::new(ErrorKind::Server, "late"))])
}

#[tokio::test(start_paused = true)]
async fn outcomes_of_an_earlier_epoch_change_nothing() {
    let provider = Paced::new([fails_late()]);
    let breaker = breaker(&provider);
    // Enough of both for each state that follows.
    let mut early = begun(&provider, &breaker, vec![fails_late(); 15]).await;
    let mut good = begun(&provider, &breaker, vec![says("early", 0); 5]).await;
    let mut late = async || {
        for stream in early.drain(..3) {
            end(stream).await.unwrap_err();
        }
        end(good.pop().unwrap()).await.unwrap();
    };
    provider.now_plays([refuses(ErrorKind::Server)]);
    for _ in 0..2 {
        chat(&breaker).await.unwrap_err();
    }
    let mut unchanged = async |status: BreakerStatus, failures: u32| {
        let before = breaker.states();
        late().await;
        assert_eq!(breaker.states(), before);
        let known = before.first().map_or((BreakerStatus::Closed, 0), |state| (state.status, state.failures));
        assert_eq!(known, (status, failures));
    };
    unchanged(BreakerStatus::Open, 2).await;
    advance(seconds(10)).await;
    let slow = || Ok(vec![Beat::Text("Hel"), Beat::Text("lo"), Beat::Ends]);
    provider.now_plays([slow()]);
    let mut probe = stream(&breaker).await.expect("a probe");
    unchanged(BreakerStatus::HalfOpen, 2).await;
    probe.next().await.unwrap().unwrap();
    unchanged(BreakerStatus::Closed, 2).await;
    end(probe).await.unwrap();
    unchanged(BreakerStatus::Closed, 0).await;
    // And when it has failed once in its new time.
    provider.now_plays([refuses(ErrorKind::Server)]);
    chat(&breaker).await.unwrap_err();
    unchanged(BreakerStatus::Closed, 1).await;
    chat(&breaker).await.unwrap_err();
    assert_eq!((state(&breaker).status, state(&breaker).retry_in), (BreakerStatus::Open, Some(seconds(10))));
}

#[tokio::test(start_paused = true)]
async fn failures_count_by_the_order_of_their_ends() {
    let (provider, breaker) = opened().await;
    advance(seconds(10)).await;
    let slow = || Ok(vec![Beat::Text("Hel"), Beat::Text("lo"), Beat::Ends]);
    provider.now_plays([slow()]);
    let mut probe = stream(&breaker).await.expect("a probe");
    probe.next().await.unwrap().unwrap();
    // Others are let in before the probe's answer is whole, and fail after it is.
    let others = begun(&provider, &breaker, vec![fails_late(); 6]).await;
    end(probe).await.unwrap();
    assert_eq!(breaker.states(), [], "it is in order");
    for (number, other) in (1..).zip(others) {
        end(other).await.unwrap_err();
        let status = if number < 2 { BreakerStatus::Closed } else { BreakerStatus::Open };
        assert_eq!((state(&breaker).status, state(&breaker).failures), (status, number.min(2)));
    }
    assert_eq!(state(&breaker).retry_in, Some(seconds(10)), "once, and for the first time since");
}

#[tokio::test(start_paused = true)]
async fn answer_between_failures_resets_the_count() {
    let provider = Paced::new([fails_late()]);
    let breaker = breaker(&provider);
    let answer = begun(&provider, &breaker, vec![says("slow", 0)]).await.remove(0);
    let mut failing = begun(&provider, &breaker, vec![fails_late(); 3]).await.into_iter();
    end(failing.next().unwrap()).await.unwrap_err();
    end(answer).await.unwrap();
    end(failing.next().unwrap()).await.unwrap_err();
    assert_eq!((state(&breaker).status, state(&breaker).failures), (BreakerStatus::Closed, 1));
    end(failing.next().unwrap()).await.unwrap_err();
    assert_eq!(state(&breaker).status, BreakerStatus::Open);
}

#[tokio::test(start_paused = true)]
async fn unread_probe_is_joined_after_the_cool_down() {
    let (provider, breaker) = opened().await;
    advance(seconds(10)).await;
    let unread = begun(&provider, &breaker, vec![says("late", 0)]).await.remove(0);
    advance(seconds(10) - Duration::from_millis(1)).await;
    assert_eq!(chat(&breaker).await.unwrap_err(), ErrorKind::Overloaded);
    advance(Duration::from_millis(1)).await;
    let second = stream(&breaker).await.expect("another probe");
    assert_eq!(chat(&breaker).await.unwrap_err(), ErrorKind::Overloaded, "and no other");
    // That the first one is gone now does not give the second one's place away.
    drop(unread);
    assert_eq!(chat(&breaker).await.unwrap_err(), ErrorKind::Overloaded);
    end(second).await.expect("an answer");
    assert_eq!(breaker.states(), []);
    chat(&breaker).await.expect("everybody asks again");
}

#[tokio::test(start_paused = true)]
async fn all_probes_of_an_opening_count() {
    // The first one answers after all, while the second one is under way.
    let (provider, breaker) = opened().await;
    advance(seconds(10)).await;
    let first = begun(&provider, &breaker, vec![says("late", 0)]).await.remove(0);
    advance(seconds(10)).await;
    let second = begun(&provider, &breaker, vec![fails_late()]).await.remove(0);
    end(first).await.unwrap();
    assert_eq!(breaker.states(), []);
    end(second).await.unwrap_err();
    assert_eq!((state(&breaker).status, state(&breaker).failures), (BreakerStatus::Closed, 1));

    // The first one fails, and the second one began before that.
    let (provider, breaker) = opened().await;
    advance(seconds(10)).await;
    let first = begun(&provider, &breaker, vec![fails_late()]).await.remove(0);
    advance(seconds(10)).await;
    let second = begun(&provider, &breaker, vec![says("late", 0)]).await.remove(0);
    end(first).await.unwrap_err();
    assert_eq!((state(&breaker).status, state(&breaker).retry_in), (BreakerStatus::Open, Some(seconds(20))));
    end(second).await.unwrap();
    assert_eq!(state(&breaker).status, BreakerStatus::Open);
    // The wait for a probe is as long as the cool-down was, and doubles with it.
    advance(seconds(20)).await;
    let third = begun(&provider, &breaker, vec![says("late", 0)]).await.remove(0);
    advance(seconds(20) - Duration::from_millis(1)).await;
    assert_eq!(chat(&breaker).await.unwrap_err(), ErrorKind::Overloaded);
    advance(Duration::from_millis(1)).await;
    drop(stream(&breaker).await.expect("another one"));
    // The one before, of the same opening, begins although there is no probe now.
    end(third).await.unwrap();
    assert_eq!(breaker.states(), []);
}

#[tokio::test(start_paused = true)]
async fn model_in_order_is_forgotten_first() {
    let (provider, breaker) = (Paced::new([fails_late()]), BreakerSettings::default().failures(1));
    let breaker = Guarded::new(provider.clone(), breaker.cool_down(seconds(10)));
    let early = breaker.stream(&ask("m")).await.unwrap();
    provider.now_plays([refuses(ErrorKind::Server)]);
    breaker.chat(&ask("m")).await.unwrap_err();
    advance(seconds(10)).await;
    provider.now_plays([says("Hi", 0)]);
    breaker.chat(&ask("m")).await.expect("it has recovered");
    provider.now_plays([refuses(ErrorKind::Server)]);
    for number in 1..BreakerLayer::MAX_MODELS {
        breaker.chat(&ask(&format!("m{number:03}"))).await.unwrap_err();
    }
    provider.now_plays([says("Hi", 0)]);
    breaker.chat(&ask("m")).await.expect("it is the one that was asked last");
    provider.now_plays([refuses(ErrorKind::Server)]);
    breaker.chat(&ask("m000")).await.unwrap_err();
    let models: Vec<_> = breaker.states().into_iter().map(|state| state.model).collect();
    assert!(models.contains(&"m001".to_owned()));
    assert_eq!((models.len(), &*models[0]), (BreakerLayer::MAX_MODELS, "m000"), "none that fails had to go");
    early.collect().await.unwrap_err();
    assert!(breaker.states().iter().all(|state| state.model != "m"), "it began before the model recovered");
    breaker.chat(&ask("m")).await.unwrap_err();
    assert!(breaker.states().iter().any(|state| state.model == "m"), "this one counts");
}

#[tokio::test(start_paused = true)]
async fn state_shows_nothing_of_the_failed_call() {
    let provider = Paced::new([breaks(ErrorKind::Interrupted)]);
    let breaker = breaker(&provider);
    for _ in 0..2 {
        let error = stream(&breaker).await.unwrap().collect().await.unwrap_err();
        assert_eq!(error.partial().expect("what came").text(), "Hel");
    }
    assert_eq!(state(&breaker).last_error.partial(), None);
    assert_eq!(state(&breaker).last_error.generation_id(), None);
}

#[tokio::test(start_paused = true)]
async fn breaker_forgets_the_least_recently_asked_model() {
    let provider = Paced::new([refuses(ErrorKind::Server)]);
    let breaker = breaker(&provider);
    let name = |number: usize| format!("m{number:03}");
    for number in 0..BreakerLayer::MAX_MODELS {
        breaker.chat(&ask(&name(number))).await.unwrap_err();
    }
    breaker.chat(&ask(&name(0))).await.unwrap_err();
    breaker.chat(&ask("one more")).await.unwrap_err();
    let models: Vec<_> = breaker.states().into_iter().map(|state| state.model).collect();
    assert_eq!(models.len(), BreakerLayer::MAX_MODELS);
    assert!(models.is_sorted());
    assert!(models.contains(&name(0)) && models.contains(&"one more".to_owned()));
    assert!(!models.contains(&name(1)), "nobody has asked for it since");
}

/// In the order of the layers, the timeouts inside tell the breaker of silence, and a refused call takes no
/// place.
#[tokio::test(start_paused = true)]
async fn silence_opens_the_circuit_and_frees_its_permit() {
    let provider = Paced::new([Ok(vec![Beat::Text("Hel"), Beat::Waits(seconds(1000))])]);
    let timeouts = TimeoutLayer::new(TimeoutSettings::default().idle(seconds(1))).layer(provider.clone());
    let limits = LimitSettings::off().max_concurrency(1).max_wait(Duration::ZERO);
    let breaker = Guarded::new(LimitLayer::new(limits).layer(timeouts), settings());
    for _ in 0..2 {
        let error = stream(&breaker).await.unwrap().collect().await.unwrap_err();
        assert_eq!((error.kind(), error.timeout()), (ErrorKind::Timeout, Some(TimeoutPhase::Idle)));
    }
    assert_eq!(stream(&breaker).await.unwrap_err(), ErrorKind::Overloaded);
    advance(seconds(10)).await;
    let probe = stream(&breaker).await.expect("the place is free");
    drop(probe);
    assert_eq!(provider.open(), 0);
}

#[tokio::test(start_paused = true)]
async fn breaker_lets_all_calls_through_when_off() {
    let provider = Paced::new([refuses(ErrorKind::Server)]);
    let off = Guarded::new(provider.clone(), BreakerSettings::off());
    for _ in 0..20 {
        assert_eq!(chat(&off).await.unwrap_err(), ErrorKind::Server);
        assert_eq!(stream(&off).await.unwrap_err(), ErrorKind::Server);
    }
    assert_eq!((off.states(), provider.asked().len()), (Vec::new(), 40));

    let usual = Guarded::new(provider.clone(), BreakerSettings::default());
    for _ in 0..9 {
        usual.chat(&ask("m")).await.unwrap_err();
    }
    assert_eq!(provider.asked().len(), 45, "five in a row by default");
    assert_eq!(state(&usual).retry_in, Some(seconds(30)));
    usual.models().await.expect("the list");
    assert_eq!(usual.check().await.unwrap_err().kind(), ErrorKind::Authentication);
    assert_eq!(usual.id(), "acme");
}
