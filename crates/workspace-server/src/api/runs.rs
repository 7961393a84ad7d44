//! Runs of a workspace, and what they cost.

use axum::Json;
use axum::extract::State;
use provider_core::FieldProblem;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use workspace_store::RunFilter;

use super::extract::{Ids, Page, Params, page_len};
use crate::access::Bearer;
use crate::error::{ApiError, Envelope, Result, success};
use crate::money;
use crate::state::App;

/// One call of a model.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Run {
    id: String,
    /// Milliseconds since 1970.
    started_ms: i64,
    /// The agent node that asked.
    node: Option<String>,
    user: Option<String>,
    /// The id of the API token that it came with.
    token: Option<String>,
    conversation: Option<String>,
    /// The id of the configured provider.
    provider: String,
    /// The model that was asked for.
    requested: String,
    /// The model that answered.
    served: Option<String>,
    /// The upstream provider that ran it.
    upstream: Option<String>,
    /// The service's id of the generation.
    generation: Option<String>,
    /// How many attempts there were, those that failed included.
    attempts: u32,
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
    cached_tokens: Option<u64>,
    reasoning_tokens: Option<u64>,
    /// US dollars, exactly as billed; `null`: the service did not say.
    cost: Option<String>,
    /// The upstream provider's own charge in US dollars.
    upstream_cost: Option<String>,
    /// The time to the first output, in milliseconds.
    first_output_ms: Option<u64>,
    total_ms: Option<u64>,
    finish: Option<String>,
    error_kind: Option<String>,
    error: Option<String>,
}

impl From<workspace_store::Run> for Run {
    fn from(run: workspace_store::Run) -> Self {
        Self {
            id: run.id,
            started_ms: run.started_ms,
            node: run.node,
            user: run.user,
            token: run.token,
            conversation: run.conversation,
            provider: run.provider,
            requested: run.requested,
            served: run.served,
            upstream: run.upstream,
            generation: run.generation,
            attempts: run.attempts,
            prompt_tokens: run.prompt_tokens,
            completion_tokens: run.completion_tokens,
            cached_tokens: run.cached_tokens,
            reasoning_tokens: run.reasoning_tokens,
            cost: run.cost.map(|cost| cost.to_string()),
            upstream_cost: run.upstream_cost.map(|cost| cost.to_string()),
            first_output_ms: run.first_output_ms,
            total_ms: run.total_ms,
            finish: run.finish,
            error_kind: run.error_kind,
            error: run.error,
        }
    }
}

/// The prompt and the answer of a run.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RunContent {
    #[schema(value_type = Object)]
    request: Value,
    /// `null`: none came.
    #[schema(value_type = Option<Object>)]
    response: Value,
}

/// The sums over runs.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RunTotals {
    runs: u64,
    failed: u64,
    prompt_tokens: u64,
    completion_tokens: u64,
    /// US dollars, exact, as far as costs are known.
    cost: String,
    /// How many runs have no known cost.
    cost_unknown: u64,
}

impl From<workspace_store::RunTotals> for RunTotals {
    fn from(totals: workspace_store::RunTotals) -> Self {
        Self {
            runs: totals.runs,
            failed: totals.failed,
            prompt_tokens: totals.prompt_tokens,
            completion_tokens: totals.completion_tokens,
            cost: totals.cost.to_string(),
            cost_unknown: totals.cost_unknown,
        }
    }
}

/// Which runs to list. All conditions must hold.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Filter {
    node: Option<String>,
    user: Option<String>,
    /// The id of an API token.
    token: Option<String>,
    provider: Option<String>,
    /// The model that was asked for or that answered, with or without its provider:
    /// `openrouter:openai/gpt-4o`.
    model: Option<String>,
    conversation: Option<String>,
    /// The reason why the model stopped: `stop`, `length`, `tool_calls`, …
    finish: Option<String>,
    /// The kind of error: `rate_limited`, `timeout`, …, or `cancelled` for a caller that left.
    error_kind: Option<String>,
    /// `true`: those that failed; `false`: the others.
    failed: Option<bool>,
    /// Those that began at this moment or later, in milliseconds since 1970.
    from_ms: Option<i64>,
    /// Those that began before this moment, in milliseconds since 1970.
    to_ms: Option<i64>,
    /// The cursor of the page before.
    before: Option<String>,
    /// Items in a page. Default: 50.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

/// Adds a condition to a filter.
type Condition = fn(RunFilter, String) -> RunFilter;

impl Filter {
    fn filter(&self) -> RunFilter {
        let mut filter = RunFilter::new();
        let conditions: [(_, Condition); 8] = [
            (&self.node, RunFilter::node),
            (&self.user, RunFilter::user),
            (&self.token, RunFilter::token),
            (&self.provider, RunFilter::provider),
            (&self.model, RunFilter::model),
            (&self.conversation, RunFilter::conversation),
            (&self.finish, RunFilter::finish),
            (&self.error_kind, RunFilter::error_kind),
        ];
        for (given, condition) in conditions {
            if let Some(given) = given {
                filter = condition(filter, given.clone());
            }
        }
        if let Some(failed) = self.failed {
            filter = filter.failed(failed);
        }
        if let Some(moment) = self.from_ms {
            filter = filter.from_ms(moment);
        }
        if let Some(moment) = self.to_ms {
            filter = filter.to_ms(moment);
        }
        filter
    }
}

fn check_span(from: Option<i64>, to: Option<i64>) -> Result<()> {
    match (from, to) {
        (Some(from), Some(to)) if from > to => {
            Err(ApiError::invalid(vec![FieldProblem::new("to_ms", "must not be before from_ms")]))
        }
        _ => Ok(()),
    }
}

/// Lists runs, newest first.
#[utoipa::path(get, path = "/api/v1/workspaces/{workspace}/runs", operation_id = "list_runs", params(Filter),
    responses((status = 200, body = Envelope<Page<Run>>)))]
pub(crate) async fn list(
    State(app): State<App>,
    bearer: Bearer,
    Params(given): Params<Filter>,
) -> Result<Json<Envelope<Page<Run>>>> {
    let len = page_len(given.limit)?;
    check_span(given.from_ms, given.to_ms)?;
    let filter = given.filter();
    let runs = app.store.runs(bearer.workspace(), &filter, given.before.as_deref(), len + 1).await?;
    let runs = runs.into_iter().map(Run::from).collect();
    Ok(success(Page::of(runs, len, |run: &Run| run.id.clone())))
}

/// Shows a run.
#[utoipa::path(get, path = "/api/v1/workspaces/{workspace}/runs/{run}", operation_id = "show_run",
    responses((status = 200, body = Envelope<Run>)))]
pub(crate) async fn show(State(app): State<App>, bearer: Bearer, ids: Ids) -> Result<Json<Envelope<Run>>> {
    Ok(success(app.store.run(bearer.workspace(), ids.get("run")).await?.into()))
}

/// Shows the prompt and the answer of a run; `null` if the workspace does not keep them, or not any more.
#[utoipa::path(get, path = "/api/v1/workspaces/{workspace}/runs/{run}/content",
    operation_id = "show_run_content", responses((status = 200, body = Envelope<Option<RunContent>>)))]
pub(crate) async fn content(
    State(app): State<App>,
    bearer: Bearer,
    ids: Ids,
) -> Result<Json<Envelope<Option<RunContent>>>> {
    let (workspace, id) = (bearer.workspace(), ids.get("run"));
    app.store.run(workspace, id).await?;
    let content = app.store.run_content(workspace, id).await?;
    // It was written from JSON.
    let json = |json: provider_core::RawJson| json.read().unwrap_or_default();
    let content = content.map(|content| RunContent {
        request: json(content.request),
        response: money::exact(&content.response),
    });
    Ok(success(content))
}

/// A span of time.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Span {
    /// Milliseconds since 1970. Default: 0.
    from_ms: Option<i64>,
    /// The end, which is left out. Default: no end.
    to_ms: Option<i64>,
}

/// Sums over the runs that began in a span of time.
#[utoipa::path(get, path = "/api/v1/workspaces/{workspace}/run-totals", operation_id = "show_run_totals",
    params(Span), responses((status = 200, body = Envelope<RunTotals>)))]
pub(crate) async fn totals(
    State(app): State<App>,
    bearer: Bearer,
    Params(span): Params<Span>,
) -> Result<Json<Envelope<RunTotals>>> {
    let (from, to) = (span.from_ms.unwrap_or(0), span.to_ms.unwrap_or(i64::MAX));
    check_span(Some(from), Some(to))?;
    Ok(success(app.store.run_totals(bearer.workspace(), from, to).await?.into()))
}

/// Sums over runs by day, provider and model. They stay when runs are dropped.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RunDays {
    /// The first day: `2026-11-01`.
    from: String,
    /// The last day, which is in it.
    to: String,
    /// The time zone of the workspace, in which days begin now.
    time_zone: String,
    /// By day, provider and model. A day without runs is not in it.
    days: Vec<RunDay>,
}

/// The sums over the runs of a day that asked one provider for one model.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RunDay {
    /// `2026-11-29`.
    day: String,
    /// The id of the configured provider.
    provider: String,
    /// The model that was asked for.
    model: String,
    totals: RunTotals,
}

/// A span of days, 366 at most.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Days {
    /// The first day: `2026-11-01`. Default: 29 days before the last.
    #[param(format = Date)]
    from: Option<String>,
    /// The last day, which is in it. Default: today in the workspace's time zone.
    #[param(format = Date)]
    to: Option<String>,
}

/// Sums over runs by day, provider and model, in the time zone of the workspace. They stay when runs are
/// dropped.
#[utoipa::path(get, path = "/api/v1/workspaces/{workspace}/run-days", operation_id = "show_run_days",
    params(Days), responses((status = 200, body = Envelope<RunDays>)))]
pub(crate) async fn days(
    State(app): State<App>,
    bearer: Bearer,
    Params(span): Params<Days>,
) -> Result<Json<Envelope<RunDays>>> {
    let report = app.store.run_days(bearer.workspace(), span.from.as_deref(), span.to.as_deref()).await?;
    let day = |day: workspace_store::DayTotals| RunDay {
        day: day.day,
        provider: day.provider,
        model: day.model,
        totals: day.totals.into(),
    };
    Ok(success(RunDays {
        from: report.from,
        to: report.to,
        time_zone: report.time_zone,
        days: report.days.into_iter().map(day).collect(),
    }))
}
