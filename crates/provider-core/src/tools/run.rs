//! The events of a tool loop while it runs, and its record afterwards.

use std::time::{Duration, Instant};

use super::ToolError;
use crate::{
    ChatRequest, ChatResponse, Content, Error, ErrorKind, Event, Message, RetryAdvice, ToolCall, Usage, Usd,
    WithheldCall,
};

/// Something that happens in a tool loop.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum LoopEvent<'e> {
    /// The model is asked. Turns count from 1.
    TurnStarted(usize),
    /// An event of the model's answer, as it comes. [`Event::Finished`] ends the turn's answer.
    Model(Event),
    /// A tool begins.
    ToolStarted(&'e ToolCall),
    /// A tool is done, whether it failed or not. Tools of one turn are done in any order. One that is dropped
    /// midway is not done.
    ToolFinished(&'e CalledTool),
}

/// The effect of a failing tool on a tool loop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ToolErrors {
    /// The model is told, as the tool's result, and may try something else.
    #[default]
    TellModel,
    /// The run ends; other tools of the same turn that are still at work are dropped.
    Stop,
}

/// A tool loop that has ended, however it did: everything that was asked, answered, called and paid.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ToolRun {
    /// How it ended.
    pub outcome: RunOutcome,
    /// The turns: each an answer of the model, and the tools that it called.
    pub steps: Vec<ToolStep>,
    /// The request as it was given, with the tools and the conversation so far:
    /// `run.request.user("And tomorrow?")` goes on with it. Every call in it has a result, if need be one
    /// that says why it was not run (except those of [`RunOutcome::Handover`]). An answer whose tool calls
    /// were cut off is only in [`steps`](Self::steps), and a `tool_choice` that forced a call has had its
    /// effect and is gone.
    pub request: ChatRequest,
    /// The provider, for errors.
    pub(super) provider: &'static str,
}

/// How a tool loop ended.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum RunOutcome {
    /// The model answered. The answer is that of the last step.
    Answered,
    /// A token limit cut the last step's answer off. If it called tools, none of them was run.
    Truncated,
    /// The model called tools in the last turn that it was allowed. They were not run.
    TurnLimit,
    /// The model called tools, and the turns had cost as much as they may, or more. They were not run.
    CostLimit,
    /// The model called more tools than it may. None of this turn's was run.
    CallLimit,
    /// The future given to [`until`](super::ToolLoop::until) was done first: an [`ErrorKind::Timeout`]. Its
    /// [`partial`](Error::partial) has what had come of a streamed turn.
    Deadline(Error),
    /// A tool failed, and [`ToolErrors::Stop`] was asked for.
    ToolFailed {
        /// The call that failed.
        call: ToolCall,
        /// Why.
        error: ToolError,
    },
    /// The model made calls that are the caller's: of functions which the request offers and the
    /// [`ToolSet`](super::ToolSet) does not have, or of tools that are no [functions](ToolCall::is_function).
    /// Add their results to [`ToolRun::request`] and run it again. The set's own are done.
    Handover(Vec<ToolCall>),
    /// The model made calls, and a guard at the service withheld all of them. The last step's text has the
    /// guard's mark and is no answer; it is in [`ToolRun::request`], where it tells the model. A turn of
    /// which only some calls are withheld goes on with the others.
    Withheld(Vec<WithheldCall>),
    /// The provider failed, in the turn after the last step; or the request could not be sent.
    Failed(Error),
}

/// One turn of a tool loop.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ToolStep {
    /// The model's answer, with the text beside tool calls.
    pub response: ChatResponse,
    /// The tools it called and what came of it, in the order of the calls. Those handed over are not among
    /// them.
    pub calls: Vec<CalledTool>,
    /// When the model was asked.
    pub started: Instant,
    /// How long it took to answer.
    pub took: Duration,
}

/// A tool call and what came of it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct CalledTool {
    /// The call.
    pub call: ToolCall,
    /// The result, or why there is none.
    pub result: Result<Content, ToolError>,
    /// When the tool began; for one that was [not run](super::ToolErrorKind::NotRun), when that was decided.
    pub started: Instant,
    /// How long it ran.
    pub took: Duration,
}

impl ToolRun {
    /// The last answer of the model, whether it is the final one or not.
    pub fn response(&self) -> Option<&ChatResponse> {
        self.steps.last().map(|step| &step.response)
    }

    /// All tool calls of all turns, in order.
    pub fn calls(&self) -> impl Iterator<Item = &CalledTool> {
        self.steps.iter().flat_map(|step| &step.calls)
    }

    /// Sums the usage of all turns, one that failed midway included, as far as the service states it.
    pub fn usage(&self) -> Usage {
        let mut usage = Usage::default();
        let unfinished = match &self.outcome {
            RunOutcome::Failed(error) | RunOutcome::Deadline(error) => error.partial(),
            _ => None,
        };
        for response in self.steps.iter().map(|step| &step.response).chain(unfinished) {
            usage.accumulate(&response.usage);
        }
        usage
    }

    /// Sums the cost of all turns, as far as the service states it.
    pub fn cost(&self) -> Usd {
        self.usage().cost.unwrap_or_default()
    }

    /// The model's answer, if it came to one.
    ///
    /// # Errors
    /// For every outcome but [`RunOutcome::Answered`]. The error keeps what had come of the turn that failed,
    /// or else the last answer, in its [`partial`](Error::partial).
    /// * [`ErrorKind::Truncated`] for an answer that was cut off.
    /// * [`ErrorKind::LimitReached`] for the limits of turns, cost and calls.
    /// * [`ErrorKind::Timeout`] for the deadline.
    /// * [`ErrorKind::ToolFailed`] for a failed tool, and for calls that are handed over.
    /// * [`ErrorKind::ContentPolicy`] for calls that the service withheld.
    /// * The provider's own error.
    pub fn into_response(mut self) -> Result<ChatResponse, Error> {
        let turns = self.steps.len();
        let cost = self.cost();
        let last = self.steps.pop().map(|step| step.response);
        let limit = |message: String| Error::new(ErrorKind::LimitReached, message);
        let error = match self.outcome {
            RunOutcome::Answered => match last {
                Some(response) => return Ok(response),
                None => Error::new(ErrorKind::EmptyResponse, "the model was not asked"),
            },
            RunOutcome::Truncated => {
                let message = format!("a token limit cut the answer of turn {turns} off; raise max_tokens");
                Error::new(ErrorKind::Truncated, message)
            }
            RunOutcome::TurnLimit => limit(format!("no answer within {turns} turns; raise max_turns")),
            RunOutcome::CostLimit => {
                limit(format!("no answer before {turns} turns had cost {cost} USD; raise max_cost"))
            }
            RunOutcome::CallLimit => {
                limit(format!("turn {turns} called more tools than it may; raise max_tool_calls"))
            }
            RunOutcome::Deadline(error) | RunOutcome::Failed(error) => error,
            RunOutcome::ToolFailed { call, error } => error.into_error(&call.name),
            RunOutcome::Withheld(calls) => {
                let reasons: Vec<&str> =
                    calls.iter().map(|call| call.reason.as_deref().unwrap_or(&call.id)).collect();
                let message =
                    format!("the service withheld the tool calls of turn {turns}: {}", reasons.join("; "));
                Error::new(ErrorKind::ContentPolicy, message)
                    .with_retry(RetryAdvice::Never)
                    .with_next_step("change the request, or the rules of the service's guard")
            }
            RunOutcome::Handover(calls) => {
                let names: Vec<&str> = calls.iter().map(ToolCall::label).collect();
                let message =
                    format!("{}: the tool set does not have it, run it and go on", names.join(", "));
                Error::new(ErrorKind::ToolFailed, message)
            }
        };
        let error = match (error.provider(), error.model()) {
            (None, None) => error.with_provider(self.provider).with_model(self.request.model),
            (None, _) => error.with_provider(self.provider),
            (_, None) => error.with_model(self.request.model),
            _ => error,
        };
        Err(match (error.partial(), last) {
            (None, Some(last)) => error.with_partial(last),
            _ => error,
        })
    }
}

impl ToolStep {
    pub(super) fn new(response: ChatResponse, started: Instant) -> Self {
        Self { response, calls: Vec::new(), started, took: started.elapsed() }
    }
}

impl CalledTool {
    pub(super) fn new(call: ToolCall, result: Result<Content, ToolError>, started: Instant) -> Self {
        Self { call, result, started, took: started.elapsed() }
    }

    /// Returns the message that the model gets: the result, or the error in words.
    pub(super) fn message(&self) -> Message {
        match &self.result {
            Ok(content) => Message::tool(&self.call.id, content.clone()),
            Err(error) => Message::tool_error(&self.call.id, error.to_content()),
        }
    }
}
