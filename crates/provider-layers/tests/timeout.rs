//! Timeouts: when each runs, and the partial answer when it has ended a call.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "tests fail by panicking, their helpers too")]

mod support;

use std::sync::Arc;
use std::time::Duration;

use provider_core::{
    ChatRequest, ChatResponse, Error, ErrorKind, Event, LlmProvider, LlmProviderExt, TimeoutPhase,
};
use provider_layers::{Layer, TimeoutLayer, TimeoutSettings};
use tokio::time::{Instant, sleep, timeout};

use support::turns::{Beat, InTurn, Turn};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

fn hello() -> ChatRequest {
    ChatRequest::new("a").user("Hello")
}

/// First output within 20 s, then no pause above 5 s, and 60 s for all of it.
fn settings() -> TimeoutSettings {
    TimeoutSettings::off().first_output(20 * SECOND).idle(5 * SECOND).deadline(60 * SECOND)
}

fn around(turn: Turn, settings: TimeoutSettings) -> Arc<dyn LlmProvider> {
    TimeoutLayer::new(settings).layer(InTurn::new([turn]))
}

/// Streams to the end, and how long that took in seconds.
async fn streamed(timeouts: &Arc<dyn LlmProvider>) -> (Result<ChatResponse, Error>, u64) {
    let start = Instant::now();
    let outcome = match timeouts.stream(&hello()).await {
        Ok(stream) => stream.collect().await,
        Err(error) => Err(error),
    };
    (outcome, start.elapsed().as_secs())
}

fn says(seconds: &[u64]) -> Turn {
    let mut beats = Vec::new();
    for pause in seconds {
        beats.extend([Beat::Silence(Duration::from_secs(*pause)), Beat::Text("x")]);
    }
    beats.push(Beat::Ends);
    Turn::streams(beats)
}

#[tokio::test(start_paused = true)]
async fn each_timeout_keeps_the_partial_answer() {
    use TimeoutPhase::*;
    let comments = |text: &[Beat]| Turn::streams([text, &[Beat::Comments(3600)]].concat());
    let cases = [
        (Turn::hangs(), FirstOutput, 20, ""),
        (says(&[21]), FirstOutput, 20, ""),
        (says(&[11]).takes(10 * SECOND), FirstOutput, 20, ""),
        (comments(&[]), FirstOutput, 20, ""),
        (Turn::streams([Beat::Raw, Beat::Silence(HOUR)]), FirstOutput, 20, ""),
        (says(&[0, 6]), Idle, 5, "x"),
        (says(&[1, 100]), Idle, 6, "x"),
        (says(&[19, 4, 4, 6]), Idle, 32, "xxx"),
        (comments(&[Beat::Text("x")]), Idle, 5, "x"),
        (
            Turn::streams([Beat::Text("x"), Beat::Silence(SECOND), Beat::Raw, Beat::Silence(HOUR)]),
            Idle,
            5,
            "x",
        ),
        (says(&[4; 100]), Deadline, 60, "xxxxxxxxxxxxxx"),
        // Until there is output, life is not what is waited for.
        (Turn::streams(vec![[Beat::Chunk, Beat::Silence(4 * SECOND)]; 10].concat()), FirstOutput, 20, ""),
        // And keep-alives are no life.
        (comments(&[Beat::Text("x"), Beat::Silence(4 * SECOND), Beat::Finish]), Idle, 9, "x"),
        (comments(&[Beat::Text("x"), Beat::Silence(4 * SECOND), Beat::Usage]), Idle, 9, "x"),
        (comments(&[Beat::Text("x"), Beat::Silence(4 * SECOND), Beat::Chunk]), Idle, 9, "x"),
    ];
    for (turn, phase, seconds, text) in cases {
        let (outcome, took) = streamed(&around(turn.clone(), settings())).await;
        let error = outcome.expect_err("it takes too long");
        assert_eq!((error.timeout(), took), (Some(phase), seconds), "{turn:?}: {error}");
        assert_eq!(
            (error.kind(), error.provider(), error.model()),
            (ErrorKind::Timeout, Some("acme"), Some("a"))
        );
        let came = error.partial().map_or("", |partial| partial.text());
        assert!(came.starts_with(text) && came.len() <= text.len() + 1, "{came}");
        let limit = match phase {
            FirstOutput => "within 20 s (first-output timeout)",
            Idle => "for 5 s (idle timeout)",
            _ => "after 60 s (deadline)",
        };
        assert!(error.message().ends_with(limit), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn calls_in_time_are_left_alone() {
    let in_time = [says(&[19, 4, 4, 4, 4, 4]), says(&[0; 1000]), says(&[9]).takes(10 * SECOND), says(&[])];
    for turn in in_time {
        // The last one has nothing in it.
        let (outcome, _) = streamed(&around(turn.clone(), settings())).await;
        assert!(
            !matches!(&outcome, Err(error) if error.kind() == ErrorKind::Timeout),
            "{turn:?}: {outcome:?}"
        );
    }
    let (outcome, took) = streamed(&around(says(&[86400; 3]).takes(HOUR), TimeoutSettings::off())).await;
    assert_eq!((outcome.unwrap().text(), took), ("xxx", 3 * 86400 + 3600));
    let endless =
        TimeoutSettings::off().first_output(Duration::MAX).idle(Duration::MAX).deadline(Duration::MAX);
    assert!(streamed(&around(says(&[HOUR.as_secs(); 2]), endless)).await.0.is_ok());
}

#[tokio::test(start_paused = true)]
async fn every_chunk_extends_the_idle_timeout() {
    let pause = || Beat::Silence(4 * SECOND);
    let chunks = [Beat::Text("x"), Beat::Chunk, Beat::Finish, Beat::Chunk, Beat::Usage, Beat::Usage];
    let beats = chunks.into_iter().flat_map(|chunk| [chunk, pause()]).chain([Beat::Ends]);
    let (outcome, took) = streamed(&around(Turn::streams(beats.collect::<Vec<_>>()), settings())).await;
    assert_eq!((outcome.map(|reply| reply.text().to_owned()), took), (Ok("x".to_owned()), 24));
}

#[tokio::test(start_paused = true)]
async fn defaults_are_as_documented() {
    // A pause may be noticed late, by a sixteenth of 120 s.
    for (turn, seconds) in
        [(Turn::hangs(), 300..=300), (says(&[299, 119, 128]), 538..=545), (says(&[100; 50]), 3600..=3600)]
    {
        let (outcome, took) = streamed(&around(turn, TimeoutSettings::default())).await;
        assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Timeout);
        assert!(seconds.contains(&took), "{took} s");
    }
}

#[tokio::test(start_paused = true)]
async fn slow_reader_does_not_time_out() {
    let timeouts = around(says(&[1, 1, 4, 1]), settings().deadline(None));
    let mut stream = timeouts.stream(&hello()).await.unwrap();
    // Away before anything was asked for, between two events, and in the middle of a wait.
    sleep(HOUR).await;
    assert!(stream.next().await.unwrap().is_ok());
    sleep(HOUR).await;
    assert!(stream.next().await.unwrap().is_ok());
    assert!(timeout(SECOND, stream.next()).await.is_err());
    sleep(HOUR).await;
    while let Some(event) = stream.next().await {
        assert!(event.is_ok(), "{event:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn away_reader_gets_a_new_idle_timeout() {
    let timeouts =
        around(Turn::streams([Beat::Text("x"), Beat::Silence(2 * HOUR)]), settings().deadline(None));
    let mut stream = timeouts.stream(&hello()).await.unwrap();
    stream.next().await;
    assert!(timeout(SECOND, stream.next()).await.is_err());
    sleep(HOUR).await;
    let start = Instant::now();
    let error = stream.next().await.unwrap().unwrap_err();
    assert_eq!((error.timeout(), start.elapsed().as_secs()), (Some(TimeoutPhase::Idle), 5));
}

/// The reader takes 15 s for every text, of 60 s that there are for all.
#[tokio::test(start_paused = true)]
async fn deadline_counts_the_reader_as_well() {
    // An answer that never has its reader wait is looked at now and then.
    let never_waits = Turn::streams(vec![Beat::Text("x"); 200]);
    for (turn, expected) in [(says(&[1; 10]), 4), (never_waits, 64)] {
        let mut stream = around(turn, settings()).stream(&hello()).await.unwrap();
        let mut texts = 0;
        let error = loop {
            match stream.next().await.expect("it does not end well") {
                Ok(Event::Text(_)) => texts += 1,
                Ok(event) => panic!("{event:?}"),
                Err(error) => break error,
            }
            sleep(15 * SECOND).await;
        };
        assert_eq!((error.timeout(), texts), (Some(TimeoutPhase::Deadline), expected));
        assert_eq!(error.partial().expect("what came").text(), "x".repeat(expected));
    }
}

/// A stream may go from task to task: the timer wakes the one that waits for it.
#[tokio::test(start_paused = true)]
async fn timer_wakes_the_task_that_waits_last() {
    let turn = Turn::streams([Beat::Text("x"), Beat::Silence(HOUR)]);
    let mut stream = around(turn, settings()).stream(&hello()).await.unwrap();
    assert!(stream.next().await.unwrap().is_ok());
    assert!(timeout(SECOND, stream.next()).await.is_err());
    let start = Instant::now();
    let error = tokio::spawn(async move { stream.next().await.unwrap().unwrap_err() }).await.unwrap();
    assert_eq!((error.timeout(), start.elapsed().as_secs()), (Some(TimeoutPhase::Idle), 4));
}

/// Tokio's timers are not polled while their task has no budget left. That of the deadlines must be.
#[tokio::test(start_paused = true)]
async fn timer_wakes_a_task_without_budget() {
    let turn = Turn::streams([Beat::Text("x"), Beat::Silence(HOUR)]);
    let mut stream = around(turn, settings()).stream(&hello()).await.unwrap();
    assert!(stream.next().await.unwrap().is_ok());
    let start = Instant::now();
    while tokio::task::coop::has_budget_remaining() {
        tokio::task::consume_budget().await;
    }
    let error = stream.next().await.unwrap().unwrap_err();
    assert_eq!((error.timeout(), start.elapsed().as_secs()), (Some(TimeoutPhase::Idle), 5));
}

#[tokio::test(start_paused = true)]
async fn whole_answers_have_the_deadline_alone() {
    let slow = around(Turn::says("x").takes(59 * SECOND), settings());
    assert_eq!(slow.chat(&hello()).await.unwrap().text(), "x");
    assert!(slow.models().await.is_ok() && slow.check().await.is_ok());
    let slower = around(Turn::says("x").takes(61 * SECOND), settings());
    let errors = [
        (slower.chat(&hello()).await.unwrap_err(), Some("a")),
        (slower.models().await.unwrap_err(), None),
        (slower.check().await.unwrap_err(), None),
    ];
    for (error, model) in errors {
        assert_eq!((error.timeout(), error.provider()), (Some(TimeoutPhase::Deadline), Some("acme")));
        assert_eq!(error.model(), model);
    }
    assert_eq!(slower.id(), "acme");
}

#[tokio::test(start_paused = true)]
async fn dropped_stream_leaves_nothing_behind() {
    let provider = InTurn::new([Turn::streams([Beat::Text("x"), Beat::Silence(HOUR)])]);
    let timeouts = TimeoutLayer::new(settings()).layer(provider.clone());
    let mut stream = timeouts.stream(&hello()).await.unwrap();
    stream.next().await;
    assert!(timeout(SECOND, stream.next()).await.is_err());
    drop(stream);
    assert_eq!(provider.running.load(std::sync::atomic::Ordering::SeqCst), 0);
    assert_eq!(Arc::strong_count(&provider), 2);
    // No timer fires later.
    sleep(HOUR).await;
}

#[tokio::test(start_paused = true)]
async fn away_reader_gets_a_new_first_output_timeout() {
    let timeouts = around(Turn::streams([Beat::Silence(2 * HOUR)]), settings().deadline(None));
    let mut stream = timeouts.stream(&hello()).await.unwrap();
    assert!(timeout(SECOND, stream.next()).await.is_err());
    sleep(HOUR).await;
    let start = Instant::now();
    let error = stream.next().await.unwrap().unwrap_err();
    assert_eq!((error.timeout(), start.elapsed().as_secs()), (Some(TimeoutPhase::FirstOutput), 20));
}

#[tokio::test(start_paused = true)]
async fn first_output_counts_before_an_equal_deadline() {
    let settings = settings().first_output(10 * SECOND).deadline(10 * SECOND);
    let (outcome, _) = streamed(&around(Turn::hangs(), settings)).await;
    assert_eq!(outcome.unwrap_err().timeout(), Some(TimeoutPhase::FirstOutput));
}
