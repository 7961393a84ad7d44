//! The loop: ask the model, run the tools it calls, tell it the results, until it answers or a limit is
//! reached.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::time::{Duration, Instant};

use super::calls::{Calls, StopReason, refused};
use super::deadline::Deadline;
use super::pace::Pace;
use super::run::{CalledTool, LoopEvent, RunOutcome, ToolErrors, ToolRun, ToolStep};
use super::set::ToolSet;
use super::watcher::Watcher;
use crate::call_ids::CallIds;
use crate::{
    ChatRequest, ChatResponse, Error, ErrorKind, FieldProblem, LlmProvider, RetryAdvice, Tool, ToolCall,
    ToolChoice, Usd,
};

/// How many turns a loop may take where nobody says it.
const DEFAULT_MAX_TURNS: usize = 10;

/// A model that calls tools until it answers: made by
/// [`LlmProviderExt::tool_loop`](crate::LlmProviderExt::tool_loop), set up, then [`run`](Self::run).
///
/// Reaching a limit is no error of the provider: the [`ToolRun`] says how it ended and keeps everything.
/// Everything happens in the caller's own future: the tools of one turn run side by side in it, no task is
/// spawned, and dropping it drops the request and the tools at work.
#[cfg_attr(feature = "schemars", doc = "\n```")]
#[cfg_attr(not(feature = "schemars"), doc = "\n```ignore")]
/// use std::time::Duration;
///
/// use provider_core::schemars::{self, JsonSchema};
/// use provider_core::{ChatRequest, LlmProvider, LlmProviderExt, RunOutcome, ToolSet};
///
/// #[derive(serde::Deserialize, JsonSchema)]
/// struct City {
///     /// The city's name
///     city: String,
/// }
///
/// async fn ask(provider: &dyn LlmProvider, question: &str) -> Result<String, Box<dyn std::error::Error>> {
///     let tools = ToolSet::new().typed("get_weather", "The weather of a city, now", async |args: City| {
///         format!("18 °C in {}", args.city)
///     });
///     let request = ChatRequest::new("openai/gpt-4o").user(question);
///     let run = provider
///         .tool_loop(&tools)
///         .max_turns(8)
///         .max_cost("0.10".parse()?)
///         .until(tokio::time::sleep(Duration::from_secs(60)))
///         .run(&request)
///         .await;
///     println!("{} tool calls, {} USD", run.calls().count(), run.cost());
///     Ok(run.into_response()?.text().to_owned())
/// }
/// ```
#[must_use = "a tool loop does nothing until it is run"]
pub struct ToolLoop<'a, P: ?Sized> {
    provider: &'a P,
    tools: &'a ToolSet<'a>,
    max_turns: usize,
    max_cost: Option<Usd>,
    max_tool_calls: Option<usize>,
    max_parallel: usize,
    on_tool_error: ToolErrors,
    deadline: Deadline<'a>,
    pace: Pace<'a>,
    watcher: Watcher<'a>,
    pins_upstream: bool,
}

impl<'a, P: LlmProvider + ?Sized> ToolLoop<'a, P> {
    pub(crate) fn new(provider: &'a P, tools: &'a ToolSet<'a>) -> Self {
        Self {
            provider,
            tools,
            max_turns: DEFAULT_MAX_TURNS,
            max_cost: None,
            max_tool_calls: None,
            max_parallel: usize::MAX,
            on_tool_error: ToolErrors::default(),
            deadline: Deadline::default(),
            pace: Pace::default(),
            watcher: Watcher::default(),
            pins_upstream: false,
        }
    }

    /// How often the model may be asked. Default: 10.
    pub fn max_turns(mut self, turns: usize) -> Self {
        self.max_turns = turns;
        self
    }

    /// No turn is begun once those before have cost this much. The sum of [`Usage::cost`](crate::Usage::cost)
    /// is exact; answers without one count as free. Default: no limit.
    pub fn max_cost(mut self, cost: Usd) -> Self {
        self.max_cost = Some(cost);
        self
    }

    /// How many tool calls may be run in all turns together. Default: no limit.
    pub fn max_tool_calls(mut self, calls: usize) -> Self {
        self.max_tool_calls = Some(calls);
        self
    }

    /// How many tools of one turn may run at the same time, at least 1. Default: all of them.
    pub fn max_parallel(mut self, tools: usize) -> Self {
        self.max_parallel = tools;
        self
    }

    /// Says what a failing tool does: one that fails, that does not exist, or whose arguments are no JSON or
    /// do not fit. Default: the model is told.
    pub fn on_tool_error(mut self, then: ToolErrors) -> Self {
        self.on_tool_error = then;
        self
    }

    /// Ends the run when `deadline` is done: a timer of your runtime (`tokio::time::sleep(…)`), or a
    /// cancellation. A request and tools at work are dropped. Services usually bill a whole answer that
    /// nobody waited for, and stop a streamed one.
    pub fn until(mut self, deadline: impl Future + Send + 'a) -> Self {
        self.deadline = Deadline::of(deadline);
        self
    }

    /// Waits where the service refuses a turn because of what requests under way [may
    /// cost](crate::LimitKind::InFlight): as long as it says, from 1 s up to 5 minutes (or
    /// [`longest_pause`](Self::longest_pause)) and within the [deadline](Self::until), and asks again, up to
    /// 3 times. `sleep` is the timer of your runtime:
    /// `.pause_with(tokio::time::sleep)`. Refusals are in the answer's [attempts](ChatResponse::attempts).
    /// Default: the run fails with the service's error, unless a layer of the provider waits.
    ///
    /// With or without it: after the first such refusal, of a turn or of a tool that asks a model, tools run
    /// one at a time.
    pub fn pause_with<S>(mut self, sleep: impl Fn(Duration) -> S + Send + 'a) -> Self
    where
        S: Future<Output = ()> + Send + 'a,
    {
        self.pace.pause_with(sleep);
        self
    }

    /// Sets the longest wait that the service may name for [that](Self::pause_with). A longer one ends the
    /// run at once, in the service's error. Default: 5 minutes.
    pub fn longest_pause(mut self, wait: Duration) -> Self {
        self.pace.max_wait(wait);
        self
    }

    /// Keeps to the upstream provider that signed the model's thoughts: once an answer has [signed
    /// thoughts](crate::AssistantMessage::has_signed_reasoning), each further turn of this run is served by
    /// the [upstream provider](ChatResponse::served_by) of that answer or by none. A signature, or an
    /// encrypted thought, of one host is refused by another that serves the same model.
    ///
    /// It costs availability: the service does not fall back to another upstream provider, so that the run
    /// fails where this one does. Its own choice of providers in the request gives way for these turns; what
    /// else it says of them stays. [`ToolRun::request`] has nothing of it, so that a later run begins
    /// without. A run that goes on after a [`Handover`](RunOutcome::Handover) does, too.
    ///
    /// Without effect on a service that has no such choice, on an answer that does not say who served it, and
    /// on one of another provider than the loop's (a fallback). Default: the service chooses in every turn.
    pub fn pin_upstream(mut self) -> Self {
        self.pins_upstream = true;
        self
    }

    /// Tells what happens as it happens. Answers are streamed then; without, whole answers are asked for.
    ///
    /// Called in between the work, so it must not block: hand the event to a channel, or print it.
    pub fn watch(mut self, watch: impl FnMut(LoopEvent<'_>) + Send + 'a) -> Self {
        self.watcher = Watcher::new(watch);
        self
    }

    /// Runs the loop for a request.
    ///
    /// The request's own tools are offered too. Those that the service runs need nothing here; calls of the
    /// others are [handed over](RunOutcome::Handover). Two different tools of one name are refused before
    /// anything is sent.
    ///
    /// A `tool_choice` of `required` or of one function holds for the first turn only: in every turn, it
    /// would never let the model answer.
    pub async fn run(mut self, request: &ChatRequest) -> ToolRun {
        let mut run = ToolRun {
            outcome: RunOutcome::Answered,
            steps: Vec::new(),
            request: request.clone(),
            provider: self.provider.descriptor().id,
        };
        run.outcome = match self.offer_tools(&mut run.request) {
            Ok(()) => self.turns(&mut run).await,
            Err(error) => RunOutcome::Failed(error),
        };
        run
    }

    /// Adds the tools to the request, which may have them from an earlier run.
    fn offer_tools(&self, request: &mut ChatRequest) -> Result<(), Error> {
        let mut problems = Vec::new();
        if self.max_parallel == 0 {
            problems.push(FieldProblem::new("max_parallel", "must be at least 1, or no tool would ever run"));
        }
        let clash = |name: &str| FieldProblem::new("tools", format!("two tools are called `{name}`"));
        for (position, tool) in self.tools.definitions().enumerate() {
            if self.tools.names().take(position).any(|name| name == tool.name) {
                problems.push(clash(&tool.name));
                continue;
            }
            let offered = functions(request).find(|offered| offered.name == tool.name);
            match offered.map(|offered| offered == tool) {
                Some(true) => {}
                Some(false) => problems.push(clash(&tool.name)),
                None => request.tools.push(tool.clone().into()),
            }
        }
        if problems.is_empty() {
            return Ok(());
        }
        let error = Error::invalid_request(problems);
        Err(error.with_provider(self.provider.descriptor().id).with_model(&request.model))
    }

    async fn turns(&mut self, run: &mut ToolRun) -> RunOutcome {
        let mut pinned: Option<String> = None;
        while run.steps.len() < self.max_turns {
            let started = Instant::now();
            let request = pinned.as_deref().and_then(|upstream| self.pinned(&run.request, upstream));
            let is_pinned = request.is_some();
            let request = request.map_or(Cow::Borrowed(&run.request), Cow::Owned);
            let mut response = match self.turn(&request, run.steps.len() + 1).await {
                Ok(response) => response,
                Err(RunOutcome::Failed(error)) if is_pinned => {
                    let upstream = pinned.as_deref().unwrap_or_default();
                    let note =
                        format!("the turn was kept to {upstream}, which signed the thoughts before it");
                    return RunOutcome::Failed(error.with_note(&note));
                }
                Err(outcome) => return outcome,
            };
            if self.pins_upstream && pinned.is_none() {
                pinned = self.signer(&response).map(str::to_owned);
            }
            if matches!(run.request.tool_choice, Some(ToolChoice::Required | ToolChoice::Function(_))) {
                run.request.tool_choice = None;
            }
            let ChatResponse { message, id, .. } = &mut response;
            if !message.tool_calls.is_empty() {
                CallIds::of(&run.request.messages).rename(&mut message.tool_calls, id.as_deref());
            }
            let truncated = response.is_truncated();
            let calls = response.message.tool_calls.clone();
            let withheld = response.withheld_calls.clone();
            if !truncated || calls.is_empty() {
                run.request.messages.push(response.message.clone().into());
            }
            run.steps.push(ToolStep::new(response, started));
            if truncated {
                return RunOutcome::Truncated;
            }
            if calls.is_empty() {
                return match withheld.is_empty() {
                    true => RunOutcome::Answered,
                    false => RunOutcome::Withheld(withheld),
                };
            }
            if let Some(outcome) = self.call_tools(run, calls).await {
                return outcome;
            }
        }
        RunOutcome::TurnLimit
    }

    /// The request, kept to this upstream provider; `None` where it cannot be.
    fn pinned(&self, request: &ChatRequest, upstream: &str) -> Option<ChatRequest> {
        let mut request = request.clone();
        self.provider.descriptor().pin_upstream(&mut request, upstream).then_some(request)
    }

    /// The upstream provider that signed the thoughts of an answer.
    fn signer<'r>(&self, response: &'r ChatResponse) -> Option<&'r str> {
        let message = &response.message;
        let id = self.provider.descriptor().id;
        let is_own = message.made_by_provider.as_deref().is_none_or(|maker| maker == id);
        let upstream = response.served_by.provider.as_deref();
        upstream.filter(|_| is_own && message.has_signed_reasoning())
    }

    /// Asks the model, and once more where that was in the way of others.
    async fn turn(&mut self, request: &ChatRequest, turn: usize) -> Result<ChatResponse, RunOutcome> {
        let mut refused = Vec::new();
        let mut times = 0;
        loop {
            let error = match self.ask(request, turn, times == 0).await {
                Ok(mut response) => {
                    self.pace.note_attempts(&response.attempts);
                    response.attempts.splice(0..0, refused);
                    return Ok(response);
                }
                Err(RunOutcome::Failed(error)) => error,
                Err(RunOutcome::Deadline(error)) => return Err(RunOutcome::Deadline(error.after(refused))),
                Err(outcome) => return Err(outcome),
            };
            let pause = match self.pace.again(&error, times) {
                Ok(pause) => pause,
                Err(error) => return Err(RunOutcome::Failed(error.after(refused))),
            };
            refused.extend(error.into_attempts());
            times += 1;
            if self.deadline.or(pause).await.is_none() {
                return Err(RunOutcome::Deadline(
                    late(self.provider.descriptor().id, request, turn).after(refused),
                ));
            }
        }
    }

    /// Asks the model once. `is_new`: not because it was refused before.
    async fn ask(
        &mut self,
        request: &ChatRequest,
        turn: usize,
        is_new: bool,
    ) -> Result<ChatResponse, RunOutcome> {
        let provider = self.provider.descriptor().id;
        let late = || late(provider, request, turn);
        // Before the turn is paid for.
        if self.deadline.passed().await {
            return Err(RunOutcome::Deadline(late()));
        }
        if is_new {
            self.watcher.tell(LoopEvent::TurnStarted(turn));
        }
        if !self.watcher.is_there() {
            let answer = self.deadline.or(self.provider.chat(request)).await;
            return answer.ok_or_else(|| RunOutcome::Deadline(late()))?.map_err(RunOutcome::Failed);
        }
        let stream = self.deadline.or(self.provider.stream(request)).await;
        let mut stream = stream.ok_or_else(|| RunOutcome::Deadline(late()))?.map_err(RunOutcome::Failed)?;
        loop {
            // An answer that is always there must not outrun the deadline.
            let event = match self.deadline.passed().await {
                false => self.deadline.or(stream.next()).await,
                true => None,
            };
            match event {
                Some(Some(Ok(event))) => self.watcher.tell(LoopEvent::Model(event)),
                Some(Some(Err(error))) => return Err(RunOutcome::Failed(error)),
                Some(None) => return stream.into_response().map_err(RunOutcome::Failed),
                None => return Err(RunOutcome::Deadline(stream.abandon(late()))),
            }
        }
    }

    /// Runs the calls of the last step and adds their results. An outcome, if that ends the run.
    async fn call_tools(&mut self, run: &mut ToolRun, calls: Vec<ToolCall>) -> Option<RunOutcome> {
        let mut handed_over: Vec<ToolCall> = Vec::new();
        let mut own: Vec<ToolCall> = Vec::new();
        for call in calls {
            let is_offered = functions(&run.request).any(|tool| tool.name == call.name);
            // The model has to mend a call of a function that cannot be run, whoever would have run it.
            let is_for_caller =
                !call.is_function() || (is_offered && !self.tools.contains(&call.name) && call.is_runnable());
            if is_for_caller { &mut handed_over } else { &mut own }.push(call);
        }
        if let Some((outcome, reason)) = self.limit(run, own.len()) {
            own.append(&mut handed_over);
            record(run, refused(own, reason));
            return Some(outcome);
        }
        let mut work = Calls::new(self.tools, own);
        work.parallel = self.pace.parallel(self.max_parallel);
        work.stop_on_error = self.on_tool_error == ToolErrors::Stop;
        let (called, stop) = work.run(&mut self.deadline, &mut self.watcher).await;
        self.pace.note_tools(&called);
        let outcome = match stop {
            Some(StopReason::Deadline) => {
                let message = "the run's deadline passed while tools were at work";
                let error = Error::new(ErrorKind::Timeout, message).with_retry(RetryAdvice::Never);
                Some(RunOutcome::Deadline(
                    error.with_provider(self.provider.descriptor().id).with_model(&run.request.model),
                ))
            }
            Some(StopReason::Failed(number)) => called.get(number).and_then(|called| {
                let error = called.result.as_ref().err()?.clone();
                Some(RunOutcome::ToolFailed { call: called.call.clone(), error })
            }),
            None => None,
        };
        record(run, called);
        match outcome {
            None if !handed_over.is_empty() => Some(RunOutcome::Handover(handed_over)),
            Some(outcome) => {
                record(run, refused(handed_over, "not run, since the run had ended"));
                Some(outcome)
            }
            None => None,
        }
    }

    /// The limit that keeps this many calls from being run, and why.
    fn limit(&self, run: &ToolRun, calls: usize) -> Option<(RunOutcome, &'static str)> {
        let run_before = run.calls().count();
        if calls == 0 {
            None
        } else if run.steps.len() >= self.max_turns {
            Some((RunOutcome::TurnLimit, "not run, since there is no turn left to use the result"))
        } else if self.max_cost.is_some_and(|limit| run.cost() >= limit) {
            Some((RunOutcome::CostLimit, "not run, since the cost limit is reached"))
        } else if self.max_tool_calls.is_some_and(|limit| run_before + calls > limit) {
            Some((RunOutcome::CallLimit, "not run, since that would be more tool calls than are allowed"))
        } else {
            None
        }
    }
}

/// The error of a turn that was not over in time.
fn late(provider: &str, request: &ChatRequest, turn: usize) -> Error {
    Error::new(ErrorKind::Timeout, format!("the run's deadline passed in turn {turn}"))
        .with_retry(RetryAdvice::Never)
        .with_provider(provider)
        .with_model(&request.model)
}

/// The functions that a request offers.
fn functions(request: &ChatRequest) -> impl Iterator<Item = &crate::FunctionTool> {
    request.tools.iter().filter_map(|tool| match tool {
        Tool::Function(function) => Some(function),
        _ => None,
    })
}

/// Adds what came of calls to the last step and to the conversation.
fn record(run: &mut ToolRun, called: Vec<CalledTool>) {
    for called in called {
        run.request.messages.push(called.message());
        if let Some(step) = run.steps.last_mut() {
            step.calls.push(called);
        }
    }
}

impl<P: fmt::Debug + ?Sized> fmt::Debug for ToolLoop<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ToolLoop")
            .field("provider", &self.provider)
            .field("tools", &self.tools)
            .field("max_turns", &self.max_turns)
            .field("max_cost", &self.max_cost)
            .field("max_tool_calls", &self.max_tool_calls)
            .field("max_parallel", &self.max_parallel)
            .field("on_tool_error", &self.on_tool_error)
            .field("pace", &self.pace)
            .field("pins_upstream", &self.pins_upstream)
            .finish_non_exhaustive()
    }
}
