//! An answer that is played.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use provider_core::Error;
use provider_core::author::{ChunkSource, Progress, ResponseAccumulator, ToolCallPiece};
use tokio::time::{Sleep, sleep};

use crate::turn::{End, Step, Turn};

/// The number of answers that are under way, and the most at once.
#[derive(Debug, Default)]
pub(crate) struct Open {
    pub(crate) now: AtomicUsize,
    pub(crate) most: AtomicUsize,
}

/// Counts as under way for as long as it lives.
#[derive(Debug)]
pub(crate) struct Opened(Arc<Open>);

impl Opened {
    pub(crate) fn new(open: &Arc<Open>) -> Self {
        let now = open.now.fetch_add(1, Relaxed) + 1;
        open.most.fetch_max(now, Relaxed);
        Self(open.clone())
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Relaxed);
    }
}

/// The names in the errors of an answer.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    pub(crate) provider: &'static str,
    pub(crate) model: String,
}

impl Names {
    /// Adds the names that an error lacks.
    pub(crate) fn apply(&self, error: Error) -> Error {
        let error = if error.provider().is_none() { error.with_provider(self.provider) } else { error };
        if error.model().is_none() { error.with_model(&self.model) } else { error }
    }
}

/// Plays the steps of a turn.
pub(crate) struct Source {
    steps: std::vec::IntoIter<Step>,
    end: End,
    drains_for: Duration,
    /// The number of the call, from 1 on.
    number: usize,
    tool_calls: u64,
    has_begun: bool,
    waiting: Option<Pin<Box<Sleep>>>,
    names: Names,
    _opened: Opened,
}

impl Source {
    pub(crate) fn new(turn: Turn, number: usize, names: Names, opened: Opened) -> Self {
        Self {
            steps: turn.steps.into_iter(),
            end: turn.end,
            drains_for: turn.drains_for,
            number,
            tool_calls: 0,
            has_begun: false,
            waiting: None,
            names,
            _opened: opened,
        }
    }

    fn poll_wait(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(waiting) = &mut self.waiting {
            ready!(waiting.as_mut().poll(cx));
            self.waiting = None;
        }
        Poll::Ready(())
    }

    fn play(&mut self, step: Step, answer: &mut ResponseAccumulator) {
        match step {
            Step::Text(text) => answer.push_text(&text),
            Step::ToolCall { name, arguments } => {
                let index = self.tool_calls;
                self.tool_calls += 1;
                answer.push_tool_call(ToolCallPiece {
                    index: Some(index),
                    id: Some(&format!("call_{}_{index}", self.number)),
                    name: Some(&name),
                    arguments: &arguments,
                    ..ToolCallPiece::default()
                });
            }
            Step::Wait(time) => self.waiting = (!time.is_zero()).then(|| Box::pin(sleep(time))),
            Step::Apply(change) => change(answer),
        }
    }
}

impl ChunkSource for Source {
    fn poll_progress(
        &mut self,
        cx: &mut Context<'_>,
        answer: &mut ResponseAccumulator,
    ) -> Poll<Result<Progress, Error>> {
        ready!(self.poll_wait(cx));
        if !std::mem::replace(&mut self.has_begun, true) {
            answer.set_id(&format!("gen-{}", self.number));
        }
        if let Some(step) = self.steps.next() {
            self.play(step, answer);
            return Poll::Ready(Ok(Progress::More));
        }
        match &self.end {
            End::Marked(reason) => {
                if let Some(reason) = reason {
                    answer.set_finish_reason(reason);
                }
                answer.set_end_marked();
                Poll::Ready(Ok(Progress::End))
            }
            End::BrokenOff => Poll::Ready(Ok(Progress::End)),
            End::Error(error) => Poll::Ready(Err(error.clone())),
            End::Stall => Poll::Pending,
        }
    }

    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.drains_for.is_zero() {
            self.waiting = Some(Box::pin(sleep(std::mem::take(&mut self.drains_for))));
        }
        self.poll_wait(cx)
    }

    fn describe(&self, error: Error) -> Error {
        self.names.apply(error)
    }
}
