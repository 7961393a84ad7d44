//! What is told while a comparison runs.

use std::sync::{Mutex, PoisonError};

use provider_core::Event;
use serde::Serialize;

use crate::CellReport;

/// Something that happened in a cell. Serialises as `index`, `label`, `type` and `data`, for a page that
/// shows it live.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Progress<'a> {
    /// Which cell, counted from 0 in their order.
    pub index: usize,
    /// The cell's label.
    pub label: &'a str,
    /// What happened.
    #[serde(flatten)]
    pub step: CellStep<'a>,
}

/// What happened in a cell: `Started` unless it is never asked, then any number of `Event`, then `Finished`,
/// always.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(tag = "type", content = "data", rename_all = "snake_case")]
#[non_exhaustive]
pub enum CellStep<'a> {
    /// Its model is asked.
    Started,
    /// A piece of the answer, or the end of a complete one.
    Event(&'a Event),
    /// It is over, one way or the other.
    Finished(&'a CellReport),
}

/// The caller's function, for all cells to call. They take turns in one task, so the lock is never waited
/// for; it is here so that the comparison can move between threads.
pub(crate) struct Watcher<F>(Mutex<F>);

impl<F: FnMut(Progress<'_>)> Watcher<F> {
    pub(crate) fn new(watch: F) -> Self {
        Self(Mutex::new(watch))
    }

    pub(crate) fn tell(&self, index: usize, label: &str, step: CellStep<'_>) {
        let mut watch = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        watch(Progress { index, label, step });
    }
}
