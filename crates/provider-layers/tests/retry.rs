//! Retries: of which errors, when, how often, and the error at the end.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "tests fail by panicking, their helpers too")]

mod support;

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use provider_core::{
    ChatRequest, ChatResponse, Error, ErrorKind, Event, LimitKind, LlmProvider, LlmProviderExt,
    RetryAdvice as Advice, TimeoutPhase, Usage, UsageLimit,
};
use provider_layers::{Layer, RetryLayer, RetrySettings};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use support::budget::{Budget, in_flight};
use support::turns::{Beat, InTurn, Turn};
use support::{both_ways, story};

const SECOND: Duration = Duration::from_secs(1);

fn around(provider: &Arc<InTurn>, settings: RetrySettings) -> Arc<dyn LlmProvider> {
    RetryLayer::new(settings).layer(provider.clone())
}

fn hello() -> ChatRequest {
    ChatRequest::new("a").user("Hello")
}

fn down() -> Turn {
    Turn::fails(ErrorKind::Server)
}

fn wait(time: Duration) -> Turn {
    Turn::refuses(Error::new(ErrorKind::RateLimited, "not now").with_retry(Advice::After(time)))
}

// When.

#[tokio::test(start_paused = true)]
async fn backoff_has_equal_jitter_below_a_doubling_cap() {
    let most = [500, 1000, 2000, 4000, 8000, 8000].map(Duration::from_millis);
    let mut shares = Vec::new();
    for seed in 0..50 {
        let provider = InTurn::new([down()]);
        let settings = RetrySettings::default().max_attempts(7).seed(seed);
        around(&provider, settings).chat(&hello()).await.unwrap_err();
        let waits = provider.waits();
        assert_eq!(waits.len(), most.len());
        for (wait, most) in waits.iter().zip(most) {
            // The clock counts milliseconds.
            assert!(most / 2 <= *wait && *wait <= most + Duration::from_millis(1), "{waits:?}");
            shares.push(wait.as_secs_f64() / most.as_secs_f64());
        }
    }
    for eighth in [0.5, 0.625, 0.75, 0.875] {
        let within = shares.iter().filter(|share| (eighth..eighth + 0.125).contains(*share)).count();
        assert!((40..=110).contains(&within), "{within} of {} from {eighth} on", shares.len());
    }
}

#[tokio::test(start_paused = true)]
async fn jitter_repeats_only_with_a_seed() {
    let waits = async |settings: RetrySettings| {
        let provider = InTurn::new([down()]);
        around(&provider, settings.max_attempts(5)).chat(&hello()).await.unwrap_err();
        provider.waits()
    };
    let seeded = RetrySettings::default().seed(7);
    assert_eq!(waits(seeded).await, waits(seeded).await);
    assert_ne!(waits(RetrySettings::default()).await, waits(RetrySettings::default()).await);
}

#[tokio::test(start_paused = true)]
async fn retry_waits_as_long_as_told_plus_jitter() {
    for seed in 0..20 {
        let provider = InTurn::new([wait(20 * SECOND), wait(SECOND), Turn::says("Hi")]);
        let settings = RetrySettings::default().seed(seed);
        let reply = around(&provider, settings).chat(&hello()).await.unwrap();
        assert_eq!((reply.text(), reply.attempts.len()), ("Hi", 2));
        for (wait, asked) in provider.waits().into_iter().zip([20 * SECOND, SECOND]) {
            let most = asked + Duration::from_millis(501);
            assert!((asked..=most).contains(&wait), "{wait:?} for {asked:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn named_wait_that_is_too_long_fails_at_once() {
    let default = RetrySettings::default();
    let most = "waits of up to 300 s are waited for (max_retry_after)";
    let cases = [
        (default, 300, None),
        (default, 301, Some(most)),
        (default, u64::MAX, Some(most)),
        (default.max_retry_after(Duration::ZERO), 1, Some("waits of up to 0 s are waited for")),
        (default.max_retry_after(Duration::MAX), 86400, None),
        // Our own budget is for waits that nobody asked for.
        (default.retry_timeout(5 * SECOND), 120, None),
        (default.retry_timeout(Duration::ZERO), 1, None),
        (default.deadline(10 * SECOND), 10, Some("10 s are left of the deadline")),
        (default.deadline(10 * SECOND), 9, None),
        (default.deadline(3600 * SECOND), 301, Some(most)),
    ];
    for (settings, hint, refusal) in cases {
        let named = Duration::from_secs(hint);
        let provider = InTurn::new([wait(named), Turn::says("Hi")]);
        let start = Instant::now();
        let outcome = around(&provider, settings).chat(&hello()).await;
        assert_eq!(provider.asked(), 1 + usize::from(refusal.is_none()), "{settings:?} {hint}");
        match outcome {
            Ok(reply) => {
                assert_eq!((reply.attempts.len(), refusal), (1, None));
                assert!(provider.waits()[0] >= named);
            }
            Err(error) => {
                assert_eq!((error.retry(), start.elapsed()), (Advice::After(named), Duration::ZERO));
                let refusal = refusal.expect("it is tried again");
                let words = error.message().strip_prefix("not now; not tried again, since only ");
                assert!(words.is_some_and(|words| words.starts_with(refusal)), "{error}");
                assert!(error.message().ends_with(&format!("; ask again in {hint} s")) || hint == u64::MAX);
                assert!(error.attempts().is_empty());
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn named_waits_do_not_count_to_retry_timeout() {
    let turns = [wait(200 * SECOND), down(), Turn::says("Hi")];
    let provider = InTurn::new(turns);
    let reply = around(&provider, RetrySettings::default()).chat(&hello()).await.unwrap();
    assert_eq!((reply.text(), provider.asked()), ("Hi", 3));

    // The time of the attempts themselves is.
    let turns = [wait(200 * SECOND).takes(30 * SECOND), down().takes(30 * SECOND), Turn::says("Hi")];
    let provider = InTurn::new(turns);
    let error = around(&provider, RetrySettings::default()).chat(&hello()).await.unwrap_err();
    assert!(error.message().ends_with("the time for that is up"), "{error}");
    assert_eq!((error.attempts().len(), provider.asked()), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn no_attempt_begins_after_retry_timeout() {
    let provider = InTurn::new([down().takes(2 * SECOND)]);
    let settings =
        RetrySettings::default().max_attempts(9).retry_timeout(7 * SECOND).initial_delay(SECOND / 2);
    let start = Instant::now();
    let error = around(&provider, settings.max_delay(SECOND / 2)).chat(&hello()).await.unwrap_err();
    // They begin at 0, at 2.25 to 2.5, at 4.5 to 5, and perhaps at 6.75 to 7.5.
    assert!([3, 4].contains(&provider.asked()), "{}", provider.asked());
    assert!(start.elapsed() < 9 * SECOND);
    assert!(error.message().contains("not tried again"), "{error}");

    let slow = InTurn::new([Turn::says("Hi").takes(3600 * SECOND)]);
    assert!(around(&slow, RetrySettings::default()).chat(&hello()).await.is_ok());
}

// Of which errors.

#[tokio::test(start_paused = true)]
async fn retry_depends_on_the_advice_alone() {
    use ErrorKind::*;
    let kinds = [
        Config,
        InvalidRequest,
        Authentication,
        PaymentRequired,
        ModelNotFound,
        NoEndpoint,
        ContextLength,
        RateLimited,
        Timeout,
        Upstream,
        Overloaded,
        Server,
        Connection,
        Interrupted,
        EmptyResponse,
        InvalidResponse,
    ];
    for kind in kinds {
        for advice in [Advice::Never, Advice::Now, Advice::After(SECOND)] {
            let error = Error::new(kind, "not now").with_retry(advice);
            for turn in [Turn::refuses(error.clone()), Turn::streams([Beat::Fails(error)])] {
                let provider = InTurn::new([turn.clone(), turn, Turn::says("Hi")]);
                let outcome = around(&provider, RetrySettings::default()).chat(&hello()).await;
                assert_eq!(outcome.is_ok(), advice != Advice::Never, "{kind:?} {advice:?}");
                assert_eq!(provider.asked(), if outcome.is_ok() { 3 } else { 1 });
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn stream_is_retried_before_its_first_event() {
    let broken = || Beat::Fails(Error::new(ErrorKind::Interrupted, "broke off"));
    let turns = [Turn::streams([Beat::Comments(3), broken()]), Turn::streams([]), Turn::says("Hi")];
    let provider = InTurn::new(turns);
    let mut stream = around(&provider, RetrySettings::default()).stream(&hello()).await.unwrap();
    assert_eq!(stream.next().await, Some(Ok(Event::Text("Hi".into()))));
    let reply = stream.collect().await.unwrap();
    let before = [("acme", "a", ErrorKind::Interrupted); 2];
    assert_eq!((reply.text(), story(&reply.attempts)), ("Hi", before.to_vec()));
}

#[tokio::test(start_paused = true)]
async fn stream_is_retried_after_raw_chunks_alone() {
    let broken = || Beat::Fails(Error::new(ErrorKind::Interrupted, "broke off"));
    let chunks = [Beat::Raw, Beat::Chunk, Beat::Silence(SECOND), Beat::Raw, Beat::Usage, broken()];
    let provider =
        InTurn::new([Turn::streams(chunks), Turn::streams([Beat::Raw, Beat::Text("Hi"), Beat::Ends])]);
    let retry = around(&provider, RetrySettings::default());
    let mut stream = retry.stream(&hello()).await.unwrap();
    assert!(matches!(stream.next().await, Some(Ok(Event::Raw(_)))), "it is handed on with the answer");
    let reply = stream.collect().await.unwrap();
    assert_eq!((reply.text(), reply.raw.len(), reply.attempts.len()), ("Hi", 1, 1));
    assert_eq!(reply.attempts[0].partial().expect("what came").raw.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn begun_answer_is_not_retried() {
    let broken = Error::new(ErrorKind::Interrupted, "broke off");
    let turns = [down(), Turn::streams([Beat::Text("Hel"), Beat::Fails(broken)]), Turn::says("Hi")];
    for streamed in [false, true] {
        let provider = InTurn::new(turns.clone());
        let retry = around(&provider, RetrySettings::default());
        let outcome = match streamed {
            true => retry.stream(&hello()).await.expect("it begins").collect().await,
            false => retry.chat(&hello()).await,
        };
        let error = outcome.unwrap_err();
        assert_eq!((error.message(), provider.asked()), ("broke off", 2));
        assert_eq!(error.partial().expect("what came").text(), "Hel");
        assert_eq!(story(error.attempts()), [("acme", "a", ErrorKind::Server)]);
    }
}

#[tokio::test(start_paused = true)]
async fn billed_answer_is_not_retried() {
    let with = |change: fn(&mut ChatResponse)| {
        let mut partial = ChatResponse::default();
        change(&mut partial);
        Turn::refuses(Error::new(ErrorKind::EmptyResponse, "nothing").with_partial(partial))
    };
    fn used(tokens: u64) -> Usage {
        let mut usage = Usage::default();
        (usage.prompt_tokens, usage.completion_tokens) = (Some(9), Some(tokens));
        usage
    }
    let cases = [
        (with(|partial| partial.message.text.push_str("Hel")), 1),
        (with(|partial| partial.usage = used(40)), 1),
        (with(|partial| partial.usage = used(0)), 2),
        (with(|partial| partial.usage.cost = "0.001".parse().ok()), 1),
        (with(|partial| partial.usage.cost = "0".parse().ok()), 2),
        (with(|partial| partial.id = Some("gen-1".to_owned())), 2),
    ];
    for (turn, asked) in cases {
        let provider = InTurn::new([turn.clone(), Turn::says("Hi")]);
        let _ = around(&provider, RetrySettings::default()).chat(&hello()).await;
        assert_eq!(provider.asked(), asked, "{turn:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn every_try_gets_the_same_request() {
    let provider = InTurn::new([down(), down(), Turn::says("Hi")]);
    let request = hello().temperature(0.0);
    for (_, outcome) in both_ways(&*around(&provider, RetrySettings::default()), &request).await {
        outcome.unwrap();
    }
    let requests = provider.requests();
    assert_eq!(requests.len(), 4);
    for got in requests {
        assert!(got == request && got.messages.shares_with(&request.messages));
    }
}

#[tokio::test(start_paused = true)]
async fn lists_and_connection_tests_are_retried() {
    let provider = InTurn::new([down(), down(), Turn::default()]);
    around(&provider, RetrySettings::default()).models().await.unwrap();
    assert_eq!(provider.asked(), 3);

    let provider = InTurn::new([down()]);
    let error = around(&provider, RetrySettings::default()).check().await.unwrap_err();
    assert_eq!((provider.asked(), error.attempts().len()), (3, 2));
    assert!(error.attempts().iter().all(|failed| failed.provider() == Some("acme")));
    assert_eq!(error.model(), None);
}

// One at a time.

#[tokio::test(start_paused = true)]
async fn in_flight_calls_are_retried_one_at_a_time() {
    let expected = |calls: u64| {
        // The first is answered at once, the others one after the other when the time is up.
        let answered: Vec<u64> =
            (0..calls).map(|call| if call == 0 { 0 } else { 120 + (call - 1) * 10 }).collect();
        (answered, vec![0; usize::try_from(calls).unwrap() - 1])
    };
    for (calls, streamed) in [(5, true), (5, false), (30, true)] {
        let provider = Budget::of(1, 10 * SECOND, 120 * SECOND);
        let settings = RetrySettings::default().initial_delay(Duration::ZERO);
        let retry = RetryLayer::new(settings).layer(provider.clone());
        let mut running = JoinSet::new();
        for _ in 0..calls {
            let retry = retry.clone();
            running.spawn(async move {
                match streamed {
                    true => retry.stream(&hello()).await.unwrap().collect().await,
                    false => retry.chat(&hello()).await,
                }
            });
        }
        let replies: Vec<_> = running.join_all().await.into_iter().map(Result::unwrap).collect();
        assert_eq!(replies.iter().filter(|reply| reply.attempts.is_empty()).count(), 1);
        let limits =
            replies.iter().flat_map(|reply| &reply.attempts).map(|failed| failed.limit().unwrap().kind);
        assert!(limits.eq(vec![LimitKind::InFlight; usize::try_from(calls).unwrap() - 1]));
        assert_eq!((provider.asked(true), provider.asked(false)), expected(calls));
    }
}

#[tokio::test(start_paused = true)]
async fn queued_retry_keeps_deadline_and_named_time() {
    // There is never anything free: the one that has its turn is told to wait anew, and the other one with
    // it.
    let provider = Budget::of(0, SECOND, 60 * SECOND);
    let settings = RetrySettings::default().initial_delay(Duration::ZERO).deadline(150 * SECOND);
    let retry = RetryLayer::new(settings).layer(provider.clone());
    let (hello, start) = (hello(), Instant::now());
    let (one, other) = tokio::join!(retry.chat(&hello), retry.chat(&hello));
    assert_eq!(provider.asked(false), [0, 0, 60, 120, 120]);
    for error in [one.unwrap_err(), other.unwrap_err()] {
        assert_eq!((error.kind(), error.status()), (ErrorKind::PaymentRequired, Some(402)));
        assert!(error.limit().is_some() && !error.attempts().is_empty(), "{error}");
    }
    assert_eq!(start.elapsed().as_secs(), 120);

    // The one that has its turn is not read, and the other one's time is up before it may take the turn.
    let settings = settings.deadline(110 * SECOND);
    let provider = Budget::of(1, SECOND, 60 * SECOND);
    let retry = RetryLayer::new(settings).layer(provider.clone());
    let first = retry.stream(&hello).await.unwrap();
    let (held, late, ()) = tokio::join!(retry.stream(&hello), retry.chat(&hello), async {
        tokio::time::sleep(30 * SECOND).await;
        drop(first);
    });
    assert_eq!(held.unwrap().so_far().attempts.len(), 1);
    let late = late.unwrap_err();
    assert_eq!(
        (late.timeout(), late.provider(), late.model()),
        (Some(TimeoutPhase::Deadline), Some("acme"), Some("a"))
    );
    assert_eq!(story(late.attempts()), [("acme", "a", ErrorKind::PaymentRequired)]);
    assert_eq!((provider.asked(true), provider.asked(false)), (vec![0, 60], vec![0, 0]));
}

#[tokio::test(start_paused = true)]
async fn unread_stream_holds_the_turn_for_the_named_time() {
    for (named, at_most) in [(Duration::ZERO, 10), (SECOND, 10), (60 * SECOND, 60)] {
        let refused = || Turn::refuses(in_flight(named));
        let open = Turn::streams([Beat::Text("Hel"), Beat::Silence(3600 * SECOND)]);
        let said = || Turn::says("Hi");
        let turns = [refused(), open, refused(), refused(), refused(), said(), said(), said()];
        let provider = InTurn::new(turns);
        let retry = around(&provider, RetrySettings::default().initial_delay(Duration::ZERO));
        // Its reader asks the same provider before it reads on.
        let mut stream = retry.stream(&hello()).await.unwrap();
        assert_eq!(stream.next().await, Some(Ok(Event::Text("Hel".into()))));
        let (request, start) = (hello(), Instant::now());
        let asked = tokio::join!(retry.chat(&request), retry.chat(&request), retry.chat(&request));
        for reply in [asked.0, asked.1, asked.2] {
            assert_eq!(reply.unwrap().text(), "Hi");
        }
        assert_eq!(start.elapsed().as_secs(), at_most, "{named:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn turns_stay_single_behind_an_unread_stream() {
    let provider = Budget::of(2, 10 * SECOND, 60 * SECOND);
    let retry =
        RetryLayer::new(RetrySettings::default().initial_delay(Duration::ZERO)).layer(provider.clone());
    let hello = hello();
    let (one, other) = (retry.stream(&hello).await.unwrap(), retry.stream(&hello).await.unwrap());
    let (held, ()) = tokio::join!(retry.stream(&hello), async {
        tokio::time::sleep(30 * SECOND).await;
        drop(one);
    });
    tokio::time::sleep(10 * SECOND).await;
    drop(other);
    let ask = || retry.chat(&hello);
    let replies = tokio::join!(ask(), ask(), ask(), ask());
    assert!([&replies.0, &replies.1, &replies.2, &replies.3].into_iter().all(Result::is_ok));
    assert_eq!(provider.asked(true), [0, 0, 60, 70, 130, 140, 150]);
    assert_eq!(provider.asked(false), [0, 70, 70, 70]);
    drop(held);
}

#[tokio::test(start_paused = true)]
async fn no_wait_is_too_long_to_count_with() {
    let settings = RetrySettings::default().max_retry_after(Duration::MAX).initial_delay(Duration::MAX);
    for error in [wait(Duration::MAX), Turn::refuses(in_flight(Duration::MAX)), down()] {
        let provider = InTurn::new([error, Turn::says("Hi")]);
        let retry = around(&provider, settings.max_delay(Duration::MAX).retry_timeout(Duration::MAX));
        let request = hello();
        assert!(timeout(1_000_000 * SECOND, retry.chat(&request)).await.is_err());
        assert_eq!(provider.asked(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn in_flight_retry_needs_no_retry_budget() {
    for (error, asked) in
        [(in_flight(SECOND), 2), (in_flight(SECOND).with_limit(UsageLimit::new(LimitKind::Rate)), 1)]
    {
        let provider = InTurn::new([Turn::refuses(error), Turn::says("Hi")]);
        let _ = around(&provider, RetrySettings::default().budget_capacity(0)).chat(&hello()).await;
        assert_eq!(provider.asked(), asked);
    }
}

// How often.

#[tokio::test(start_paused = true)]
async fn retry_that_is_off_asks_once() {
    for settings in [RetrySettings::off(), RetrySettings::default().max_attempts(0)] {
        let provider = InTurn::new([down()]);
        let retry = around(&provider, settings);
        assert_eq!(retry.id(), "acme");
        let error = retry.chat(&hello()).await.unwrap_err();
        assert_eq!((error.message(), error.attempts(), provider.asked()), ("not now", &[][..], 1));
    }
}

#[tokio::test(start_paused = true)]
async fn calls_share_one_retry_budget() {
    let provider = InTurn::new([down()]);
    let settings = RetrySettings::default().budget_capacity(3).budget_deposit(0.5);
    let retry = around(&provider, settings);
    // There are 3 at first; each call puts half of one in, and takes 2 at most.
    let mut asked = Vec::new();
    for _ in 0..8 {
        let before = provider.asked();
        let error = retry.chat(&hello()).await.unwrap_err();
        let attempts = provider.asked() - before;
        assert_eq!(error.message().contains("too many calls have failed"), attempts < 3, "{error}");
        asked.push(attempts);
    }
    assert_eq!(asked, [3, 2, 2, 1, 2, 1, 2, 1]);

    let provider = InTurn::new([down()]);
    let retry = around(&provider, RetrySettings::default());
    let mut calls = 0;
    while provider.asked() < 1000 {
        let _ = retry.check().await;
        calls += 1;
    }
    assert!(calls > 890, "one call in ten is tried again: {calls} calls, 1000 attempts");
}

// The attempts in answers and errors.

#[tokio::test(start_paused = true)]
async fn attempts_are_listed_oldest_first_and_flat() {
    let upstream = Error::new(ErrorKind::Overloaded, "the first upstream was busy");
    let first = Error::new(ErrorKind::Upstream, "nobody left").with_attempts(vec![upstream]);
    let provider = InTurn::new([Turn::refuses(first), wait(SECOND), Turn::says("Hi")]);
    let reply = around(&provider, RetrySettings::default()).chat(&hello()).await.unwrap();
    let expected = [ErrorKind::Overloaded, ErrorKind::Upstream, ErrorKind::RateLimited];
    assert_eq!(story(&reply.attempts), expected.map(|kind| ("acme", "a", kind)));

    for streamed in [false, true] {
        let provider = InTurn::new([wait(SECOND), down(), Turn::fails(ErrorKind::Connection)]);
        let retry = around(&provider, RetrySettings::default());
        let error = match streamed {
            true => retry.stream(&hello()).await.map(drop).unwrap_err(),
            false => retry.chat(&hello()).await.unwrap_err(),
        };
        assert_eq!(
            (error.kind(), error.provider(), error.model()),
            (ErrorKind::Connection, Some("acme"), Some("a"))
        );
        let expected = [ErrorKind::RateLimited, ErrorKind::Server];
        assert_eq!(story(error.attempts()), expected.map(|kind| ("acme", "a", kind)));
    }
}

// The end of it.

#[tokio::test(start_paused = true)]
async fn deadline_bounds_all_attempts_and_the_answer() {
    let settings = RetrySettings::default().deadline(10 * SECOND);
    let late = |error: &Error| (error.kind(), error.timeout(), error.provider().map(str::to_owned));
    let expected = (ErrorKind::Timeout, Some(TimeoutPhase::Deadline), Some("acme".to_owned()));

    let start = Instant::now();
    let provider = InTurn::new([down().takes(4 * SECOND), Turn::hangs()]);
    for error in [
        around(&provider, settings).chat(&hello()).await.unwrap_err(),
        around(&InTurn::new([Turn::hangs()]), settings).models().await.unwrap_err(),
        around(&InTurn::new([Turn::streams([Beat::Silence(3600 * SECOND)])]), settings)
            .stream(&hello())
            .await
            .map(drop)
            .unwrap_err(),
    ] {
        assert_eq!(late(&error), expected, "{error}");
        assert!(error.message().ends_with("after 10 s (deadline)"), "{error}");
    }
    assert_eq!(start.elapsed().as_secs(), 30);
    assert_eq!(provider.asked(), 2);

    let stalls = Turn::streams([Beat::Text("Hel"), Beat::Silence(3600 * SECOND)]);
    let provider = InTurn::new([down().takes(4 * SECOND), stalls]);
    let stream = around(&provider, settings).stream(&hello()).await.unwrap();
    let error = stream.collect().await.unwrap_err();
    assert_eq!(late(&error), expected);
    assert_eq!(start.elapsed().as_secs(), 40);
    assert_eq!(error.partial().expect("what came").text(), "Hel");
    assert_eq!(story(error.attempts()), [("acme", "a", ErrorKind::Server)]);
}

#[tokio::test(start_paused = true)]
async fn dropping_it_stops_it() {
    // While an attempt is under way, and while it waits for the next one.
    for (turn, running) in [(Turn::hangs(), 1), (wait(30 * SECOND), 0)] {
        let provider = InTurn::new([turn, Turn::says("Hi")]);
        let retry = around(&provider, RetrySettings::default());
        let request = hello();
        let mut call = Box::pin(retry.stream(&request));
        assert!(timeout(SECOND, &mut call).await.is_err());
        assert_eq!(provider.running.load(SeqCst), running);
        drop(call);
        tokio::time::sleep(3600 * SECOND).await;
        assert_eq!((provider.running.load(SeqCst), provider.asked()), (0, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn in_flight_retries_heed_the_longest_named_wait() {
    let refusals = [60, 10].map(|seconds| Turn::refuses(in_flight(seconds * SECOND)));
    let provider = InTurn::new(refusals.into_iter().chain([Turn::says("Hi")]));
    let retry = around(&provider, RetrySettings::default().initial_delay(Duration::ZERO));
    let hello = hello();
    let (one, other) = tokio::join!(retry.chat(&hello), retry.chat(&hello));
    assert!(one.is_ok() && other.is_ok());
    let waits: Vec<_> = provider.waits().iter().map(Duration::as_secs).collect();
    assert_eq!(waits, [0, 60, 0]);
}

#[tokio::test(start_paused = true)]
async fn wait_for_a_turn_does_not_count_to_retry_timeout() {
    let refused = || Turn::refuses(in_flight(SECOND));
    let turns = [refused(), refused(), Turn::says("Hi").takes(100 * SECOND), down(), Turn::says("Hi")];
    let provider = InTurn::new(turns);
    let retry = around(&provider, RetrySettings::default());
    let hello = hello();
    let (one, other) = tokio::join!(retry.chat(&hello), retry.chat(&hello));
    assert!(one.is_ok() && other.is_ok(), "{one:?} {other:?}");
    assert_eq!(provider.asked(), 5);
}

#[tokio::test(start_paused = true)]
async fn named_wait_with_jitter_keeps_the_deadline() {
    for seed in 0..20 {
        let provider = InTurn::new([wait(20 * SECOND), Turn::says("Hi")]);
        let settings = RetrySettings::default().initial_delay(10 * SECOND).deadline(21 * SECOND).seed(seed);
        let reply = around(&provider, settings).chat(&hello()).await;
        assert!(reply.is_ok(), "{reply:?}");
        assert!(provider.waits()[0] <= 21 * SECOND, "{:?}", provider.waits());
    }
}

#[tokio::test(start_paused = true)]
async fn later_deadline_leaves_retry_timeout_as_it_is() {
    let provider = InTurn::new([down()]);
    let settings = RetrySettings::default().max_attempts(9).retry_timeout(3 * SECOND);
    let settings = settings.initial_delay(2 * SECOND).max_delay(2 * SECOND).deadline(3600 * SECOND);
    around(&provider, settings).chat(&hello()).await.unwrap_err();
    assert!(provider.asked() <= 3, "{}", provider.asked());
}

// The error at the end.

/// A refusal that names a wait.
fn told_to_wait() -> Turn {
    let error = Error::new(ErrorKind::RateLimited, "slow down").with_retry(Advice::After(SECOND));
    Turn::refuses(error)
}

#[tokio::test(start_paused = true)]
async fn error_is_exhausted_once_retries_are_used_up() {
    let default = RetrySettings::default();
    let cases = [
        ("attempts", default, told_to_wait(), Some(Some(SECOND))),
        ("attempts", default, down(), Some(None)),
        ("budget", default.budget_capacity(0), told_to_wait(), Some(Some(SECOND))),
        ("time", default.retry_timeout(Duration::ZERO), down(), Some(None)),
        ("deadline", default.deadline(SECOND), Turn::hangs(), Some(None)),
        ("a longer wait", default.max_retry_after(Duration::ZERO), told_to_wait(), None),
        ("no advice", default, Turn::fails(ErrorKind::Authentication), None),
        ("no retries", RetrySettings::off(), down(), None),
        ("a deadline alone", RetrySettings::off().deadline(SECOND), Turn::hangs(), None),
    ];
    for (what, settings, turn, exhausted) in cases {
        let provider = InTurn::new([turn]);
        let error = around(&provider, settings).chat(&hello()).await.unwrap_err();
        let advice = error.has_exhausted_retries().then(|| error.retry().after());
        assert_eq!(advice, exhausted, "{what}: {error:?}");
        assert_eq!(error.is_retryable(), exhausted.is_none() && what != "no advice", "{what}");
        assert!(error.attempts().iter().all(Error::is_retryable), "{what}: attempts keep their advice");
    }
}

#[tokio::test(start_paused = true)]
async fn nested_retries_do_not_multiply() {
    let provider = InTurn::new([down()]);
    let inner = around(&provider, RetrySettings::default());
    let outer = RetryLayer::new(RetrySettings::default()).layer(inner);
    let error = outer.chat(&hello()).await.unwrap_err();
    assert_eq!((provider.asked(), error.attempts().len()), (3, 2));
    assert!(outer.stream(&hello()).await.is_err());
    assert_eq!(provider.asked(), 6);
}

#[tokio::test(start_paused = true)]
async fn answer_that_was_paid_for_keeps_its_advice() {
    let broken = Turn::streams([Beat::Text("x"), Beat::Fails(Error::new(ErrorKind::Upstream, "fell"))]);
    let provider = InTurn::new([broken]);
    let error = around(&provider, RetrySettings::default()).chat(&hello()).await.unwrap_err();
    assert!(error.was_paid_for() && error.is_retryable() && !error.has_exhausted_retries());
    assert_eq!(provider.asked(), 1);
}
