//! The stack of layers that every provider gets, and its settings.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "tests fail by panicking, their helpers too")]

mod support;

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use provider_core::{ChatRequest, ConfigValues, Error, ErrorKind, LlmProviderExt, TimeoutPhase};
use provider_layers::{
    BreakerSettings, FIELDS, LimitSettings, RetrySettings, StandardSettings, TimeoutSettings, TraceSettings,
    standard,
};
use provider_testing::{ScriptedProvider, Turn as Script};
use tokio::time::Instant;

use support::story;
use support::turns::{Beat, InTurn, Turn};

const SECOND: Duration = Duration::from_secs(1);

fn hello() -> ChatRequest {
    ChatRequest::new("a").user("Hello")
}

#[test]
fn defaults_of_table_and_settings_agree() {
    let defaults = FIELDS.iter().filter_map(|field| Some((field.key, field.default?)));
    let values: ConfigValues = defaults.collect();
    assert_eq!(values.keys().count(), 7);
    assert!(values.problems(FIELDS).is_empty());
    assert_eq!(StandardSettings::from_values(&values), Ok(StandardSettings::default()));
    assert_eq!(StandardSettings::from_values(&ConfigValues::new()), Ok(StandardSettings::default()));
}

#[test]
fn every_setting_is_read() {
    let values = ConfigValues::from([
        ("max_attempts", "5"),
        ("retry_timeout", "30"),
        ("max_retry_after", "150"),
        ("first_output_timeout", "20"),
        ("idle_timeout", "2.5"),
        ("deadline", "90"),
        ("max_concurrency", "16"),
        ("requests_per_second", "0.5"),
        ("breaker_failures", "0"),
        ("trace_content", "yes"),
    ]);
    assert_eq!(values.problems(FIELDS), []);
    let timeouts = TimeoutSettings::default().first_output(20 * SECOND).deadline(90 * SECOND);
    let retry = RetrySettings::default().max_attempts(5).retry_timeout(30 * SECOND);
    let mut expected = StandardSettings::default()
        .retry(retry.max_retry_after(150 * SECOND))
        .timeouts(timeouts.idle(Duration::from_millis(2500)));
    expected.limit = LimitSettings::off().max_concurrency(16).requests_per_second(0.5);
    expected.breaker = BreakerSettings::off();
    expected.trace = TraceSettings::default().content(true);
    assert_eq!(StandardSettings::from_values(&values), Ok(expected));
}

#[test]
fn fields_refuse_bad_values_by_name() {
    let bad = [
        ("max_attempts", &["0", "-1", "2.5", "many", "99999999999999999999"][..], "whole number"),
        ("first_output_timeout", &["0", "-1", "soon", "NaN", "inf", "1e300"], "number"),
        ("idle_timeout", &["0", "1e-300"], "seconds above 0"),
        ("retry_timeout", &["0", "soon"], "seconds above 0"),
        ("max_retry_after", &["-1"], "seconds above 0"),
        ("deadline", &["0.0", "5 s"], "number"),
        ("max_concurrency", &["0", "1.0"], "whole number"),
        ("requests_per_second", &["0", "-2", "NaN"], "number"),
        ("breaker_failures", &["-1", "often"], "whole number"),
    ];
    for (key, values, words) in bad {
        for value in values {
            let problems = ConfigValues::from([(key, value)]).problems(FIELDS);
            let [problem] = &*problems else { panic!("{key} {value}: {problems:?}") };
            assert!(problem.field == key && problem.problem.contains(words), "{value}: {problem:?}");
        }
    }
}

#[test]
fn from_values_refuses_all_bad_values_at_once() {
    let bad = [
        ("max_attempts", "many"),
        ("idle_timeout", "soon"),
        ("trace_content", "perhaps"),
        ("api_key", "s3cret"),
    ];
    let error = StandardSettings::from_values(&bad.into()).expect_err("bad values");
    let fields: Vec<&str> = error.fields().iter().map(|problem| &*problem.field).collect();
    assert_eq!(
        (error.kind(), fields),
        (ErrorKind::Config, vec!["max_attempts", "idle_timeout", "trace_content"])
    );
    assert!(!format!("{error} {error:?}").contains("many"), "{error}");
    assert!(StandardSettings::from_values(&[("api_key", "s3cret"), ("base_url", "")].into()).is_ok());
}

/// With a limit, a layer of its own keeps the timeouts of an attempt.
fn with_and_without_a_limit(timeouts: TimeoutSettings) -> [StandardSettings; 2] {
    let settings = StandardSettings::default().timeouts(timeouts);
    let mut limited = settings.clone();
    limited.limit = limited.limit.max_concurrency(4);
    [settings, limited]
}

#[tokio::test(start_paused = true)]
async fn first_output_timeout_is_retried() {
    for settings in with_and_without_a_limit(TimeoutSettings::default().first_output(20 * SECOND)) {
        let provider =
            InTurn::new([Turn::hangs(), Turn::streams([Beat::Silence(25 * SECOND)]), Turn::says("Hi")]);
        let stack = standard(provider, &settings);
        assert_eq!(stack.id(), "acme");
        let reply = stack.stream(&hello()).await.unwrap().collect().await.unwrap();
        assert_eq!(
            (reply.text(), story(&reply.attempts)),
            ("Hi", vec![("acme", "a", ErrorKind::Timeout); 2])
        );
    }
}

#[tokio::test(start_paused = true)]
async fn stream_keeps_idle_timeout_and_deadline() {
    use TimeoutPhase::{Deadline, Idle};
    let pauses = |seconds: u64| {
        let pause = [Beat::Text("x"), Beat::Silence(Duration::from_secs(seconds))];
        Turn::streams(pause.into_iter().cycle().take(100).collect::<Vec<_>>())
    };
    for settings in
        with_and_without_a_limit(TimeoutSettings::default().idle(5 * SECOND).deadline(60 * SECOND))
    {
        for (seconds, phase, after) in [(6, Idle, 5), (4, Deadline, 60)] {
            let start = Instant::now();
            let stack = standard(InTurn::new([pauses(seconds)]), &settings);
            let error = stack.stream(&hello()).await.unwrap().collect().await.unwrap_err();
            assert_eq!((error.timeout(), start.elapsed().as_secs()), (Some(phase), after));
            assert_eq!((error.provider(), error.model()), (Some("acme"), Some("a")));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn deadline_counts_all_attempts() {
    let start = Instant::now();
    let provider = InTurn::new([Turn::fails(ErrorKind::Server).takes(6 * SECOND), Turn::hangs()]);
    let deadline = TimeoutSettings::default().deadline(10 * SECOND);
    let stack = standard(provider, &StandardSettings::default().timeouts(deadline));
    let error = stack.chat(&hello()).await.unwrap_err();
    assert_eq!((error.timeout(), start.elapsed().as_secs()), (Some(TimeoutPhase::Deadline), 10));
    assert_eq!(error.attempts().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn shorter_of_two_deadlines_counts() {
    for (retry, timeouts) in [(10, 20), (20, 10)] {
        let start = Instant::now();
        let settings = StandardSettings::default()
            .retry(RetrySettings::default().deadline(retry * SECOND))
            .timeouts(TimeoutSettings::default().deadline(timeouts * SECOND));
        standard(InTurn::new([Turn::hangs()]), &settings).chat(&hello()).await.unwrap_err();
        assert_eq!(start.elapsed().as_secs(), 10);
    }
}

#[tokio::test(start_paused = true)]
async fn deadline_bounds_every_operation() {
    // The first output of a stream has a timeout of its own.
    let timeouts = TimeoutSettings::default().deadline(10 * SECOND);
    for settings in with_and_without_a_limit(timeouts) {
        let stack = standard(InTurn::new([Turn::hangs()]), &settings);
        let hello = hello();
        let start = Instant::now();
        let ends: [(&str, BoxFuture<'_>); 5] = [
            ("stream", Box::pin(async { stack.stream(&hello).await.map(drop) })),
            ("chat", Box::pin(async { stack.chat(&hello).await.map(drop) })),
            ("models", Box::pin(async { stack.models().await.map(drop) })),
            ("check", Box::pin(async { stack.check().await.map(drop) })),
            ("warm_up", Box::pin(stack.warm_up())),
        ];
        for (number, (what, asked)) in (1..).zip(ends) {
            let error = asked.await.expect_err(what);
            assert_eq!(
                (error.kind(), error.timeout()),
                (ErrorKind::Timeout, Some(TimeoutPhase::Deadline)),
                "{what}"
            );
            assert_eq!((error.provider(), start.elapsed().as_secs()), (Some("acme"), 10 * number), "{what}");
        }
    }
}

type BoxFuture<'a> = Pin<Box<dyn Future<Output = Result<(), Error>> + 'a>>;

#[tokio::test(start_paused = true)]
async fn warm_up_is_not_retried() {
    let provider = InTurn::new([Turn::fails(ErrorKind::Connection)]);
    let stack = standard(provider.clone(), &StandardSettings::default());
    assert_eq!(stack.warm_up().await.unwrap_err().kind(), ErrorKind::Connection);
    assert_eq!(provider.asked(), 1);
}

/// A reader that stops reading stops the service: no layer reads ahead.
#[tokio::test]
async fn layers_read_no_further_than_their_reader() {
    let played = Arc::new(AtomicUsize::new(0));
    let script = (0..100).fold(Script::new(), |script, _| {
        let played = played.clone();
        script.apply(move |answer| {
            played.fetch_add(1, SeqCst);
            answer.push_text("a");
        })
    });
    let provider = ScriptedProvider::new([script.finish("stop")]);
    let provider = standard(Arc::new(provider), &StandardSettings::default());
    let mut stream = provider.stream(&hello()).await.expect("a stream");
    for read in 1..=50 {
        stream.next().await.expect("an event").expect("a good one");
        // The retries wait for the first output before they hand out the stream.
        assert!(played.load(SeqCst) <= read + 1, "{} steps for {read} events", played.load(SeqCst));
    }
}
