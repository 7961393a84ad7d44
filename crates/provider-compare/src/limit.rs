//! What ends a comparison, or a cell of it, before it is through.

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
    /// Every model has answered or failed by itself.
    Complete,
    /// The [deadline](crate::Comparison::deadline) passed before that.
    Deadline,
    /// It was [stopped](crate::Comparison::run_until) before that.
    Stopped,
}

/// Why a cell has to end.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Limit {
    /// Its own time is over.
    Cell(Duration),
    /// The time of the comparison is over.
    Deadline(Duration),
    /// The comparison was stopped.
    Stopped,
}

impl Limit {
    /// How the comparison ends by it, if it is not one of a single cell.
    pub(crate) fn ends_all(self) -> Option<Ended> {
        match self {
            Limit::Cell(_) => None,
            Limit::Deadline(_) => Some(Ended::Deadline),
            Limit::Stopped => Some(Ended::Stopped),
        }
    }

    /// The error of a model that was asked.
    pub(crate) fn cut_off(self) -> Error {
        match self {
            Limit::Cell(time) => timeout(format!("there was no complete answer within {}", seconds(time))),
            Limit::Deadline(time) => timeout(format!(
                "there was no complete answer when the comparison's {} were over",
                seconds(time)
            )),
            Limit::Stopped => stopped("the comparison was stopped before the answer was complete"),
        }
    }

    /// The error of a model whose turn did not come.
    pub(crate) fn not_begun(self) -> Error {
        match self {
            Limit::Cell(time) | Limit::Deadline(time) => {
                timeout(format!("not asked: the comparison's {} were over before", seconds(time)))
            }
            Limit::Stopped => stopped("not asked: the comparison was stopped before"),
        }
    }
}

/// The end of all cells: when `stop` is done or the deadline passes, whichever comes first.
pub(crate) async fn end(stop: impl Future<Output = ()>, deadline: Option<Duration>) -> Limit {
    let stopped = pin!(async {
        stop.await;
        Limit::Stopped
    });
    match deadline {
        None => stopped.await,
        Some(deadline) => first(stopped, pin!(after(deadline, Limit::Deadline(deadline)))).await,
    }
}

/// The end of one cell: its own, or that of all.
pub(crate) async fn end_of_cell(
    all: impl Future<Output = Limit> + Unpin,
    timeout: Option<Duration>,
) -> Limit {
    match timeout {
        None => all.await,
        Some(timeout) => first(all, pin!(after(timeout, Limit::Cell(timeout)))).await,
    }
}

/// The result of `work`, unless `end` comes first. The end is looked at first, so that work which never has
/// to wait ends, too.
pub(crate) async fn unless<W: Future>(
    end: impl Future<Output = Limit> + Unpin,
    work: W,
) -> Result<W::Output, Limit> {
    match select(end, pin!(work)).await {
        Either::Left((limit, _)) => Err(limit),
        Either::Right((output, _)) => Ok(output),
    }
}

async fn first<T>(one: impl Future<Output = T> + Unpin, other: impl Future<Output = T> + Unpin) -> T {
    select(one, other).await.factor_first().0
}

async fn after(time: Duration, limit: Limit) -> Limit {
    sleep(time).await;
    limit
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
