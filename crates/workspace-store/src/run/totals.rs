//! The sums over runs by day, provider and model. They are written with the runs, and stay when runs are
//! dropped.

use std::collections::BTreeMap;

use jiff::civil::Date;
use provider_core::Usd;
use serde::{Deserialize, Serialize};

use super::{Run, clean};
use crate::database::Tx;
use crate::error::{Result, StoreError};
use crate::store::Store;
use crate::time::date_of;

/// The sums over runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RunTotals {
    /// How many runs there were.
    pub runs: u64,
    /// How many of them failed.
    pub failed: u64,
    /// The tokens of their requests, as far as they are known.
    pub prompt_tokens: u64,
    /// The tokens of their answers, as far as they are known.
    pub completion_tokens: u64,
    /// The exact sum of their costs, those of upstream providers included, as far as they are known.
    pub cost: Usd,
    /// How many runs [may have cost](Run::lacks_cost) something that is not known.
    pub cost_unknown: u64,
}

impl RunTotals {
    /// Counts a run.
    pub(super) fn add(&mut self, run: &Run) {
        self.runs += 1;
        self.failed += u64::from(run.error_kind.is_some());
        self.prompt_tokens = self.prompt_tokens.saturating_add(run.prompt_tokens.unwrap_or(0));
        self.completion_tokens = self.completion_tokens.saturating_add(run.completion_tokens.unwrap_or(0));
        self.cost_unknown += u64::from(run.lacks_cost());
        for cost in [run.cost, run.upstream_cost].into_iter().flatten() {
            self.cost = self.cost + cost;
        }
    }
}

/// The sums over the runs of a day that asked one provider for one model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DayTotals {
    /// The day on which they began: `2026-11-29`.
    pub day: String,
    /// The id of the configured provider.
    pub provider: String,
    /// The model that was asked for.
    pub model: String,
    /// The sums.
    pub totals: RunTotals,
}

/// The sums over the runs of some days.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct DayReport {
    /// The first day: `2026-11-01`.
    pub from: String,
    /// The last day, which is in it.
    pub to: String,
    /// The time zone of the workspace, in which days begin now. Days that were counted before it was changed
    /// are those of the zone before.
    pub time_zone: String,
    /// By day, provider and model. A day without runs is not in it.
    pub days: Vec<DayTotals>,
}

/// How many days a report has at most.
const MAX_DAYS: i32 = 366;

/// How many days a report has if no first day is named.
const DAYS: i32 = 30;

impl Store {
    /// The sums over the runs of a workspace by day, provider and model, from one day to another, both
    /// included: `2026-11-29`. Without a last day it is today, and without a first one it is 29 days before
    /// the last.
    ///
    /// A run counts on the day on which it began, in the workspace's time zone as it was when the run was
    /// recorded. The sums stay when runs are [dropped](crate::WorkspaceChange::keep_runs).
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::Invalid`] for what is no day, and for more than 366 of them.
    pub async fn run_days(&self, workspace: &str, from: Option<&str>, to: Option<&str>) -> Result<DayReport> {
        let time_zone = self.workspace(workspace).await?.time_zone;
        let to = match to {
            Some(text) => day("to", text)?,
            None => date_of(self.now(), &time_zone),
        };
        let before = |to: Date, days: i32| to.checked_sub(jiff::Span::new().days(days)).unwrap_or(Date::MIN);
        let from = match from {
            Some(text) => day("from", text)?,
            None => before(to, DAYS - 1),
        };
        if from > to {
            return Err(StoreError::invalid("to", "must not be before from"));
        }
        if from <= before(to, MAX_DAYS) {
            return Err(StoreError::invalid("from", format!("must be within {MAX_DAYS} days before to")));
        }
        let (from, to) = (from.to_string(), to.to_string());
        let mut connection = self.database().read.acquire().await?;
        let days = days(&mut connection, workspace, &from, &to).await?;
        Ok(DayReport { from, to, time_zone, days })
    }
}

fn day(field: &'static str, text: &str) -> Result<Date> {
    let is_plain = text.len() == 10;
    let date = is_plain.then(|| text.parse::<Date>().ok()).flatten();
    date.ok_or_else(|| StoreError::invalid(field, "is no day such as 2026-11-29"))
}

/// The sums of a workspace in these days.
pub(crate) async fn days(
    connection: &mut sqlx::AnyConnection,
    workspace: &str,
    from: &str,
    to: &str,
) -> Result<Vec<DayTotals>> {
    use sqlx::Row as _;

    let sql = "SELECT day, provider, model, runs, failed, prompt_tokens, completion_tokens, cost_billionths, \
               cost_rest, cost_unknown FROM run_totals WHERE workspace = $1 AND day >= $2 AND day <= $3 \
               ORDER BY day, provider, model";
    let rows = sqlx::query(sql).bind(workspace).bind(from).bind(to).fetch_all(connection).await?;
    let read = |row: &sqlx::any::AnyRow| {
        let count = |at: usize| row.try_get(at).map(|count: i64| u64::try_from(count).unwrap_or_default());
        Ok(DayTotals {
            day: row.try_get(0)?,
            provider: row.try_get(1)?,
            model: row.try_get(2)?,
            totals: RunTotals {
                runs: count(3)?,
                failed: count(4)?,
                prompt_tokens: count(5)?,
                completion_tokens: count(6)?,
                cost: joined(row.try_get(7)?, row.try_get(8)?),
                cost_unknown: count(9)?,
            },
        })
    };
    Ok(rows.iter().map(read).collect::<Result<_, sqlx::Error>>()?)
}

/// Runs that are about to be counted.
#[derive(Default)]
pub(crate) struct Counts {
    /// By workspace, day, provider and model: in this order hosts lock the rows, so that none waits for
    /// another in a circle.
    sums: BTreeMap<(String, String, String, String), RunTotals>,
    zones: BTreeMap<String, Option<String>>,
}

impl Counts {
    /// Counts a run on its day.
    pub(crate) async fn add(&mut self, tx: &mut Tx, run: &Run) -> Result<()> {
        if !self.zones.contains_key(&run.workspace) {
            let sql = "SELECT time_zone FROM workspaces WHERE id = $1";
            let zone = sqlx::query_scalar(sql).bind(&run.workspace).fetch_optional(&mut **tx).await?;
            self.zones.insert(run.workspace.clone(), zone);
        }
        let Some(Some(zone)) = self.zones.get(&run.workspace) else { return Ok(()) };
        let day = date_of(run.started_ms, zone).to_string();
        let key = (run.workspace.clone(), day, clean(&run.provider), clean(&run.requested));
        self.sums.entry(key).or_default().add(run);
        Ok(())
    }

    /// Adds what was counted to the sums in the database.
    pub(crate) async fn write(self, tx: &mut Tx) -> Result<()> {
        for ((workspace, day, provider, model), totals) in self.sums {
            add(tx, &workspace, &DayTotals { day, provider, model, totals }).await?;
        }
        Ok(())
    }
}

/// Adds to the sums of a day, a provider and a model.
pub(crate) async fn add(tx: &mut Tx, workspace: &str, more: &DayTotals) -> Result<()> {
    // The carry of the rest is added to the billionths. Both have the sign of the amount or are zero, and a
    // sum of mixed signs is exact as well.
    let sql = "INSERT INTO run_totals (workspace, day, provider, model, runs, failed, prompt_tokens, \
               completion_tokens, cost_billionths, cost_rest, cost_unknown) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) \
               ON CONFLICT (workspace, day, provider, model) DO UPDATE SET \
               runs = run_totals.runs + excluded.runs, failed = run_totals.failed + excluded.failed, \
               prompt_tokens = run_totals.prompt_tokens + excluded.prompt_tokens, \
               completion_tokens = run_totals.completion_tokens + excluded.completion_tokens, \
               cost_billionths = run_totals.cost_billionths + excluded.cost_billionths \
               + (run_totals.cost_rest + excluded.cost_rest) / 1000000000000000, \
               cost_rest = (run_totals.cost_rest + excluded.cost_rest) % 1000000000000000, \
               cost_unknown = run_totals.cost_unknown + excluded.cost_unknown";
    let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX).min(MAX_COUNT);
    let RunTotals { runs, failed, prompt_tokens, completion_tokens, cost, cost_unknown } = more.totals;
    let (billionths, rest) = split(cost);
    let query = sqlx::query(sql).bind(workspace).bind(&more.day).bind(&more.provider).bind(&more.model);
    let query = query.bind(count(runs)).bind(count(failed)).bind(count(prompt_tokens));
    let query = query.bind(count(completion_tokens)).bind(billionths).bind(rest).bind(count(cost_unknown));
    query.execute(&mut **tx).await?;
    Ok(())
}

/// The most that a batch adds to a sum: the sum of a million such batches is still in range.
const MAX_COUNT: i64 = 1_000_000_000_000;

/// The most billionths of a dollar that a batch adds: a million dollars.
const MAX_BILLIONTHS: i64 = 1_000_000_000_000_000;

/// Digits of the billionths, and those of the rest.
const DIGITS: (usize, usize) = (9, 15);

/// An amount as billionths of a dollar and the rest.
fn split(amount: Usd) -> (i64, i64) {
    let text = amount.to_string();
    let (sign, text) = text.strip_prefix('-').map_or((1, text.as_str()), |text| (-1, text));
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let fraction = format!("{fraction:0<width$}", width = DIGITS.0 + DIGITS.1);
    let (billionths, rest) = fraction.split_at(DIGITS.0);
    let number = |digits: &str| digits.parse::<i64>().unwrap_or(MAX_BILLIONTHS);
    let billionths = number(whole).saturating_mul(1_000_000_000).saturating_add(number(billionths));
    match billionths {
        0..MAX_BILLIONTHS => (sign * billionths, sign * number(rest)),
        _ => (sign * MAX_BILLIONTHS, 0),
    }
}

fn joined(billionths: i64, rest: i64) -> Usd {
    let amount = |text: String| text.parse().unwrap_or(Usd::ZERO);
    amount(format!("{billionths}e-9")) + amount(format!("{rest}e-24"))
}

/// Counts all runs that are there: for a database that was made before their sums were kept.
pub(crate) async fn count_all(tx: &mut Tx) -> Result<()> {
    let mut after = String::new();
    loop {
        let sql = concat!("SELECT ", columns!(), " FROM runs WHERE id > $1 ORDER BY id LIMIT 1000");
        let rows = sqlx::query(sql).bind(&after).fetch_all(&mut **tx).await?;
        let runs = rows.iter().map(super::read).collect::<Result<Vec<_>, sqlx::Error>>()?;
        let Some(last) = runs.last() else { return Ok(()) };
        after.clone_from(&last.id);
        let mut counts = Counts::default();
        for run in &runs {
            counts.add(tx, run).await?;
        }
        counts.write(tx).await?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn split_amounts_keep_every_digit() {
        for text in
            ["0", "1", "-1.5", "0.00011915000000000001", "0.000000000000000000000001", "999999.999999999"]
        {
            let (billionths, rest) = split(text.parse().unwrap());
            assert_eq!(joined(billionths, rest).to_string(), text);
        }
        assert_eq!(split("0.000000001000000000000002".parse().unwrap()), (1, 2));
        assert_eq!(split("1e12".parse().unwrap()), (MAX_BILLIONTHS, 0), "no bill is so large");
    }
}
