//! A question whose answer may take several turns: the model calls tools of this program, and gets their
//! results.

use std::pin::pin;

use async_trait::async_trait;
use provider_compare::Stopwatch;
use provider_core::author::Delegate;
use provider_core::{
    ChatRequest, ChatResponse, ChatStream, Error, ErrorKind, LlmProvider, LlmProviderExt, LoopEvent,
    RunOutcome, ToolErrorKind, ToolRun,
};
use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep;

use super::{Outcome, Question};
use crate::target::Target;
use crate::tools::{CallRecord, RunEvent, Tools};

/// A target as a provider, whose errors have the names of the command line.
#[derive(Debug)]
struct Asked(Target);

#[async_trait]
impl Delegate for Asked {
    fn inner(&self) -> &dyn LlmProvider {
        &**self.0.provider()
    }

    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream, Error> {
        self.0.stream(request).await
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse, Error> {
        self.0.chat(request).await
    }
}

impl Question {
    /// Asks in turns until the model answers, a limit is reached, or `stop` resolves. The outcome has the
    /// answers of all turns. Streams the answers if `is_streamed`.
    ///
    /// # Errors
    /// The error of `show`, which ends the run, and with it the tools at work.
    pub(super) async fn with_tools<E>(
        &self,
        tools: &Tools,
        is_streamed: bool,
        stop: impl Future<Output = ()>,
        mut show: impl FnMut(&RunEvent) -> Result<(), E>,
    ) -> Result<Outcome, E> {
        let mut watch = Stopwatch::start();
        let mut end = pin!(self.end(stop));
        let (sender, mut events) = mpsc::unbounded_channel();
        tools.tell(sender.clone());
        let (abort, aborted) = oneshot::channel::<()>();
        let (mut abort, mut ended) = (Some(abort), None);

        let provider = Asked(self.target.clone());
        let mut tool_loop = LlmProviderExt::tool_loop(&provider, tools.set())
            .max_turns(tools.max_turns)
            .until(aborted)
            .pause_with(sleep);
        if let Some(cost) = tools.max_cost {
            tool_loop = tool_loop.max_cost(cost);
        }
        if is_streamed {
            tool_loop = tool_loop.watch(move |event| {
                if let Some(event) = of_loop(event) {
                    // The receiver outlives the run.
                    let _ = sender.send(event);
                }
            });
        }
        let mut run = pin!(tool_loop.run(&self.request));
        let mut show = |event: &RunEvent| {
            if let RunEvent::Model(event) = event {
                watch.event(event);
            }
            show(event)
        };
        let run = loop {
            tokio::select! {
                biased;
                // All events of a step are shown before the run goes on.
                Some(event) = events.recv() => show(&event)?,
                early = &mut end, if ended.is_none() => {
                    ended = Some(early);
                    // The run ends in order, with what had come by then.
                    drop(abort.take());
                }
                run = &mut run => break run,
            }
        };
        while let Ok(event) = events.try_recv() {
            show(&event)?;
        }
        let early = ended.filter(|_| matches!(run.outcome, RunOutcome::Deadline(_)));
        let tool_calls = run.calls().map(CallRecord::from).collect();
        let (result, earlier) = split(run);
        let (result, interrupted) = match (early, result) {
            (Some(early), Err(error)) => {
                let partial = error.partial().cloned();
                let told = early.error;
                (Err(partial.map_or(told.clone(), |partial| told.with_partial(partial))), early.interrupted)
            }
            (_, result) => (result, false),
        };
        Ok(Outcome { earlier, tool_calls, interrupted, ..self.outcome(result, &watch) })
    }
}

/// An event of the loop that is to be shown. Tools of this program tell of themselves; a call that reaches
/// none has its end alone.
fn of_loop(event: LoopEvent<'_>) -> Option<RunEvent> {
    match event {
        LoopEvent::Model(event) => Some(RunEvent::Model(event)),
        LoopEvent::ToolFinished(called) => {
            let kind = called.result.as_ref().err().map(|error| error.kind());
            let reached_none = matches!(kind, Some(ToolErrorKind::UnknownTool | ToolErrorKind::Arguments));
            reached_none.then(|| RunEvent::ToolFinished(called.into()))
        }
        _ => None,
    }
}

/// The result of a run, and the answers before it. An error has the last answer as its partial one.
fn split(run: ToolRun) -> (Result<ChatResponse, Error>, Vec<ChatResponse>) {
    let mut earlier: Vec<ChatResponse> = run.steps.iter().map(|step| step.response.clone()).collect();
    // The answer of a turn that broke off is in the error, and in no step.
    let is_unfinished = match &run.outcome {
        RunOutcome::Failed(error) | RunOutcome::Deadline(error) => error.partial().is_some(),
        _ => false,
    };
    if !is_unfinished {
        earlier.pop();
    }
    let result = run.into_response().map_err(|error| match (error.kind(), error.next_step()) {
        (ErrorKind::LimitReached, None) => error.with_next_step("allow more with --max-turns or --max-cost"),
        _ => error,
    });
    (result, earlier)
}
