//! Deadlines and stops: the reasons that end a comparison or a cell early.

use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use provider_core::{Error, ErrorKind};
use serde::Serialize;
use tokio::time::sleep;

/// How a comparison ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Ended {
    /// Every model answered or failed by itself.
    Complete,
    /// The [deadline](crate::Comparison::deadline) passed before.
    Deadline,
    /// The caller [stopped](crate::Comparison::run_until) it before.
    Stopped,
}

/// Why a cell ends early.
#[derive(Clone, Copy, Debug)]
pub(crate) enum StopReason {
    /// The cell's time is over.
    Cell(Duration),
    /// The comparison's time is over.
    Deadline(Duration),
    /// The caller stopped the comparison.
    Stopped,
}

impl StopReason {
    /// The end of the comparison that this reason means, if it is not that of a single cell.
    pub(crate) fn ended(self) -> Option<Ended> {
        match self {
            StopReason::Cell(_) => None,
            StopReason::Deadline(_) => Some(Ended::Deadline),
            StopReason::Stopped => Some(Ended::Stopped),
        }
    }

    /// The error of a model whose answer is incomplete.
    pub(crate) fn incomplete_error(self) -> Error {
        match self {
            StopReason::Cell(time) => {
                timeout(format!("there was no complete answer within {}", seconds(time)))
            }
            StopReason::Deadline(time) => timeout(format!(
                "there was no complete answer when the comparison's {} were over",
                seconds(time)
            )),
            StopReason::Stopped => stopped("the comparison was stopped before the answer was complete"),
        }
    }

    /// The error of a model that was not asked.
    pub(crate) fn not_asked_error(self) -> Error {
        match self {
            StopReason::Cell(time) | StopReason::Deadline(time) => {
                timeout(format!("not asked: the comparison's {} were over before", seconds(time)))
            }
            StopReason::Stopped => stopped("not asked: the comparison was stopped before"),
        }
    }
}

/// Resolves when all cells have to end: when `stop` resolves or the deadline passes.
pub(crate) async fn end(stop: impl Future<Output = ()>, deadline: Option<Duration>) -> StopReason {
    let stopped = pin!(async {
        stop.await;
        StopReason::Stopped
    });
    match deadline {
        None => stopped.await,
        Some(deadline) => race(stopped, pin!(sleep_then(deadline, StopReason::Deadline(deadline)))).await,
    }
}

/// Resolves when one cell has to end: when its own time is over, or with all cells.
pub(crate) async fn cell_end(
    all: impl Future<Output = StopReason> + Unpin,
    timeout: Option<Duration>,
) -> StopReason {
    match timeout {
        None => all.await,
        Some(timeout) => race(all, pin!(sleep_then(timeout, StopReason::Cell(timeout)))).await,
    }
}

/// Runs `work` until it is done or `end` resolves. Polls `end` first, so that work that is always ready is
/// stopped, too.
pub(crate) async fn until_end<W: Future>(
    end: impl Future<Output = StopReason> + Unpin,
    work: W,
) -> Result<W::Output, StopReason> {
    match select(end, pin!(work)).await {
        Either::Left((reason, _)) => Err(reason),
        Either::Right((output, _)) => Ok(output),
    }
}

async fn race<T>(one: impl Future<Output = T> + Unpin, other: impl Future<Output = T> + Unpin) -> T {
    select(one, other).await.factor_first().0
}

async fn sleep_then(time: Duration, reason: StopReason) -> StopReason {
    sleep(time).await;
    reason
}

fn timeout(message: String) -> Error {
    Error::new(ErrorKind::Timeout, message)
}

fn stopped(message: &str) -> Error {
    Error::new(ErrorKind::Interrupted, message)
}

fn seconds(time: Duration) -> String {
    format!("{} s", time.as_secs_f64())
}
