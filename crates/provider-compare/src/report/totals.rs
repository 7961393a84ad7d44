//! The sums over all cells, with exact amounts.

use std::fmt;
use std::time::Duration;

use provider_core::{Usage, Usd};
use serde::{Serialize, Serializer};

use super::cell::CellReport;
use crate::display::{dollars, duration, grouped};

/// The sums over all cells. The usage of a failed cell counts, since it is billed.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Totals {
    /// The number of models.
    pub models: usize,
    /// The number of models that answered.
    pub answered: usize,
    /// The tokens of the requests.
    pub prompt_tokens: u64,
    /// The tokens of the answers.
    pub completion_tokens: u64,
    /// The charges of the services.
    pub cost: Usd,
    /// The additional charges of upstream providers, for keys of your own.
    pub upstream_cost: Usd,
    /// The number of answers, complete or partial, whose cost is unknown and missing in `cost`.
    pub cost_unknown: usize,
    /// The time that the comparison took.
    #[serde(rename = "duration_ms", serialize_with = "milliseconds")]
    pub duration: Duration,
}

impl Totals {
    pub(super) fn of(cells: &[CellReport], duration: Duration) -> Self {
        let usages: Vec<&Usage> =
            cells.iter().filter_map(CellReport::response).map(|response| &response.usage).collect();
        let own_keys = usages.iter().filter(|usage| usage.is_byok == Some(true));
        let total = |figure: fn(&Usage) -> Option<u64>| {
            usages.iter().filter_map(|usage| figure(usage)).fold(0, u64::saturating_add)
        };
        Self {
            models: cells.len(),
            answered: cells.iter().filter(|cell| cell.result.is_ok()).count(),
            prompt_tokens: total(|usage| usage.prompt_tokens),
            completion_tokens: total(|usage| usage.completion_tokens),
            cost: usages.iter().filter_map(|usage| usage.cost).sum(),
            upstream_cost: own_keys.filter_map(|usage| usage.upstream_cost).sum(),
            cost_unknown: usages.iter().filter(|usage| usage.cost.is_none()).count(),
            duration,
        }
    }
}

impl fmt::Display for Totals {
    /// Writes one line: `2 of 3 answered | tokens 24 in, 310 out | cost $0.00251 | 2.41 s`.
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
        if self.upstream_cost != Usd::ZERO {
            write!(f, " and {} at upstream providers", dollars(self.upstream_cost))?;
        }
        match self.cost_unknown {
            0 => {}
            1 => f.write_str(" and one answer of unknown cost")?,
            several => write!(f, " and {several} answers of unknown cost")?,
        }
        write!(f, " | {}", duration(self.duration))
    }
}

fn milliseconds<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    crate::timing::milliseconds(&Some(*time), serializer)
}
