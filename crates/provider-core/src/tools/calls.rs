//! Runs the tool calls of one turn side by side.

use std::future::poll_fn;
use std::task::{Context, Poll};
use std::time::Instant;

use super::deadline::Deadline;
use super::run::{CalledTool, LoopEvent};
use super::set::{ToolSet, Work};
use super::watcher::Watcher;
use super::{ToolError, ToolErrorKind};
use crate::ToolCall;

/// Calls that are run together, polled in the caller's own future.
pub(super) struct Calls<'s> {
    pub(super) tools: &'s ToolSet<'s>,
    /// The most that are at work at a time.
    pub(super) parallel: usize,
    /// Whether the first failure ends them all.
    pub(super) stop_on_error: bool,
    slots: Vec<Slot<'s>>,
}

enum Slot<'s> {
    Waiting(ToolCall),
    Working(ToolCall, Instant, Work<'s>),
    Done(CalledTool),
    /// Between two states.
    Moving,
}

/// Why calls ended before all were done.
pub(super) enum StopReason {
    Deadline,
    /// The call with this number failed.
    Failed(usize),
}

impl<'s> Calls<'s> {
    pub(super) fn new(tools: &'s ToolSet<'s>, calls: Vec<ToolCall>) -> Self {
        let slots = calls.into_iter().map(Slot::Waiting).collect();
        Self { tools, parallel: usize::MAX, stop_on_error: false, slots }
    }

    /// Runs them, and gives them back in their order with what came of each.
    pub(super) async fn run(
        mut self,
        deadline: &mut Deadline<'_>,
        watcher: &mut Watcher<'_>,
    ) -> (Vec<CalledTool>, Option<StopReason>) {
        let stop = poll_fn(|cx| self.poll(cx, deadline, watcher)).await;
        let reason = match stop {
            None => "not run",
            Some(StopReason::Deadline) => "not finished in time",
            Some(StopReason::Failed(_)) => "not finished, since another tool failed",
        };
        (self.slots.into_iter().filter_map(|slot| slot.ended(reason)).collect(), stop)
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        deadline: &mut Deadline<'_>,
        watcher: &mut Watcher<'_>,
    ) -> Poll<Option<StopReason>> {
        loop {
            let working = self.slots.iter().filter(|slot| matches!(slot, Slot::Working(..))).count();
            let mut free = self.parallel.saturating_sub(working);
            let mut waiting = 0;
            let mut done = false;
            // A tool begins where it is polled first, so that with one at a time the next begins when the one
            // before is done.
            for (number, slot) in self.slots.iter_mut().enumerate() {
                if matches!(slot, Slot::Waiting(_)) {
                    if free == 0 {
                        waiting += 1;
                        continue;
                    }
                    free -= 1;
                    slot.start(self.tools, watcher);
                }
                if let Some(failed) = slot.poll(cx, watcher) {
                    done = true;
                    if failed && self.stop_on_error {
                        return Poll::Ready(Some(StopReason::Failed(number)));
                    }
                }
            }
            if !(done && waiting > 0) {
                break;
            }
        }
        if self.slots.iter().all(|slot| matches!(slot, Slot::Done(_))) {
            return Poll::Ready(None);
        }
        if deadline.poll_passed(cx) { Poll::Ready(Some(StopReason::Deadline)) } else { Poll::Pending }
    }
}

impl<'s> Slot<'s> {
    fn start(&mut self, tools: &'s ToolSet<'s>, watcher: &mut Watcher<'_>) {
        *self = match std::mem::replace(self, Slot::Moving) {
            Slot::Waiting(call) => {
                watcher.tell(LoopEvent::ToolStarted(&call));
                let started = Instant::now();
                let work = tools.start(call.clone());
                Slot::Working(call, started, work)
            }
            other => other,
        };
    }

    /// Whether the call failed, if it is done now.
    fn poll(&mut self, cx: &mut Context<'_>, watcher: &mut Watcher<'_>) -> Option<bool> {
        let Slot::Working(_, started, work) = self else { return None };
        let started = *started;
        let Poll::Ready(result) = work.as_mut().poll(cx) else { return None };
        let Slot::Working(call, ..) = std::mem::replace(self, Slot::Moving) else { return None };
        let called = CalledTool::new(call, result, started);
        watcher.tell(LoopEvent::ToolFinished(&called));
        let failed = called.result.is_err();
        *self = Slot::Done(called);
        Some(failed)
    }

    /// Ends the call: returns its result if it is done, or else an error that it was not run, for this
    /// reason.
    fn ended(self, reason: &str) -> Option<CalledTool> {
        let (call, started) = match self {
            Slot::Done(called) => return Some(called),
            Slot::Waiting(call) => (call, Instant::now()),
            Slot::Working(call, started, _) => (call, started),
            Slot::Moving => return None,
        };
        Some(CalledTool::new(call, Err(ToolError::of(ToolErrorKind::NotRun, reason)), started))
    }
}

/// Calls that are not to be run.
pub(super) fn refused(calls: Vec<ToolCall>, reason: &str) -> Vec<CalledTool> {
    calls.into_iter().filter_map(|call| Slot::Waiting(call).ended(reason)).collect()
}
