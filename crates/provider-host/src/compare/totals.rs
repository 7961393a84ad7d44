//! The last line of a comparison: everything added up, money exactly.

use std::fmt;

use provider_core::{Usage, Usd};
use serde::Serialize;

use crate::ask::Outcome;
use crate::output::number::{dollars, grouped};

/// Sums over all cells. What failed after it had used something counts, since it is billed.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Totals {
    models: usize,
    answered: usize,
    prompt_tokens: u64,
    completion_tokens: u64,
    cost: Usd,
    /// Answers whose cost nobody told; they are missing in `cost`.
    cost_unknown: usize,
}

impl Totals {
    pub(super) fn of(cells: &[Outcome]) -> Self {
        let usages: Vec<&Usage> =
            cells.iter().filter_map(Outcome::response).map(|response| &response.usage).collect();
        Self {
            models: cells.len(),
            answered: cells.iter().filter(|cell| cell.result.is_ok()).count(),
            prompt_tokens: usages.iter().filter_map(|usage| usage.prompt_tokens).sum(),
            completion_tokens: usages.iter().filter_map(|usage| usage.completion_tokens).sum(),
            cost: usages.iter().filter_map(|usage| usage.cost).sum(),
            cost_unknown: usages.iter().filter(|usage| usage.cost.is_none()).count(),
        }
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} of {} answered | tokens {} in, {} out | cost {}",
            self.answered,
            self.models,
            grouped(self.prompt_tokens),
            grouped(self.completion_tokens),
            dollars(self.cost)
        )?;
        match self.cost_unknown {
            0 => Ok(()),
            1 => write!(f, " and one answer of unknown cost"),
            several => write!(f, " and {several} answers of unknown cost"),
        }
    }
}
