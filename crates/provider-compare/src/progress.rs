//! The progress of a running comparison.

use std::sync::{Mutex, PoisonError};

use provider_core::Event;
use serde::Serialize;

use crate::CellReport;

/// A step of a cell. Serialises as `index`, `label`, `type` and `data`, for a page that shows it live.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Progress<'a> {
    /// The index of the cell, from 0.
    pub index: usize,
    /// The cell's label.
    pub label: &'a str,
    /// The step.
    #[serde(flatten)]
    pub step: CellStep<'a>,
}

/// A step of a cell: `Started` if its model is asked, then any number of `Event`, then always `Finished`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(tag = "type", content = "data", rename_all = "snake_case")]
#[non_exhaustive]
pub enum CellStep<'a> {
    /// The request is sent to its model.
    Started,
    /// A piece of the answer, or its complete end.
    Event(&'a Event),
    /// The cell has its result: an answer or an error.
    Finished(&'a CellReport),
}

/// The caller's function, which all cells call. They run in one task, so that nobody waits for the lock; it
/// lets the comparison move between threads.
pub(crate) struct ProgressSink<F>(Mutex<F>);

impl<F: FnMut(Progress<'_>)> ProgressSink<F> {
    pub(crate) fn new(watch: F) -> Self {
        Self(Mutex::new(watch))
    }

    pub(crate) fn send(&self, index: usize, label: &str, step: CellStep<'_>) {
        let mut watch = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        watch(Progress { index, label, step });
    }
}
