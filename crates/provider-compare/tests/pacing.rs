//! Tests of comparisons at a service with a budget in flight, on tokio's paused clock.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "tests fail by panicking, their helpers too")]

mod support;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use provider_compare::{CellStep, Comparison, Ended, Report};
use provider_core::{
    Capability, Catalogue, ChatRequest, ChatResponse, ChatStream, ConnectionReport, Error, ErrorKind,
    LimitKind, LlmProvider, ProviderDescriptor, RetryAdvice, UsageLimit,
};
use provider_testing::ScriptedProvider;
use tokio::time::{Instant, sleep};

use support::{answers, describe, scripted};

const SECOND: Duration = Duration::from_secs(1);

fn in_flight(retry: RetryAdvice) -> Error {
    Error::new(ErrorKind::PaymentRequired, "the budget is in flight")
        .with_limit(UsageLimit::new(LimitKind::InFlight))
        .with_retry(retry)
}

/// A provider that answers `most` requests at a time, in 10 s each, and refuses all others.
#[derive(Debug)]
struct Budget {
    most: usize,
    /// The errors of refusals, used in turn.
    refusals: Vec<Error>,
    /// Whether it imitates an inner layer that waits and asks again, and so gets an answer.
    is_patient: bool,
    answers: Arc<ScriptedProvider>,
    start: Instant,
    /// The second of each request, and whether it was answered.
    asked: Mutex<Vec<(u64, bool)>>,
}

impl Budget {
    fn of(most: usize, refusal: Error) -> Self {
        let answers = scripted([("m", answers(10 * SECOND, "Because."))]);
        Self {
            most,
            refusals: vec![refusal],
            is_patient: false,
            answers,
            start: Instant::now(),
            asked: Mutex::default(),
        }
    }

    fn asked(&self, answered: bool) -> Vec<u64> {
        let asked = self.asked.lock().unwrap();
        asked.iter().filter(|(_, outcome)| *outcome == answered).map(|(at, _)| *at).collect()
    }
}

#[async_trait]
impl LlmProvider for Budget {
    fn descriptor(&self) -> &'static ProviderDescriptor {
        static BUDGET: ProviderDescriptor = describe("budget", Capability::Llm);
        &BUDGET
    }

    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream, Error> {
        let has_room = self.answers.open() < self.most;
        let refusal = self.refusals[self.asked(false).len() % self.refusals.len()].clone();
        self.asked.lock().unwrap().push((self.start.elapsed().as_secs(), has_room));
        match (has_room, self.is_patient) {
            (true, _) => self.answers.stream(request).await,
            (false, true) => Ok(self.answers.stream(request).await?.after(vec![refusal])),
            (false, false) => Err(refusal),
        }
    }

    async fn models(&self) -> Result<Catalogue, Error> {
        Ok(Catalogue::default())
    }

    async fn check(&self) -> Result<ConnectionReport, Error> {
        Ok(ConnectionReport::default())
    }
}

fn comparison(provider: &Arc<Budget>, cells: usize) -> Comparison {
    let request = ChatRequest::default().user("Why?");
    (0..cells).fold(Comparison::new(request), |comparison, number| {
        comparison.cell(number.to_string(), provider.clone(), "m")
    })
}

fn error(report: &Report, at: usize) -> &Error {
    report.cells[at].result.as_ref().unwrap_err()
}

#[tokio::test(start_paused = true)]
async fn refusal_paces_models_and_loses_no_call() {
    let refusal = in_flight(RetryAdvice::After(120 * SECOND));
    let provider = Arc::new(Budget::of(1, refusal));
    let mut told = Vec::new();
    let report = comparison(&provider, 6)
        .run_with(|progress| match progress.step {
            CellStep::Started => told.push((progress.index, "started")),
            CellStep::Finished(_) => told.push((progress.index, "finished")),
            _ => {}
        })
        .await;
    assert_eq!((report.totals.answered, report.ended), (6, Ended::Complete));
    assert_eq!(provider.asked(false), [0, 0, 0]);
    assert_eq!(provider.asked(true), [0, 120, 130, 140, 150, 160]);
    for (number, cell) in report.cells.iter().enumerate() {
        let response = cell.response().unwrap();
        assert_eq!((cell.label.clone(), response.text()), (number.to_string(), "Because."));
        assert_eq!(response.attempts.len(), usize::from((1..4).contains(&number)));
        // The timings of the answer do not include the wait.
        assert_eq!(cell.timings.total, Some(10 * SECOND));
        let asked_at = if number == 0 { Duration::ZERO } else { SECOND * (110 + 10 * number as u32) };
        assert_eq!(cell.timings.waited, Some(asked_at));
    }
    let (mut started, mut finished) = (Vec::new(), Vec::new());
    for (index, step) in told {
        if step == "started" { &mut started } else { &mut finished }.push(index);
    }
    assert_eq!((started, finished), ((0..6).collect(), (0..6).collect()), "each of them once");
}

#[tokio::test(start_paused = true)]
async fn pacing_leaves_other_providers_alone() {
    let provider = Arc::new(Budget::of(1, in_flight(RetryAdvice::After(120 * SECOND))));
    let other = scripted([("m", answers(SECOND, "Because."))]);
    let mut comparison = comparison(&provider, 3).concurrency(2);
    for _ in 0..4 {
        comparison = comparison.cell("other", other.clone(), "m");
    }
    let report = comparison.run().await;
    assert_eq!(report.totals.answered, 7);
    let waited: Vec<u64> = report.cells.iter().map(|cell| cell.timings.waited.unwrap().as_secs()).collect();
    assert_eq!(waited, [0, 120, 130, 0, 1, 2, 3]);
}

#[tokio::test(start_paused = true)]
async fn wait_of_an_inner_layer_paces_models() {
    let mut provider = Budget::of(1, in_flight(RetryAdvice::After(120 * SECOND)));
    provider.is_patient = true;
    let provider = Arc::new(provider);
    let report = comparison(&provider, 5).concurrency(2).run().await;
    assert_eq!(report.totals.answered, 5);
    assert_eq!((provider.asked(true), provider.asked(false)), (vec![0, 10, 20, 30], vec![0]));

    // A layer that gave up has the refusals in its attempts.
    let gave_up = Error::new(ErrorKind::Server, "down").with_attempts(vec![in_flight(RetryAdvice::Now)]);
    let provider = Arc::new(Budget::of(1, gave_up));
    let report = comparison(&provider, 4).concurrency(2).run().await;
    assert_eq!((provider.asked(true), provider.asked(false)), (vec![0, 10, 20], vec![0]));
    assert_eq!(error(&report, 1).attempts().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn wait_beyond_the_deadline_fails_at_once() {
    let cases = [
        (Some(60), 120, "since only 60 s are left of the comparison's time; ask again in 120 s"),
        (Some(120), 120, "since only 120 s are left of the comparison's time; ask again in 120 s"),
        (None, 301, "since waits of up to 300 s are waited for; ask again in 301 s"),
    ];
    for (deadline, wait, words) in cases {
        let advice = RetryAdvice::After(SECOND * wait);
        let provider = Arc::new(Budget::of(1, in_flight(advice)));
        let mut asked = comparison(&provider, 3).concurrency(2);
        if let Some(deadline) = deadline {
            asked = asked.deadline(SECOND * deadline);
        }
        let report = asked.run().await;
        let refused = error(&report, 1);
        assert_eq!((refused.kind(), refused.retry()), (ErrorKind::PaymentRequired, advice));
        assert_eq!(refused.message(), format!("the budget is in flight; not asked again, {words}"));
        assert_eq!(report.cells[1].timings.waited, Some(Duration::ZERO));
        // The other models run one at a time.
        assert_eq!((report.totals.answered, report.ended), (2, Ended::Complete));
        assert_eq!((provider.asked(true), provider.asked(false)), (vec![0, 10], vec![0]));
    }
    for wait in [119, 300] {
        let provider = Arc::new(Budget::of(1, in_flight(RetryAdvice::After(SECOND * wait))));
        let report = comparison(&provider, 2).deadline(SECOND * (wait + 1)).run().await;
        assert_eq!(provider.asked(true), [0, u64::from(wait)]);
        assert_eq!(report.ended, Ended::Deadline);
        assert_eq!((error(&report, 1).kind(), error(&report, 1).attempts().len()), (ErrorKind::Timeout, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn longest_pause_limits_a_named_wait() {
    for (longest, asked) in [(SECOND * 600, vec![0, 600]), (SECOND * 599, vec![0])] {
        let provider = Arc::new(Budget::of(1, in_flight(RetryAdvice::After(SECOND * 600))));
        comparison(&provider, 2).longest_pause(longest).run().await;
        assert_eq!(provider.asked(true), asked);
    }
    let provider = Arc::new(Budget::of(0, in_flight(RetryAdvice::After(Duration::MAX))));
    let asked = comparison(&provider, 1).longest_pause(Duration::MAX);
    let report = asked.run_until(sleep(SECOND * 1_000_000), |_| ()).await;
    assert_eq!((provider.asked(false), report.ended), (vec![0], Ended::Stopped));
}

#[tokio::test(start_paused = true)]
async fn each_attempt_has_the_full_cell_timeout() {
    let provider = Arc::new(Budget::of(1, in_flight(RetryAdvice::After(SECOND * 120))));
    let report = comparison(&provider, 3).cell_timeout(SECOND * 11).run().await;
    assert_eq!((report.totals.answered, provider.asked(true)), (3, vec![0, 120, 130]));
}

#[tokio::test(start_paused = true)]
async fn refused_model_is_asked_four_times() {
    let provider = Arc::new(Budget::of(0, in_flight(RetryAdvice::After(20 * SECOND))));
    let report = comparison(&provider, 2).run().await;
    assert_eq!((report.totals.answered, provider.asked(false)), (0, vec![0, 0, 20, 40, 60, 80, 100, 120]));
    for at in 0..2 {
        assert_eq!(error(&report, at).attempts().len(), 3);
        assert!(error(&report, at).message().contains("refused too often; ask again in 20 s"));
    }
}

#[tokio::test(start_paused = true)]
async fn paid_or_hopeless_requests_are_not_repeated() {
    let mut partial = ChatResponse::default();
    partial.usage.completion_tokens = Some(1);
    for refusal in [in_flight(RetryAdvice::Now).with_partial(partial), in_flight(RetryAdvice::Never)] {
        let provider = Arc::new(Budget::of(0, refusal));
        comparison(&provider, 1).run().await;
        assert_eq!(provider.asked(false), [0]);
    }
    let provider = Arc::new(Budget::of(0, in_flight(RetryAdvice::Now)));
    comparison(&provider, 1).run().await;
    assert_eq!(provider.asked(false), [0, 1, 2, 3], "never at once");
    // Pacing would not help with another kind of limit.
    let other = in_flight(RetryAdvice::Now).with_limit(UsageLimit::new(LimitKind::Rate));
    let provider = Arc::new(Budget::of(1, other));
    let report = comparison(&provider, 3).concurrency(2).run().await;
    assert_eq!((provider.asked(true), provider.asked(false)), (vec![0], vec![0, 0]));
    assert_eq!(report.totals.answered, 1);
}

#[tokio::test(start_paused = true)]
async fn stop_ends_cells_that_wait_for_a_turn() {
    let provider = Arc::new(Budget::of(1, in_flight(RetryAdvice::After(120 * SECOND))));
    let start = Instant::now();
    let report = comparison(&provider, 6).run_until(sleep(60 * SECOND), |_| ()).await;
    assert_eq!((start.elapsed(), report.ended), (60 * SECOND, Ended::Stopped));
    assert_eq!((provider.asked(true), provider.asked(false)), (vec![0], vec![0, 0, 0]));
    for (at, message, attempts) in [
        (1, "the comparison was stopped before the answer was complete", 1),
        (5, "not asked: the comparison was stopped before", 0),
    ] {
        let error = error(&report, at);
        assert_eq!((error.message(), error.attempts().len()), (message, attempts));
    }
}

#[tokio::test(start_paused = true)]
async fn latest_named_time_counts() {
    let mut provider = Budget::of(1, in_flight(RetryAdvice::After(120 * SECOND)));
    provider.refusals.push(in_flight(RetryAdvice::After(30 * SECOND)));
    let provider = Arc::new(provider);
    let report = comparison(&provider, 3).run().await;
    assert_eq!((provider.asked(false), provider.asked(true)), (vec![0, 0], vec![0, 120, 130]));
    assert_eq!(report.totals.answered, 3);
}

#[tokio::test(start_paused = true)]
async fn comparison_does_not_multiply_exhausted_retries() {
    for (wait, answered) in [(20, vec![0, 20]), (301, vec![0, 10])] {
        let exhausted = in_flight(RetryAdvice::After(SECOND * wait)).with_exhausted_retries();
        let provider = Arc::new(Budget::of(1, exhausted));
        let report = comparison(&provider, 3).concurrency(2).run().await;
        let message = error(&report, 1).message();
        assert_eq!(message, "the budget is in flight; not asked again, since its retries are exhausted");
        // The cell behind it waits as long as the service says, unless that is too long.
        assert_eq!((provider.asked(true), provider.asked(false)), (answered, vec![0]));
    }
}
