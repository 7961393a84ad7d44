//! The tool loop at a service that holds back what requests under way may cost. On tokio's paused clock.

#![allow(clippy::expect_used, clippy::panic, reason = "tests fail by panicking, their helpers too")]

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use async_trait::async_trait;
use provider_core::{
    Catalogue, ChatRequest, ChatResponse, ChatStream, ConnectionReport, Error, ErrorKind, FunctionTool,
    LimitKind, LlmProvider, LlmProviderExt, LoopEvent, ProviderDescriptor, RetryAdvice, RunOutcome, ToolLoop,
    ToolRun, ToolSet, UsageLimit,
};
use provider_testing::{ScriptedProvider, Turn};

use tokio::time::{Instant, sleep};

const SECOND: Duration = Duration::from_secs(1);

fn in_flight(retry: RetryAdvice) -> Error {
    Error::new(ErrorKind::PaymentRequired, "the budget is in flight")
        .with_limit(UsageLimit::new(LimitKind::InFlight))
        .with_retry(retry)
}

/// Refuses as told, before each of the answers that are there.
#[derive(Debug)]
struct Refusing {
    refusals: Mutex<VecDeque<Option<Error>>>,
    answers: ScriptedProvider,
    /// Whether a layer inside waits and asks again.
    is_patient: bool,
    start: Instant,
    /// In which second it was asked.
    asked: Mutex<Vec<u64>>,
}

impl Refusing {
    /// One for each call: it is refused, or it is not.
    fn new(
        refusals: impl IntoIterator<Item = Option<Error>>,
        answers: impl IntoIterator<Item = Turn>,
    ) -> Self {
        let refusals = Mutex::new(refusals.into_iter().collect());
        let answers = ScriptedProvider::new(answers);
        Self { refusals, answers, is_patient: false, start: Instant::now(), asked: Mutex::default() }
    }

    fn asked(&self) -> Vec<u64> {
        self.asked.lock().expect("a list").clone()
    }
}

#[async_trait]
impl LlmProvider for Refusing {
    fn descriptor(&self) -> &'static ProviderDescriptor {
        self.answers.descriptor()
    }

    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream, Error> {
        self.asked.lock().expect("a list").push(self.start.elapsed().as_secs());
        let refusal = self.refusals.lock().expect("a list").pop_front().flatten();
        match refusal {
            Some(error) if self.is_patient => Ok(self.answers.stream(request).await?.after(vec![error])),
            Some(error) => Err(error),
            None => self.answers.stream(request).await,
        }
    }

    async fn models(&self) -> Result<Catalogue, Error> {
        Ok(Catalogue::default())
    }

    async fn check(&self) -> Result<ConnectionReport, Error> {
        Ok(ConnectionReport::default())
    }
}

fn tools() -> ToolSet<'static> {
    ToolSet::new().untyped(FunctionTool::new("echo", "Says it"), |call| async move { call.arguments })
}

/// Runs it with a timer, watched or not.
async fn run(
    provider: &Refusing,
    tools: &ToolSet<'_>,
    is_watched: bool,
    set: impl for<'a> FnOnce(ToolLoop<'a, Refusing>) -> ToolLoop<'a, Refusing>,
) -> (ToolRun, Vec<usize>) {
    let mut turns = Vec::new();
    let mut asking = set(provider.tool_loop(tools)).pause_with(sleep);
    if is_watched {
        asking = asking.watch(|event| {
            if let LoopEvent::TurnStarted(turn) = event {
                turns.push(turn);
            }
        });
    }
    let run = asking.run(&ChatRequest::new("acme/model").user("Go on")).await;
    (run, turns)
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_is_refused_is_asked_for_again_after_the_time_that_the_service_names() {
    for is_watched in [false, true] {
        let tried = in_flight(RetryAdvice::After(120 * SECOND))
            .with_attempts(vec![Error::new(ErrorKind::Server, "down")]);
        let refusals = [None, Some(tried), Some(in_flight(RetryAdvice::After(30 * SECOND))), None];
        let provider = Refusing::new(refusals, [Turn::calls([("echo", "1")]), Turn::says("Done")]);
        let (run, turns) = run(&provider, &tools(), is_watched, |asking| asking).await;
        assert_eq!((&run.outcome, run.steps.len()), (&RunOutcome::Answered, 2));
        assert_eq!(provider.asked(), [0, 0, 120, 150]);
        let kinds: Vec<_> = run.steps[1].response.attempts.iter().map(Error::kind).collect();
        assert_eq!(kinds, [ErrorKind::Server, ErrorKind::PaymentRequired, ErrorKind::PaymentRequired]);
        assert!(run.steps[1].response.attempts.iter().all(|failed| failed.attempts().is_empty()));
        assert_eq!(turns, if is_watched { vec![1, 2] } else { vec![] }, "each turn begins once");
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_timer_the_run_ends_in_the_service_s_error() {
    let provider = Refusing::new([Some(in_flight(RetryAdvice::After(SECOND)))], []);
    let run = provider.tool_loop(&tools()).run(&ChatRequest::new("acme/model").user("Go on")).await;
    assert_eq!(run.outcome, RunOutcome::Failed(in_flight(RetryAdvice::After(SECOND))));
    assert_eq!(provider.asked(), [0]);
}

#[tokio::test(start_paused = true)]
async fn what_would_not_pass_or_was_paid_for_is_not_asked_for_again() {
    let mut partial = ChatResponse::default();
    partial.usage.completion_tokens = Some(1);
    let rate = in_flight(RetryAdvice::After(SECOND)).with_limit(UsageLimit::new(LimitKind::Rate));
    let cases = [
        (in_flight(RetryAdvice::Never), "the budget is in flight"),
        (in_flight(RetryAdvice::Now).with_partial(partial), "the budget is in flight"),
        (rate, "the budget is in flight"),
        (
            in_flight(RetryAdvice::After(301 * SECOND)),
            "the budget is in flight; not asked again, since waits of up to 300 s are waited for; ask again in 301 s",
        ),
    ];
    for (error, message) in cases {
        let provider = Refusing::new([Some(error.clone())], []);
        let (run, _) = run(&provider, &tools(), false, |asking| asking).await;
        let RunOutcome::Failed(failed) = run.outcome else { panic!("{:?}", run.outcome) };
        assert_eq!((failed.message(), failed.retry(), provider.asked()), (message, error.retry(), vec![0]));
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_goes_on_refusing_is_asked_so_often_in_each_turn() {
    let refusal = || Some(in_flight(RetryAdvice::After(300 * SECOND)));
    let refusals = [refusal(), None, refusal(), refusal(), refusal(), refusal()];
    let provider = Refusing::new(refusals, [Turn::calls([("echo", "1")])]);
    let (run, _) = run(&provider, &tools(), false, |asking| asking).await;
    let RunOutcome::Failed(error) = run.outcome else { panic!("{:?}", run.outcome) };
    assert!(error.message().ends_with("since it was refused too often; ask again in 300 s"), "{error}");
    assert_eq!((error.attempts().len(), run.steps.len()), (3, 1));
    assert_eq!(provider.asked(), [0, 300, 300, 600, 900, 1200]);
}

#[tokio::test(start_paused = true)]
async fn a_turn_is_not_asked_for_again_at_once_and_the_longest_pause_can_be_set() {
    let refusals = [Some(in_flight(RetryAdvice::Now)), Some(in_flight(RetryAdvice::After(Duration::ZERO)))];
    let provider = Refusing::new(refusals, [Turn::says("Done")]);
    run(&provider, &tools(), false, |asking| asking).await;
    assert_eq!(provider.asked(), [0, 1, 2]);

    for (longest, asked) in [(600, vec![0, 600]), (599, vec![0])] {
        let refusals = [Some(in_flight(RetryAdvice::After(600 * SECOND)))];
        let provider = Refusing::new(refusals, [Turn::says("Done")]);
        run(&provider, &tools(), false, |asking| asking.longest_pause(longest * SECOND)).await;
        assert_eq!(provider.asked(), asked);
    }
}

#[tokio::test(start_paused = true)]
async fn a_pause_ends_with_the_run_s_deadline() {
    let provider = Refusing::new([Some(in_flight(RetryAdvice::After(120 * SECOND)))], []);
    let (run, _) = run(&provider, &tools(), false, |asking| asking.until(sleep(60 * SECOND))).await;
    let RunOutcome::Deadline(error) = run.outcome else { panic!("{:?}", run.outcome) };
    assert_eq!((error.kind(), error.message()), (ErrorKind::Timeout, "the run's deadline passed in turn 1"));
    assert_eq!((error.attempts().len(), provider.start.elapsed()), (1, 60 * SECOND));
}

#[tokio::test(start_paused = true)]
async fn after_a_refusal_tools_run_one_at_a_time() {
    /// The one that refuses in the first turn.
    enum Who {
        Nobody,
        Turn,
        LayerInside,
        Tool,
        ToolWithAttempts,
    }
    for (who, most) in
        [(Who::Nobody, 2), (Who::Turn, 1), (Who::LayerInside, 1), (Who::Tool, 1), (Who::ToolWithAttempts, 1)]
    {
        let refusal = in_flight(RetryAdvice::After(SECOND));
        let first = match who {
            Who::Turn => vec![Some(refusal.clone())],
            Who::LayerInside => vec![Some(refusal.clone())],
            _ => vec![],
        };
        let two = || Turn::calls([("work", "1"), ("work", "2")]);
        let mut provider = Refusing::new(first, [Turn::calls([("ask", "")]), two(), Turn::says("Done")]);
        provider.is_patient = matches!(who, Who::LayerInside);
        let (now, max) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let tools = ToolSet::new()
            .untyped(FunctionTool::new("ask", "Asks a model"), |_| {
                let outcome = match who {
                    Who::Tool => Err(refusal.clone()),
                    Who::ToolWithAttempts => {
                        Err(Error::new(ErrorKind::Server, "down").with_attempts(vec![refusal.clone()]))
                    }
                    _ => Ok("done"),
                };
                async move { Ok::<_, provider_core::ToolError>(outcome?) }
            })
            .untyped(FunctionTool::new("work", "Works"), async |_| {
                max.fetch_max(now.fetch_add(1, SeqCst) + 1, SeqCst);
                sleep(SECOND).await;
                now.fetch_sub(1, SeqCst);
            });
        let (run, _) = run(&provider, &tools, false, |asking| asking).await;
        assert_eq!((run.outcome, max.load(SeqCst)), (RunOutcome::Answered, most));
    }
}

#[tokio::test(start_paused = true)]
async fn a_deadline_in_the_turn_after_a_refusal_tells_of_the_refusal() {
    let provider =
        Refusing::new([Some(in_flight(RetryAdvice::After(SECOND)))], [Turn::new().text("Hm").stalls()]);
    let (run, _) = run(&provider, &tools(), false, |asking| asking.until(sleep(5 * SECOND))).await;
    let RunOutcome::Deadline(error) = &run.outcome else { panic!("{:?}", run.outcome) };
    assert!(error.attempts().iter().map(Error::kind).eq([ErrorKind::PaymentRequired]), "{error:?}");
}
