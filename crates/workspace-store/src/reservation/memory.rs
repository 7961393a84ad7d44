//! The settings that reserving needs, in memory while the change feed is read.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::tz::TimeZone;

use crate::budget::Scope;
use crate::error::RecordKind;
use crate::feed::Change;
use crate::store::Watch;

/// The part of a workspace's settings that reserving needs.
#[derive(Debug)]
pub(crate) struct AboutBudgets {
    pub(super) zone: TimeZone,
    pub(super) has_any: bool,
    /// The budgets of each user, node or token, by their ids.
    pub(super) each: Vec<(String, Scope)>,
}

/// The settings that reserving needs, of the workspaces that called lately, dropped when they change.
#[derive(Default)]
pub(crate) struct BudgetMemory(Mutex<Remembered>);

#[derive(Default)]
struct Remembered {
    workspaces: HashMap<String, Arc<AboutBudgets>>,
    /// Counts changes. What was read before one is not remembered after it.
    generation: u64,
}

/// How many workspaces are remembered at most. One more empties the memory.
const MAX_REMEMBERED: usize = 10_000;

impl BudgetMemory {
    fn remembered(&self) -> MutexGuard<'_, Remembered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn generation(&self) -> u64 {
        self.remembered().generation
    }

    pub(super) fn get(&self, workspace: &str) -> Option<Arc<AboutBudgets>> {
        self.remembered().workspaces.get(workspace).cloned()
    }

    pub(super) fn put(&self, workspace: &str, about: Arc<AboutBudgets>, generation: u64) {
        let mut remembered = self.remembered();
        if remembered.generation != generation {
            return;
        }
        if remembered.workspaces.len() >= MAX_REMEMBERED {
            remembered.workspaces.clear();
        }
        remembered.workspaces.insert(workspace.to_owned(), about);
    }

    pub(super) fn forget(&self, workspace: &str) {
        let mut remembered = self.remembered();
        remembered.workspaces.remove(workspace);
        remembered.generation += 1;
    }
}

impl Watch for BudgetMemory {
    fn changed(&self, change: &Change) {
        match change {
            Change::Of { workspace, kind: RecordKind::Workspace | RecordKind::Budget, .. } => {
                self.forget(workspace);
            }
            Change::Of { .. } => {}
            Change::Everything => {
                let mut remembered = self.remembered();
                remembered.workspaces.clear();
                remembered.generation += 1;
            }
        }
    }
}
