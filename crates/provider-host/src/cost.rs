//! `cost`: what the runs of the store have cost, by day, model, project or node.

use std::collections::BTreeMap;

use provider_core::Usd;
use serde::Serialize;
use workspace_store::{Run, RunFilter};

use crate::cli::{ConnectArgs, CostArgs, CostBy};
use crate::exit::Failure;
use crate::log;
use crate::moment;
use crate::output::Output;
use crate::output::number::{UNKNOWN, dollars, grouped};
use crate::output::table::{Look, Table};
use crate::storage::{Storage, failed};

/// The span of time, unless it is told.
const SINCE: &str = "30d";
/// How many runs are read at a time.
const PAGE: u32 = 500;

#[derive(Serialize)]
struct Sums {
    by: &'static str,
    since_ms: i64,
    sums: Vec<Sum>,
    total: Sum,
}

/// The sums over some runs.
#[derive(Clone, Debug, Default, Serialize)]
struct Sum {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    runs: u64,
    failed: u64,
    prompt_tokens: u64,
    completion_tokens: u64,
    cost: Usd,
    /// How many of the runs may have cost something that is not known.
    cost_unknown: u64,
}

impl Sum {
    fn add(&mut self, run: &Run) {
        self.runs += 1;
        self.failed += u64::from(run.error_kind.is_some());
        self.prompt_tokens = self.prompt_tokens.saturating_add(run.prompt_tokens.unwrap_or(0));
        self.completion_tokens = self.completion_tokens.saturating_add(run.completion_tokens.unwrap_or(0));
        // The store sums its runs by the same rules.
        self.cost = self.cost + log::cost(run).unwrap_or(Usd::ZERO);
        self.cost_unknown += u64::from(run.lacks_cost());
    }
}

pub(crate) async fn run(args: &CostArgs, connect: &ConnectArgs, output: Output) -> Result<(), Failure> {
    let mut sums: BTreeMap<String, Sum> = BTreeMap::new();
    let mut total = Sum::default();
    let text = args.since.as_deref().unwrap_or(SINCE);
    let now = moment::now_ms();
    let mut since_ms = moment::since(text, now, &moment::zone("UTC")).map_err(Failure::Usage)?;
    if connect.kept.has_store() {
        let storage = connect.kept.storage().await?;
        let record = storage.store.workspace(&storage.workspace).await.map_err(failed)?;
        let zone = moment::zone(&record.time_zone);
        since_ms = moment::since(text, now, &zone).map_err(Failure::Usage)?;
        for workspace in workspaces(&storage, args.by).await? {
            each_run(&storage, &workspace, since_ms, |run| {
                let name = match args.by {
                    CostBy::Day => moment::day(run.started_ms, &zone),
                    CostBy::Model => run.served.clone().unwrap_or_else(|| run.requested.clone()),
                    CostBy::Project => run.workspace.clone(),
                    CostBy::Node => run.node.clone().unwrap_or_else(|| UNKNOWN.to_owned()),
                };
                sums.entry(name).or_default().add(run);
                total.add(run);
            })
            .await?;
        }
    }
    let named = sums.into_iter().map(|(name, sum)| Sum { name: Some(name), ..sum });
    let mut sums: Vec<Sum> = named.collect();
    if args.by != CostBy::Day {
        // The most expensive first; names stay in order among equals.
        sums.sort_by_key(|sum| std::cmp::Reverse(sum.cost));
    }
    if args.json {
        return Ok(output.write_json(&Sums { by: word(args.by), since_ms, sums, total })?);
    }
    if total.runs == 0 {
        output.note("no run was logged in this time");
        return Ok(());
    }
    let mut table = Table::new().left(title(args.by)).right("RUNS").right("FAILED").right("IN").right("OUT");
    table = table.right("COST");
    for sum in sums.iter().chain([&total]) {
        table.row([
            sum.name.clone().unwrap_or_else(|| "total".to_owned()),
            grouped(sum.runs),
            grouped(sum.failed),
            grouped(sum.prompt_tokens),
            grouped(sum.completion_tokens),
            dollars(sum.cost),
        ]);
        match sum.cost_unknown {
            0 => {}
            1 => table.below("and one run whose cost is not known", Look::Faint),
            several => table.below(&format!("and {several} runs whose costs are not known"), Look::Faint),
        }
    }
    Ok(output.write(&table.render(output.columns, output.out))?)
}

/// The workspaces whose runs are summed: of projects all but the sandbox's, otherwise the own one.
async fn workspaces(storage: &Storage, by: CostBy) -> Result<Vec<String>, Failure> {
    if by != CostBy::Project {
        return Ok(vec![storage.workspace.clone()]);
    }
    let mut ids: Vec<String> = Vec::new();
    loop {
        let after = ids.last().cloned().unwrap_or_default();
        let page = storage.store.workspaces(&after, PAGE).await.map_err(failed)?;
        let is_last = page.len() < PAGE as usize;
        ids.extend(page.into_iter().map(|record| record.id));
        if is_last {
            break;
        }
    }
    ids.retain(|id| id != crate::config::SANDBOX_WORKSPACE || *id == storage.workspace);
    Ok(ids)
}

async fn each_run(
    storage: &Storage,
    workspace: &str,
    since_ms: i64,
    mut visit: impl FnMut(&Run),
) -> Result<(), Failure> {
    let mut before: Option<String> = None;
    loop {
        let page = storage.store.runs(workspace, &RunFilter::new(), before.as_deref(), PAGE).await;
        let page = page.map_err(failed)?;
        page.iter().filter(|run| run.started_ms >= since_ms).for_each(&mut visit);
        let is_over = page.last().is_none_or(|run| run.started_ms < since_ms);
        if is_over || page.len() < PAGE as usize {
            return Ok(());
        }
        before = page.last().map(|run| run.id.clone());
    }
}

fn word(by: CostBy) -> &'static str {
    match by {
        CostBy::Day => "day",
        CostBy::Model => "model",
        CostBy::Project => "project",
        CostBy::Node => "node",
    }
}

fn title(by: CostBy) -> &'static str {
    match by {
        CostBy::Day => "DAY",
        CostBy::Model => "MODEL",
        CostBy::Project => "PROJECT",
        CostBy::Node => "NODE",
    }
}
